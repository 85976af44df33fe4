"""Free cars to stores in one flow: what the next car is worth at each store, the ways between, and what each is owed.

A car that stands at a store may stay or go to another (lateral transshipment); one that stands at its plant, or at a
store that has closed, may wait. What a place gives for one car more falls with every car it has (see
`base_stock`), and fairness costs the square of what a store gets against what it is owed, so the flow of least cost is
the optimum in whole cars, and its prices prove it. Only the worker calls this: it needs an optimiser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory_orders.light_stock.base_stock import StockRule, base_stock, worth_of_cars

MILLE = 1_000


@dataclass(frozen=True, slots=True)
class FreeStock:
    """A new car for nobody, and where it stands: at a store, or at a plant (or a store that has closed)."""

    vin: str
    model: str
    store_id: str | None
    at: str
    not_to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A store's place for a model: its rule, cars already on their way there, and what it is owed in thousandths."""

    store_id: str
    model: str
    rule: StockRule
    inbound: int
    owed: int


@dataclass(frozen=True, slots=True)
class SharingCosts:
    """In fen: a way, a kilometre of it, and a car of difference between what a store gets and is owed, squared."""

    move: int
    km: int
    unfair: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A car that goes to another place, why there, and what the next best store would have saved (0: none would)."""

    vin: str
    store_id: str
    distance_km: int
    transport_minor: int
    worth_minor: int
    saved_minor: int
    next_store_id: str | None
    next_minor: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which cars go where, how many wait, what all costs and what nothing could cost less than."""

    sent: tuple[Sent, ...]
    waiting: int
    cost_minor: int
    bound_minor: int


def share_stock(
    cars: Sequence[FreeStock],
    places: Sequence[StorePlace],
    *,
    roads: Mapping[tuple[str, str], int],
    costs: SharingCosts,
) -> Sharing:
    """Share cars out at least cost; `roads` are km by (where a car stands, store). Asserts the proof."""
    from factory_orders.allocation.flow import allocate
    from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of

    number_of = {(place.store_id, place.model): number for number, place in enumerate(places)}
    by_model: dict[str, list[int]] = {}
    for number, place in enumerate(places):
        by_model.setdefault(place.model, []).append(number)
    waits = len(places)
    standing = Counter((car.store_id, car.model) for car in cars)
    steps = [_steps(place, standing[place.store_id, place.model], costs) for place in places]
    rows = [_ways(car, by_model.get(car.model, ()), number_of, places, waits, roads, costs) for car in cars]
    found = allocate(AllocationProblem(ways_of(rows), steps_of([*steps, [(max(len(cars), 1), 0)]])))
    chosen = found.place.tolist()
    gains = _Gains(places, steps, chosen)
    sent = []
    for car, ways, goes_to in zip(cars, rows, chosen, strict=True):
        if goes_to != ways[0][0]:
            sent.append(_told(car, ways, goes_to, gains, places, roads, costs))
    return Sharing(tuple(sent), chosen.count(waits), found.cost, found.bound)


class _Gains:
    """What the last car of each place gives as things end, and what one more would; None where no more can go there."""

    def __init__(
        self, places: Sequence[StorePlace], steps: Sequence[Sequence[tuple[int, int]]], chosen: Sequence[int]
    ) -> None:
        found = Counter(chosen)
        counts = [found[number] for number in range(len(places))]
        self._last = [-own[count - 1][1] if count else 0 for own, count in zip(steps, counts, strict=True)]
        self._next = [-own[count][1] if count < len(own) else None for own, count in zip(steps, counts, strict=True)]

    def last(self, place: int) -> int:
        """Return what the last car there gives."""
        return self._last[place]

    def next(self, place: int) -> int | None:
        """Return what one more car would give there; where cars wait it gives nothing."""
        return self._next[place] if place < len(self._next) else 0


def _steps(place: StorePlace, standing: int, costs: SharingCosts) -> list[tuple[int, int]]:
    """Return what each car costs a place: what it changes in fairness, less what it is worth there.

    What stands there may stay, and up to the base stock more may come.
    """
    most = max(standing, base_stock(place.rule) - place.inbound, 0)
    worth = worth_of_cars(place.rule, place.inbound + most)[place.inbound :]
    return [
        (1, costs.unfair * (MILLE * (2 * (number - standing) + 1) - 2 * place.owed) // MILLE - worth[number])
        for number in range(most)
    ]


def _ways(
    car: FreeStock,
    numbers: Sequence[int],
    number_of: Mapping[tuple[str, str], int],
    places: Sequence[StorePlace],
    waits: int,
    roads: Mapping[tuple[str, str], int],
    costs: SharingCosts,
) -> list[tuple[int, int]]:
    own = number_of.get((car.store_id, car.model)) if car.store_id is not None else None
    ways = [(own, 0)] if own is not None else [(waits, 0)]
    for number in numbers:
        store_id = places[number].store_id
        if number != own and store_id not in car.not_to and (car.at, store_id) in roads:
            ways.append((number, _way_minor(roads[car.at, store_id], costs)))
    return ways


def _way_minor(km: int, costs: SharingCosts) -> int:
    return costs.move + costs.km * km


def _told(
    car: FreeStock,
    ways: Sequence[tuple[int, int]],
    place: int,
    gains: _Gains,
    places: Sequence[StorePlace],
    roads: Mapping[tuple[str, str], int],
    costs: SharingCosts,
) -> Sent:
    """Say why a car goes where it goes: what it saves against staying, and what the next best store would have saved.

    The first of its ways is to stay. Nothing else would have saved more, else the flow were no optimum.
    """
    stays = gains.next(ways[0][0]) or 0
    store_id = places[place].store_id
    km = roads[car.at, store_id]
    others = {
        number: gain - cost - stays for number, cost in ways[1:] if number != place if (gain := gains.next(number))
    }
    best = max(others, key=lambda number: (others[number], -number), default=None)
    best = best if best is not None and others[best] > 0 else None
    return Sent(
        vin=car.vin,
        store_id=store_id,
        distance_km=km,
        transport_minor=_way_minor(km, costs),
        worth_minor=gains.last(place),
        saved_minor=gains.last(place) - _way_minor(km, costs) - stays,
        next_store_id=None if best is None else places[best].store_id,
        next_minor=0 if best is None else others[best],
    )
