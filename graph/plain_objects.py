"""Writes the Python function that turns a value into the dictionary of its selected plain fields.

One expression instead of a call for each leaf makes an answer of many leaves several times cheaper. The way is that of
the standard library's dataclasses: source text from checked names, compiled once for each shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

Reader = Callable[[Any], Any]
SHAPES_KEPT_MAX: Final = 2_048
_TYPES: Final = {str: "str", bool: "bool", int: "int"}


@dataclass(frozen=True, slots=True)
class PlainField:
    """A field of an answer: its key, the attribute behind it (None: the object itself), the type left as it is."""

    key: str
    attribute: str | None
    as_it_is: type | None


@lru_cache(maxsize=SHAPES_KEPT_MAX)
def reader_factory(fields: tuple[PlainField, ...]) -> Callable[..., Reader]:
    """Return a function that takes one reader for each field and returns the reader of the whole object.

    A field's own reader is asked only where its value is not of the type that goes in as it is.
    """
    readers = [f"read_{position}" for position in range(len(fields))]
    items = [_item(field, reader) for field, reader in zip(fields, readers, strict=True)]
    source = f"def factory({', '.join(readers)}):\n    return lambda source: {{{', '.join(items)}}}"
    made: dict[str, Any] = {}
    exec(compile(source, "<plain object>", "exec"), made)  # noqa: S102 - of names that were checked, and repr()
    factory: Callable[..., Reader] = made["factory"]
    return factory


def _item(field: PlainField, reader: str) -> str:
    if field.attribute is None:
        return f"{field.key!r}: {reader}(source)"
    assert field.attribute.isidentifier(), f"no attribute can be named {field.attribute!r}"
    value = f"source.{field.attribute}"
    if field.as_it_is is None:
        return f"{field.key!r}: {reader}({value})"
    return f"{field.key!r}: value if type(value := {value}) is {_TYPES[field.as_it_is]} else {reader}(value)"
