"""Free cars to stores in one flow: what the next car is worth at each store, the ways between, and what each is owed.

A car that stands at a store may stay or go to another (lateral transshipment); one that stands at its plant, or at a
store that has closed, may wait. What a place gives for one car more falls with every car it has (see
`base_stock`), and fairness costs the square of what a store gets against its claim, so the flow of least cost is
the optimum in whole cars, and its prices prove it. Where nothing else differs, the squares are least where cars go by
largest remainder on the claims. Only the worker calls this: it needs an optimiser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from factory_orders.light_stock.base_stock import WEEK_DAYS, StockRule, base_stock, worth_of_cars

if TYPE_CHECKING:
    from factory_orders.allocation.model import Allocation, AllocationProblem

MILLE = 1_000
Steps = list[tuple[int, int]]
Ways = list[tuple[int, int]]


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
    """A store's place for a model: its rule, the cars that come to it, its forecast and what it is owed, both in mille.

    `weekly_milli` is what it is expected to sell a week; fairness shares by it.
    """

    store_id: str
    model: str
    rule: StockRule
    weekly_milli: int
    coming: int
    owed: int


@dataclass(frozen=True, slots=True)
class SharingCosts:
    """In fen: a way, a kilometre of it, a day late, and a car of difference between what a store gets and its claim.

    The difference counts squared. A car is on its way `base_days` and a day for each begun `km_per_day`, and late where
    the store has sold by then what it has. With `first` every store has one car first, whatever the way costs.
    """

    move: int
    km: int
    unfair: int
    late_day: int = 0
    base_days: int = 0
    km_per_day: int = 450
    first: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A car that goes to another place, why there, and what the next best store would have saved (0: none would).

    Of one that `is_first` the store would have none without it: it goes there whether that saves anything or not.
    """

    vin: str
    store_id: str
    distance_km: int
    transport_minor: int
    days_late: int
    worth_minor: int
    saved_minor: int
    next_store_id: str | None
    next_minor: int
    is_first: bool


@dataclass(frozen=True)
class Sharing:
    """Which cars go where, how many wait, what all costs and what nothing could cost less than.

    Nothing that gives as many stores their first cars, that is. `flow` is kept so that it can be mended.
    """

    sent: tuple[Sent, ...]
    waiting: int
    cost_minor: int
    bound_minor: int
    problem: SharingProblem
    flow: Allocation


