"""Pages of a list: a bounded size and a cursor that names the last row seen, in an opaque and checked form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kernel.errors import InvalidInput
from kernel.reasons import because

PAGE_SIZE_MAX: Final = 100
_PREFIX: Final = "c1:"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The first `size` rows after `after` (a row's key), 1 to 100."""

    size: int
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= PAGE_SIZE_MAX:
            raise InvalidInput("first", because("PAGE_SIZE", most=PAGE_SIZE_MAX))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows with their cursors and whether more follow."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool


def page_request(first: int, after_cursor: str | None) -> PageRequest:
    """Read a page's size and cursor; refuses a made-up cursor and a size out of bounds."""
    return PageRequest(first, decode_cursor(after_cursor) if after_cursor is not None else None)


def encode_cursor(key: str) -> str:
    """Hide a row's key in an opaque cursor."""
    return base64.urlsafe_b64encode(f"{_PREFIX}{key}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the row's key, or refuse what was not made here."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error, UnicodeError):
        text = ""
    if not text.startswith(_PREFIX) or len(text) > 200 or "\x00" in text:
        raise InvalidInput("after", because("CURSOR"))
    return text[len(_PREFIX) :]


def make_page(rows: Sequence[T], request: PageRequest, key: Callable[[T], str]) -> Page[T]:
    """Build a page from up to `size + 1` rows in order: the extra one only says that more follow."""
    items = tuple(rows[: request.size])
    return Page(items, tuple(encode_cursor(key(item)) for item in items), len(rows) > request.size)
