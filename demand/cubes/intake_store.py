"""Writes what people said and the counts of it, in one change, under the lock of the brand's book."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Table, bindparam, select, update

from demand.cubes.model import NOBODY, BlockKey, Counts, Menu, Offering, TableKey, Voice
from demand.cubes.rows import counts_from, table_row
from demand.cubes.tables import (
    cube_blocks,
    cube_books,
    cube_changes,
    cube_offerings,
    cube_options,
    cube_tables,
    demand_cancellations,
    demand_caps,
    demand_journeys,
    demand_voices,
)
from demand.cubes.tally import Deltas
from kernel import db
from kernel.work import Work

IN_MAX: Final = 400


@dataclass(slots=True)
class Book:
    """A brand's numbers of options and offerings; held locked until the change ends."""

    bits: dict[str, int]
    offerings: int
    codes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.codes = sorted(self.bits, key=lambda code: self.bits[code])

    def choice_of(self, options: Iterable[str]) -> bytes:
        """Write options as bits, the lowest first."""
        bits = sum(1 << self.bits[option] for option in options)
        return bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "little")

    def options_of(self, choice: bytes) -> tuple[str, ...]:
        """Read options from bits."""
        bits = int.from_bytes(choice, "little")
        return tuple(sorted(self.codes[place] for place in range(bits.bit_length()) if bits >> place & 1))


def lock_book(work: Work) -> Book:
    """Hold the brand's book: until this change ends nobody else moves the brand's cubes."""
    brand_id = work.actor.brand_id
    if work.connection.execute(select(cube_books.c.brand_id).where(cube_books.c.brand_id == brand_id)).first() is None:
        new = {"brand_id": brand_id, "options": 0, "offerings": 0}
        db.insert_new(work.connection, cube_books, [new], returning="brand_id")
    row = work.connection.execute(select(cube_books).where(cube_books.c.brand_id == brand_id).with_for_update()).one()
    bits = read_bits(work)
    assert len(bits) == row.options
    return Book(bits, row.offerings)


def read_bits(work: Work) -> dict[str, int]:
    """Return the bit of each option."""
    found = select(cube_options.c.code, cube_options.c.bit).where(cube_options.c.brand_id == work.actor.brand_id)
    return {one.code: one.bit for one in work.connection.execute(found)}


def add_options(work: Work, book: Book, codes: Iterable[str]) -> None:
    """Give options that have no bit yet the next ones."""
    new = sorted(set(codes) - book.bits.keys())
    if not new:
        return
    for code in new:
        book.bits[code] = len(book.codes)
        book.codes.append(code)
    rows = [{"brand_id": work.actor.brand_id, "code": code, "bit": book.bits[code]} for code in new]
    db.insert_many(work.connection, cube_options, rows)
    work.connection.execute(
        update(cube_books).where(cube_books.c.brand_id == work.actor.brand_id).values(options=len(book.codes))
    )


@dataclass(frozen=True, slots=True)
class KeptOffering:
    """An offering with its number and what could be had."""

    number: int
    offering: Offering
    menu: Menu


def offerings_of_weeks(work: Work, weeks: Iterable[date]) -> dict[Offering, KeptOffering]:
    """Return what could be had in some weeks."""
    table = cube_offerings.c
    found = select(cube_offerings).where(table.brand_id == work.actor.brand_id, db.among(table.week, weeks))
    kept = {}
    for row in work.connection.execute(found).mappings():
        offering = Offering(row["version_id"], row["region"], row["model"], row["week"])
        menu = {category: tuple(options) for category, options in row["options"].items()}
        kept[offering] = KeptOffering(row["number"], offering, menu)
    return kept


def keep_offerings(work: Work, book: Book, new: Mapping[Offering, Menu]) -> dict[Offering, KeptOffering]:
    """Keep what could be had of offerings that are new."""
    add_options(work, book, (option for menu in new.values() for options in menu.values() for option in options))
    kept = {}
    for offering, menu in new.items():
        kept[offering] = KeptOffering(book.offerings, offering, menu)
        book.offerings += 1
    rows = [
        {
            "brand_id": work.actor.brand_id,
            "number": one.number,
            "version_id": one.offering.version_id,
            "model": one.offering.model,
            "region": one.offering.region,
            "week": one.offering.week,
            "options": {category: list(options) for category, options in one.menu.items()},
        }
        for one in kept.values()
    ]
    db.insert_many(work.connection, cube_offerings, rows)
    work.connection.execute(
        update(cube_books).where(cube_books.c.brand_id == work.actor.brand_id).values(offerings=book.offerings)
    )
    return kept


