"""Ids of the API: a type and a raw id in one opaque word. What was not made here names nothing."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from strawberry import ID

_RAW: Final = re.compile(r"[0-9A-Za-z_.:-]{1,80}")
ID_LENGTH_MAX: Final = 200
NO_ID: Final = "none"
"""What a word that names nothing is read as."""
CHAINS: Final = {"Pool": "pool", "Proposal": "proposal", "Comparison": "comparison"}
"""The kinds of ids whose things have a chain of the record; cars go by their VIN."""


def write_id(kind: str, raw: str) -> ID:
    """Return the opaque id of a thing of one kind."""
    return cast("ID", base64.urlsafe_b64encode(f"{kind}/{raw}".encode()).decode().rstrip("="))


def read_id(text: str) -> tuple[str, str] | None:
    """Return kind and raw id, or None for a word that no `write_id` made."""
    if len(text) > ID_LENGTH_MAX or not text.isascii():
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return None
    kind, slash, raw = plain.partition("/")
    if not slash or not _RAW.fullmatch(raw) or write_id(kind, raw) != text:
        return None
    return kind, raw


def raw_id(text: str, kind: str) -> str:
    """Return the raw id of a thing of this kind; another word gives one that no row has, so it reads as not found."""
    found = read_id(text)
    return found[1] if found is not None and found[0] == kind else NO_ID


def chain_of(word: str) -> str:
    """Return the chain that a word names: itself, or the chain of an id (`UG9vbC8…`), with or without its kind."""
    kind, colon, name = word.partition(":")
    found = read_id(name if colon else word)
    if found is None or found[0] not in CHAINS or (colon and CHAINS[found[0]] != kind):
        return word
    return f"{CHAINS[found[0]]}:{found[1]}"
