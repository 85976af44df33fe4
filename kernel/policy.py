"""The numbers a brand may change, in versions: a quote, a pool and a contract pin the version they were made under.

A room writes its numbers as a frozen dataclass of ints, strings and tuples whose defaults are DOMAIN's; a stored
version holds, by section name, only what a brand set differently. Quotes and contracts are pinned to version 0 too, so
a default that was shipped never changes: a better number comes to a brand as its next version, and a new name may be
added.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import Column, Integer, String, Table, UniqueConstraint, select

from kernel import db
from kernel.actor import Permission
from kernel.db import Id, Instant, Json, metadata
from kernel.errors import Conflict, InvalidInput
from kernel.ids import BrandId
from kernel.immutable import append_only
from kernel.reasons import Reason, because
from kernel.work import Work

SectionT = TypeVar("SectionT")
FIRST_VERSION: Final = 0
REASON_LENGTH_MAX: Final = 400
_SECTIONS: Final[dict[str, type[Any]]] = {}
_SHAPES: Final[dict[type[Any], tuple[dict[str, Any], dict[str, Any]]]] = {}

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("settings", Json, nullable=False),
    Column("reason", String(REASON_LENGTH_MAX), nullable=False),
    Column("made_by", Id),
    Column("at", Instant, nullable=False),
    UniqueConstraint("brand_id", "at"),
)
append_only(policy_versions)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One brand's values under one number; version 0 is the shipped defaults."""

    brand_id: BrandId
    version: int
    values: dict[str, dict[str, Any]]
    at: datetime | None = None
    reason: str = ""

    def section(self, cls: type[SectionT]) -> SectionT:
        """Return a room's numbers: its defaults with what this version sets."""
        name = next(name for name, known in _SECTIONS.items() if known is cls)
        return cls(**_read(cls, self.values.get(name, {})))


def policy_section(name: str) -> Any:
    """Register a frozen dataclass as the policy section `name`."""

    def register(cls: type[SectionT]) -> type[SectionT]:
        _SECTIONS[name] = cls
        return cls

    return register


def sections() -> dict[str, type[Any]]:
    """Return the registered sections by name."""
    return dict(_SECTIONS)


def current(work: Work) -> PolicyVersion:
    """Return the actor's brand's newest policy version."""
    return work.once(_newest(work), lambda: _load(work, None))


def _newest(work: Work) -> tuple[str, ...]:
    return ("policy", work.actor.brand_id)


def pinned(work: Work, version: int) -> PolicyVersion:
    """Return the version a quote, pool or contract was made under."""
    return _load(work, version)


def _load(work: Work, version: int | None) -> PolicyVersion:
    brand_id = work.actor.brand_id
    table = policy_versions.c
    found = select(policy_versions).where(table.brand_id == brand_id).order_by(table.version.desc()).limit(1)
    if version is not None:
        found = found.where(table.version == version)
    row = None if version == FIRST_VERSION else work.connection.execute(found).first()
    if row is None:
        assert not version, f"policy version {version} of {brand_id} is missing"
        return PolicyVersion(brand_id, FIRST_VERSION, {})
    return PolicyVersion(brand_id, row.version, dict(row.settings), row.at, row.reason)


def change_policy(work: Work, *, base_version: int, changes: dict[str, dict[str, Any]], reason: str) -> PolicyVersion:
    """Write the next version: the newest one with `changes` laid over it.

    Refuses an unknown section or name, a value of another type and a reason that is missing or too long (InvalidInput),
    and a `base_version` that is not the newest any more (Conflict).
    """
    work.actor.require(Permission.POLICY_MANAGE)
    newest = current(work)
    if newest.version != base_version:
        raise Conflict("policy", because("NEWEST_VERSION", version=newest.version))
    told = reason.strip()
    if not 1 <= len(told) <= REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY", most=REASON_LENGTH_MAX))
    values = {name: dict(section) for name, section in newest.values.items()}
    for name, section in changes.items():
        if name not in _SECTIONS:
            raise InvalidInput("section", because("POLICY_SECTION", name=name, known=", ".join(sorted(_SECTIONS))))
        values[name] = values.get(name, {}) | section
        _read(_SECTIONS[name], values[name])
    row = {
        "brand_id": work.actor.brand_id,
        "version": newest.version + 1,
        "settings": values,
        "reason": told,
        "made_by": work.actor.account_id,
        "at": work.now,
    }
    if not db.insert_new(work.connection, policy_versions, [row], returning="version"):
        raise Conflict("policy", because("CHANGED_JUST_NOW"))
    work.forget(_newest(work))
    return PolicyVersion(work.actor.brand_id, newest.version + 1, values, work.now, told)


def _read(cls: type[Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Check names and types of stored values; lists come back as the tuples they were."""
    if not stored:
        return {}
    hints, known = _shape(cls)
    values: dict[str, Any] = {}
    for name, value in stored.items():
        if name not in known:
            raise InvalidInput(name, because("POLICY_NAME", known=", ".join(sorted(known))))
        frozen = _frozen(value)
        if not _fits(hints[name], frozen):
            raise InvalidInput(name, because("POLICY_TYPE", wanted=_word(hints[name]), example=repr(known[name])))
        values[name] = frozen
    try:
        cls(**values)
    except AssertionError as error:
        section = next(name for name, one in _SECTIONS.items() if one is cls)
        told = error.args[0] if error.args else "these values do not fit together"
        reason = told if isinstance(told, Reason) else because("VALUES_CLASH", detail=told)
        raise InvalidInput(section, reason) from None
    return values


def _shape(cls: type[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the type and the default of each value of a section; looked up once, as quotes and pools ask all day."""
    if cls not in _SHAPES:
        _SHAPES[cls] = get_type_hints(cls), {field.name: getattr(cls(), field.name) for field in fields(cls)}
    return _SHAPES[cls]


def _word(hint: Any) -> str:
    """Return how a type is written, such as `int` or `tuple[int, ...]`."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def _fits(hint: Any, value: Any) -> bool:
    """Say whether a value is of a hinted type, all the way down; True is no whole number here."""
    arms, origin = get_args(hint), get_origin(hint) or hint
    if origin is not tuple:
        return type(value) is origin
    if not isinstance(value, tuple):
        return False
    if arms[-1] is Ellipsis:
        return all(_fits(arms[0], item) for item in value)
    return len(arms) == len(value) and all(_fits(arm, item) for arm, item in zip(arms, value, strict=True))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
