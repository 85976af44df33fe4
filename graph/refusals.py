"""Every refusal of a room as a GraphQL type: `code`, `message` in the reader's language, and its facts as fields."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, make_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import strawberry

from graph.access import object_type
from graph.identifiers import write_id
from graph.scalars import Long
from graph.types.money import Money, show_money
from kernel import money
from kernel.actor import Permission
from kernel.errors import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    NotFound,
    NotSignedIn,
    Refusal,
    TooBusy,
)
from kernel.reasons import Reason

GENERAL: Final[tuple[type[Refusal], ...]] = (
    InvalidInput,
    NotSignedIn,
    Forbidden,
    NotFound,
    Conflict,
    IdempotencyMismatch,
    TooBusy,
)
_MINOR: Final = "_minor"
_IDS: Final = {"other_pool_id": "Pool", "pool_id": "Pool", "pre_order_id": "PreOrder"}
"""Facts that name a thing, with its kind."""
_made: dict[type[Refusal], type[Any]] = {}


@object_type(reads=Permission.PUBLIC_READ, name="Refusal", interface=True)
class RefusalShown:
    """A rule said no, and nothing has changed: `code` is stable, `message` says what to do."""

    code: str
    message: str


def refusal_type(cls: type[Refusal]) -> type[Any]:
    """Return the GraphQL type of a refusal class, making it the first time."""
    if cls not in _made:
        hints = get_type_hints(cls)
        shown = _in_one_language({one.name: _graph_type(one.name, hints[one.name]) for one in fields(cls)}, "en")
        members = list(shown.items())
        assert not {"code", "message"} & {name for name, _ in members}, f"{cls.__name__} has a fact of a taken name"
        taken = any(known.__name__ == cls.__name__ for known in _made)
        # Two rooms may refuse under one name; the second one then goes by its room's as well.
        name = cls.__module__.partition(".")[0].title().replace("_", "") + cls.__name__ if taken else cls.__name__
        made = make_dataclass(name, members, bases=(RefusalShown,), kw_only=True)
        made.__doc__ = cls.__doc__
        _made[cls] = object_type(reads=Permission.PUBLIC_READ)(made)
    return _made[cls]


def show_refusal(refusal: Refusal, locale: str, zone: ZoneInfo | None = None) -> Any:
    """Return a refusal as its GraphQL value; its message tells moments in the zone."""
    chinese = locale.startswith("zh")
    told = {name: one.zh if isinstance(one, Reason) and chinese else one for name, one in refusal.facts().items()}
    facts = _in_one_language({name: _fact(name, value) for name, value in told.items()}, locale)
    return refusal_type(type(refusal))(code=refusal.code, message=refusal.text(locale, zone), **facts)


def tells_a_moment(refusal: Refusal) -> bool:
    """Say whether a refusal's message holds a time of day, which people read in their brand's zone."""
    return any(isinstance(one, datetime) for one in refusal.facts().values())


def refusal_facts(refusal: Refusal) -> dict[str, object]:
    """Return the facts in JSON terms, for the extensions of an error."""
    return {name: _plain(value) for name, value in refusal.facts().items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | None) else str(value)


def result_union(name: str, result: Any, refuses: Sequence[type[Refusal]]) -> Any:
    """Return the union of a result and its refusals, the general ones included."""
    classes = list(dict.fromkeys([*refuses, *GENERAL]))
    return Annotated[Union[(result, *map(refusal_type, classes))], strawberry.union(name)]


def _in_one_language(facts: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Name facts as the API does: a pair of texts, `rules_en` or `reason` and its `_zh`, becomes one in a language."""
    shown = {}
    for name, value in facts.items():
        stem = name.removesuffix("_en")
        if name.endswith("_zh"):
            continue
        in_chinese = facts.get(f"{stem}_zh")
        shown[stem.removesuffix(_MINOR)] = in_chinese if in_chinese is not None and locale.startswith("zh") else value
    return shown


def _fact(name: str, value: object) -> object:
    match value:
        case None:
            return None
        case str() if name in _IDS:
            return write_id(_IDS[name], value)
        case money.Money():
            return show_money(value)
        case int() if name.endswith(_MINOR):
            return show_money(money.Money(value))
        case Enum():
            return str(value.value)
        case tuple() | list() | set() | frozenset():
            return [_fact("", item) for item in value]
        case str() | int() | float() | datetime() | date():
            return value
        case _:
            return str(value)


def _graph_type(name: str, hint: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = next(arm for arm in get_args(hint) if arm is not type(None))
        return _graph_type(name, inner) | None
    if origin in (tuple, list, frozenset, set):
        return list[_graph_type("", get_args(hint)[0])]  # type: ignore[misc]  # made at run time
    if name in _IDS:
        return strawberry.ID
    if hint is money.Money or name.endswith(_MINOR):
        return Money
    if hint in (int, money.BasisPoints):
        return Long
    return hint if hint in (str, bool, float, datetime, date) else str
