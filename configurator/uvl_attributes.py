"""Reads what stands in braces behind a feature: values by name, nested ones too, and constraints of the feature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

Value: TypeAlias = Fraction | bool | str
"""A value that rules can compare; lists are kept as they were written."""

_PIECE: Final = re.compile(r"""'[^']*'|"[^"]*"|[\[\]{}(),]|[^'"\[\]{}(),]+|.""", re.DOTALL)
_KEY: Final = re.compile(r"""\s*(?P<key>[^\W\d][\w.#?%-]*|"[^"]*")\s*(?P<value>.*)\Z""", re.DOTALL)
_VALUE: Final = re.compile(r"""'[^']*'|"[^"]*"|\[.*\]|[^\s,{}\[\]'"]+""", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:\d{1,18}(?:\.\d{1,18})?|\.\d{1,18})\Z")
_NESTING_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the braces hold: values as they were written, texts of constraints, and where reading broke off."""

    values: tuple[tuple[str, str], ...] = ()
    constraints: tuple[str, ...] = ()
    unread: str = ""


def read_attributes(text: str, *, prefix: str = "", depth: int = 0) -> Attributes:
    """Read the inside of the braces; nested values are named `outer.inner`."""
    values: list[tuple[str, str]] = []
    constraints: list[str] = []
    for piece in _pieces(text):
        match = _KEY.match(piece.rstrip())  # nothing lazy before the blanks: over long runs of them that takes for ever
        key, value = (match["key"].strip('"'), match["value"]) if match else ("", "")
        if key in ("constraint", "constraints") and value and not prefix:
            listed = value.startswith("[") and value.endswith("]")
            constraints += _pieces(value[1:-1]) if listed else [value]
        elif key and value.startswith("{") and value.endswith("}") and depth < _NESTING_MAX:
            inner = read_attributes(value[1:-1], prefix=f"{prefix}{key}.", depth=depth + 1)
            values += inner.values
            if inner.unread:
                return Attributes(tuple(values), tuple(constraints), inner.unread)
        elif key and (not value or _VALUE.fullmatch(value)):
            values.append((prefix + key, value or "true"))
        else:
            return Attributes(tuple(values), tuple(constraints), piece.strip() or ",")
    return Attributes(tuple(values), tuple(constraints))


def _pieces(text: str) -> Iterator[str]:
    """Split at the commas that stand in no bracket and no quotes; a comma at the end is forgiven."""
    kept: list[str] = []
    depth = 0
    for piece in _PIECE.findall(text):
        if piece == "," and depth == 0:
            yield "".join(kept)
            kept = []
            continue
        depth += 1 if piece in "[{(" else -1 if piece in "]})" else 0
        kept.append(piece)
    if last := "".join(kept).strip():
        yield last


def is_value(written: str) -> bool:
    """Say whether a value is one of UVL's: true or false, a number, a text in quotes, a list.

    A number of which one sign is wrong would else be a text, which no sum has.
    """
    return written in ("true", "false") or written[:1] in ("'", '"', "[") or _NUMBER.match(written) is not None


def value_of(written: str) -> Value:
    """Return a value as rules compare it."""
    if written in ("true", "false"):
        return written == "true"
    if _NUMBER.match(written):
        return Fraction(written)
    return unquoted(written)


def unquoted(written: str) -> str:
    """Return a value without its quotes."""
    return written.strip("'\"")
