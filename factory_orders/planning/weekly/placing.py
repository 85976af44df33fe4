"""The weeks that a batch's orders get: those that cost least together, within the room that their pool has left.

Nobody with the same needs is overtaken, whatever the prices say; what the pool holds is used before what is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_orders.planning.model import Placement, WeekRoom
from factory_orders.planning.weekly.model import BookOrder, WeekBook, WeekCosts
from factory_orders.planning.weekly.solving import first_fit, in_turn, solve_book

RESOURCES_MAX: Final = 62


def cheapest_weeks(orders: Sequence[BookOrder], weeks: Sequence[WeekRoom], costs: WeekCosts) -> list[Placement]:
    """Return the places of orders, in their order; who finds no week is left out."""
    resources = tuple(dict.fromkeys(name for order in orders for name in order.needs))
    # Who finds no room even alone has no week in any plan: the search, and its kernels, are not troubled with them.
    orders = [order for order in orders if _fits_alone(order, weeks)]
    book = WeekBook(
        weeks=tuple(week.week for week in weeks),
        resources=resources,
        room=tuple(tuple(max(week.room(name), 0) for week in weeks) for name in resources),
        orders=tuple(orders),
        costs=costs,
    )
    # More resources than the search can hold: first fit keeps every one of them.
    chosen = (
        first_fit(book) if len(resources) > RESOURCES_MAX else in_turn(book, solve_book(book, weeks_only=True).week)
    )
    held = [dict(week.held) for week in weeks]
    placed = []
    for order, week in zip(orders, chosen, strict=True):
        if week is None:
            continue
        from_held = frozenset(name for name in order.needs if held[week].get(name, 0) > 0)
        for name in from_held:
            held[week][name] -= 1
        placed.append(Placement(order.id, weeks[week].week, order.needs, from_held))
    return placed


def _fits_alone(order: BookOrder, weeks: Sequence[WeekRoom]) -> bool:
    return any(all(week.room(name) > 0 for name in order.needs) for week in weeks[max(order.ready, 0) :])
