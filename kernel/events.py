"""News in the past tense: what happened, as a plain value that travels through the outbox as JSON."""

from __future__ import annotations

import types
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from kernel.money import Money

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
    """Turn an event into a JSON object."""
    return {field.name: _to_json(getattr(happened, field.name)) for field in fields(happened)}


def decode(kind: str, payload: dict[str, Any]) -> Event:
    """Turn a JSON object back into its event; fields that came later take their defaults."""
    cls = _KINDS[kind]
    return cls(**_fields_from_json(cls, payload))


_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def _to_json(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case tuple() | list():
            return [_to_json(item) for item in value]
        case dict():
            return {key: _to_json(item) for key, item in value.items()}
        case _:
            assert is_dataclass(value), f"{type(value)} cannot travel in an event"
            return {field.name: _to_json(getattr(value, field.name)) for field in fields(value)}


def _fields_from_json(cls: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {name: _from_json(hint, payload[name]) for name, hint in _hints(cls).items() if name in payload}


@cache
def _hints(cls: Any) -> dict[str, Any]:
    """Return a class's fields with their types, read from its annotations once a process: that is slow."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _from_json(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _from_json(next(arm for arm in get_args(hint) if arm is not type(None)), value)
    if origin is tuple and get_args(hint)[-1] is not Ellipsis:
        return tuple(_from_json(arm, item) for arm, item in zip(get_args(hint), value, strict=True))
    if origin in (tuple, list):
        return origin(_from_json(get_args(hint)[0], item) for item in value)
    if origin is dict:
        return {key: _from_json(get_args(hint)[1], item) for key, item in value.items()}
    supertype = getattr(hint, "__supertype__", hint)
    if isinstance(supertype, type):
        if issubclass(supertype, datetime | date):
            return supertype.fromisoformat(value)
        if issubclass(supertype, Enum):
            return supertype(value)
        if is_dataclass(supertype):
            return supertype(**_fields_from_json(supertype, value))
    return value
