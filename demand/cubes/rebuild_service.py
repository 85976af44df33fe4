"""Makes the internal cubes anew from their rows, to hold them against the ones that events kept up to date.

Only the worker and the command line import this module: numpy stays out of a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from sqlalchemy import func, select, text
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


@dataclass(slots=True)
class _Sums:
    """Sums of one offering: voices, pre-orders, and choices by pair of bits, with single ones on the diagonal."""

    bits: Array
    voices: Count = NOBODY
    ordered: Count = NOBODY
    all: Array = field(init=False)
    known: Array = field(init=False)

    def __post_init__(self) -> None:
        self.all = np.zeros((len(self.bits), len(self.bits)), dtype=np.int64)
        self.known = self.all.copy()


def rebuild_blocks(work: Work) -> dict[BlockKey, Counts]:
    """Return all internal cubes of the brand, made from the rows alone.

    Whoever means to write them holds the brand's book before (`lock_book`).
    """
    work.actor.require(Permission.SYSTEM)
    bits = read_bits(work)
    codes = sorted(bits, key=lambda code: bits[code])
    weeks = select(cube_offerings.c.week).where(cube_offerings.c.brand_id == work.actor.brand_id).distinct()
    kept = sorted(
        offerings_of_weeks(work, work.connection.execute(weeks).scalars()).values(), key=lambda one: one.number
    )
    sums = [
        _Sums(np.array([bits[code] for codes in one.menu.values() for code in codes], dtype=np.intp)) for one in kept
    ]
    width = (len(codes) + 7) // 8
    # Small matrices are multiplied faster by one thread than by several that wait for each other.
    with threadpool_limits(limits=1):
        for rows in _voices(work):
            _add_rows(sums, rows, width)
    blocks = _other_blocks(work)
    for one, found in zip(kept, sums, strict=True):
        _add_blocks(blocks, one, found, codes)
    return {key: counts for key, counts in blocks.items() if counts}


def _voices(work: Work) -> Iterator[Sequence[Any]]:
    """Yield the rows in batches, as the driver gives them: with types a row costs twice as much."""
    found = text("SELECT offering, choice, verified, ordered FROM demand_voices WHERE brand_id = :brand_id")
    result = work.connection.execute(
        found, {"brand_id": work.actor.brand_id}, execution_options={"yield_per": ROWS_AT_ONCE}
    )
    yield from result.partitions()


def _add_rows(sums: Sequence[_Sums], rows: Sequence[Any], width: int) -> None:
    """Add some voices to the sums of their offerings; a matrix product counts all pairs of options at once."""
    offerings, choices, verified, ordered = zip(*rows, strict=True)
    numbers = np.array(offerings, dtype=np.int64)
    packed = b"".join(choice.ljust(width, b"\0") for choice in choices)
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8).reshape(-1, width), axis=1, bitorder="little")
    order = np.argsort(numbers, kind="stable")
    numbers, bits = numbers[order], bits[order]
    known, with_order = np.array(verified, dtype=bool)[order], np.array(ordered, dtype=bool)[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        one = sums[int(numbers[start])]
        # Single precision is exact up to 2^24, far more than there are rows at once.
        chosen = bits[start:end, one.bits].astype(np.float32)
        is_known, pre_orders = known[start:end], with_order[start:end]
        together = (chosen.T @ chosen).astype(np.int64)
        one.all += together
        one.known += together if is_known.all() else (chosen[is_known].T @ chosen[is_known]).astype(np.int64)
        one.voices = one.voices.plus(Count(int(end - start), int(is_known.sum())))
        one.ordered = one.ordered.plus(Count(int(pre_orders.sum()), int((pre_orders & is_known).sum())))


def _add_blocks(blocks: dict[BlockKey, Counts], one: KeptOffering, sums: _Sums, codes: Sequence[str]) -> None:
    """Write an offering's sums as counts by code, and add its pairs to those of the other regions."""
    if sums.voices == NOBODY:
        return
    here = [codes[bit] for bit in sums.bits]
    category_of = {option: category for category, options in one.menu.items() for option in options}
    counts: Counts = {EVERYBODY: sums.voices}
    if sums.ordered != NOBODY:
        counts[ORDERED] = sums.ordered
    pairs = blocks.setdefault(pair_block(one.offering), {})
    for row, column in zip(*np.nonzero(sums.all), strict=True):
        count = Count(int(sums.all[row, column]), int(sums.known[row, column]))
        first, second = here[row], here[column]
        if row == column:
            counts[first] = count
        elif first < second and category_of[first] != category_of[second]:
            pair = f"{first}{BETWEEN}{second}"
            pairs[pair] = pairs.get(pair, NOBODY).plus(count)
    blocks[take_block(one.offering)] = counts


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
    for week, model, kind, count in _grouped(
        work, *(demand_cancellations.c[name] for name in ("week", "model", "kind"))
    ):
        add(cancellations_block(week, model), kind, count)
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
