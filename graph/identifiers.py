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
    return found[1] if found is not None and found[0] == kind else "none"
