"""The record: one hash chain per subject (`pool:<id>`, `vin:<vin>`), only ever appended to, with a daily root over all.

Whoever may read a chain can replay it: an entry's hash covers the hash before it (DOMAIN section 4.11). Persons
appear as pseudonyms under a random salt per person and scope; erasing a person deletes the salts and every chain
still verifies. Free text stays out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, String, Table, bindparam, func, select, update

from kernel import db
from kernel.db import Id, Instant, Json, metadata
from kernel.errors import Conflict
from kernel.immutable import append_only
from kernel.merkle import merkle_root
from kernel.reasons import because
from kernel.registry import Brand
from kernel.sending import write
from kernel.work import Work

GENESIS: Final = "0" * 64
ENTRIES_MAX: Final = 10_000
# A change that began before midnight has long committed by then.
SEAL_AFTER: Final = timedelta(minutes=30)
DAYS_MAX: Final = 31
SALT_BYTES: Final = 32

record_heads = Table(
    "record_heads",
    metadata,
    Column("chain", String(80), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)
record_entries = Table(
    "record_entries",
    metadata,
    Column("chain", String(80), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("body", Json, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("sequence > 0", name="sequence_positive"),
)
Index("ix_record_entries_brand_id_at", record_entries.c.brand_id, record_entries.c.at)
record_days = Table(
    "record_days",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("chains", Integer, nullable=False),
    Column("root", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)
record_salts = Table(
    "record_salts",
    metadata,
    Column("person_id", Id, primary_key=True),
    Column("scope", String(80), primary_key=True),
    Column("salt", String(64), nullable=False),
)
append_only(record_entries)
append_only(record_days)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link: `sequence` counts from 1; `hash` covers everything else, `previous_hash` included."""

    chain: str
    sequence: int
    kind: str
    body: dict[str, Any]
    previous_hash: str
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be appended: `body` holds strings, whole numbers, booleans, lists and objects only."""

    chain: str
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DayRoot:
    """The Merkle root over the heads of all of a brand's chains at the end of a day in the brand's zone."""

    day: date
    chains: int
    root: str


def entry_hash(*, chain: str, sequence: int, kind: str, body: dict[str, Any], previous_hash: str, at: datetime) -> str:
    """Return SHA-256 over the previous hash and the canonical JSON (sorted keys, no spaces, UTF-8) of the entry."""
    moment = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    content = {"chain": chain, "sequence": sequence, "kind": kind, "body": body, "at": moment}
    return hashlib.sha256(previous_hash.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def verify(entries: Iterable[Entry], *, after: Entry | None = None) -> int | None:
    """Replay one chain, from its first entry or `after` one that is known to fit.

    Returns the sequence of the first that does not fit, or None.
    """
    previous, chain = (GENESIS, None) if after is None else (after.hash, after.chain)
    for expected, entry in enumerate(entries, start=1 if after is None else after.sequence + 1):
        chain = chain or entry.chain
        found = entry_hash(
            chain=chain,
            sequence=expected,
            kind=entry.kind,
            body=entry.body,
            previous_hash=previous,
            at=entry.at,
        )
        if (entry.chain, entry.sequence, entry.previous_hash, entry.hash) != (chain, expected, previous, found):
            return expected
        previous = found
    return None


def append(work: Work, chain: str, kind: str, body: dict[str, Any]) -> Entry:
    """Append one entry to a chain of the actor's brand."""
    return append_many(work, [NewEntry(chain, kind, body)])[0]


