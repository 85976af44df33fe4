"""A lower bound of every partition's cost, whichever classes share its batches.

**Orders by themselves.** Nobody is built before the parts are there: a promise for a sooner day costs the days between.

**Setups, waiting, idle and late days together.** Take any partition, and give its places, first to last, to the orders
by when their parts are there: no batch starts later than before, for the first k of these have theirs no later than any
k orders. Give the promises, or the parts' days if
those are later, to the same places, the earliest first: late days then add up to no more (lateness is convex
in the day; Hardy, Littlewood and Pólya, Inequalities, 1934, section 10.2). What is left is one line of cars that are
all alike, and that is cut exactly.

**Changes.** Each model and each powertrain but the first comes for a first time, at the border of a batch or inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from heapq import heappop, heappush
from operator import or_
from typing import Final

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.lines import cut_line
from factory_orders.planning.batching.model import BatchPrices, Line, Part, WaitingOrder

NEVER: Final = 1 << 62
"""More than any partition costs, in fen."""


def lower_bound(costs: Costs) -> int:
    """Return what no partition of the orders of some queues costs less than, in fen; batches can take them all."""
    every = [order for queue in costs.queues for order in queue]
    rest = Rest.of(costs)
    own, made_of = sum(sums[-1] for sums in costs.own), reduce(or_, (one for some in costs.made_of for one in some), 0)
    setups = -(-len(every) // costs.largest) * costs.prices.setup
    one_by_one = setups + _least_waiting(every, costs.line, costs.prices)
    return max(own + rest.alike.total(cut_line(rest.alike)), one_by_one) + costs.changes(made_of)


@dataclass(slots=True)
class Rest:
    """What the rest of some orders costs at least once so many are built, whichever they are, without its changes.

    If the line is free at `end` and parts come later, their orders are all in the rest, and its k-th promise ends no
    later than the k-th of the same number of last ones; so the bound of the whole line holds for its end as well.
    """

    alike: Costs
    _known: dict[tuple[int, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, costs: Costs) -> Rest:
        """Return the rests of the orders of some queues, without what each of these costs by itself."""
        readies = sorted(order.ready for queue in costs.queues for order in queue)
        dues = sorted(day for some in costs.due for day in some)
        alike = [
            WaitingOrder(str(number), "", "", "", "", 0, ready, due)
            for number, (ready, due) in enumerate(zip(readies, dues, strict=True))
        ]
        return cls(Costs([alike], costs.line, costs.prices, costs.smallest, costs.largest))

    def least(self, taken: int, end: int) -> int:
        """Return the least cost in fen with so many built and the line free at `end`; `NEVER` if none fills batches."""
        open_ones = [(taken, end)]
        batches: dict[tuple[int, int], list[tuple[tuple[int, int], int]]] = {}
        # By hand, not by recursion: with batches of one car it would go as deep as there are orders.
        while open_ones:
            state = open_ones[-1]
            if state in self._known:
                open_ones.pop()
                continue
            if state not in batches:
                batches[state] = self._batches_behind(*state)
                open_ones += [after for after, _ in batches[state] if after not in self._known]
                continue
            own = [cost + self._known[after] for after, cost in batches.pop(state)]
            self._known[state] = 0 if state[0] == len(self.alike.queues[0]) else min([NEVER, *own])
        return self._known[taken, end]

    def _batches_behind(self, taken: int, end: int) -> list[tuple[tuple[int, int], int]]:
        """Return the states that one more batch leads to, each with what it costs."""
        found = []
        for stop in range(taken + self.alike.smallest, min(taken + self.alike.largest, len(self.alike.queues[0])) + 1):
            after, cost = self.alike.build((Part(0, taken, stop),), end, 0)
            found.append(((stop, after), cost))
        return found


def _least_waiting(orders: Sequence[WaitingOrder], line: Line, prices: BatchPrices) -> int:
    """Return what idle slots, waiting and late days cost of cars built one by one, in fen.

    Each slot takes the car that is there with the earliest promise: for jobs of one unit that leaves the least of all
    three, and no car of a batch is ready before its own slot.
    """
    arriving = sorted(orders, key=lambda order: order.ready)
    there: list[int] = []
    total = -prices.wait_day * sum(order.since for order in orders)
    slot = index = 0
    while index < len(arriving) or there:
        if not there:
            start = max(slot, line.first_slot(arriving[index].ready))
            total += prices.idle_slot * (start - slot)
            slot = start
        day = line.day_of(slot)
        while index < len(arriving) and arriving[index].ready <= day:
            heappush(there, arriving[index].due)
            index += 1
        if not there:
            continue
        total += prices.wait_day * day + prices.late_day * max(0, day - heappop(there))
        slot += 1
    return total
