"""Identical cars change places between orders, kind by kind: solved outside of any change, then written, or not at all.

Who gives a car has one that still comes by the date that was accepted, with the margin that nine in ten were promised
with, and nobody gives anything up: who would is asked first (`swap_offers`). Prices, dates and stores stay with their
orders; only the car is another, equal one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from configurator.quote_service import road_km
from factory_orders.exchanges.events import OrderCarSwapped
from factory_orders.exchanges.model import (
    BuyersRights,
    CarOfOrder,
    CarSwap,
    SwapRound,
    foremost,
    keeps_date,
    needs_word,
    progress_of,
)
from factory_orders.exchanges.policy import ExchangePolicy
from factory_orders.exchanges.queries import cars_of_orders, rights_of
from factory_orders.exchanges.store import (
    give_build_orders,
    insert_swap_round,
    lapse_swap_offers,
    lock_ways,
    redirect_way,
)
from factory_orders.planning.model import BuiltOrder, Order, OrderTerms, ScheduledOrder
from factory_orders.planning.order_store import load_orders, lock_orders, save_orders
from factory_orders.plant.model import BuildOrder
from factory_orders.plant.store import hold_line, lock_build_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.promises.accepted_queries import earliest_dates
from factory_orders.promises.margin_store import promised_days
from factory_orders.vehicles.service import allocate_vehicles, free_vehicle
from kernel import policy, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.work import Work, Works

if TYPE_CHECKING:
    # numpy and the solver load where something is solved: in the worker.
    from factory_orders.allocation.swaps import SwapCosts, SwapPlan


@dataclass(frozen=True, slots=True)
class SwapProblem:
    """Orders with cars of kinds in which some order will be late, the roads, and what their buyers may still do.

    `latest` is by order the day by which a car that comes later than its own one has to be ready (`latest_days`).
    """

    cars: tuple[CarOfOrder, ...]
    roads: Mapping[tuple[str, str], int]
    costs: SwapCosts
    rights: Mapping[int, BuyersRights]
    latest: Mapping[str, int]
    rules: ExchangePolicy
    today: date

    def by_kind(self) -> Iterator[SwapProblem]:
        """Yield the same for the cars of each kind alone: a car of another kind is none to exchange for."""
        kinds: dict[str, list[CarOfOrder]] = {}
        for car in self.cars:
            kinds.setdefault(car.kind, []).append(car)
        for _, own in sorted(kinds.items()):
            yield replace(self, cars=tuple(own))

    def days_late(self, car: CarOfOrder, order: CarOfOrder) -> int:
        """Return how many days late an order would be with another one's car; both are of one plant."""
        return days_late(car, order, self.roads, self.costs.km_per_day)

    def is_fair(self, order: CarOfOrder, gets: CarOfOrder) -> bool:
        """Say whether an order becomes less late with another one's car, or keeps its date with it."""
        if self.days_late(gets, order) < self.days_late(order, order):
            return True
        way = way_days(order, self.roads, self.costs.km_per_day)
        return keeps_date(order, gets, way_days=way, latest=self.latest[order.order_id])

    def asks(self, order: CarOfOrder, gets: CarOfOrder) -> bool:
        """Say whether an order's buyer has to be asked before having another one's car."""
        rights = self.rights[order.policy_version]
        return needs_word(order, gets, rights, today=self.today.toordinal(), fresh_days=self.rules.fresh_days)


@dataclass(frozen=True, slots=True)
class SwapSearch:
    """What a search of a kind looked at, and the best of all exchanges for which nobody has to be asked."""

    problem: SwapProblem
    plan: SwapPlan

    def changes(self) -> list[tuple[CarOfOrder, CarOfOrder, int, int]]:
        """Return of each order: itself, the one whose car it gets, and the days that it is late before and after."""
        by_order = {car.order_id: car for car in self.problem.cars}
        by_build = {car.build_order_id: car for car in self.problem.cars}
        pairs = [(by_order[swap.order_id], by_build[swap.to_car_id]) for swap in self.plan.swaps]
        late = self.problem.days_late
        return [(own, gets, late(own, own), late(gets, own)) for own, gets in pairs]


def search_swaps(works: Works, brand_id: str) -> Iterator[SwapSearch]:
    """Look kind by kind which identical cars of a brand should change places; yields kinds in which some should."""
    with works.read(system(BrandId(brand_id))) as work:
        problem = read_problem(work)
    for one in problem.by_kind():
        plan = _solve(one)
        if plan.swaps:
            yield SwapSearch(one, plan)


