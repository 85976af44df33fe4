"""Signed messages between systems, as the Standard Webhooks specification 1.0 says: HMAC-SHA256 over id, time and body.

A secret is never stored: it is derived from the installation's key, so it is shown once, when it is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
TOLERANCE: Final = timedelta(minutes=5)
SIGNATURES_MAX: Final = 10
ID_LENGTH_MAX: Final = 80
STAMP_DIGITS_MAX: Final = 11
"""Seconds of more digits lie beyond the year 9999, which no clock can say."""


def derive_secret(key: bytes, *, hook_id: str, generation: int) -> str:
    """Return the secret of a hook's n-th generation, in the form that libraries of the specification take."""
    return write_secret(hmac.digest(key, f"muster webhook 1:{hook_id}:{generation}".encode(), hashlib.sha256))


def write_secret(raw: bytes) -> str:
    """Return a secret's bytes in that form."""
    return PREFIX + base64.b64encode(raw).decode()


def sign(secret: str, *, message_id: str, at: datetime, body: bytes) -> str:
    """Return the signature of a message sent at a moment."""
    content = f"{message_id}.{int(at.timestamp())}.".encode() + body
    made = hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), content, hashlib.sha256)
    return f"v1,{base64.b64encode(made).decode()}"


def signed_headers(secret: str, *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that go with a message."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(secret, message_id=message_id, at=at, body=body),
    }


@dataclass(frozen=True, slots=True)
class Genuine:
    """A message whose signature fits."""

    message_id: str
    at: datetime


def verify(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes, *, now: datetime) -> Genuine | None:
    """Return who a message says it is where one of its signatures fits one of the secrets and it is fresh; else None.

    Headers are looked up in lower case. Every signature is compared in constant time.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 1 <= len(message_id) <= ID_LENGTH_MAX:
        return None
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= STAMP_DIGITS_MAX):
        return None
    at = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - at) > TOLERANCE:
        return None
    given = headers.get("webhook-signature", "").split()[:SIGNATURES_MAX]
    fits = [
        hmac.compare_digest(sign(secret, message_id=message_id, at=at, body=body).encode(), one.encode())
        for secret in secrets
        for one in given
    ]
    return Genuine(message_id, at) if any(fits) else None
