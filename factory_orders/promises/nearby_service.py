"""When a car would be at its store in its own pool and in each nearby one (DOMAIN sections 6.1 and 6.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from configurator.model import Promise
from demand.service import CarAtHand, NearestPool, NearestPools, nearest_pools
from factory_orders.planning.capacity_store import PoolPlan, open_plan_of_class, open_plans
from factory_orders.planning.service import WantedCar, promises
from kernel import registry
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class DatedPool:
    """A nearby pool and the changed car's date in it; None where its weeks have no room for the car."""

    nearest: NearestPool
    promise: Promise | None
    expected_days_sooner: int | None
    promised_days_sooner: int | None


@dataclass(frozen=True, slots=True)
class DatedPools:
    """The nearest pools with their dates; `own` is the date of the car as it is, in its own pool or outside of any.

    `is_at_store` says that a store was named: without one the dates are none at a store, and only differences count.
    """

    found: NearestPools
    own: Promise | None
    pools: tuple[DatedPool, ...]
    is_at_store: bool


def nearest_pools_dated(work: Work, at_hand: CarAtHand, *, first: int, store_id: str | None = None) -> DatedPools:
    """Return the pools that the fewest changes of a car reach, each with its date and the days against the own car's.

    With a store its region counts. Refuses what `nearest_pools` does, and a store that is closed or none (NotFound).
    """
    if store_id is not None:
        at_hand = replace(at_hand, region=registry.open_store(work, store_id).region)
    found = nearest_pools(work, at_hand, first=first)
    views = [one.reached.view for one in found.nearest]
    plans = open_plans(work, [view.id for view in views] + ([found.own_pool.view.id] if found.own_pool else []))
    reached = [one for one in found.nearest if one.reached.view.id in plans]
    wanted = [
        _own_car(work, found, plans),
        *(WantedCar(one.reached.car.options, plans[one.reached.view.id], one.reached.view.members) for one in reached),
    ]
    own, *dates = promises(
        work,
        found.own.cls.plant,
        wanted,
        model=at_hand.model,
        store_id=store_id,
        day=work.now.astimezone(registry.own_brand(work).zone).date(),
        version_id=found.version_id,
    )
    by_pool = {one.reached.view.id: date for one, date in zip(reached, dates, strict=True)}
    dated = tuple(_dated(one, by_pool.get(one.reached.view.id), own) for one in found.nearest)
    return DatedPools(found, own, dated, is_at_store=store_id is not None)


def _own_car(work: Work, found: NearestPools, plans: dict[str, PoolPlan]) -> WantedCar:
    """Return the car as it is, as its quote would date it."""
    if found.own_pool is not None:
        return WantedCar(found.own.options, plans.get(found.own_pool.view.id), found.own_pool.view.members)
    # A pool of its class that takes nobody any more still says when such cars are built.
    plan = open_plan_of_class(work, [found.own.cls.l1_key])
    return WantedCar(found.own.options, plan, 0 if plan is None else plan.places)


def _dated(one: NearestPool, promise: Promise | None, own: Promise | None) -> DatedPool:
    if promise is None or own is None:
        return DatedPool(one, promise, None, None)
    return DatedPool(one, promise, (own.p50 - promise.p50).days, (own.p90 - promise.p90).days)