def swap_cars(works: Works, brand_id: str) -> int:
    """Let the identical cars of a brand change places where that cuts lateness; returns how many orders' cars did."""
    return sum(make_swaps(works, brand_id, search) for search in search_swaps(works, brand_id))


def make_swaps(works: Works, brand_id: str, search: SwapSearch) -> int:
    """Change places as a search found, all or none (0: something has moved on); returns how many orders' cars did."""
    return works.run(system(BrandId(brand_id)), lambda work: _write(work, search))


def read_problem(work: Work) -> SwapProblem:
    """Return the cars of kinds in which some order will be late and another one could help; for the worker."""
    from factory_orders.allocation.swaps import SwapCosts

    rules = policy.current(work)
    times, own = rules.section(PromisePolicy), rules.section(ExchangePolicy)
    today = today_of(work)
    known = cars_of_orders(work, today=today, times=times)
    costs = SwapCosts(
        late_day=rules.section(BatchPolicy).late_day_minor,
        change=own.change_minor,
        km_per_day=times.transit_km_per_day,
    )
    roads = roads_of(work, known)

    def own_days(car: CarOfOrder) -> int:
        return days_late(car, car, roads, costs.km_per_day)

    late = {car.kind for car in known if own_days(car) > 0}
    involved = foremost([car for car in known if car.kind in late], own_days)
    latest = latest_days(work, [car.order_id for car in involved])
    return SwapProblem(tuple(involved), roads, costs, rights_of(work, involved), latest, own, today)


def latest_days(work: Work, order_ids: Sequence[str]) -> dict[str, int]:
    """Return by order the ordinal day by which a car at its store's door keeps its date for nine in ten.

    That date is the contract's or, where the buyer had accepted an earlier one and stayed, that one: nobody's plan is
    made later than what they accepted so that somebody else is less late. Between the day and the date lie what is done
    with the car and the days that the date was promised behind the expected one: learned, or else the buffer.
    """
    times = policy.current(work).section(PromisePolicy)
    kept = times.transit_base_days + times.pre_delivery_days
    margins = promised_days(work, order_ids)
    dates = earliest_dates(work, [order.terms for order in load_orders(work, order_ids).values()])
    found = {}
    for order_id, date_ in dates.items():
        margin = margins[order_id]
        found[order_id] = date_.toordinal() - kept - (times.buffer_days if margin is None else margin)
    return found


def roads_of(work: Work, cars: Sequence[CarOfOrder]) -> dict[tuple[str, str], int]:
    """Return the kilometres from each car's plant to its order's store."""
    plants = {str(plant.id): plant for plant in registry.list_plants(work)}
    stores = registry.stores_by_id(work, sorted({car.store_id for car in cars}))
    pairs = sorted({(car.plant_id, car.store_id) for car in cars})
    return {(plant_id, store_id): road_km(plants[plant_id], stores[store_id]) for plant_id, store_id in pairs}


def days_late(car: CarOfOrder, order: CarOfOrder, roads: Mapping[tuple[str, str], int], km_per_day: int) -> int:
    """Return how many days late an order would be with another one's car; both are of one plant."""
    return max(0, car.ready + way_days(order, roads, km_per_day) - order.due)


