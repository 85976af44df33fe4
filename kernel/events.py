"""News in the past tense: what happened, as a plain value that travels through the outbox as JSON."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, ClassVar, Final, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

EventT = TypeVar("EventT", bound="type[Event]")
_KINDS: Final[dict[str, type[Event]]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """A fact of one brand. Subclasses are frozen dataclasses of strings, numbers, times, Money and tuples."""

    kind: ClassVar[str] = ""
    brand_id: str


def event(kind: str) -> Any:
    """Register an event class under its stable name, such as `demand.pool_locked`."""

    def register(cls: EventT) -> EventT:
        assert kind not in _KINDS or _KINDS[kind].__qualname__ == cls.__qualname__, f"two events named {kind}"
        cls.kind = kind
        _KINDS[kind] = cls
        return cls

    return register


def encode(happened: Event) -> dict[str, Any]:
    """Lay an event out by its fields, as a column of JSON takes it.

    What is in them is written there: a time in ISO 8601, a tuple as a list, a dataclass such as Money as an object.
    """
    return {field.name: getattr(happened, field.name) for field in fields(happened)}


def decode(kind: str, payload: dict[str, Any]) -> Event:
    """Turn a JSON object back into its event; fields that came later take their defaults."""
    cls = _KINDS[kind]
    return cls(**_fields_from_json(cls, payload))


def _fields_from_json(cls: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {name: _read(reader, payload[name]) for name, reader in _readers(cls).items() if name in payload}


_Reader: TypeAlias = Callable[[Any], Any]


@cache
def _readers(cls: Any) -> dict[str, _Reader | None]:
    """Return how each of a class's fields is read, found from its annotations once a process: that is slow."""
    hints = get_type_hints(cls)
    return {field.name: _reader(hints[field.name]) for field in fields(cls)}


def _reader(hint: Any) -> _Reader | None:
    """Return what turns JSON that is not null into a value of a type; None where it is one already."""
    origin, arms = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _reader(next(arm for arm in arms if arm is not type(None)))
    if origin is tuple and arms[-1] is not Ellipsis:
        return partial(_read_each, [_reader(arm) for arm in arms])
    if origin in (tuple, list):
        return origin if (one := _reader(arms[0])) is None else partial(_read_all, origin, one)
    if origin is dict:
        return None if (one := _reader(arms[1])) is None else partial(_read_values, one)
    supertype = getattr(hint, "__supertype__", hint)
    if isinstance(supertype, type):
        if issubclass(supertype, datetime | date):
            return supertype.fromisoformat
        if issubclass(supertype, Enum):
            return supertype
        if is_dataclass(supertype):
            return partial(_read_object, supertype)
    return None


def _read(reader: _Reader | None, value: Any) -> Any:
    return value if reader is None or value is None else reader(value)


def _read_each(readers: Sequence[_Reader | None], values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_read(reader, value) for reader, value in zip(readers, values, strict=True))


def _read_all(kind: Callable[[Iterable[Any]], Any], reader: _Reader, values: Iterable[Any]) -> Any:
    return kind(_read(reader, value) for value in values)


def _read_values(reader: _Reader, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _read(reader, value) for key, value in values.items()}


def _read_object(cls: Any, value: dict[str, Any]) -> Any:
    return cls(**_fields_from_json(cls, value))
