"""Writes whole numbers of any length: Python itself refuses to write more than some thousand digits at once."""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 3_000
"""Digits that every Python writes at once; a multiple of three, so that groups of thousands stay whole."""


def written(number: int, *, grouped: bool = False) -> str:
    """Return a number that is not below zero in digits, with commas between its thousands where `grouped`."""
    parts: list[str] = []
    while number >= 10**AT_ONCE:
        number, rest = divmod(number, 10**AT_ONCE)
        digits = f"{rest:0{AT_ONCE}}"
        parts.append("".join(f",{digits[place : place + 3]}" for place in range(0, AT_ONCE, 3)) if grouped else digits)
    return "".join((f"{number:,}" if grouped else str(number), *reversed(parts)))
