"""Identical cars change places between orders: solved outside of any change, then written once, or not at all.

Nobody becomes later for it, and who gains nothing gets no car that is further built, so that no freeze point comes
sooner to who has nothing of it. Prices, dates and stores stay with their orders; only the car is another, equal one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from configurator.quote_service import road_km
from factory_orders.exchanges.events import OrderCarSwapped
from factory_orders.exchanges.model import CarOfOrder, CarSwap, SwapRound, foremost, progress_of
from factory_orders.exchanges.policy import ExchangePolicy
from factory_orders.exchanges.queries import cars_of_orders
from factory_orders.exchanges.store import give_build_orders, insert_swap_round, redirect_way
from factory_orders.planning.model import BuiltOrder, Order, OrderTerms, ScheduledOrder
from factory_orders.planning.order_store import lock_orders, save_orders
from factory_orders.plant.model import BuildOrder
from factory_orders.plant.store import lock_build_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.vehicles.service import allocate_vehicles, free_vehicle
from kernel import policy, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.work import Work, Works

if TYPE_CHECKING:
    # numpy and the solver load where something is solved: in the worker.
    from factory_orders.allocation.swaps import SwapCosts, SwapPlan


def swap_cars(works: Works, brand_id: str) -> int:
    """Let the identical cars of a brand change places where that cuts lateness; returns how many orders' cars did."""
    actor = system(BrandId(brand_id))
    with works.read(actor) as work:
        cars, roads, costs = _read(work)
    if not cars:
        return 0
    found = _solve(cars, roads, costs)
    if not found.swaps:
        return 0
    try:
        return works.run(actor, lambda work: _write(work, cars, roads, costs, found))
    except _CarrierCame:
        return 0


def _read(work: Work) -> tuple[list[CarOfOrder], dict[tuple[str, str], int], SwapCosts]:
    """Return the cars of kinds in which some order will be late and another one could help, and the roads."""
    from factory_orders.allocation.swaps import SwapCosts

    rules = policy.current(work)
    times = rules.section(PromisePolicy)
    known = cars_of_orders(work, today=_today(work), times=times)
    costs = SwapCosts(
        late_day=rules.section(BatchPolicy).late_day_minor,
        change=rules.section(ExchangePolicy).change_minor,
        km_per_day=times.transit_km_per_day,
    )
    plants = {str(plant.id): plant for plant in registry.list_plants(work)}
    stores = registry.stores_by_id(work, sorted({car.store_id for car in known}))
    roads = {
        (car.plant_id, car.store_id): road_km(plants[car.plant_id], stores[car.store_id])
        for car in {(one.plant_id, one.store_id): one for one in known}.values()
    }
    late = {car.kind for car in known if _days_late(car, car, roads, costs) > 0}
    involved = [car for car in known if car.kind in late]
    return foremost(involved, lambda car: _days_late(car, car, roads, costs)), roads, costs


