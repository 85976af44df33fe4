"""Costs of parts of queues, fast enough to be asked for in every step of a search; the sums are those of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from factory_orders.planning.batching.model import (
    BatchPrices,
    Features,
    Line,
    Part,
    WaitingOrder,
    changeover,
    changes_inside,
    features_of,
)


@dataclass(slots=True)
class Costs:
    """Costs of the parts of some queues; sums over a part take no longer for a large one."""

    queues: Sequence[Sequence[WaitingOrder]]
    line: Line
    prices: BatchPrices
    smallest: int
    largest: int
    evaluations: int = 0
    _since: list[list[int]] = field(init=False)
    _ready: list[list[int]] = field(init=False)
    _late: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _known: dict[Part, tuple[Features, int]] = field(default_factory=dict)
    _single: list[list[Features]] = field(init=False)

    def __post_init__(self) -> None:
        self._since = [[0, *accumulate(order.since for order in queue)] for queue in self.queues]
        self._ready = [[self.line.first_slot(order.ready) for order in queue] for queue in self.queues]
        self._single = [[features_of([order]) for order in queue] for queue in self.queues]

    def features(self, part: Part) -> Features:
        """Return what a part is made of."""
        return self._look_at(part)[0]

    def _look_at(self, part: Part) -> tuple[Features, int]:
        """Return what a part is made of and from which slot on all its parts are there."""
        known = self._known.get(part)
        if known is None:
            shorter = self._known.get(Part(part.queue, part.start + 1, part.stop))
            if shorter is None:
                orders = self.queues[part.queue][part.start : part.stop]
                known = features_of(orders), max(self._ready[part.queue][part.start : part.stop])
            else:
                first = self._single[part.queue][part.start]
                known = shorter[0].joined(first), max(shorter[1], self._ready[part.queue][part.start])
            self._known[part] = known
        return known

    def worst_changeover(self, queue: int | None = None) -> int:
        """Return what a change between two parts, of one queue or of all, can cost at most."""
        queues = self.queues if queue is None else [self.queues[queue]]
        own = features_of([order for one in queues for order in one])
        return (
            self.prices.changeover_paint * (len(own.paints) > 1)
            + self.prices.changeover_powertrain * (len(own.powertrains) > 1)
            + self.prices.changeover_model * (len(own.models) > 1)
        )

    def build(self, part: Part, end: int, before: Part | None) -> tuple[int, int]:
        """Return when the line is free after a part and what the part costs, if the line is free at `end` before it."""
        self.evaluations += 1
        size = part.stop - part.start
        own, ready = self._look_at(part)
        start = max(end, ready)
        day = self.line.day_of(start + size - 1)
        since = self._since[part.queue]
        late = self._late_until(part.queue, day)
        cost = self.prices.setup + self.prices.idle_slot * (start - end) + changes_inside(own, self.prices)
        cost += self.prices.wait_day * (day * size - since[part.stop] + since[part.start])
        cost += self.prices.late_day * (late[part.stop] - late[part.start])
        if before is not None:
            cost += changeover(self.features(before), own, self.prices)
        return start + size, cost

    def _late_until(self, queue: int, day: int) -> list[int]:
        known = self._late.get((queue, day))
        if known is None:
            late = accumulate(max(0, day - order.due) for order in self.queues[queue])
            known = self._late[queue, day] = [0, *late]
        return known

    def total(self, parts: Sequence[Part]) -> int:
        """Return what a sequence of parts costs."""
        end = cost = 0
        before: Part | None = None
        for part in parts:
            end, more = self.build(part, end, before)
            cost += more
            before = part
        return cost
