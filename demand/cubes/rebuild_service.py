"""Makes the internal cubes anew from their rows, to hold them against the ones that events kept up to date.

Only the worker and the command line import this module: numpy stays out of a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
from sqlalchemy import func, select
from threadpoolctl import threadpool_limits

from demand.cubes.intake_store import (
    KeptOffering,
    block_row,
    load_blocks,
    lock_book,
    offerings_of_weeks,
    read_bits,
    save_rows,
)
from demand.cubes.model import (
    BETWEEN,
    EVERYBODY,
    NOBODY,
    ORDERED,
    BlockKey,
    Count,
    Counts,
    CubeName,
)
from demand.cubes.tables import (
    cube_blocks,
    cube_offerings,
    demand_cancellations,
    demand_caps,
    demand_journeys,
    demand_voices,
)
from demand.cubes.tally import (
    cancellations_block,
    caps_block,
    funnel_block,
    pair_block,
    steps_in,
    take_block,
)
from kernel.actor import Permission
from kernel.work import Work

Array: TypeAlias = np.ndarray[Any, Any]
ROWS_AT_ONCE: Final = 250_000


class _Sums:
    """Sums of one offering: voices, pre-orders, and choices by pair of bits, with single ones on the diagonal."""

    def __init__(self, options: int) -> None:
        """Begin with nobody."""
        self.voices, self.ordered = NOBODY, NOBODY
        self.all: Array = np.zeros((options, options), dtype=np.int64)
        self.known: Array = np.zeros((options, options), dtype=np.int64)

    def count(self, together: Array, number: int, *, verified: bool, ordered: bool) -> None:
        """Add people who are all alike in whether they are verified and whether they have ordered."""
        people = Count(number, number if verified else 0)
        self.voices = self.voices.plus(people)
        self.ordered = self.ordered.plus(people) if ordered else self.ordered
        self.all += together
        if verified:
            self.known += together

    def add(self, other: _Sums, offered: Array) -> None:
        """Add the choices of another region, those alone that could be had there."""
        both = np.outer(offered, offered)
        self.all += other.all * both
        self.known += other.known * both


def rebuild_blocks(work: Work) -> dict[BlockKey, Counts]:
    """Return all internal cubes of the brand, made from the rows alone.

    Whoever means to write them holds the brand's book before (`lock_book`).
    """
    work.actor.require(Permission.SYSTEM)
    bits = read_bits(work)
    codes = sorted(bits, key=lambda code: bits[code])
    found = select(cube_offerings.c.week).where(cube_offerings.c.brand_id == work.actor.brand_id).distinct()
    weeks = sorted(work.connection.execute(found).scalars())
    kept = {one.number: one for one in offerings_of_weeks(work, weeks).values()}
    sums = {number: _Sums(len(codes)) for number in kept}
    # Small matrices are multiplied faster by one thread than by several that wait for each other.
    with threadpool_limits(limits=1):
        for week in weeks:
            _add_week(work, week, sums, options=len(codes))
    blocks = _other_blocks(work)
    pairs: dict[BlockKey, tuple[dict[str, str], _Sums]] = {}
    for number in sorted(kept):
        one, own = kept[number], sums[number]
        if own.voices != NOBODY:
            _add_options(blocks, one, own, bits)
            category_of, together = pairs.setdefault(pair_block(one.offering), ({}, _Sums(len(codes))))
            category_of |= {option: category for category, options in one.menu.items() for option in options}
            together.add(own, _offered(one, bits, len(codes)))
    for key, (category_of, together) in pairs.items():
        blocks[key] = _pair_counts(category_of, together, codes)
    return {key: counts for key, counts in blocks.items() if counts}


def _add_week(work: Work, week: date, sums: Mapping[int, _Sums], *, options: int) -> None:
    """Add the voices of a week to the sums of their offerings.

    The database hands the choices over as one text for each offering, every choice in hexadecimal of the same width: a
    row costs a fifth of what it costs as a row of its own.
    """
    width = (options + 7) // 8
    table = demand_voices.c
    written = func.hex(table.choice) if work.connection.dialect.name == "sqlite" else func.encode(table.choice, "hex")
    choice = func.substr(written.concat("00" * width), 1, 2 * width)
    groups = (table.offering, table.verified, table.ordered)
    found = (
        select(*groups, func.count(), func.aggregate_strings(choice, ""))
        .where(table.brand_id == work.actor.brand_id, table.week == week)
        .group_by(*groups)
    )
    for offering, verified, ordered, number, choices in work.connection.execute(found):
        packed = np.frombuffer(bytes.fromhex(choices), dtype=np.uint8).reshape(number, width)
        together = np.zeros((options, options), dtype=np.int64)
        for start in range(0, number, ROWS_AT_ONCE):
            rows = np.unpackbits(packed[start : start + ROWS_AT_ONCE], axis=1, count=options, bitorder="little")
            # Single precision is exact up to 2^24, far more than there are rows at once.
            chosen = rows.astype(np.float32)
            together += (chosen.T @ chosen).astype(np.int64)
        sums[offering].count(together, number, verified=verified, ordered=ordered)


def _offered(one: KeptOffering, bits: Mapping[str, int], options: int) -> Array:
    """Say of each bit whether the offering's menu has its option: only such choices count."""
    offered = np.zeros(options, dtype=np.bool_)
    offered[[bits[code] for codes in one.menu.values() for code in codes]] = True
    return offered