def _days_late(car: CarOfOrder, order: CarOfOrder, roads: Mapping[tuple[str, str], int], costs: SwapCosts) -> int:
    """Return how many days late an order would be with another one's car; both are of one plant."""
    return max(0, car.ready - (-roads[order.plant_id, order.store_id] // costs.km_per_day) - order.due)


def _solve(cars: Sequence[CarOfOrder], roads: Mapping[tuple[str, str], int], costs: SwapCosts) -> SwapPlan:
    from factory_orders.allocation.swaps import BoundCar, BuyerOrder, swap_identical

    bound = [
        BoundCar(car.build_order_id, car.kind, car.plant_id, car.ready, car.order_id, progress_of(car.stage))
        for car in cars
    ]
    waiting = [BuyerOrder(car.order_id, car.kind, car.store_id, car.due) for car in cars]
    return swap_identical(bound, waiting, roads=roads, costs=costs, nobody_worse=True)


def _write(
    work: Work,
    cars: Sequence[CarOfOrder],
    roads: Mapping[tuple[str, str], int],
    costs: SwapCosts,
    found: SwapPlan,
) -> int:
    """Give the cars their new orders, all or none: where one of them moved on meanwhile, the next round looks anew."""
    by_order = {car.order_id: car for car in cars}
    by_build = {car.build_order_id: car for car in cars}
    gets = {swap.order_id: by_build[swap.to_car_id] for swap in found.swaps}
    involved = [by_order[order_id] for order_id in gets]
    built = _lock_builds(work, involved)
    orders = lock_orders(work, [car.order_id for car in involved])
    if not _are_as_read(work, involved):
        return 0
    passed = [car for car in involved if car.vin is not None]
    to_order = {car.build_order_id: order_id for order_id, car in gets.items()}
    for car in passed:
        assert car.vin is not None
        taker = by_order[to_order[car.build_order_id]]
        if not redirect_way(
            work, car.vin, from_order_id=car.order_id, order_id=taker.order_id, store_id=taker.store_id
        ):
            raise _CarrierCame
    freed = {car.vin: free_vehicle(work, car.vin, reason="swapped") for car in passed if car.vin is not None}
    give_build_orders(work, to_order, built)
    save_orders(work, [_with_car(orders[order_id].terms, car) for order_id, car in gets.items()])
    allocate_vehicles(
        work, [(freed[car.vin], orders[order_id].terms) for order_id, car in gets.items() if car.vin is not None]
    )
    _keep(work, cars, found, by_order, gets, roads, costs)
    return len(gets)


class _CarrierCame(Exception):
    """A car was loaded between two looks at it; its build order's lock does not hold its carrier back."""


def _lock_builds(work: Work, involved: Sequence[CarOfOrder]) -> dict[str, BuildOrder]:
    """Lock build orders before their orders, plant by plant, as a plant's reports do."""
    known: dict[str, BuildOrder] = {}
    for plant_id in sorted({car.plant_id for car in involved}):
        own = [car.build_order_id for car in involved if car.plant_id == plant_id]
        known |= lock_build_orders(work, own, plant_id=plant_id)
    return known


def _are_as_read(work: Work, involved: Sequence[CarOfOrder]) -> bool:
    """Say whether orders and cars, locked by now, are what was solved for: options, store, date and day as well."""
    times = policy.current(work).section(PromisePolicy)
    now = cars_of_orders(work, today=_today(work), times=times, order_ids=[car.order_id for car in involved])
    return {car.order_id: car for car in now} == {car.order_id: car for car in involved}


def _today(work: Work) -> date:
    return work.now.astimezone(registry.own_brand(work).zone).date()


def _with_car(terms: OrderTerms, car: CarOfOrder) -> Order:
    return ScheduledOrder(terms) if car.vin is None else BuiltOrder(terms, car.vin)


def _keep(
    work: Work,
    cars: Sequence[CarOfOrder],
    found: SwapPlan,
    by_order: Mapping[str, CarOfOrder],
    gets: Mapping[str, CarOfOrder],
    roads: Mapping[tuple[str, str], int],
    costs: SwapCosts,
) -> None:
    """Write the round and each order's change, and tell the buyers."""
    own = policy.current(work).section(PromisePolicy)
    made = SwapRound(
        work.new_id(),
        work.actor.brand_id,
        work.now,
        len(cars),
        len(gets),
        found.saved_minor,
        found.saved_at_most_minor,
    )
    swaps = []
    for order_id, car in sorted(gets.items()):
        order = by_order[order_id]
        before, after = _days_late(order, order, roads, costs), _days_late(car, order, roads, costs)
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
        way = -(-roads[order.plant_id, order.store_id] // costs.km_per_day)
        ready_on = date.fromordinal(car.ready + way + own.transit_base_days + own.pre_delivery_days)
        work.record(OrderCarSwapped(made.brand_id, order_id, order.account_id, before - after, ready_on))
    insert_swap_round(work, made, swaps)
