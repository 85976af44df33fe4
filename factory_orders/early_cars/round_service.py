"""The morning's offers: free cars held against waiting orders, solved outside of any change, written with the proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from configurator.quote_service import road_km
from factory_orders.early_cars.events import EarlyCarOffered
from factory_orders.early_cars.model import EARLY_TIMER, EarlyOffer, EarlyRound
from factory_orders.early_cars.policy import EarlyCarPolicy
from factory_orders.early_cars.queries import FreeCar, free_cars, offered_before
from factory_orders.early_cars.store import insert_round
from factory_orders.exchanges.model import CarOfOrder, foremost
from factory_orders.exchanges.queries import cars_of_orders
from factory_orders.planning.order_store import lock_orders
from factory_orders.plant.model import BEFORE_THE_LINE
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.vehicles.store import lock_vehicle
from kernel import policy, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.timers import set_timer
from kernel.work import Work, Works

if TYPE_CHECKING:
    # numpy and the solver load where something is solved: in the worker.
    from factory_orders.allocation.swaps import SwapCosts, SwapPlan


@dataclass(frozen=True, slots=True)
class EarlyProblem:
    """Free cars, orders of their kinds that wait and are not begun, the roads, and what was offered before."""

    cars: tuple[FreeCar, ...]
    waiting: tuple[CarOfOrder, ...]
    roads: Mapping[tuple[str, str], int]
    before: Mapping[str, set[str]]
    rules: EarlyCarPolicy
    costs: SwapCosts
    today: date

    def by_kind(self) -> Iterator[EarlyProblem]:
        """Yield the same for each kind alone of which a car is free and somebody waits."""
        for kind in sorted({car.kind for car in self.cars} & {one.kind for one in self.waiting}):
            cars = tuple(car for car in self.cars if car.kind == kind)
            yield replace(self, cars=cars, waiting=tuple(one for one in self.waiting if one.kind == kind))


@dataclass(frozen=True, slots=True)
class EarlySearch:
    """Free cars of a kind held against orders that wait, and which of them are worth an offer."""

    problem: EarlyProblem
    plan: SwapPlan

    def offers(self) -> list[tuple[str, str, int]]:
        """Return each order, the car that it would be offered, and how many days sooner that would come."""
        by_order = {one.order_id: one for one in self.problem.waiting}
        by_vin = {car.vin: car for car in self.problem.cars}
        return [
            (
                swap.order_id,
                swap.to_car_id,
                _days_sooner(self.problem, by_order[swap.order_id], by_vin[swap.to_car_id].at),
            )
            for swap in self.plan.swaps
        ]


def search_early_cars(works: Works, brand_id: str) -> Iterator[EarlySearch]:
    """Look kind by kind which free cars of a brand are worth an offer; yields kinds of which some are."""
    with works.read(system(BrandId(brand_id))) as work:
        problem = _read(work)
    for one in problem.by_kind() if problem.rules.answer_days else ():
        plan = _solve(one)
        if plan.swaps:
            yield EarlySearch(one, plan)


def offer_early_cars(works: Works, brand_id: str) -> int:
    """Offer the free cars of a brand to buyers who wait for equal ones; returns how many were offered."""
    return sum(make_offers(works, brand_id, search) for search in search_early_cars(works, brand_id))


def make_offers(works: Works, brand_id: str, search: EarlySearch) -> int:
    """Offer what a search found, all or nothing (0: something has moved on); returns how many were offered."""
    return works.run(system(BrandId(brand_id)), lambda work: _write(work, search.problem, search.plan))


def _read(work: Work) -> EarlyProblem:
    from factory_orders.allocation.swaps import SwapCosts

    rules = policy.current(work)
    times, batches, own = rules.section(PromisePolicy), rules.section(BatchPolicy), rules.section(EarlyCarPolicy)
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    cars = free_cars(work)
    kinds = {car.kind for car in cars}
    known = cars_of_orders(work, today=today, times=times) if cars else []
    waiting = foremost(
        [one for one in known if one.kind in kinds and one.stage in BEFORE_THE_LINE], lambda one: one.ready
    )
    costs = SwapCosts(
        late_day=batches.late_day_minor,
        change=own.change_minor,
        km_per_day=times.transit_km_per_day,
        wait_day=batches.wait_day_minor,
        since=today.toordinal(),
    )
    stores = {str(one.id): one for one in registry.list_stores(work)}
    points: dict[str, registry.Plant | registry.Store] = {str(one.id): one for one in registry.list_plants(work)}
    points |= stores
    begins = sorted({car.at for car in cars} | {one.plant_id for one in waiting})
    ends = sorted({one.store_id for one in waiting})
    roads = {(at, store_id): road_km(points[at], stores[store_id]) for at in begins for store_id in ends}
    before = offered_before(work, [one.order_id for one in waiting])
    return EarlyProblem(tuple(cars), tuple(waiting), roads, before, own, costs, today)


def _solve(problem: EarlyProblem) -> SwapPlan:
    """Hold free cars against orders; an order keeps its own, unless a free one comes soon enough to be worth asking."""
    from factory_orders.allocation.swaps import BoundCar, BuyerOrder, swap_identical

    by_order = {one.order_id: one for one in problem.waiting}
    own = [BoundCar(one.build_order_id, one.kind, one.plant_id, one.ready, one.order_id) for one in problem.waiting]
    free = [BoundCar(car.vin, car.kind, car.at, problem.today.toordinal(), None) for car in problem.cars]
    waiting = [BuyerOrder(one.order_id, one.kind, one.store_id, one.due) for one in problem.waiting]

    def may(car: BoundCar, order: BuyerOrder) -> bool:
        if car.order_id is not None:
            return False
        known = problem.before.get(order.id, set())
        sooner = _days_sooner(problem, by_order[order.id], car.stands_at)
        return "" not in known and car.id not in known and sooner >= problem.rules.sooner_days

    return swap_identical([*own, *free], waiting, roads=problem.roads, costs=problem.costs, may=may)


def _days_sooner(problem: EarlyProblem, order: CarOfOrder, stands_at: str) -> int:
    per_day = problem.costs.km_per_day
    planned = order.ready - (-problem.roads[order.plant_id, order.store_id] // per_day)
    return planned - (problem.today.toordinal() - (-problem.roads[stands_at, order.store_id] // per_day))


def _write(work: Work, problem: EarlyProblem, found: SwapPlan) -> int:
    """Keep the cars for their buyers, and ask those; where one was taken meanwhile, the next round looks anew."""
    by_vin, by_order = {car.vin: car for car in problem.cars}, {one.order_id: one for one in problem.waiting}
    # Before the cars, as everywhere: none of them ends or is begun until its offer stands.
    lock_orders(work, [swap.order_id for swap in found.swaps])
    vins = sorted(swap.to_car_id for swap in found.swaps)
    for vin in vins:
        lock_vehicle(work, vin)
    if {car.vin for car in free_cars(work, vins)} != set(vins) or not _wait_as_read(work, problem, found):
        return 0
    answer_by = work.now + timedelta(days=problem.rules.answer_days)
    made = EarlyRound(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        made_at=work.now,
        cars=len(problem.cars),
        orders=len(problem.waiting),
        offered=len(found.swaps),
        saved_minor=found.saved_minor,
        saved_at_most_minor=found.saved_at_most_minor,
    )
    offers = [
        EarlyOffer(
            id=work.new_id(),
            brand_id=made.brand_id,
            round_id=made.id,
            order_id=swap.order_id,
            account_id=by_order[swap.order_id].account_id,
            vin=swap.to_car_id,
            days_sooner=_days_sooner(problem, by_order[swap.order_id], by_vin[swap.to_car_id].at),
            offered_at=work.now,
            answer_by=answer_by,
        )
        for swap in found.swaps
    ]
    insert_round(work, made, offers)
    _ask(work, offers)
    return len(offers)


def _wait_as_read(work: Work, problem: EarlyProblem, found: SwapPlan) -> bool:
    """Say whether the orders still wait for the cars that were read, and nobody has asked their buyers meanwhile."""
    by_order = {one.order_id: one for one in problem.waiting}
    asked = [swap.order_id for swap in found.swaps]
    times = policy.current(work).section(PromisePolicy)
    now = {one.order_id: one for one in cars_of_orders(work, today=problem.today, times=times, order_ids=asked)}
    known = offered_before(work, asked)
    return all(
        now.get(one) == by_order[one] and known.get(one, set()) == problem.before.get(one, set()) for one in asked
    )


def _ask(work: Work, offers: Sequence[EarlyOffer]) -> None:
    for one in offers:
        set_timer(work, EARLY_TIMER, one.id, one.answer_by)
        work.record(EarlyCarOffered(one.brand_id, one.id, one.order_id, one.account_id, one.days_sooner, one.answer_by))
