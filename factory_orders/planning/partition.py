"""The partition of a plant's waiting orders into batches (DOMAIN section 6.5): cost, bound, who would wait too long.

A batch is of one class. Orders that fill no batch of their class, the last of its line, make mixed batches together;
what fills none of those either goes on waiting. One class is partitioned exactly, several well, with a bound.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory_orders.planning.batching.bound import lower_bound
from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import (
    MIXED,
    BatchPrices,
    Line,
    Partition,
    WaitingOrder,
    order_of_waiting,
    plan_batches,
)
from factory_orders.planning.batching.search import best_partition, is_exact, largest_fill


def queue_up(
    orders: Sequence[WaitingOrder], line: Line, *, smallest: int, largest: int
) -> tuple[list[list[WaitingOrder]], list[WaitingOrder]]:
    """Return one line of orders a class, one of mixed orders if there are any, and those that fill no batch yet."""
    classes: dict[str, list[WaitingOrder]] = {}
    in_order = order_of_waiting(orders, line)
    for order in in_order:
        assert order.class_key != MIXED, "the mixed queue has no class"
        classes.setdefault(order.class_key, []).append(order)
    queues, left = [], set[str]()
    for _, own in sorted(classes.items()):
        fill = largest_fill(len(own), smallest=smallest, largest=largest)
        queues.append(own[:fill])
        left |= {order.id for order in own[fill:]}
    mixed = [order for order in in_order if order.id in left]
    fill = largest_fill(len(mixed), smallest=smallest, largest=largest)
    queues.append(mixed[:fill])
    return [queue for queue in queues if queue], mixed[fill:]


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
    queues, waiting = queue_up(orders, line, smallest=smallest, largest=largest)
    costs = Costs(queues, line, prices, smallest, largest)
    exact = is_exact(costs)
    parts = best_partition(costs)
    batches = plan_batches(queues, parts, line, prices)
    cost = sum(batch.cost_minor for batch in batches)
    # What every partition was looked at for is its own bound.
    bound = cost if exact else lower_bound(queues, line, prices, largest=largest)
    late = [order for batch in batches for order in batch.orders if batch.built_on - order.since > wait_days_max]
    return Partition(tuple(batches), tuple(waiting), tuple(late), cost, bound, exact)
