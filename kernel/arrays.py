"""Writes many values as one array, as PostgreSQL reads it; every element stays a value and is never SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any


def array_text(values: Sequence[Any]) -> str:
    """Return values as PostgreSQL writes an array (manual, section 8.15.6).

    The driver turns every element by itself into binary or text, a third of a group's CPU time; values of one type are
    written in one go here.
    """
    if values and values.count(values[0]) == len(values):
        return "{" + ",".join([_element(values[0])] * len(values)) + "}"
    kinds = set(map(type, values))
    if kinds == {int}:
        return "{" + ",".join(map(str, values)) + "}"
    if kinds == {str}:
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):
            return '{"' + joined + '"}'
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "t" if value else "f"
        case int() | float():
            return repr(value)
        case date():
            return f'"{value.isoformat()}"'
        case bytes():
            return f'"\\\\x{value.hex()}"'
        case _:
            assert isinstance(value, str), f"{type(value)} is no value of a column"
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
