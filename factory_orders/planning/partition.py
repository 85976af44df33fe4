"""The partition of a plant's waiting orders into batches (DOMAIN section 6.5): cost, bound, who would wait too long.

A batch may hold orders of several classes. As many orders are built as batches within the plant's limits can take; the
others, the last of the line, go on waiting. Of a class nobody is overtaken by one who needs the same parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory_orders.planning.batching.bound import lower_bound
from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.lines import largest_fill
from factory_orders.planning.batching.model import (
    BatchPrices,
    Line,
    Partition,
    PlannedBatch,
    WaitingOrder,
    order_of_waiting,
    orders_of,
    plan_batches,
)
from factory_orders.planning.batching.search import best_batches


def queue_up(orders: Sequence[WaitingOrder]) -> list[list[WaitingOrder]]:
    """Return one queue for each class and day on which parts come, who waits longest first; nobody in one is overtaken.

    Parts are the same where they come on the same day: only that can part two orders of a class.
    """
    queues: dict[tuple[str, str, str, int], list[WaitingOrder]] = {}
    for order in sorted(orders, key=lambda order: order.age):
        queues.setdefault((order.model, order.powertrain, order.class_key, order.ready), []).append(order)
    return [own for _, own in sorted(queues.items())]


def partition_orders(
    orders: Sequence[WaitingOrder],
    line: Line,
    *,
    smallest: int,
    largest: int,
    prices: BatchPrices,
    wait_days_max: int = 45,
) -> Partition:
    """Return the batches to build, in their order."""
    assert 1 <= smallest <= largest, "a batch has at least one order"
    in_order = order_of_waiting(orders, line)
    fill = largest_fill(len(in_order), smallest=smallest, largest=largest)
    in_order, waiting = in_order[:fill], in_order[fill:]
    if not in_order:
        return Partition((), tuple(waiting), (), 0, 0, True)
    queues = queue_up(in_order)
    costs = Costs(queues, line, prices, smallest, largest)
    bound = lower_bound(costs)
    found = best_batches(costs, in_order, bound)
    batches = plan_batches(_in_order([orders_of(queues, cut) for cut in found.cuts], in_order), line, prices)
    batches = _by_age(batches, in_order, line, prices)
    cost = sum(batch.cost_minor for batch in batches)
    late = [order for batch in batches for order in batch.orders if batch.built_on - order.since > wait_days_max]
    return Partition(tuple(batches), tuple(waiting), tuple(late), cost, cost if found.proven else bound, found.proven)


def _in_order(batches: Sequence[Sequence[WaitingOrder]], in_order: Sequence[WaitingOrder]) -> list[list[WaitingOrder]]:
    """Return each batch class by class, as its orders stand in the line; the class with the first one comes first."""
    place = {order.id: number for number, order in enumerate(in_order)}
    found = []
    for batch in batches:
        first: dict[str, int] = {}
        for order in batch:
            first[order.class_key] = min(first.get(order.class_key, len(place)), place[order.id])
        found.append(sorted(batch, key=lambda order: (first[order.class_key], place[order.id])))
    return found


def _by_age(
    batches: list[PlannedBatch], in_order: Sequence[WaitingOrder], line: Line, prices: BatchPrices
) -> list[PlannedBatch]:
    """Give each class's places to those who have waited longest and have their parts by then, unless that costs more.

    So who waits for a part is overtaken while it is missing, and beyond that only where it makes the plan cheaper.
    """
    left: dict[str, list[WaitingOrder]] = {}
    for order in sorted(in_order, key=lambda order: order.age):
        left.setdefault(order.class_key, []).append(order)
    filled, end = [], 0
    for batch in batches:
        start = max(end, line.first_slot(max(order.ready for order in batch.orders)))
        end = start + len(batch.orders)
        orders = []
        for place in batch.orders:
            own = left[place.class_key]
            orders.append(own.pop(next(at for at, order in enumerate(own) if line.first_slot(order.ready) <= start)))
        filled.append(orders)
    fairer = plan_batches(_in_order(filled, in_order), line, prices)
    return fairer if sum(one.cost_minor for one in fairer) <= sum(one.cost_minor for one in batches) else batches
