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
    """A field of an answer: its key, the attribute behind it (None: the object itself), the type left as it is.

    Where `is_named`, values that were read before are looked up in the table that comes with the field's reader.
    """

    key: str
    attribute: str | None
    as_it_is: type | None
    is_named: bool = False


@lru_cache(maxsize=SHAPES_KEPT_MAX)
def reader_factory(fields: tuple[PlainField, ...]) -> Callable[..., Reader]:
    """Return a function that takes one reader for each field and returns the reader of the whole object.

    A field's own reader is asked only where its value is not of the type that goes in as it is, or not in its table of
    names. The tables of the fields that have one come after all readers.
    """
    readers = [f"read_{position}" for position in range(len(fields))]
    tables = [f"names_{position}" for position, field in enumerate(fields) if field.is_named]
    items = [_item(field, position) for position, field in enumerate(fields)]
    source = f"def factory({', '.join([*readers, *tables])}):\n    return lambda source: {{{', '.join(items)}}}"
    made: dict[str, Any] = {}
    exec(compile(source, "<plain object>", "exec"), made)  # noqa: S102 - of names that were checked, and repr()
    factory: Callable[..., Reader] = made["factory"]
    return factory


def _item(field: PlainField, position: int) -> str:
    reader = f"read_{position}"
    if field.attribute is None:
        return f"{field.key!r}: {reader}(source)"
    assert field.attribute.isidentifier(), f"no attribute can be named {field.attribute!r}"
    value = f"source.{field.attribute}"
    if field.is_named:
        return f"{field.key!r}: names_{position}.get(value := {value}) or {reader}(value)"
    if field.as_it_is is None:
        return f"{field.key!r}: {reader}({value})"
    return f"{field.key!r}: value if type(value := {value}) is {_TYPES[field.as_it_is]} else {reader}(value)"
