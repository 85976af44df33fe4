"""Both ends of every whole number that somebody may set: what lies outside is refused before it can do harm."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from kernel.reasons import because

MINOR_MAX: Final = 10_000_000_000
"""No amount that a brand sets is above ¥100,000,000."""
DAYS_MAX: Final = 3_650
ROWS_MAX: Final = 1_000


def check_bounds(section: Any, **bounds: tuple[int, int]) -> None:
    """Assert that each whole number of a frozen dataclass lies between its bounds, both of them allowed.

    A whole number without bounds is a mistake of ours, so that a new one cannot be forgotten.
    """
    values = {field.name: getattr(section, field.name) for field in fields(section)}
    forgotten = {name for name, value in values.items() if type(value) is int} - set(bounds)
    assert not forgotten, f"no bounds for {sorted(forgotten)}"
    for name, (least, most) in bounds.items():
        check_between(name, values[name], least, most)


def check_rows(name: str, rows: tuple[Any, ...], *bounds: tuple[int, int]) -> None:
    """Assert that a table has at most so many rows, and that the last numbers of each lie between these bounds."""
    assert len(rows) <= ROWS_MAX, f"{name} has at most {ROWS_MAX} rows"
    for row in rows:
        for value, (least, most) in zip(row[len(row) - len(bounds) :], bounds, strict=True):
            check_between(name, value, least, most, code="ONE_LIES_BETWEEN")


def check_between(name: str, value: int, least: int, most: int, *, code: str = "LIES_BETWEEN") -> None:
    """Assert that one number lies between two others, both of them allowed; `code` is the reason's."""
    assert type(value) is int, f"{name} is a whole number"
    assert least <= value <= most, because(code, name=name, least=least, most=most)
