"""A small SMTP server on loopback that keeps the mails it takes; with STARTTLS under a certificate of its own."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class MailServer:
    """Where it listens, what it took, and how it treats whom."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    tls: ssl.SSLContext | None = None
    certificate: Path | None = None
    secured: int = 0


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.box
        self._say("220 loopback")
        while line := self.rfile.readline(2000).decode("ascii", "replace").strip():
            word = line.split(":")[0].upper()
            if word.startswith("EHLO"):
                self._say("250-loopback\r\n250 STARTTLS" if box.tls else "250 loopback")
            elif word == "STARTTLS" and box.tls is not None:
                self._say("220 go ahead")
                self.connection = box.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                box.secured += 1
            elif word == "RCPT TO" and any(address in line for address in box.refused):
                self._say("550 no such user")
            elif word == "DATA":
                self._take_mail(box)
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _take_mail(self, box: MailServer) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        box.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, box: MailServer) -> None:
        self.box = box
        super().__init__(("127.0.0.1", 0), _Session)


@contextmanager
def mail_server(folder: Path, *, tls: bool) -> Iterator[MailServer]:
    """Run the server meanwhile."""
    box = MailServer()
    if tls:
        box.certificate = _make_certificate(folder)
        box.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        box.tls.load_cert_chain(box.certificate)
    with _Server(box) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield box
        server.shutdown()
        thread.join()


def _make_certificate(folder: Path) -> Path:
    """Write a key and a certificate for `localhost` that is good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
