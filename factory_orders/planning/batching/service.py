"""Use case: which of a plant's waiting orders are built together. What it knows of the line are the free slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from configurator.model import PoolingClass
from configurator.quote_service import road_km
from factory_orders.parts.queries import late_parts
from factory_orders.planning.batching.model import BatchPrices, Line, Partition, WaitingOrder
from factory_orders.planning.capacity_store import building_days, held_by_pools, lay_out_weeks, load_weeks
from factory_orders.planning.model import SLOT, CarFacts, OrderTerms
from factory_orders.planning.order_store import waiting_orders
from factory_orders.planning.partition import partition_orders
from factory_orders.planning.promise import FRIDAY, at_store_on
from factory_orders.planning.queries import car_facts, week_starting
from factory_orders.policies import BatchPolicy, CapacityPolicy, PromisePolicy
from factory_orders.promises.accepted_queries import due_dates
from kernel import policy, registry
from kernel.registry import Plant
from kernel.work import Work

NO_PROMISE_DAYS = 10_000
"""So far away that nothing is late."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The orders of each batch to be, in the order in which the batches are built, and what the partition says."""

    batches: tuple[tuple[OrderTerms, ...], ...]
    partition: Partition


def plan_waiting(work: Work, plant: Plant) -> BatchPlan | None:
    """Partition the plant's orders that are in no batch yet; None where none waits."""
    waiting = waiting_orders(work, plant.id)
    if not waiting:
        return None
    rules = policy.current(work).section(BatchPolicy)
    smallest, largest = rules.limits(plant.code)
    found = partition_orders(
        _as_waiting(work, plant, waiting),
        _line(work, plant, sorted({terms.pool_id for terms in waiting})),
        smallest=smallest,
        largest=largest,
        prices=_prices(rules),
        wait_days_max=rules.wait_days_max,
    )
    by_id = {terms.id: terms for terms in waiting}
    return BatchPlan(tuple(tuple(by_id[order.id] for order in batch.orders) for batch in found.batches), found)


def _prices(rules: BatchPolicy) -> BatchPrices:
    return BatchPrices(
        wait_day=rules.wait_day_minor,
        late_day=rules.late_day_minor,
        setup=rules.setup_minor,
        idle_slot=rules.idle_slot_minor,
        changeover_paint=rules.changeover_paint_minor,
        changeover_powertrain=rules.changeover_powertrain_minor,
        changeover_model=rules.changeover_model_minor,
    )


def _as_waiting(work: Work, plant: Plant, waiting: Sequence[OrderTerms]) -> list[WaitingOrder]:
    times = policy.current(work).section(PromisePolicy)
    zone = registry.own_brand(work).zone
    today = work.now.astimezone(zone).date()
    facts = {version: car_facts(work, version) for version in {terms.catalogue_version_id for terms in waiting}}
    stores = registry.stores_by_id(work, sorted({terms.store_id for terms in waiting}))
    due, late = due_dates(work, waiting), late_parts(work, plant.id)
    found = []
    for number, terms in enumerate(waiting):
        on_the_way = (
            at_store_on(today, distance_km=road_km(plant, stores[terms.store_id]), policy=times) - today - FRIDAY
        )
        since = terms.locked_at.astimezone(zone).date()
        promised = due.get(terms.id, since + timedelta(days=NO_PROMISE_DAYS))
        found.append(
            WaitingOrder(
                id=terms.id,
                class_key=terms.class_l1,
                model=terms.model,
                powertrain=PoolingClass.from_key(terms.class_l1).powertrain,
                paint=facts[terms.catalogue_version_id].paint_of(terms.options),
                since=since.toordinal(),
                ready=_ready(terms, facts, today, times, late).toordinal(),
                due=(promised - on_the_way).toordinal(),
                number=number,
            )
        )
    return found


def _ready(
    terms: OrderTerms, facts: Mapping[str, CarFacts], today: date, times: PromisePolicy, late: Mapping[str, date]
) -> date:
    own = facts[terms.catalogue_version_id]
    parts = own.part_time(own.features.of((terms.model, *terms.options)), today, late)
    return week_starting(parts.ready(today, least_days=max(times.planning_lead_days, 1)))


def _line(work: Work, plant: Plant, pools: Sequence[str]) -> Line:
    """Return the plant's free slots day by day: a week's free ones and those that these pools hold, evenly."""
    rules = policy.current(work)
    capacity, times = rules.section(CapacityPolicy), rules.section(PromisePolicy)
    brand = registry.own_brand(work)
    first = week_starting(work.now.astimezone(brand.zone).date() + timedelta(days=max(times.planning_lead_days, 1)))
    lay_out_weeks(work, plant, first=first, weeks=capacity.weeks_ahead, options=[], policy=capacity)
    held = held_by_pools(work, pools, SLOT)
    slots: dict[date, int] = {}
    for week in load_weeks(work, plant.id, first=first, pool_id=None, lock=False, resources=[SLOT]):
        free = week.free[SLOT] + held.get(week.week, 0)
        days = building_days(brand, week.week)
        for number, day in enumerate(days):
            slots[day] = free // len(days) + (number < free % len(days))
    # Behind the planned weeks the plant goes on at its full rate, so that every order has some day.
    beyond = max(slots, default=first) + timedelta(days=1)
    slots[beyond] = max(1, plant.weekly_capacity // 7)
    return Line(tuple(day.toordinal() for day in slots), tuple(slots.values()))
