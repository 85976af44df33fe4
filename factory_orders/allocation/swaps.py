"""Identical cars change places between orders where that cuts lateness: the best of all exchanges, with its proof.

An order keeps its own car unless something is gained. Only cars of one kind (the same configuration, new) may do so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from factory_orders.allocation.flow import allocate
from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of


@dataclass(frozen=True, slots=True)
class BoundCar:
    """A car with the order it is bound to (None: free); `ready` is the ordinal day it can leave where it stands.

    `progress` says how far it is built; what may still change of a car ends with it.
    """

    id: str
    kind: str
    stands_at: str
    ready: int
    order_id: str | None
    progress: int = 0


@dataclass(frozen=True, slots=True)
class BuyerOrder:
    """An order of a kind for a store, due at the store on an ordinal day."""

    id: str
    kind: str
    store_id: str
    due: int


@dataclass(frozen=True, slots=True)
class SwapCosts:
    """In fen: a day late, a car's way (and a km of it), and what a change of cars must gain at least.

    A day from `since` (an ordinal) to the day at the store costs `wait_day`, late or not.
    """

    late_day: int = 10_000
    move: int = 30_000
    km: int = 300
    change: int = 20_000
    km_per_day: int = 450
    wait_day: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Swap:
    """An order that gets another car than it had."""

    order_id: str
    from_car_id: str
    to_car_id: str


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """The exchanges, what they save in fen (changes already paid), and what nobody could save more than."""

    swaps: tuple[Swap, ...]
    saved_minor: int
    saved_at_most_minor: int
    days_late_before: int
    days_late_after: int


def swap_identical(
    cars: Sequence[BoundCar],
    orders: Sequence[BuyerOrder],
    *,
    roads: Mapping[tuple[str, str], int],
    costs: SwapCosts,
    nobody_worse: bool = False,
    may: Callable[[BoundCar, BuyerOrder], bool] | None = None,
) -> SwapPlan:
    """Exchange cars of one kind between orders; `roads` are km by (where a car stands, store).

    Where `nobody_worse`, no order is more days late than with its own car, and who is no fewer days late gets none that
    is further built: of the exchanges that are like this the best one is found. `may` says besides which order may get
    which other car. What saves nothing is not exchanged.

    Asserts that every order has exactly one of the cars; it keeps one afterwards.
    """
    own = {car.order_id: car for car in cars if car.order_id is not None}
    assert set(own) == {order.id for order in orders}, "every order has its car"
    by_kind: dict[str, list[int]] = {}
    for number, order in enumerate(orders):
        by_kind.setdefault(order.kind, []).append(number)
    free = len(orders)

    def comes(car: BoundCar, order: BuyerOrder) -> int:
        return car.ready - (-roads[car.stands_at, order.store_id] // costs.km_per_day)

    def late(car: BoundCar, order: BuyerOrder) -> int:
        return max(0, comes(car, order) - order.due)

    def cost(car: BoundCar, order: BuyerOrder) -> int:
        transport = costs.move + costs.km * roads[car.stands_at, order.store_id]
        # Where a change costs nothing equal cars would be tied; each order keeps its own then.
        change = 0 if car.order_id == order.id else max(1, costs.change)
        waits = max(0, comes(car, order) - costs.since) * costs.wait_day
        return late(car, order) * costs.late_day + waits + transport + change

    def fits(car: BoundCar, order: BuyerOrder) -> bool:
        kept = own[order.id]
        if car is kept:
            return True
        days, days_kept = late(car, order), late(kept, order)
        is_no_worse = days < days_kept or (days == days_kept and car.progress <= kept.progress)
        return (is_no_worse or not nobody_worse) and (may is None or may(car, order))

    rows = []
    for car in cars:
        ways = [
            (number, cost(car, orders[number]))
            for number in by_kind.get(car.kind, ())
            if (car.stands_at, orders[number].store_id) in roads and fits(car, orders[number])
        ]
        rows.append([*ways, (free, 0)])
    # No saving is worth leaving an order without a car.
    must = 1 + sum(max(cost for _, cost in row) for row in rows)
    steps = steps_of([*([(1, -must)] for _ in orders), [(len(cars) + 1, 0)]])
    found = allocate(AllocationProblem(ways_of(rows), steps))
    before = sum(cost(own[order.id], order) for order in orders)
    pairs = [(car, orders[place]) for car, place in zip(cars, found.place.tolist(), strict=True) if place < free]
    assert len(pairs) == len(orders), "every order keeps a car"
    if (saved := before - (found.cost + must * len(orders))) == 0:
        pairs = [(own[order.id], order) for order in orders]
    return SwapPlan(
        _swaps(pairs, own),
        saved,
        before - (found.bound + must * len(orders)),
        sum(late(own[order.id], order) for order in orders),
        sum(late(car, order) for car, order in pairs),
    )


def _swaps(pairs: Sequence[tuple[BoundCar, BuyerOrder]], own: Mapping[str, BoundCar]) -> tuple[Swap, ...]:
    """Return the orders that get another car than their own."""
    return tuple(
        Swap(order.id, own[order.id].id, car.id)
        for car, order in sorted(pairs, key=lambda pair: pair[1].id)
        if own[order.id].id != car.id
    )