def load_voices(
    work: Work, book: Book, kept: Mapping[int, Offering], wanted: Iterable[tuple[date, str]]
) -> dict[tuple[date, str], Voice]:
    """Return the voices of persons by week and person, where they have one."""
    voices = {}
    for row in _of_persons(work, demand_voices, wanted):
        voices[row["week"], row["person"]] = Voice(
            row["person"],
            row["verified"],
            row["ordered"],
            kept[row["offering"]],
            book.options_of(row["choice"]),
        )
    return voices


def _of_persons(work: Work, table: Table, wanted: Iterable[tuple[date, str]]) -> list[Any]:
    """Return the rows of persons in weeks; of a week only of the persons who are wanted in it."""
    by_week: dict[date, list[str]] = {}
    for week, person in wanted:
        by_week.setdefault(week, []).append(person)
    rows: list[Any] = []
    for week, persons in sorted(by_week.items()):
        for start in range(0, len(persons), IN_MAX):
            found = select(table).where(
                table.c.brand_id == work.actor.brand_id,
                table.c.week == week,
                db.among(table.c.person, persons[start : start + IN_MAX]),
            )
            rows += work.connection.execute(found).mappings()
    return rows


def save_voices(
    work: Work, book: Book, kept: Mapping[Offering, KeptOffering], voices: Iterable[Voice], known: Iterable[Voice]
) -> None:
    """Write voices; those of `known` are there already and change."""
    before = {(voice.offering.week, voice.person) for voice in known}
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for voice in voices:
        row = {
            "brand_id": work.actor.brand_id,
            "week": voice.offering.week,
            "person": voice.person,
            "verified": voice.verified,
            "ordered": voice.ordered,
            "offering": kept[voice.offering].number,
            "choice": book.choice_of(voice.options),
        }
        (changed if (voice.offering.week, voice.person) in before else new).append(row)
    save_rows(work, demand_voices, new, changed, keys=("brand_id", "week", "person"))


def save_rows(
    work: Work,
    table: Table,
    new: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
) -> None:
    """Insert rows and change others, found by `keys`."""
    db.insert_many(work.connection, table, new)
    if changed:
        statement = update(table).where(*(table.c[key] == bindparam(f"b_{key}") for key in keys))
        values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in changed[0] if name not in keys}
        rows = [{f"b_{name}" if name in keys else f"v_{name}": value for name, value in row.items()} for row in changed]
        work.connection.execute(statement.values(values), rows)


# --- counts ----------------------------------------------------------------------------------------------------------


def load_blocks(work: Work, *, cubes: Sequence[str], weeks: Iterable[date] | None = None) -> dict[BlockKey, Counts]:
    """Return the counts of whole cubes, or of some weeks of them."""
    table = cube_blocks.c
    found = select(cube_blocks).where(table.brand_id == work.actor.brand_id, db.among(table.cube, cubes))
    if weeks is not None:
        found = found.where(db.among(table.week, weeks))
    return {
        BlockKey(TableKey(row["cube"], row["week"], row["model"], row["version_id"]), row["region"]): counts_from(
            row["counts"]
        )
        for row in work.connection.execute(found).mappings()
    }


def apply_deltas(work: Work, deltas: Deltas) -> None:
    """Move the counts of blocks; a code that nobody is counted under goes."""
    if not deltas.blocks:
        return
    cubes = sorted({key.table.cube for key in deltas.blocks})
    before = load_blocks(work, cubes=cubes, weeks={key.table.week for key in deltas.blocks})
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for key, delta in deltas.blocks.items():
        counts = before.get(key, {})
        for code, count in delta.items():
            counts[code] = counts.get(code, NOBODY).plus(count)
        row = block_row(work, key, {code: count for code, count in counts.items() if count != NOBODY})
        (changed if key in before else new).append(row)
    save_rows(work, cube_blocks, new, changed, keys=("brand_id", "cube", "week", "model", "version_id", "region"))


