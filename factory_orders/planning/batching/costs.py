"""Costs of batches to be, fast enough to be asked for in every step of a search; the sums are those of the model.

What a batch is made of is one whole number here, a bit for each model, powertrain and paint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from factory_orders.planning.batching.model import BatchPrices, Cut, Line, WaitingOrder


class Look(NamedTuple):
    """A batch to be: how many cars, what it is made of, from which slot on all its parts are there; fixed costs in fen.

    `fixed` is what it costs wherever it stands: its setup, its changes inside, and what its orders cost by themselves.
    """

    size: int
    made_of: int
    ready: int
    fixed: int


@dataclass(slots=True)
class Costs:
    """Costs of batches out of some queues; each queue is in the order in which it must be built."""

    queues: Sequence[Sequence[WaitingOrder]]
    line: Line
    prices: BatchPrices
    smallest: int
    largest: int
    evaluations: int = 0
    """How many parts of batches were costed so far."""
    made_of: list[list[int]] = field(init=False)
    """What each order is made of, queue by queue."""
    ready: list[list[int]] = field(init=False)
    """The first slot in which each order's parts are there, queue by queue."""
    due: list[list[int]] = field(init=False)
    """The day on which each order is promised, or that on which its parts are there if that is later."""
    own: list[list[int]] = field(init=False)
    """Sums of what the first orders of each queue cost by themselves, in fen.

    Those are the days until their parts are there if they are promised sooner, less the days before they were locked.
    """
    _models: int = field(init=False)
    _powertrains: int = field(init=False)
    _paints: int = field(init=False)
    _late: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _changes: dict[int, int] = field(default_factory=dict)
    _known: dict[Cut, Look] = field(default_factory=dict)

    def __post_init__(self) -> None:
        every = [order for queue in self.queues for order in queue]
        names = [sorted({getattr(order, kind) for order in every}) for kind in ("model", "powertrain", "paint")]
        bits = [{name: 1 << number for number, name in enumerate(some)} for some in names]
        at = len(names[0]), len(names[0]) + len(names[1])
        self._models, self._powertrains = (1 << at[0]) - 1, ((1 << len(names[1])) - 1) << at[0]
        self._paints = ((1 << len(names[2])) - 1) << at[1]
        self.made_of = [
            [bits[0][one.model] | bits[1][one.powertrain] << at[0] | bits[2][one.paint] << at[1] for one in queue]
            for queue in self.queues
        ]
        self.ready = [[self.line.first_slot(order.ready) for order in queue] for queue in self.queues]
        there = [[self.line.day_of(slot) for slot in slots] for slots in self.ready]
        self.due = [
            list(map(max, (one.due for one in queue), days)) for queue, days in zip(self.queues, there, strict=True)
        ]
        self.own = [
            [0, *accumulate(map(self._own, queue, due))] for queue, due in zip(self.queues, self.due, strict=True)
        ]

    def _own(self, order: WaitingOrder, due: int) -> int:
        return self.prices.late_day * (due - order.due) - self.prices.wait_day * order.since

    def look_at(self, cut: Cut) -> Look:
        """Return what is the same of a batch wherever it stands."""
        known = self._known.get(cut)
        if known is None:
            size = made_of = ready = own = 0
            for queue, start, stop in cut:
                size += stop - start
                own += self.own[queue][stop] - self.own[queue][start]
                for features in self.made_of[queue][start:stop]:
                    made_of |= features
                ready = max(ready, *self.ready[queue][start:stop])
            known = self._known[cut] = Look(size, made_of, ready, self.fixed(made_of, own))
        return known

    def fixed(self, made_of: int, own: int) -> int:
        """Return what a batch costs wherever it stands, given what its orders cost by themselves."""
        return self.prices.setup + self.changes(made_of) + own

    def changes(self, made_of: int) -> int:
        """Return what each model and powertrain but the first costs."""
        known = self._changes.get(made_of)
        if known is None:
            models, powertrains = made_of & self._models, made_of & self._powertrains
            known = self._changes[made_of] = (
                max(models.bit_count() - 1, 0) * self.prices.changeover_model
                + max(powertrains.bit_count() - 1, 0) * self.prices.changeover_powertrain
            )
        return known

    def first_coming(self, made_of: int) -> int:
        """Return what models and powertrains cost that were not there before: a change each."""
        models, powertrains = made_of & self._models, made_of & self._powertrains
        return (
            models.bit_count() * self.prices.changeover_model
            + powertrains.bit_count() * self.prices.changeover_powertrain
        )

    def changeover(self, before: int, after: int) -> int:
        """Return what the change between two batches costs; 0 before the first, which is made of nothing."""
        if not before:
            return 0
        common, prices = before & after, self.prices
        return (
            (0 if common & self._models else prices.changeover_model)
            + (0 if common & self._powertrains else prices.changeover_powertrain)
            + (0 if common & self._paints else prices.changeover_paint)
        )

    @property
    def worst_changeover(self) -> int:
        """Return what a change between two batches can cost at most."""
        prices = self.prices
        return (
            prices.changeover_model * (self._models.bit_count() > 1)
            + prices.changeover_powertrain * (self._powertrains.bit_count() > 1)
            + prices.changeover_paint * (self._paints.bit_count() > 1)
        )

    def build(self, cut: Cut, end: int, before: int) -> tuple[int, int]:
        """Return when the line is free after a batch, and its cost behind one made of `before` that ends at `end`."""
        self.evaluations += len(cut)
        size, made_of, ready, cost = self.look_at(cut)
        start = max(end, ready)
        day = self.line.day_of(start + size - 1)
        cost += self.prices.idle_slot * (start - end) + self.prices.wait_day * day * size
        for queue, first, stop in cut:
            late = self.late_until(queue, day)
            cost += late[stop] - late[first]
        return start + size, cost + self.changeover(before, made_of)

    def late_until(self, queue: int, day: int) -> list[int]:
        """Return what more lateness costs of the first orders of a queue if all are built on a day, for each number."""
        known = self._late.get((queue, day))
        if known is None:
            late = self.prices.late_day
            sums = accumulate(late * max(0, day - due) for due in self.due[queue])
            known = self._late[queue, day] = [0, *sums]
        return known

    def total(self, cuts: Iterable[Cut]) -> int:
        """Return what a sequence of batches costs."""
        end = cost = before = 0
        for cut in cuts:
            end, more = self.build(cut, end, before)
            cost += more
            before = self.look_at(cut).made_of
        return cost