@dataclass(frozen=True)
class SharingProblem:
    """What a sharing out is made of; `roads` are km by (where a car stands, store).

    `lapsed` are cars by store and model that the ledger counts as received and that never came.
    """

    cars: tuple[FreeStock, ...]
    places: tuple[StorePlace, ...]
    roads: Mapping[tuple[str, str], int]
    costs: SharingCosts
    lapsed: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @cached_property
    def standing(self) -> Counter[tuple[str | None, str]]:
        """Count the free cars by the store they stand at, and their model."""
        return Counter((car.store_id, car.model) for car in self.cars)

    def has(self, place: StorePlace) -> int:
        """Return how many cars a store has or gets whatever is decided here."""
        return self.standing[place.store_id, place.model] + place.coming

    def room(self, place: StorePlace) -> int:
        """Return how many more cars a store may get, up to its base stock."""
        return max(base_stock(place.rule) - self.has(place), 0)

    @cached_property
    def claims(self) -> dict[tuple[str, str], int]:
        """Return what each store may claim of the cars from plants, in mille: its share of them and what it is owed.

        A car that never came is owed to its store, and was none that was shared out.
        """
        from factory_orders.allocation.fairness import MILLE, entitle

        found: dict[tuple[str, str], int] = {}
        for model in sorted({place.model for place in self.places}):
            takers = self.takers(model)
            cars = min(self.standing[None, model], sum(self.room(place) for place in takers.values()))
            shares = {store_id: place.weekly_milli for store_id, place in takers.items()}
            never_came = {store_id: number for (store_id, kind), number in self.lapsed.items() if kind == model}
            entitled = entitle(cars - sum(never_came.values()), shares) if takers else {}
            found |= {
                (one, model): entitled[one] + place.owed + never_came.get(one, 0) * MILLE
                for one, place in takers.items()
            }
        return found

    def takers(self, model: str) -> dict[str, StorePlace]:
        """Return the stores that may get more cars of a model: who is full claims none."""
        return {one.store_id: one for one in self.places if one.model == model and self.room(one)}

    @cached_property
    def firsts(self) -> frozenset[int]:
        """Return the places that are to get their first car from a plant: the store should have one and has none.

        No other store's car goes there in the same sharing out.
        """
        if not self.costs.first:
            return frozenset()
        fresh = [car for car in self.cars if car.store_id is None]
        return frozenset(
            number
            for number, place in enumerate(self.places)
            if not self.has(place) and self.room(place) and any(self._may_go(car, place) for car in fresh)
        )

    def _may_go(self, car: FreeStock, place: StorePlace) -> bool:
        may = place.model == car.model and place.store_id not in car.not_to
        return may and (car.at, place.store_id) in self.roads

    def days_late(self, km: int, place: StorePlace) -> int:
        """Return how many days a car comes after the store has sold what it has."""
        on_the_way = self.costs.base_days - (-km // self.costs.km_per_day)
        lasts = self.has(place) * MILLE * WEEK_DAYS // place.weekly_milli if place.weekly_milli else on_the_way
        return max(0, on_the_way - lasts)

    def transport(self, km: int) -> int:
        """Return what a way costs."""
        return self.costs.move + self.costs.km * km

    def ways(self, car: FreeStock) -> Ways:
        """Return where a car may go and what that costs; the first is to stay where it is."""
        own = None if car.store_id is None else self._number_of.get((car.store_id, car.model))
        key = (car.at, car.model, car.store_id is None)
        if key not in self._ways_from:
            self._ways_from[key] = self._ways_of_all(*key)
        others = self._ways_from[key]
        there = [way for way in others if way[0] != own and self.places[way[0]].store_id not in car.not_to]
        return [(len(self.places) if own is None else own, 0), *there]

    @cached_property
    def _ways_from(self) -> dict[tuple[str, str, bool], Ways]:
        return {}

    def _ways_of_all(self, at: str, model: str, from_plant: bool) -> Ways:
        ways = []
        for number, place in enumerate(self.places):
            km = self.roads.get((at, place.store_id))
            if place.model != model or km is None or (number in self.firsts and not from_plant):
                continue
            cost = self.transport(km) + self.costs.late_day * self.days_late(km, place)
            if from_plant:  # What comes from another store is none that is shared out.
                cost -= 2 * self.costs.unfair * self.claims.get((place.store_id, model), 0) // MILLE
            ways.append((number, cost))
        return ways

    def steps(self, place: StorePlace) -> Steps:
        """Return what each car costs a place: what it adds to the square of those it gets, less what it is worth there.

        What stands there may stay, and up to the base stock more may come.
        """
        standing = self.standing[place.store_id, place.model]
        most = standing + self.room(place)
        worth = worth_of_cars(place.rule, place.coming + most)[place.coming :]
        return [(1, self.costs.unfair * (2 * (number - standing) + 1) - worth[number]) for number in range(most)]

    @cached_property
    def _number_of(self) -> dict[tuple[str, str], int]:
        return {(place.store_id, place.model): number for number, place in enumerate(self.places)}


def share_stock(problem: SharingProblem, before: Sharing | None = None) -> Sharing:
    """Share cars out at least cost, asserting the proof; what was found `before` of other cars or places is mended."""
    from factory_orders.allocation.flow import allocate
    from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of

    steps = [problem.steps(place) for place in problem.places]
    rows = [problem.ways(car) for car in problem.cars]
    must = _must(rows, steps)
    wanted = [
        [(1, own[0][1] - must), *own[1:]] if number in problem.firsts else own for number, own in enumerate(steps)
    ]
    flow_problem = AllocationProblem(ways_of(rows), steps_of([*wanted, [(max(len(problem.cars), 1), 0)]]))
    found = allocate(flow_problem) if before is None else _mended(flow_problem, problem, before)
    chosen = found.place.tolist()
    counts = Counter(chosen)
    gains = _Gains(steps, counts, _came(rows, chosen))
    sent = [
        _told(problem, car, ways, goes_to, gains, is_first=goes_to in problem.firsts and counts[goes_to] == 1)
        for car, ways, goes_to in zip(problem.cars, rows, chosen, strict=True)
        if goes_to != ways[0][0]
    ]
    # What made first cars come first is no cost of anybody's.
    paid = must * sum(counts[number] > 0 for number in problem.firsts)
    waiting = counts[len(problem.places)]
    return Sharing(tuple(sent), waiting, found.cost + paid, found.bound + paid, problem, found)


def _must(rows: Sequence[Ways], steps: Sequence[Steps]) -> int:
    """Return what a first car is worth: more than all that one more of them could cost.

    One more store gets its first car where cars move along a chain of places, none of them twice.
    """
    ways = [cost for row in rows for _, cost in row]
    cars = [cost for row in steps for _, cost in row]
    apart = max(ways, default=0) - min(ways, default=0) + max(cars, default=0) - min(cars, default=0)
    return 1 + (len(steps) + 1) * apart


def _mended(flow: AllocationProblem, problem: SharingProblem, before: Sharing) -> Allocation:
    """Mend what was found before: only what the changes concern moves."""
    import numpy as np

    from factory_orders.allocation.repair import mend

    number_of = {(place.store_id, place.model): number for number, place in enumerate(problem.places)}
    number_of_old = [number_of.get((place.store_id, place.model), -1) for place in before.problem.places]
    number_of_old.append(len(problem.places))
    prices = np.zeros(len(problem.places) + 1, np.int64)
    for old, new in enumerate(number_of_old):
        if new >= 0:
            prices[new] = before.flow.prices[old]
    stood = dict(zip((car.vin for car in before.problem.cars), before.flow.place.tolist(), strict=True))
    place = [number_of_old[stood[car.vin]] if car.vin in stood else -1 for car in problem.cars]
    return mend(flow, np.array(place, np.int32), prices)


def _came(rows: Sequence[Ways], chosen: Sequence[int]) -> Mapping[int, Mapping[int, int]]:
    """Return by place where the cars stood that go there, each with the dearest way from there."""
    found: dict[int, dict[int, int]] = {}
    for ways, goes_to in zip(rows, chosen, strict=True):
        if (stood := ways[0][0]) != goes_to:
            there, cost = found.setdefault(goes_to, {}), dict(ways[1:])[goes_to]
            there[stood] = max(cost, there.get(stood, cost))
    return found


class _Gains:
    """What the last car of each place gives as things end, and what one more would; None where no more can go there."""

    def __init__(
        self, steps: Sequence[Steps], counts: Mapping[int, int], came: Mapping[int, Mapping[int, int]]
    ) -> None:
        self._steps, self._counts, self._came = steps, counts, came

    def last(self, place: int) -> int:
        """Return what the last car there gives."""
        return -self._steps[place][self._counts[place] - 1][1]

    def next(self, place: int) -> int | None:
        """Return what one more car would give there; where cars wait it gives nothing."""
        if place == len(self._steps):
            return 0
        own, count = self._steps[place], self._counts.get(place, 0)
        return -own[count][1] if count < len(own) else None

    def staying(self, place: int, goes_to: int, through: frozenset[int] = frozenset()) -> int | None:
        """Return what a car would give that stays where it stood; None where all ways back lead `through` the same.

        Where others have filled its place one of them stays where it stood, which saves its way, and so on.
        """
        if place == goes_to:  # The place that the car leaves there is taken again.
            return self.last(place)
        if (more := self.next(place)) is not None:
            return more
        through |= {place}
        back = [
            cost + there
            for stood, cost in self._came.get(place, {}).items()
            if stood not in through and (there := self.staying(stood, goes_to, through)) is not None
        ]
        return max(back, default=None)


def _told(problem: SharingProblem, car: FreeStock, ways: Ways, place: int, gains: _Gains, *, is_first: bool) -> Sent:
    """Say why a car goes where it goes: what it saves against staying, and what the next best store would have saved.

    The first of its ways is to stay; where others have filled its place, one of them then stays away.
    First cars apart nothing else would have saved more, else it were no optimum.
    """
    stays = gains.staying(ways[0][0], place)
    assert stays is not None, "who has filled a place came from somewhere"
    store = problem.places[place]
    km = problem.roads[car.at, store.store_id]
    others = {
        number: gain - cost - stays
        for number, cost in ways[1:]
        if number != place and (gain := gains.next(number)) is not None
    }
    best = max(others, key=lambda number: (others[number], -number), default=None)
    best = best if best is not None and others[best] > 0 else None
    return Sent(
        vin=car.vin,
        store_id=store.store_id,
        distance_km=km,
        transport_minor=problem.transport(km),
        days_late=problem.days_late(km, store),
        worth_minor=gains.last(place),
        saved_minor=gains.last(place) - dict(ways[1:])[place] - stays,
        next_store_id=None if best is None else problem.places[best].store_id,
        next_minor=0 if best is None else others[best],
        is_first=is_first,
    )
