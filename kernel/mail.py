"""Ways to reach people: the console for a set-up without mail, and SMTP with STARTTLS."""

from __future__ import annotations

import smtplib
import ssl
import sys
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, TextIO

from kernel.notices import ANSWER_SECONDS_MAX, Address, Message


class ConsoleChannel:
    """Writes notices where the worker was started; of the address it shows enough to tell two apart."""

    name: Final = "console"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def reaches(self, address: Address) -> bool:
        """Reach everybody."""
        return True

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Write them one after the other."""
        for message in messages:
            self._stream.write(f"--- notice to {masked(message.to)}: {message.subject}\n{message.body}\n")
        self._stream.flush()
        return {}


class SmtpChannel:
    """Sends notices by mail, one connection for a batch.

    With `starttls` the server's certificate is checked, and a server that offers no TLS gets no mail.
    """

    name: Final = "smtp"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        username: str = "",
        password: str = "",
        starttls: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._tls = (tls or ssl.create_default_context()) if starttls else None

    def reaches(self, address: Address) -> bool:
        """Reach whoever has a mail address."""
        return "@" in address.email

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Send them; when the server cannot be reached every one that was not sent yet has failed."""
        failed = {message.notice_id: "mail server unreachable" for message in messages}
        try:
            with smtplib.SMTP(self._host, self._port, timeout=ANSWER_SECONDS_MAX) as server:
                if self._tls is not None:
                    server.starttls(context=self._tls)
                if self._username:
                    server.login(self._username, self._password)
                for message in messages:
                    try:
                        server.send_message(compose(message, sender=self._sender))
                    except smtplib.SMTPResponseException as error:
                        failed[message.notice_id] = f"mail server said {error.smtp_code}"
                    except smtplib.SMTPRecipientsRefused as error:
                        codes = sorted({code for code, _ in error.recipients.values()})
                        failed[message.notice_id] = f"recipient refused {codes}"
                    except (ValueError, smtplib.SMTPNotSupportedError):
                        failed[message.notice_id] = "the address cannot be written in a mail"
                    else:
                        del failed[message.notice_id]
        except (OSError, smtplib.SMTPException) as error:
            failed = {notice_id: f"{why}: {type(error).__name__}" for notice_id, why in failed.items()}
        return failed


def compose(message: Message, *, sender: str) -> EmailMessage:
    """Write the mail; its Message-ID is the notice's, so one sent twice can be told."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.notice_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Content-Language"] = message.locale
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body)
    return mail


def masked(address: str) -> str:
    """Hide an address but for its first letter and its domain."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}" if name else "***"