def append_many(work: Work, new: Sequence[NewEntry]) -> list[Entry]:
    """Append entries, in their order within each chain, in three statements however many there are.

    Others who append to the same chains wait until this change is over; chains are locked in sorted order.
    """
    if not new:
        return []
    for one in new:
        _check_body(one.body)
    heads = _lock_heads(work, sorted({one.chain for one in new}))
    entries = [_link(heads, one, work.now) for one in new]
    db.insert_many(
        work.connection,
        record_entries,
        [
            {name: getattr(entry, name) for name in Entry.__dataclass_fields__} | {"brand_id": work.actor.brand_id}
            for entry in entries
        ],
    )
    write(
        work.connection,
        _MOVE_HEAD,
        [
            {"b_chain": chain, "b_sequence": head[0], "b_hash": head[1], "b_at": head[2]}
            for chain, head in heads.items()
        ],
    )
    return entries


_MOVE_HEAD: Final = (
    update(record_heads)
    .where(record_heads.c.chain == bindparam("b_chain"))
    .values(sequence=bindparam("b_sequence"), hash=bindparam("b_hash"), at=bindparam("b_at"))
)
_Head = tuple[int, str, datetime]


def _lock_heads(work: Work, chains: Sequence[str]) -> dict[str, _Head]:
    heads = _select_heads(work, chains)
    missing = [chain for chain in chains if chain not in heads]
    if missing:
        row = {"brand_id": work.actor.brand_id, "sequence": 0, "hash": GENESIS, "at": work.now}
        db.insert_new(work.connection, record_heads, [row | {"chain": chain} for chain in missing], returning="chain")
        heads |= _select_heads(work, missing)
    assert len(heads) == len(chains), "a chain belongs to another brand"
    return heads


def _select_heads(work: Work, chains: Sequence[str]) -> dict[str, _Head]:
    table = record_heads.c
    found = (
        select(table.chain, table.sequence, table.hash, table.at)
        .where(db.among(table.chain, chains), table.brand_id == work.actor.brand_id)
        .order_by(table.chain)
        .with_for_update()
    )
    return {row.chain: (row.sequence, row.hash, row.at) for row in work.connection.execute(found)}


def last_times(work: Work, chains: Sequence[str]) -> dict[str, datetime]:
    """Return the time of the last entry of each of these chains of the actor's brand; one without entries is left out.

    Whoever holds what the chain is about reads here what no clock that was set back may undercut.
    """
    if not chains:
        return {}
    table = record_heads.c
    found = select(table.chain, table.at).where(db.among(table.chain, chains), table.brand_id == work.actor.brand_id)
    return {row.chain: row.at for row in work.connection.execute(found)}


def _link(heads: dict[str, _Head], new: NewEntry, now: datetime) -> Entry:
    """Make the next entry; times in a chain never run backwards, whatever two machines' clocks say."""
    sequence, previous, last_at = heads[new.chain]
    at = max(now, last_at)
    fingerprint = entry_hash(
        chain=new.chain, sequence=sequence + 1, kind=new.kind, body=new.body, previous_hash=previous, at=at
    )
    heads[new.chain] = (sequence + 1, fingerprint, at)
    return Entry(new.chain, sequence + 1, new.kind, new.body, previous, fingerprint, at)


def _check_body(body: dict[str, Any]) -> None:
    """Allow only what both databases give back exactly as it was."""
    values: list[Any] = [body]
    # The list grows while it is gone through: a call for every value would take longer than the hash.
    for value in values:
        match value:
            case str():
                assert "\x00" not in value
            case None | int():
                pass
            case list() | tuple():
                values += value
            case dict():
                assert all(isinstance(key, str) for key in value)
                values += value.values()
            case _:
                raise AssertionError(f"{type(value).__name__} cannot stand in the record")


def entries_of(work: Work, chain: str, *, after: int = 0, entries_max: int = ENTRIES_MAX) -> list[Entry]:
    """Return entries of a chain of the actor's brand in order, those after a sequence."""
    table = record_entries.c
    found = (
        select(*(table[name] for name in Entry.__dataclass_fields__))
        .where(table.chain == chain, table.brand_id == work.actor.brand_id, table.sequence > after)
        .order_by(table.sequence)
        .limit(min(entries_max, ENTRIES_MAX))
    )
    return [Entry(**row) for row in work.connection.execute(found).mappings()]


