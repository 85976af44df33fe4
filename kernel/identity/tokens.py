"""Secrets that are handed out: session tokens, machine keys, one-time tokens. Storage holds none of them.

A session token or machine key is 256 bits of chance, kept as its SHA-256. A one-time token is derived from its row's
id under the installation's secret, so that whoever writes the notice can make it and no table or log holds it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

from kernel.identity.errors import TokenInvalid
from kernel.identity.model import MachineKey, TokenPurpose
from kernel.ids import AccountId

SECRET_BYTES: Final = 32
MACHINE_PREFIX: Final = "mk_"
_ONE_TIME: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{64})")
_MACHINE: Final = re.compile(r"mk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


def new_secret() -> str:
    """Return 256 bits from the operating system, in letters that fit a cookie and a header."""
    return secrets.token_urlsafe(SECRET_BYTES)


def fingerprint(secret: str) -> str:
    """Return what is stored of a secret made of chance: its SHA-256; it needs no salt and no stretching."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_hash(identity_key: bytes, use: str, *parts: str) -> str:
    """Return HMAC-SHA256 in hex over parts of any length, under a key of its own for each use."""
    own_key = hmac.digest(identity_key, b"muster identity " + use.encode(), "sha256")
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.digest(own_key, message, "sha256").hex()


def one_time_token(identity_key: bytes, purpose: TokenPurpose, token_id: str) -> str:
    """Return the token for a row, to be sent to its owner and written nowhere else."""
    return token_id + keyed_hash(identity_key, "one-time", purpose.value, token_id)


def read_one_time_token(identity_key: bytes, purpose: TokenPurpose, token: str) -> str:
    """Return the id of the row a token was made for; refuses what was not made here for this purpose."""
    found = _ONE_TIME.fullmatch(token.strip())
    if found is None or not hmac.compare_digest(one_time_token(identity_key, purpose, found[1]), found[0]):
        raise TokenInvalid
    return found[1]


def new_machine_key(machine_id: AccountId) -> tuple[MachineKey, str]:
    """Return a fresh key, which names its machine account, and the fingerprint to store."""
    key = f"{MACHINE_PREFIX}{machine_id}_{new_secret()}"
    return MachineKey(machine_id, key), fingerprint(key)


def machine_of_key(key: str) -> AccountId | None:
    """Return the machine account that a key names, if it has the form of one."""
    found = _MACHINE.fullmatch(key)
    return AccountId(found[1]) if found else None
