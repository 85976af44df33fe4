"""Notices by mail, against a real server on loopback: TLS is checked, one bad address spoils no other mail."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from kernel.mail import SmtpChannel
from kernel.notices import Address, Message
from tests.kernel.mail_server import mail_server

MOMENT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def message(number: int, to: str = "ann@example.org") -> Message:
    return Message(f"{number:032x}", to, "意向金已到账\r\nBcc: all@example.org", "已收到¥5,000。\n", "zh-CN", MOMENT)


def channel(port: int, *, starttls: bool = False, tls: ssl.SSLContext | None = None) -> SmtpChannel:
    return SmtpChannel(
        host="localhost", port=port, sender="Muster <no-reply@muster.example>", starttls=starttls, tls=tls
    )


def test_a_notice_arrives_as_it_was_written(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=False) as server:
        failed = channel(server.port).send([message(1)])

    (mail,) = server.mails
    assert failed == {}
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"] == "意向金已到账 Bcc: all@example.org"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == f"<{1:032x}@muster.example>"
    assert mail["Date"] == "Mon, 23 Nov 2026 02:00:00 +0000"
    assert mail.get_content().split() == ["已收到¥5,000。"]


def test_one_address_that_is_refused_or_broken_spoils_no_other(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=False) as server:
        server.refused.add("gone@example.org")
        batch = [
            message(1, "gone@example.org"),
            message(2, "周@example.org"),
            message(3, "a\nb@example.org"),
            message(4),
        ]
        failed = channel(server.port).send(batch)

    assert sorted(failed) == [f"{number:032x}" for number in (1, 2, 3)]
    assert failed[f"{1:032x}"] == "recipient refused [550]"
    assert [mail["To"] for mail in server.mails] == ["ann@example.org"]


def test_mail_goes_out_under_tls_when_the_certificate_is_trusted(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=True) as server:
        assert server.certificate is not None
        trusting = ssl.create_default_context(cafile=str(server.certificate))
        failed = channel(server.port, starttls=True, tls=trusting).send([message(1)])

    assert (failed, server.secured, len(server.mails)) == ({}, 1, 1)


def test_a_server_with_an_unknown_certificate_or_without_tls_gets_no_mail(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=True) as stranger, mail_server(tmp_path, tls=False) as plain:
        unknown = channel(stranger.port, starttls=True).send([message(1)])
        bare = channel(plain.port, starttls=True).send([message(1)])

    assert unknown == {f"{1:032x}": "mail server unreachable: SSLCertVerificationError"}
    assert bare == {f"{1:032x}": "mail server unreachable: SMTPNotSupportedError"}
    assert (stranger.mails, plain.mails) == ([], [])


def test_a_server_that_is_away_fails_every_notice(tmp_path: Path) -> None:
    with mail_server(tmp_path, tls=False) as server:
        port = server.port

    failed = channel(port).send([message(1), message(2)])

    assert set(failed.values()) == {"mail server unreachable: ConnectionRefusedError"}
    assert len(failed) == 2


def test_mail_reaches_only_who_has_an_address() -> None:
    assert channel(25).reaches(Address("ann@example.org", "en"))
    assert not channel(25).reaches(Address("+86 138", "zh-CN"))
