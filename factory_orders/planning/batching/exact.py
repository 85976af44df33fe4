"""Looks at every partition of few orders, whichever classes share a batch, but what a bound shows to be no better.

Nobody of a queue is overtaken by another one of it, so what is built by then is a number for each queue: that is the
state. What a batch costs depends on its orders, on when the line is free and on what the last batch was made of. A
label says the latter two, so the labels of a state that none beats are all that has to be known of the ways to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from operator import or_
from typing import Final

from factory_orders.planning.batching.bound import Rest
from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.lines import START, Label, is_beaten, keep
from factory_orders.planning.batching.model import Cut, Part

STATES_MAX: Final = 20_000
"""With more ways of having taken orders from the queues, it is not tried."""
STEPS_MAX: Final = 200_000
"""So many batches behind labels are looked at, in a second or two, before it is given up."""

State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """The cheapest batches that were found, and whether it is proven that none are cheaper."""

    cuts: list[Cut]
    proven: bool


@dataclass(slots=True)
class _Search:
    costs: Costs
    best: int
    """What is to be beaten, in fen."""
    rest: Rest = field(init=False)
    full: State = field(init=False)
    steps: int = 0
    _seen: list[list[int]] = field(init=False)
    _every: int = 0

    def __post_init__(self) -> None:
        self.rest = Rest.of(self.costs)
        self.full = tuple(len(queue) for queue in self.costs.queues)
        self._seen = [[0, *accumulate(own, or_)] for own in self.costs.made_of]
        for seen in self._seen:
            self._every |= seen[-1]

    def still(self, state: State) -> int:
        """Return what is known of the rest's costs by the state alone: first changes, and orders by themselves."""
        seen = own = 0
        for queue, taken in enumerate(state):
            seen |= self._seen[queue][taken]
            own += self.costs.own[queue][-1] - self.costs.own[queue][taken]
        return self.costs.first_coming(self._every & ~seen) + own

    def takes(self, state: State) -> Iterator[State]:
        """Yield the states that one more batch leads to."""

        def choose(queue: int, room: int, after: State) -> Iterator[State]:
            if queue == len(self.full):
                if self.costs.largest - room >= self.costs.smallest:
                    yield after
                return
            for taken in range(state[queue], min(self.full[queue], state[queue] + room) + 1):
                yield from choose(queue + 1, room - taken + state[queue], (*after, taken))

        return choose(0, self.costs.largest, ())


def prove_best(costs: Costs, cuts: list[Cut]) -> Proof:
    """Return batches that no others cost less than, or these and that it is not proven; these where nothing is cheaper.

    Given up after `STEPS_MAX` steps, so that the time it takes is limited.
    """
    if prod(len(queue) + 1 for queue in costs.queues) > STATES_MAX:
        return Proof(cuts, False)
    search = _Search(costs, costs.total(cuts))
    levels: list[dict[State, list[Label]]] = [{} for _ in range(sum(search.full) + 1)]
    levels[0][(0,) * len(search.full)] = [START]
    for level in levels[:-1]:
        for state, labels in level.items():
            for after in search.takes(state) if labels else ():
                _extend(search, labels, _cut(state, after), levels[sum(after)].setdefault(after, []), after)
                if search.steps > STEPS_MAX:
                    return Proof(cuts, False)
        level.clear()
    idle = costs.prices.idle_slot
    found = min(levels[-1].get(search.full, []), key=lambda label: label.net + idle * label.end, default=None)
    return Proof(cuts if found is None else found.cuts(), True)


def _cut(state: State, after: State) -> Cut:
    return tuple(
        Part(queue, start, stop) for queue, (start, stop) in enumerate(zip(state, after, strict=True)) if start < stop
    )


def _extend(search: _Search, labels: list[Label], cut: Cut, into: list[Label], state: State) -> None:
    """Build a batch behind every label; keep what is not beaten and could still become cheaper than the best."""
    costs, idle, taken = search.costs, search.costs.prices.idle_slot, sum(state)
    (size, made_of, _, _), worst = costs.look_at(cut), costs.worst_changeover
    still = search.still(state)
    search.steps += 1 + len(labels)
    for label in labels:
        end, cost = costs.build(cut, label.end, label.made_of)
        net = label.net + cost - idle * (end - size - label.end)
        if net + idle * (end - taken) + still + search.rest.least(taken, end) >= search.best:
            continue
        if not is_beaten(into, end, net, made_of, worst):
            keep(into, Label(end, net, made_of, cut, label), worst)