def _add_options(blocks: dict[BlockKey, Counts], one: KeptOffering, sums: _Sums, bits: Mapping[str, int]) -> None:
    """Write an offering's sums as counts by option."""
    counts: Counts = {EVERYBODY: sums.voices}
    if sums.ordered != NOBODY:
        counts[ORDERED] = sums.ordered
    for codes in one.menu.values():
        for code in codes:
            bit = bits[code]
            if sums.all[bit, bit]:
                counts[code] = Count(int(sums.all[bit, bit]), int(sums.known[bit, bit]))
    blocks[take_block(one.offering)] = counts


def _pair_counts(category_of: Mapping[str, str], sums: _Sums, codes: Sequence[str]) -> Counts:
    """Return how many chose each pair of options of different categories, in all regions together."""
    counts: Counts = {}
    for row, column in zip(*np.nonzero(sums.all), strict=True):
        first, second = codes[row], codes[column]
        if first < second and category_of[first] != category_of[second]:
            counts[f"{first}{BETWEEN}{second}"] = Count(int(sums.all[row, column]), int(sums.known[row, column]))
    return counts


def _other_blocks(work: Work) -> dict[BlockKey, Counts]:
    """Count funnel, caps and cancellations, where the database adds up."""
    blocks: dict[BlockKey, Counts] = {}

    def add(key: BlockKey, code: str, count: int) -> None:
        counts = blocks.setdefault(key, {})
        counts[code] = counts.get(code, NOBODY).plus(Count(count, count))

    for seen_in, bits, count in _grouped(work, demand_journeys.c.seen_in, demand_journeys.c.steps):
        for step in steps_in(bits):
            add(funnel_block(seen_in), str(step), count)
    for week, model, discount, count in _grouped(
        work, *(demand_caps.c[name] for name in ("week", "model", "discount"))
    ):
        add(caps_block(week, model), str(discount), count)
    for quarter, kind, count in _grouped(work, demand_cancellations.c.week, demand_cancellations.c.kind):
        add(cancellations_block(quarter), kind, count)
    return blocks


def _grouped(work: Work, *columns: Any) -> Iterator[Any]:
    table = columns[0].table
    found = select(*columns, func.count()).where(table.c.brand_id == work.actor.brand_id).group_by(*columns)
    yield from work.connection.execute(found)


def wrong_blocks(work: Work) -> list[BlockKey]:
    """Return the blocks whose counts are not those of their rows; none, unless something is broken."""
    rebuilt = rebuild_blocks(work)
    stored = {key: counts for key, counts in load_blocks(work, cubes=list(CubeName)).items() if counts}
    return sorted(key for key in rebuilt.keys() | stored.keys() if rebuilt.get(key) != stored.get(key))


def mend_blocks(work: Work) -> list[BlockKey]:
    """Write the counts of the rows wherever others stand, and return where that was."""
    lock_book(work)
    rebuilt = rebuild_blocks(work)
    stored = load_blocks(work, cubes=list(CubeName))
    wrong = sorted(key for key in rebuilt.keys() | stored.keys() if rebuilt.get(key, {}) != stored.get(key, {}))
    rows = {key: block_row(work, key, rebuilt.get(key, {})) for key in wrong}
    save_rows(
        work,
        cube_blocks,
        [row for key, row in rows.items() if key not in stored],
        [row for key, row in rows.items() if key in stored],
        keys=("brand_id", "cube", "week", "model", "version_id", "region"),
    )
    return wrong
