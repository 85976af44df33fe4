"""Every partition into batches that DOMAIN section 6.5 allows, and the price of each, written from that section alone.

It shares nothing with the planning but the values that are handed in: no queues, no parts, none of its sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from factory_orders.planning.batching.model import BatchPrices, Line, WaitingOrder

NEVER = 1 << 62


def cheapest_of_all(orders: Sequence[WaitingOrder], line: Line, costs: BatchPrices, limit: tuple[int, int]) -> int:
    """Return the least cost in fen of building all orders in batches within the limits; `NEVER` if that cannot be.

    Orders may share a batch whatever their classes. A way that costs as much as a whole one is not gone on with.
    """

    def go_on(left: frozenset[int], slots: int, last: Sequence[WaitingOrder], spent: int, best: int) -> int:
        if not left:
            return min(best, spent)
        for chosen in _batches(orders, left, limit):
            batch = [orders[one] for one in chosen]
            slots_after, more = _price(batch, slots, last, line, costs)
            if spent + more < best:
                best = go_on(left - set(chosen), slots_after, batch, spent + more, best)
        return best

    return go_on(frozenset(range(len(orders))), 0, (), 0, NEVER)


def overtaken(orders: Sequence[WaitingOrder], chosen: Sequence[int], left: frozenset[int]) -> bool:
    """Say whether somebody who is left has waited longer than a chosen one of the same class with the same parts."""
    return any(
        (orders[one].class_key, orders[one].ready) == (orders[other].class_key, orders[other].ready)
        and (orders[other].since, orders[other].number, orders[other].id)
        < (orders[one].since, orders[one].number, orders[one].id)
        for one in chosen
        for other in left - set(chosen)
    )


def _batches(orders: Sequence[WaitingOrder], left: frozenset[int], limit: tuple[int, int]) -> Iterator[tuple[int, ...]]:
    for size in range(limit[0], min(limit[1], len(left)) + 1):
        for chosen in combinations(sorted(left), size):
            if not overtaken(orders, chosen, left):
                yield chosen


def _price(
    batch: Sequence[WaitingOrder], slots: int, last: Sequence[WaitingOrder], line: Line, costs: BatchPrices
) -> tuple[int, int]:
    """Build a batch when the line and its last part are there; return the slots that are gone then, and its cost."""
    idle = 0
    while _day(line, slots) < max(one.ready for one in batch):
        slots, idle = slots + 1, idle + 1
    slots += len(batch)
    day = _day(line, slots - 1)
    total = costs.setup + costs.idle_slot * idle
    for kind, price in (
        ("model", costs.changeover_model),
        ("powertrain", costs.changeover_powertrain),
        ("paint", costs.changeover_paint),
    ):
        own, earlier = {getattr(one, kind) for one in batch}, {getattr(one, kind) for one in last}
        if earlier and not own & earlier:
            total += price
        if kind != "paint":
            total += (len(own) - 1) * price
    for one in batch:
        total += costs.wait_day * (day - one.since) + costs.late_day * max(0, day - one.due)
    return slots, total


def _day(line: Line, slot: int) -> int:
    """Return the day of a slot, counted from 0; the last day's number of slots is that of every later day."""
    days = [day for day, many in zip(line.days, line.slots, strict=True) for _ in range(many)]
    beyond = slot - len(days)
    return days[slot] if beyond < 0 else line.days[-1] + 1 + beyond // line.slots[-1]
