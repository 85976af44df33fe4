"""What a partition of waiting orders into batches is made of, and what it costs: one evaluation, from scratch.

Days are proleptic ordinals (`date.toordinal`), amounts are in fen, the line is counted in slots of one car.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import accumulate, chain
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class BatchPrices:
    """What waiting and changing cost (DOMAIN section 6.5), in fen."""

    wait_day: int = 6_000
    late_day: int = 150_000
    setup: int = 1_500_000
    idle_slot: int = 200_000
    changeover_paint: int = 80_000
    changeover_powertrain: int = 600_000
    changeover_model: int = 2_000_000


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """A locked order without a batch: since when it waits, when its parts are there, by when it was promised."""

    id: str
    class_key: str
    model: str
    powertrain: str
    paint: str
    since: int
    ready: int
    due: int
    number: int = 0

    @property
    def age(self) -> tuple[int, int, str]:
        """Say who has waited longer; `number` is the order of locking within a day."""
        return self.since, self.number, self.id


@dataclass(frozen=True, slots=True)
class Line:
    """The plant's free slots, day by day; behind the last day it goes on at the last day's rate."""

    days: tuple[int, ...]
    slots: tuple[int, ...]
    until: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        assert self.days and len(self.days) == len(self.slots), "a line has days, each with its slots"
        assert list(self.days) == sorted(set(self.days)), "days come once and in order"
        assert min(self.slots) >= 0 < self.slots[-1], "the last day's rate carries on behind it"
        object.__setattr__(self, "until", tuple(accumulate(self.slots)))

    def day_of(self, slot: int) -> int:
        """Return the day on which the slot with this number (from 0) is built."""
        total = self.until[-1]
        if slot >= total:
            return self.days[-1] + 1 + (slot - total) // self.slots[-1]
        return self.days[bisect_right(self.until, slot)]

    def first_slot(self, day: int) -> int:
        """Return the number of the first slot on or after a day."""
        index = bisect_left(self.days, day)
        if index < len(self.days):
            return self.until[index - 1] if index else 0
        return self.until[-1] + (day - self.days[-1] - 1) * self.slots[-1]


class Part(NamedTuple):
    """The orders `start` to `stop` of a queue."""

    queue: int
    start: int
    stop: int


Cut = tuple[Part, ...]
"""A batch to be: parts of one or of several queues."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Orders that are built together, the day on which the last of them is built, and what the batch costs."""

    orders: tuple[WaitingOrder, ...]
    built_on: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class Partition:
    """Batches in the order in which they are built; no partition of their orders costs less than the bound.

    `waiting` are orders that fill no batch yet, `offers` those in a batch whose buyers would wait too long; `exact`
    where no partition that section 6.5 allows, of one class a batch or of several, costs less: there is no gap.
    """

    batches: tuple[PlannedBatch, ...]
    waiting: tuple[WaitingOrder, ...]
    offers: tuple[WaitingOrder, ...]
    cost_minor: int
    bound_minor: int
    exact: bool = False

    @property
    def gap_bp(self) -> int:
        """Return by how many basis points of the bound the cost is above it at most."""
        above = self.cost_minor - self.bound_minor
        return 0 if above <= 0 else -(-above * 10_000 // max(self.bound_minor, 1))


@dataclass(frozen=True, slots=True)
class BatchPlanView:
    """What a partition of a plant's waiting orders into batches cost, and what none can cost less than; in fen."""

    id: str
    plant_id: str
    made_at: datetime
    orders: int
    batches: int
    waiting: int
    too_long: int
    cost_minor: int
    bound_minor: int
    exact: bool

    @property
    def gap_bp(self) -> int:
        """Return by how many basis points of its cost the partition may lie above the optimum at most."""
        above = self.cost_minor - self.bound_minor
        return -(-above * 10_000 // self.cost_minor) if above > 0 else 0


@dataclass(frozen=True, slots=True)
class Features:
    """The models, powertrains and paints of a batch."""

    models: frozenset[str]
    powertrains: frozenset[str]
    paints: frozenset[str]


def features_of(orders: Sequence[WaitingOrder]) -> Features:
    """Return what a batch is made of."""
    return Features(
        frozenset(order.model for order in orders),
        frozenset(order.powertrain for order in orders),
        frozenset(order.paint for order in orders),
    )


def changeover(before: Features | None, after: Features, prices: BatchPrices) -> int:
    """Return what the change between two batches costs: all that they have nothing in common of.

    Two batches with a common paint (model, powertrain) can meet in it, since the line orders the cars of a batch.
    """
    if before is None:
        return 0
    return (
        prices.changeover_paint * before.paints.isdisjoint(after.paints)
        + prices.changeover_powertrain * before.powertrains.isdisjoint(after.powertrains)
        + prices.changeover_model * before.models.isdisjoint(after.models)
    )


def changes_inside(own: Features, prices: BatchPrices) -> int:
    """Return what a mixed batch changes inside: each further model and powertrain; its paints are the line's matter."""
    return (len(own.models) - 1) * prices.changeover_model + (len(own.powertrains) - 1) * prices.changeover_powertrain


def order_of_waiting(orders: Sequence[WaitingOrder], line: Line) -> list[WaitingOrder]:
    """Return orders as they would be built one by one: at each slot the one that has waited longest and has its parts.

    So an order is overtaken only while its parts are not there; two with the same parts keep their order.
    """
    arriving = sorted(orders, key=lambda order: order.ready)
    there: list[tuple[tuple[int, int, str], WaitingOrder]] = []
    found: list[WaitingOrder] = []
    slot = index = 0
    while index < len(arriving) or there:
        if not there:
            slot = max(slot, line.first_slot(arriving[index].ready))
        day = line.day_of(slot)
        while index < len(arriving) and arriving[index].ready <= day:
            heappush(there, (arriving[index].age, arriving[index]))
            index += 1
        found.append(heappop(there)[1])
        slot += 1
    return found


def orders_of(queues: Sequence[Sequence[WaitingOrder]], cut: Cut) -> list[WaitingOrder]:
    """Return the orders of a batch to be, queue by queue."""
    return list(chain.from_iterable(queues[part.queue][part.start : part.stop] for part in cut))


def plan_batches(batches: Sequence[Sequence[WaitingOrder]], line: Line, prices: BatchPrices) -> list[PlannedBatch]:
    """Build batches one after the other, each as soon as the line is free and its last part is there; cost each."""
    planned = []
    end = 0
    before: Features | None = None
    for orders in map(tuple, batches):
        start = max(end, line.first_slot(max(order.ready for order in orders)))
        day = line.day_of(start + len(orders) - 1)
        own = features_of(orders)
        cost = prices.setup + changeover(before, own, prices) + changes_inside(own, prices)
        cost += prices.idle_slot * (start - end)
        for order in orders:
            cost += prices.wait_day * (day - order.since) + prices.late_day * max(0, day - order.due)
        planned.append(PlannedBatch(orders, day, cost))
        end, before = start + len(orders), own
    return planned