def block_row(work: Work, key: BlockKey, counts: Counts) -> dict[str, Any]:
    """Return a block as its row."""
    return table_row(work.actor.brand_id, key.table) | {
        "region": key.region,
        "counts": {code: list(count) for code, count in sorted(counts.items())},
    }


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody said in a table as it was last released, and says now; empty for nothing."""

    table: TableKey
    person: str
    verified: bool
    before: str
    after: str


def note_changes(work: Work, changes: Sequence[Change]) -> None:
    """Note what is new since each table's last release; what was said then stays as first noted.

    A table that had its last release is never moved on: of what comes late for it nobody's word is kept here.
    """
    closed = _closed_tables(work, {one.table.week for one in changes})
    changes = [one for one in changes if one.table not in closed]
    known = {
        (TableKey(row["cube"], row["week"], row["model"], row["version_id"]), row["person"])
        for row in _of_persons(work, cube_changes, {(one.table.week, one.person) for one in changes})
    }
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for one in changes:
        row = table_row(work.actor.brand_id, one.table) | {"person": one.person, "after": one.after}
        if (one.table, one.person) in known:
            changed.append(row)
        else:
            new.append(row | {"verified": one.verified, "before": one.before})
    save_rows(work, cube_changes, new, changed, keys=("brand_id", "cube", "week", "model", "version_id", "person"))


def _closed_tables(work: Work, weeks: Iterable[date]) -> set[TableKey]:
    table = cube_tables.c
    found = select(table.cube, table.week, table.model, table.version_id).where(
        table.brand_id == work.actor.brand_id, db.among(table.week, weeks), table.closed.is_(True)
    )
    return {TableKey(*row) for row in work.connection.execute(found)}


# --- the other rows --------------------------------------------------------------------------------------------------


def load_journeys(work: Work, persons: Iterable[str]) -> dict[str, tuple[date, int]]:
    """Return how far persons have come: the week they were first seen in, and their steps' bits."""
    wanted, table = sorted(set(persons)), demand_journeys.c
    journeys: dict[str, tuple[date, int]] = {}
    for start in range(0, len(wanted), IN_MAX):
        found = select(table.person, table.seen_in, table.steps).where(
            table.brand_id == work.actor.brand_id, db.among(table.person, wanted[start : start + IN_MAX])
        )
        journeys |= {row.person: (row.seen_in, row.steps) for row in work.connection.execute(found)}
    return journeys


def save_journeys(work: Work, before: Iterable[str], after: Mapping[str, tuple[date, int]]) -> None:
    """Write how far persons have come; those of `before` are known."""
    known, new, changed = set(before), [], []
    for person, (seen_in, steps) in after.items():
        row = {"brand_id": work.actor.brand_id, "person": person, "steps": steps}
        if person in known:
            changed.append(row)
        else:
            new.append(row | {"seen_in": seen_in})
    save_rows(work, demand_journeys, new, changed, keys=("brand_id", "person"))


def load_caps(work: Work, wanted: Iterable[tuple[date, str]]) -> dict[tuple[date, str, str], int]:
    """Return the discounts that persons wait for, by week, model and person."""
    return {
        (row["week"], row["model"], row["person"]): row["discount"] for row in _of_persons(work, demand_caps, wanted)
    }


def save_caps(
    work: Work, before: Mapping[tuple[date, str, str], int], after: Mapping[tuple[date, str, str], int]
) -> None:
    """Write the discounts that persons wait for."""
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for (week, model, person), discount in after.items():
        row = {
            "brand_id": work.actor.brand_id,
            "week": week,
            "model": model,
            "person": person,
            "discount": discount,
        }
        (changed if (week, model, person) in before else new).append(row)
    save_rows(work, demand_caps, new, changed, keys=("brand_id", "week", "model", "person"))


def insert_cancellations(work: Work, rows: Sequence[tuple[date, str, str]]) -> list[tuple[date, str, str]]:
    """Write cancellations (quarter, kind, person) and return those that are new; the lock keeps others out."""
    known = {
        (row["week"], row["kind"], row["person"])
        for row in _of_persons(work, demand_cancellations, {(quarter, person) for quarter, _, person in rows})
    }
    new = [row for row in dict.fromkeys(rows) if row not in known]
    db.insert_many(
        work.connection,
        demand_cancellations,
        [
            {"brand_id": work.actor.brand_id, "week": quarter, "model": "", "kind": kind, "person": person}
            for quarter, kind, person in new
        ],
    )
    return new


def forget_persons(work: Work, persons: Sequence[str]) -> None:
    """Put chance in the place of persons' ids, one everywhere: counts stay, nobody knows whose they were."""
    for person in persons:
        token = secrets.token_hex(16)
        for table in (demand_voices, demand_journeys, demand_caps, demand_cancellations, cube_changes):
            work.connection.execute(
                update(table)
                .where(table.c.person == person, table.c.brand_id == work.actor.brand_id)
                .values(person=token)
            )