def way_days(order: CarOfOrder, roads: Mapping[tuple[str, str], int], km_per_day: int) -> int:
    """Return how many days a car is on its way to an order's store."""
    return -(-roads[order.plant_id, order.store_id] // km_per_day)


def _solve(problem: SwapProblem) -> SwapPlan:
    from factory_orders.allocation.swaps import BoundCar, BuyerOrder, swap_identical

    by_order = {car.order_id: car for car in problem.cars}
    by_build = {car.build_order_id: car for car in problem.cars}
    bound = [
        BoundCar(car.build_order_id, car.kind, car.plant_id, car.ready, car.order_id, progress_of(car.stage))
        for car in problem.cars
    ]
    waiting = [BuyerOrder(car.order_id, car.kind, car.store_id, car.due) for car in problem.cars]

    def may(car: BoundCar, order: BuyerOrder) -> bool:
        own, gets = by_order[order.id], by_build[car.id]
        return problem.is_fair(own, gets) and not problem.asks(own, gets)

    return swap_identical(bound, waiting, roads=problem.roads, costs=problem.costs, nobody_worse=True, may=may)


def _write(work: Work, search: SwapSearch) -> int:
    """Give the cars their new orders, all or none: where one of them moved on meanwhile, the next round looks anew."""
    by_order = {car.order_id: car for car in search.problem.cars}
    by_build = {car.build_order_id: car for car in search.problem.cars}
    gets = {swap.order_id: by_build[swap.to_car_id] for swap in search.plan.swaps}
    if not exchange(work, by_order, gets):
        return 0
    lapse_swap_offers(work, list(gets))
    made = SwapRound(
        work.new_id(),
        work.actor.brand_id,
        work.now,
        len(search.problem.cars),
        len(gets),
        search.plan.saved_minor,
        search.plan.saved_at_most_minor,
    )
    keep_swaps(work, made, by_order, gets, search.problem.roads)
    return len(gets)


def exchange(work: Work, by_order: Mapping[str, CarOfOrder], gets: Mapping[str, CarOfOrder]) -> bool:
    """Give orders each other's cars behind their locks; False where one of them is not as it was read any more."""
    involved = [by_order[order_id] for order_id in gets]
    lock_ways(work, [car.vin for car in involved if car.vin is not None])
    built = lock_builds(work, involved)
    orders = lock_orders(work, [car.order_id for car in involved])
    if not _are_as_read(work, involved):
        return False
    passed = [car for car in involved if car.vin is not None]
    to_order = {car.build_order_id: order_id for order_id, car in gets.items()}
    for car in passed:
        assert car.vin is not None
        taker = by_order[to_order[car.build_order_id]]
        redirect_way(work, car.vin, from_order_id=car.order_id, order_id=taker.order_id, store_id=taker.store_id)
    freed = {car.vin: free_vehicle(work, car.vin, reason="swapped") for car in passed if car.vin is not None}
    give_build_orders(work, to_order, built)
    save_orders(work, [_with_car(orders[order_id].terms, car) for order_id, car in gets.items()])
    allocate_vehicles(
        work, [(freed[car.vin], orders[order_id].terms) for order_id, car in gets.items() if car.vin is not None]
    )
    return True


def lock_builds(work: Work, involved: Sequence[CarOfOrder]) -> dict[str, BuildOrder]:
    """Return orders' build orders by id, locked behind their plants' lines; orders come after them (decision 027)."""
    known: dict[str, BuildOrder] = {}
    hold_line(work, *{car.plant_id for car in involved})
    for plant_id in sorted({car.plant_id for car in involved}):
        own = [car.build_order_id for car in involved if car.plant_id == plant_id]
        known |= lock_build_orders(work, own, plant_id=plant_id)
    return known


def _are_as_read(work: Work, involved: Sequence[CarOfOrder]) -> bool:
    """Say whether orders and cars, locked by now, are what was solved for: options, store, date and day as well."""
    times = policy.current(work).section(PromisePolicy)
    now = cars_of_orders(work, today=today_of(work), times=times, order_ids=[car.order_id for car in involved])
    return {car.order_id: car for car in now} == {car.order_id: car for car in involved}


def today_of(work: Work) -> date:
    """Return the brand's day."""
    return work.now.astimezone(registry.own_brand(work).zone).date()


def _with_car(terms: OrderTerms, car: CarOfOrder) -> Order:
    return ScheduledOrder(terms) if car.vin is None else BuiltOrder(terms, car.vin)


def keep_swaps(
    work: Work,
    made: SwapRound,
    by_order: Mapping[str, CarOfOrder],
    gets: Mapping[str, CarOfOrder],
    roads: Mapping[tuple[str, str], int],
) -> None:
    """Write a round and each order's change, and tell the buyers."""
    times = policy.current(work).section(PromisePolicy)
    per_day = times.transit_km_per_day
    swaps = []
    for order_id, car in sorted(gets.items()):
        order = by_order[order_id]
        before, after = days_late(order, order, roads, per_day), days_late(car, order, roads, per_day)
        swaps.append(
            CarSwap(
                work.new_id(),
                made.brand_id,
                made.id,
                order_id,
                order.build_order_id,
                car.build_order_id,
                before,
                after,
                work.now,
            )
        )
        further = way_days(order, roads, per_day) + times.transit_base_days + times.pre_delivery_days
        ready_on, was_on = (date.fromordinal(one.ready + further) for one in (car, order))
        work.record(OrderCarSwapped(made.brand_id, order_id, order.account_id, before - after, ready_on, was_on))
    insert_swap_round(work, made, swaps)
