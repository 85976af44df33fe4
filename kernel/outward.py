"""Requests to addresses that others name: only to public ones, or to networks the operator allows; nothing is followed.

A name is resolved once and the connection goes to what was checked, so that a name which answers differently the second
time reaches nothing inside.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kernel.errors import InvalidInput
from kernel.reasons import because

SECONDS_MAX: Final = 5.0
URL_LENGTH_MAX: Final = 400
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses of version 6 that carry one of version 4, which is judged in their place.
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")


class TargetRefused(Exception):
    """The address may not be asked; the text is a stable word."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    secure: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or that nothing did: `status` is 0 and `why` a stable word."""

    status: int
    why: str = ""

    @property
    def is_taken(self) -> bool:
        """Say whether the receiver took the message."""
        return 200 <= self.status < 300


def read_networks(text: str) -> tuple[Network, ...]:
    """Read networks written as `10.1.0.0/16, fd00::/8`; raises ValueError."""
    return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())


def read_target(url: str, *, allowed: Sequence[Network] = ()) -> Target:
    """Read an address that somebody named; refuses InvalidInput.

    It is https with a name and nothing hidden in it; plain http only where the operator allows networks of their own.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("url", because("URL")) from None
    secure = parts.scheme == "https"
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not is_plain or len(url) > URL_LENGTH_MAX or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise InvalidInput("url", because("URL"))
    if not secure and not (parts.scheme == "http" and allowed):
        raise InvalidInput("url", because("URL_HTTPS", start="https://"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(secure, parts.hostname, port or (443 if secure else 80), path)
    literal = _literal(target.host)
    if literal is not None and not _may_reach(literal, allowed):
        raise InvalidInput("url", because("URL_INSIDE"))
    return target


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _may_reach(address: Address, allowed: Sequence[Network]) -> bool:
    inner = _carried(address)
    if any(one.version == network.version and one in network for one in (address, inner) for network in allowed):
        return True
    return all(one.is_global and not one.is_multicast for one in (address, inner))


def _carried(address: Address) -> Address:
    """Return the address of version 4 inside one of version 6 that carries it, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def resolve(target: Target, *, allowed: Sequence[Network] = ()) -> str:
    """Return the address to connect to; raises TargetRefused where any address of the name is inside.

    A name that answers with an inner address beside a public one is somebody's trick.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused("name_unknown") from None
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(_may_reach(one, allowed) for one in addresses):
        raise TargetRefused("inside")
    return str(addresses[0])


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked; TLS is for the name."""

    def __init__(self, target: Target, address: str, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target, self._address = target, address

    def connect(self) -> None:
        """Connect to the checked address; nothing is said yet."""
        self.sock = socket.create_connection((self._address, self._target.port), self.timeout)

    def secure(self) -> None:
        """Agree on keys with the receiver, where the address asks for that."""
        if self._target.secure:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            host = self._target.host
            self.sock = secured = context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
            secured.do_handshake()

    def cut(self) -> None:
        """End the connection for whoever waits on it."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


Send = Callable[[str, Mapping[str, str], bytes], Answer]


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allowed: Sequence[Network] = (),
    seconds: float = SECONDS_MAX,
) -> Answer:
    """Send a body once and say what came back; redirects are not followed, of the answer only the status counts."""
    try:
        target = read_target(url, allowed=allowed)
        connection = _Pinned(target, resolve(target, allowed=allowed), seconds)
    except InvalidInput:
        return Answer(0, "refused")
    except TargetRefused as refused:
        return Answer(0, str(refused))
    try:
        connection.connect()
        # Each read has its time; who says one byte at a time, of the keys or of the answer, meets the end of all of it.
        watch = threading.Timer(2 * seconds, connection.cut)
        watch.daemon = True
        watch.start()
        try:
            connection.secure()
            connection.request("POST", target.path, body, dict(headers))
            return Answer(connection.getresponse().status)
        finally:
            watch.cancel()
    except ssl.SSLError:
        return Answer(0, "tls")
    except TimeoutError:
        return Answer(0, "timeout")
    except (OSError, http.client.HTTPException):
        return Answer(0, "no_answer")
    finally:
        connection.close()