def walk(work: Work, chain: str) -> Iterator[Entry]:
    """Yield every entry of a chain of the actor's brand in order, a page at a time."""
    after = 0
    while found := entries_of(work, chain, after=after):
        yield from found
        after = found[-1].sequence


def last_of_kind(work: Work, chain: str, kind: str) -> Entry | None:
    """Return the last entry of a kind in a chain of the actor's brand."""
    table = record_entries.c
    found = (
        select(*(table[name] for name in Entry.__dataclass_fields__))
        .where(table.chain == chain, table.brand_id == work.actor.brand_id, table.kind == kind)
        .order_by(table.sequence.desc())
        .limit(1)
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else Entry(**row)


def broken_chains(work: Work) -> dict[str, int]:
    """Replay every chain of the actor's brand; returns those that do not verify and where; for the audit."""
    table = record_entries.c
    found = (
        select(*(table[name] for name in Entry.__dataclass_fields__))
        .where(table.brand_id == work.actor.brand_id)
        .order_by(table.chain, table.sequence)
        .execution_options(yield_per=2000)
    )
    broken: dict[str, int] = {}
    lasts: dict[str, tuple[int, str]] = {}
    own: list[Entry] = []

    def close(entries: list[Entry]) -> None:
        bad = verify(entries)
        if bad is not None:
            broken[entries[0].chain] = bad
        lasts[entries[-1].chain] = (entries[-1].sequence, entries[-1].hash)

    for row in work.connection.execute(found).mappings():
        entry = Entry(**row)
        if own and own[0].chain != entry.chain:
            close(own)
            own = []
        own.append(entry)
    if own:
        close(own)
    heads = record_heads.c
    for head in work.connection.execute(select(record_heads).where(heads.brand_id == work.actor.brand_id)):
        if lasts.get(head.chain, (0, GENESIS)) != (head.sequence, head.hash):
            broken.setdefault(head.chain, lasts.get(head.chain, (0, GENESIS))[0] + 1)
    return broken


# --- the daily root ---


def day_leaves(work: Work, brand: Brand, day: date) -> list[bytes]:
    """Return `chain:sequence:hash` of the last entry of each chain before the day's end, in order of the chains."""
    table = record_entries.c
    last = (
        select(table.chain, func.max(table.sequence).label("sequence"))
        .where(table.brand_id == brand.id, table.at < _end_of(brand, day))
        .group_by(table.chain)
        .subquery()
    )
    found = select(table.chain, table.sequence, table.hash).join(
        last, (table.chain == last.c.chain) & (table.sequence == last.c.sequence)
    )
    rows = sorted(tuple(row) for row in work.connection.execute(found))
    return [f"{chain}:{sequence}:{fingerprint}".encode() for chain, sequence, fingerprint in rows]


def seal_day(work: Work, brand: Brand, day: date) -> DayRoot:
    """Fix the root over all chains of a brand at a day's end; sealing again returns the same root.

    Refuses a day that has not been over for half an hour (Conflict).
    """
    if work.now < _end_of(brand, day) + SEAL_AFTER:
        raise Conflict("record", because("DAY_NOT_OVER"))
    leaves = day_leaves(work, brand, day)
    row = {"brand_id": brand.id, "day": day, "chains": len(leaves), "root": merkle_root(leaves).hex(), "at": work.now}
    db.insert_new(work.connection, record_days, [row], returning="day")
    sealed = day_root(work, brand, day)
    assert sealed is not None
    return sealed


def day_root(work: Work, brand: Brand, day: date) -> DayRoot | None:
    """Return a day's root, or None while it is not sealed."""
    table = record_days.c
    row = work.connection.execute(select(record_days).where(table.brand_id == brand.id, table.day == day)).first()
    return None if row is None else DayRoot(row.day, row.chains, row.root)


def seal_due(work: Work, brand: Brand, *, days_max: int = DAYS_MAX) -> list[DayRoot]:
    """Seal every day of a brand that is over and is not sealed, the oldest first, at most `days_max` of them.

    A day that nobody sealed while no worker ran is sealed later with the same root: entries are only ever added to
    days that are not over. The first day of all is that of the brand's first entry.
    """
    last = _last_day(brand, work.now)
    day = _next_day(work, brand) or last
    sealed: list[DayRoot] = []
    while day <= last and len(sealed) < days_max:
        sealed.append(seal_day(work, brand, day))
        day += timedelta(days=1)
    return sealed


def _next_day(work: Work, brand: Brand) -> date | None:
    """Return the day after the last sealed one, the day of the first entry where none is, or None without entries."""
    days, entries = record_days.c, record_entries.c
    newest: date | None = work.connection.execute(
        select(func.max(days.day)).where(days.brand_id == brand.id)
    ).scalar_one()
    if newest is not None:
        return newest + timedelta(days=1)
    first = select(entries.at).where(entries.brand_id == brand.id).order_by(entries.at).limit(1)
    at: datetime | None = work.connection.execute(first).scalar_one_or_none()
    return None if at is None else at.astimezone(brand.zone).date()


def _last_day(brand: Brand, now: datetime) -> date:
    return (now - SEAL_AFTER).astimezone(brand.zone).date() - timedelta(days=1)


def _end_of(brand: Brand, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, brand.zone).astimezone(UTC)


# --- persons under pseudonyms ---


def pseudonyms(work: Work, scope: str, person_ids: Sequence[str], *, are_new: bool = False) -> dict[str, str]:
    """Return each person's pseudonym in a scope (a pool, a proposal): the same within it, unlinkable across scopes.

    `are_new` says that most of them have none there yet, so that nobody looks for them first.
    """
    wanted = sorted(set(person_ids))
    salts = {} if are_new else _salts(work, scope, wanted)
    missing = [person_id for person_id in wanted if person_id not in salts]
    if missing:
        rows = [
            {"person_id": one, "scope": scope, "salt": salt}
            for one, salt in zip(missing, _new_salts(len(missing)), strict=True)
        ]
        new = db.insert_new(work.connection, record_salts, rows, returning="person_id")
        salts |= {row["person_id"]: row["salt"] for row in rows}
        # Somebody else was quicker where a row is not new.
        salts |= _salts(work, scope, [person_id for person_id in missing if person_id not in new])
    return {person_id: _pseudonym(salts[person_id], scope, person_id) for person_id in wanted}


def known_pseudonym(work: Work, scope: str, person_id: str) -> str | None:
    """Return a person's pseudonym in a scope where it has one; writes nothing."""
    salt = _salts(work, scope, [person_id]).get(person_id)
    return None if salt is None else _pseudonym(salt, scope, person_id)


def _pseudonym(salt: str, scope: str, person_id: str) -> str:
    return hashlib.sha256(f"{salt}:{scope}:{person_id}".encode()).hexdigest()[:32]


def _new_salts(count: int) -> list[str]:
    chance = secrets.token_hex(SALT_BYTES * count)
    return [chance[start : start + 2 * SALT_BYTES] for start in range(0, len(chance), 2 * SALT_BYTES)]


def _salts(work: Work, scope: str, person_ids: Sequence[str]) -> dict[str, str]:
    if not person_ids:
        return {}
    table = record_salts.c
    found = select(table.person_id, table.salt).where(table.scope == scope, db.among(table.person_id, person_ids))
    return {row.person_id: row.salt for row in work.connection.execute(found).all()}


def forget_person(work: Work, person_id: str) -> None:
    """Delete a person's salts: their entries stay and verify, and nobody can tell any more whose they were."""
    work.connection.execute(record_salts.delete().where(record_salts.c.person_id == person_id))
