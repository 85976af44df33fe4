"""Scalars of our own: times in RFC 3339, whole numbers past 32 bits, cursors. What they refuse never reaches a room."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from kernel.errors import InvalidInput
from kernel.paging import decode_cursor

Long = NewType("Long", int)
Cursor = NewType("Cursor", str)

LONG_MAX: Final = 2**53 - 1
YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200
_ID: Final = re.compile(r"[0-9a-f]{32}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{10,}")


def _write_instant(value: datetime) -> str:
    moment = value.astimezone(UTC)
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _read_instant(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("DateTime wants RFC 3339, such as 2026-11-23T02:00:00Z.") from None
    if moment.tzinfo is None:
        raise GraphQLError("DateTime wants an offset, such as Z or +08:00.")
    _check_year(moment.year)
    return moment.astimezone(UTC)


def _read_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("Date wants YYYY-MM-DD.") from None
    _check_year(day.year)
    return day


def _check_year(year: int) -> None:
    if not YEAR_MIN < year < YEAR_MAX:
        raise GraphQLError(f"Give a year between {YEAR_MIN} and {YEAR_MAX}.")


def _read_long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LONG_MAX:
        raise GraphQLError("Long wants a whole number between -(2^53 - 1) and 2^53 - 1.")
    return value


def _read_cursor(value: Any) -> str:
    try:
        key = decode_cursor(value if isinstance(value, str) else "")
    except InvalidInput as refusal:
        raise GraphQLError(f"Cursor: {refusal.reason}.") from None
    # A number in a cursor counts rows; an id is 32 hex digits. No page was ever given a longer number.
    if not _ID.fullmatch(key) and _LONG_NUMBER.search(key):
        raise GraphQLError("Cursor: take a cursor from a page you were given.")
    return str(value)


SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in RFC 3339, in UTC.",
        serialize=_write_instant,
        parse_value=_read_instant,
    ),
    date: strawberry.scalar(
        name="Date", description="A day, YYYY-MM-DD.", serialize=date.isoformat, parse_value=_read_date
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number that a double holds exactly (up to 2^53 - 1).",
        serialize=int,
        parse_value=_read_long,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in a list, as a page gave it; opaque.",
        serialize=str,
        parse_value=_read_cursor,
    ),
}
