"""Finds cheap batches of several queues: lines that are cut exactly, improved by steps, and proven where that is short.

A line of all orders, in any order that keeps each queue's own, is cut at its best by the dynamic programme; here these
are the lines by age, by kind, by kind within each day on which parts come, and by promise. One queue is one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.exact import Proof, prove_best
from factory_orders.planning.batching.lines import cut_line
from factory_orders.planning.batching.model import Cut, WaitingOrder
from factory_orders.planning.batching.sequence import Built, improve, lay_out

EVALUATIONS_MAX: Final = 250_000
"""How many parts of batches a search by steps costs at most: about a second."""
STARTS: Final = 2
"""How many of the lines, the cheapest ones, are improved by steps."""

Key = Callable[[WaitingOrder], tuple[object, ...]]


def best_batches(costs: Costs, in_order: Sequence[WaitingOrder], bound: int) -> Proof:
    """Return batches in the order in which they are built, and whether it is proven that none cost less.

    `in_order` are the queues' orders as they would be built one by one; `bound` is what no batches cost less than.
    """
    if len(costs.queues) == 1:
        return Proof(cut_line(costs), True)
    lines = cuts_of_lines(costs, in_order)
    best = min((improve(costs, cuts, evaluations_max=EVALUATIONS_MAX) for cuts in lines[:STARTS]), key=_cost)
    again = _cut(costs, _flattened(costs, best.cuts))
    if costs.total(again) < best.total:
        best = improve(costs, again, evaluations_max=EVALUATIONS_MAX)
    if best.total == bound:
        return Proof(list(best.cuts), True)
    return prove_best(costs, list(best.cuts))


def cuts_of_lines(costs: Costs, in_order: Sequence[WaitingOrder]) -> list[list[Cut]]:
    """Return the best batches of each of some lines of all orders, the cheapest first."""
    return sorted((_cut(costs, line) for line in _lines(costs, in_order)), key=costs.total)


def _cost(built: Built) -> int:
    return built.total


def _lines(costs: Costs, in_order: Sequence[WaitingOrder]) -> list[list[int]]:
    """Return lines of all orders, as the queue that each place belongs to."""
    queue_of = {order.id: number for number, queue in enumerate(costs.queues) for order in queue}

    def sort_by(key: Key) -> list[int]:
        return [queue_of[order.id] for order in sorted(in_order, key=key)]

    return [
        [queue_of[order.id] for order in in_order],
        sort_by(lambda order: (order.model, order.powertrain, order.class_key, order.ready)),
        sort_by(lambda order: (order.ready, order.model, order.powertrain, order.class_key)),
        sort_by(lambda order: (max(order.ready, order.due),)),
    ]


def _cut(costs: Costs, line: Sequence[int]) -> list[Cut]:
    """Return the best batches of a line: each place belongs to a queue and takes its next order."""
    taken = [0] * len(costs.queues)
    orders = []
    for queue in line:
        orders.append(costs.queues[queue][taken[queue]])
        taken[queue] += 1
    found = []
    for ((_, start, stop),) in cut_line(Costs([orders], costs.line, costs.prices, costs.smallest, costs.largest)):
        takes = Counter(line[start:stop])
        found.append(tuple(sorted(takes.items())))
    return lay_out(found)


def _flattened(costs: Costs, cuts: Sequence[Cut]) -> list[int]:
    """Return the line of a sequence of batches; in a batch what is like the one before comes first, then by kind."""
    line: list[int] = []
    before = 0
    for cut in cuts:
        alike = {part: costs.changeover(before, costs.look_at((part,)).made_of) for part in cut}
        for queue, start, stop in sorted(cut, key=lambda part: (alike[part], part.queue)):
            line += [queue] * (stop - start)
        before = costs.look_at(cut).made_of
    return line
