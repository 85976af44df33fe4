"""A lower bound of every partition's cost: each kind of cost at its own least, all at once.

Setups: a queue of n needs ⌈n / largest⌉ batches. Changeovers: the sequence touches every queue, so its changes contain
a spanning tree of the queues. Idle, waiting and late days: cars built one by one, each slot to the car that is there
with the earliest promise. For jobs of one unit that order leaves the least idle, waiting and lateness together, and no
car of a batch is ready before its own slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from factory_orders.planning.batching.model import (
    BatchPrices,
    Line,
    WaitingOrder,
    changeover,
    changes_inside,
    features_of,
)


def lower_bound(queues: Sequence[Sequence[WaitingOrder]], line: Line, prices: BatchPrices, *, largest: int) -> int:
    """Return what no partition of these queues can cost less than, in fen."""
    setups = sum(-(-len(queue) // largest) for queue in queues) * prices.setup
    every = [order for queue in queues for order in queue]
    return setups + _least_changes(queues, prices) + _least_waiting(every, line, prices)


def _least_changes(queues: Sequence[Sequence[WaitingOrder]], prices: BatchPrices) -> int:
    """Return the larger of two bounds: a least spanning tree over the queues (Prim), and each kind's first coming."""
    own = [features_of(queue) for queue in queues if queue]
    left = set(range(1, len(own)))
    reach = {index: changeover(own[0], own[index], prices) for index in left}
    tree = 0
    while left:
        nearest = min(left, key=lambda index: (reach[index], index))
        left.remove(nearest)
        tree += reach[nearest]
        for index in left:
            reach[index] = min(reach[index], changeover(own[nearest], own[index], prices))
    every = features_of([order for queue in queues for order in queue])
    # A model that was not there before costs a change, at the border of a batch or inside it.
    return max(tree, changes_inside(every, prices))


def _least_waiting(orders: Sequence[WaitingOrder], line: Line, prices: BatchPrices) -> int:
    arriving = sorted(orders, key=lambda order: order.ready)
    there: list[int] = []
    heapify(there)
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
