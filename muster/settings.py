"""What the environment says: read once, checked at once; a broken setting stops the start with one clear line.

Secrets come from the environment alone. The demo has published ones, and therefore listens on loopback only.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final

from sqlalchemy.exc import ArgumentError

from kernel.db import database_url
from kernel.outward import read_networks

DEFAULT_DATABASE: Final = "sqlite:///var/muster.db"
SECRET_BYTES_MIN: Final = 32
TOKEN_LENGTH_MIN: Final = 16
DEMO_SECRET: Final = "published with the demo brand and good for nothing else"


class SettingError(Exception):
    """A setting is missing or broken; the text is one line that says which and what to write."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys of this installation, each at least 32 bytes.

    `identity` keys the hashes of ID numbers and derives one-time tokens; `quote` is the Ed25519 seed that signs
    quotes; `payments` signs and checks what the sandbox provider sends.
    """

    identity: bytes = field(repr=False)
    quote: bytes = field(repr=False)
    payments: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """Where notices leave by mail; without a host they are written to the log of the worker, if `printed` says so."""

    host: str = ""
    port: int = 587
    sender: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = True
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides. What is secret, or may hold a password, is never shown."""

    database_url: str = field(repr=False)
    secrets: Secrets
    demo: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    connections_max: int = 8
    queue_max: int = 4096
    followers_max: int = 5000
    brand: str = "qilan"
    public_url: str = ""
    trusted_documents: str = ""
    sandbox_providers: bool = False
    trusted_proxies: str = ""
    metrics_token: str = field(default="", repr=False)
    webhook_networks: str = ""
    log_level: str = "INFO"
    circuits_folder: str = ""
    circuits_megabytes: int = 256
    compile_seconds: int = 60
    mail: Mail = Mail()

    @property
    def address(self) -> str:
        """Return where people reach this server."""
        return self.public_url or f"http://{self.host}:{self.port}"


HELP: Final = {
    "MUSTER_DATABASE_URL": "sqlite:///var/muster.db (default) or postgresql://user@host/name",
    "MUSTER_DEMO": "1 for the demo brand with published secrets, on loopback only",
    "MUSTER_HOST / MUSTER_PORT": "where to listen; 127.0.0.1 and 8000",
    "MUSTER_PROCESSES": "server processes, 1 to 64; more than one wants PostgreSQL",
    "MUSTER_CONNECTIONS_MAX": "database connections per process, 3 to 100; 8",
    "MUSTER_QUEUE_MAX": "pre-orders that wait in a process before others are told when to come back, 1 to 100000; 4096",
    "MUSTER_FOLLOWERS_MAX": "live streams per process before others are told to come back, 1 to 100000; 5000",
    "MUSTER_BRAND": "the brand of requests that name none; qilan",
    "MUSTER_PUBLIC_URL": "the address in mails and links, https://… outside the demo",
    "MUSTER_TRUSTED_DOCUMENTS": "a folder of .graphql files; no other document is answered then",
    "MUSTER_SANDBOX_PROVIDERS": "1 to serve outside the demo with sandboxes that believe every payment and ID number",
    "MUSTER_TRUSTED_PROXIES": "addresses or networks whose X-Forwarded-For counts, as 10.1.0.7, comma separated",
    "MUSTER_METRICS_TOKEN": "who sends it as a bearer token reads /metrics; without one nobody does, but for the demo",
    "MUSTER_WEBHOOK_NETWORKS": "networks besides public ones that webhooks may go to, as 10.1.0.0/16, comma separated",
    "MUSTER_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
    "MUSTER_CIRCUITS_FOLDER": "where compiled rules are kept; beside the SQLite file, else in the user's cache folder",
    "MUSTER_CIRCUITS_MEGABYTES": "how many megabytes are kept there, 16 to 65536; 256",
    "MUSTER_COMPILE_SECONDS": "processor time that each compiler may take for one rule set, 0 for SAT alone; 60",
    "MUSTER_SECRET_IDENTITY, _QUOTE, _PAYMENTS": "32 or more bytes each in base64; `muster secrets` makes them",
    "MUSTER_MAIL_HOST, _PORT, _SENDER, _USERNAME, _PASSWORD, _STARTTLS": "the SMTP server for notices",
    "MUSTER_MAIL_PRINTED": "1 to serve outside the demo without a mail server; notices go to the log, without tokens",
}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check the settings; raises SettingError on the first broken one."""
    reader = _Reader(environment)
    demo = reader.flag("MUSTER_DEMO", default=False)
    host = reader.text("MUSTER_HOST", "127.0.0.1")
    if demo and not _is_loopback(host):
        raise SettingError(f"MUSTER_HOST={host}: the demo has published secrets and listens on loopback only")
    processes = reader.number("MUSTER_PROCESSES", 1, low=1, high=64)
    settings = Settings(
        database_url=reader.database("MUSTER_DATABASE_URL", DEFAULT_DATABASE),
        secrets=Secrets(
            identity=reader.secret("MUSTER_SECRET_IDENTITY", demo=demo),
            quote=reader.secret("MUSTER_SECRET_QUOTE", demo=demo)[:32],
            payments=reader.secret("MUSTER_SECRET_PAYMENTS", demo=demo),
        ),
        demo=demo,
        host=host,
        port=reader.number("MUSTER_PORT", 8000, low=0, high=65535),
        processes=processes,
        connections_max=reader.number("MUSTER_CONNECTIONS_MAX", 8, low=3, high=100),
        queue_max=reader.number("MUSTER_QUEUE_MAX", 4096, low=1, high=100_000),
        followers_max=reader.number("MUSTER_FOLLOWERS_MAX", 5000, low=1, high=100_000),
        brand=reader.text("MUSTER_BRAND", "qilan"),
        public_url=reader.text("MUSTER_PUBLIC_URL", "").rstrip("/"),
        trusted_documents=reader.text("MUSTER_TRUSTED_DOCUMENTS", ""),
        sandbox_providers=reader.flag("MUSTER_SANDBOX_PROVIDERS", default=False),
        trusted_proxies=reader.networks("MUSTER_TRUSTED_PROXIES"),
        metrics_token=reader.token("MUSTER_METRICS_TOKEN"),
        webhook_networks=reader.networks("MUSTER_WEBHOOK_NETWORKS"),
        log_level=reader.choice("MUSTER_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        circuits_folder=reader.text("MUSTER_CIRCUITS_FOLDER", ""),
        circuits_megabytes=reader.number("MUSTER_CIRCUITS_MEGABYTES", 256, low=16, high=65536),
        compile_seconds=reader.number("MUSTER_COMPILE_SECONDS", 60, low=0, high=3600),
        mail=Mail(
            host=reader.text("MUSTER_MAIL_HOST", ""),
            port=reader.number("MUSTER_MAIL_PORT", 587, low=1, high=65535),
            sender=reader.text("MUSTER_MAIL_SENDER", ""),
            username=reader.text("MUSTER_MAIL_USERNAME", ""),
            password=reader.text("MUSTER_MAIL_PASSWORD", ""),
            starttls=reader.flag("MUSTER_MAIL_STARTTLS", default=True),
            printed=reader.flag("MUSTER_MAIL_PRINTED", default=False),
        ),
    )
    _refuse_unknown(environment)
    if settings.mail.host and "@" not in settings.mail.sender:
        raise SettingError("MUSTER_MAIL_SENDER: give the address that notices come from")
    return settings


def check_serving(settings: Settings) -> None:
    """Stop a start that would believe everybody, reach nobody or send people to an open line. Raises SettingError."""
    if settings.demo:
        return
    if not settings.sandbox_providers:
        raise SettingError(
            "MUSTER_SANDBOX_PROVIDERS is not set: payments and ID numbers are checked by sandboxes that believe "
            "everything; join real providers in muster/wiring.py, or write 1 for a trial"
        )
    if not settings.mail.host and not settings.mail.printed:
        raise SettingError(
            "MUSTER_MAIL_HOST is not set: nobody could confirm an address or recover a password; name your mail "
            "server, or write MUSTER_MAIL_PRINTED=1 for a trial whose notices go to the worker's log"
        )
    if not settings.public_url.startswith("https://"):
        raise SettingError(
            f"MUSTER_PUBLIC_URL={settings.public_url}: write the https:// address that people reach this server by; "
            "passwords and sessions go over it"
        )


class _Reader:
    """Reads one setting at a time and names it when it is broken."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        value = self.text(name, "1" if default else "0").lower()
        if value not in words:
            raise SettingError(f"{name}={value}: write 1 or 0")
        return words[value]

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or not low <= int(value) <= high:
            raise SettingError(f"{name}={value}: write a whole number from {low} to {high}")
        return int(value)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default).upper()
        if value not in allowed:
            raise SettingError(f"{name}={value}: write one of {', '.join(allowed)}")
        return value

    def database(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            backend = database_url(value).get_backend_name()
        except ArgumentError:
            backend = "?"
        if backend not in ("sqlite", "postgresql"):
            raise SettingError(f"{name}: write sqlite:///path/to/file.db or postgresql://user@host/name")
        return value

    def networks(self, name: str) -> str:
        value = self.text(name, "")
        try:
            read_networks(value)
        except ValueError:
            raise SettingError(f"{name}={value}: write networks as 10.1.0.0/16 or addresses, comma separated") from None
        return value

    def token(self, name: str) -> str:
        value = self.text(name, "")
        if value and (len(value) < TOKEN_LENGTH_MIN or not value.isascii() or not value.isprintable()):
            raise SettingError(f"{name}: write {TOKEN_LENGTH_MIN} or more ASCII characters, or leave it out")
        return value

    def secret(self, name: str, *, demo: bool) -> bytes:
        value = self.text(name, "")
        if not value and demo:
            return f"{name}: {DEMO_SECRET}".encode()
        if not value:
            raise SettingError(
                f"{name} is not set: `muster secrets` makes one; for the database of `muster run` write "
                "MUSTER_DEMO=1 before the command"
            )
        try:
            secret = base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            raise SettingError(f"{name}: write base64, as `muster secrets` prints it") from None
        if len(secret) < SECRET_BYTES_MIN:
            raise SettingError(f"{name}: {len(secret)} bytes are too few, {SECRET_BYTES_MIN} are needed")
        return secret


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A setting that is misspelt must not be silently without effect."""
    known = {f"MUSTER_{field.name.upper()}" for field in fields(Settings)} | {
        f"MUSTER_{group}_{field.name.upper()}"
        for group, cls in (("SECRET", Secrets), ("MAIL", Mail))
        for field in fields(cls)
    }
    allowed_prefixes = ("MUSTER_TEST_", "MUSTER_BENCH_")
    for name in environment:
        if (
            name.startswith("MUSTER_")
            and name not in known | {"MUSTER_PROVE", "MUSTER_DATA"}
            and not name.startswith(allowed_prefixes)
        ):
            raise SettingError(f"{name} is no setting of Muster; `muster settings` lists them")


def data_folder(settings: Settings) -> Path | None:
    """Return the folder of the SQLite file; None on PostgreSQL."""
    url = database_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database).resolve().parent


def make_data_folder(settings: Settings) -> None:
    """Make the folder of the default SQLite file; any other must be there: a mistyped path begins no new database.

    Raises SettingError.
    """
    folder = data_folder(settings)
    if folder is not None and settings.database_url == DEFAULT_DATABASE:
        folder.mkdir(parents=True, exist_ok=True)
    if folder is not None and not folder.is_dir():
        raise SettingError(f"MUSTER_DATABASE_URL: there is no folder {folder}; make it, or correct the path")
