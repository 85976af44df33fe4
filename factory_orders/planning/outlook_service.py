"""Use case: a plant's whole book planned anew, beside the weeks it has: the best there could be, and what if.

Nothing is moved by it. It says how far the weeks in force are from the optimum at most, what one more unit of each
limit would be worth, and, where not everybody finds a week, which limits are in conflict. It computes for seconds: the
command line and the worker call it, a server never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from configurator.quote_service import road_km
from factory_orders.planning.capacity_store import load_weeks
from factory_orders.planning.model import SLOT, OrderTerms
from factory_orders.planning.order_store import select_orders
from factory_orders.planning.promise import FRIDAY, at_store_on
from factory_orders.planning.queries import car_facts, week_starting
from factory_orders.planning.rows import order_from
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.slotting.conflict import LimitConflict, find_conflict
from factory_orders.slotting.model import (
    LIMITS_MAX,
    UNSLOTTED,
    SlotCosts,
    SlotLimits,
    SlotOrders,
    SlotPlan,
    SlotProblem,
    Whole,
)
from factory_orders.slotting.scoring import cost_of
from factory_orders.slotting.solve import plan_slots
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.registry import Plant
from kernel.work import Work

UNSLOTTED_WEEKS_LATE = 100
"""No week costs as much as the latest week and being this late besides."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Other capacities by (week, resource), features whose part comes weeks later, and weeks without a car."""

    capacity: Mapping[tuple[date, str], int]
    late_weeks: Mapping[str, int]
    still: tuple[date, ...]


NOTHING_ELSE = WhatIf({}, {}, ())


@dataclass(frozen=True, slots=True)
class UnitWorth:
    """What one more unit of a resource in a week would save, in fen."""

    week: date
    resource: str
    worth_minor: int


@dataclass(frozen=True, slots=True)
class PlanOutlook:
    """The book planned anew: its cost and bound, the cost of the weeks in force (None where they break a limit).

    `worth` are the dearest units first; `weeks` is by order the week in force and the week of the new plan.
    """

    orders: int
    cost_minor: int
    bound_minor: int
    now_minor: int | None
    unslotted: tuple[str, ...]
    worth: tuple[UnitWorth, ...]
    conflict: LimitConflict | None
    conflict_weeks: tuple[date, ...]
    weeks: Mapping[str, tuple[date | None, date | None]]

    @property
    def gap(self) -> float:
        """Return by what share of its cost the new plan may lie above the optimum at most."""
        return (self.cost_minor - self.bound_minor) / self.cost_minor if self.cost_minor > self.bound_minor else 0.0


def plan_outlook(work: Work, plant_code: str, *, what_if: WhatIf = NOTHING_ELSE, seed: int = 1) -> PlanOutlook:
    """Plan every order of the plant that has not begun into the weeks laid out; refuses who may not read batches.

    Refuses NotFound for another capacity of a week or a resource that is not planned.
    """
    work.actor.require(Permission.BATCH_READ)
    plant = registry.plant_by_code(work, plant_code)
    times = policy.current(work).section(PromisePolicy)
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    first = week_starting(today + timedelta(days=max(times.planning_lead_days, 1)))
    book = _book(work, plant, first)
    problem, weeks = _problem(work, plant, book, first, today, what_if)
    plan = plan_slots(problem, seed=seed)
    conflict = find_conflict(problem) if plan.unslotted else None
    now = np.array([(week - first) // WEEK if week is not None else UNSLOTTED for _, week in book], np.int64)
    return PlanOutlook(
        orders=len(book),
        cost_minor=plan.cost,
        bound_minor=max(plan.bound, 0),
        now_minor=_cost_now(problem, now),
        unslotted=tuple(terms.id for (terms, _), day in zip(book, plan.day, strict=True) if day == UNSLOTTED),
        worth=_worth(problem, plan, weeks),
        conflict=conflict,
        conflict_weeks=tuple(weeks[day] for day in conflict.days) if conflict is not None else (),
        weeks={
            terms.id: (week, weeks[int(day)] if day != UNSLOTTED else None)
            for (terms, week), day in zip(book, plan.day, strict=True)
        },
    )


def _book(work: Work, plant: Plant, first: date) -> list[tuple[OrderTerms, date | None]]:
    """Return the plant's orders that have not begun, with the week they have; the weeks before the first one stand."""
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    found = (
        select_orders(work)
        .add_columns(build_orders.c.week.label("own_week"), build_orders.c.stage.label("own_stage"))
        .outerjoin_from(orders, build_orders, live)
        .where(orders.c.plant_id == plant.id, orders.c.state == "scheduled")
        .order_by(orders.c.locked_at, orders.c.pool_id, orders.c.place)
    )
    book = []
    for row in work.connection.execute(found).mappings():
        week = row["own_week"]
        if week is None or (row["own_stage"] == Stage.QUEUED.value and week >= first):
            book.append((order_from(row).terms, week))
    return book


def _problem(
    work: Work,
    plant: Plant,
    book: Sequence[tuple[OrderTerms, date | None]],
    first: date,
    today: date,
    what_if: WhatIf,
) -> tuple[SlotProblem, list[date]]:
    facts = {version: car_facts(work, version) for version in {terms.catalogue_version_id for terms, _ in book}}
    needs = [frozenset({SLOT}) | facts[terms.catalogue_version_id].constrained_of(terms.options) for terms, _ in book]
    names = (SLOT, *sorted(frozenset[str]().union(*needs) - {SLOT}))[:LIMITS_MAX]
    room = load_weeks(work, plant.id, first=first, pool_id=None, lock=False)
    weeks = [week.week for week in room]
    free = {(week.week, name): week.free.get(name, 0) for week in room for name in names}
    # What these orders have taken themselves is theirs to take anew.
    for (_, week), own in zip(book, needs, strict=True):
        for name in own:
            if week is not None and (week, name) in free:
                free[week, name] += 1
    for key, cars in what_if.capacity.items():
        if key not in free:
            raise NotFound("week")
        free[key] = cars
    for week in what_if.still:
        for name in names:
            free[week, name] = 0
    capacity = np.array([[max(free[week, name], 0) for week in weeks] for name in names], np.int64)
    limits = SlotLimits(names, capacity.reshape(len(names), len(weeks)), (), np.zeros((0, len(weeks)), np.int64))
    wanted = _slot_orders(work, plant, book, needs, names, first=first, today=today, late_weeks=what_if.late_weeks)
    return SlotProblem(wanted, limits, _costs(work)), weeks


def _slot_orders(
    work: Work,
    plant: Plant,
    book: Sequence[tuple[OrderTerms, date | None]],
    needs: Sequence[frozenset[str]],
    names: Sequence[str],
    *,
    first: date,
    today: date,
    late_weeks: Mapping[str, int],
) -> SlotOrders:
    times = policy.current(work).section(PromisePolicy)
    stores = registry.stores_by_id(work, sorted({terms.store_id for terms, _ in book}))
    facts = {version: car_facts(work, version) for version in {terms.catalogue_version_id for terms, _ in book}}
    ready, due, since = [], [], []
    for terms, _ in book:
        lead = facts[terms.catalogue_version_id].lead_days(model=terms.model, options=terms.options, day=today)
        later = max((late_weeks.get(name, 0) for name in (terms.model, *terms.options)), default=0)
        begins = max((week_starting(today + timedelta(days=lead)) - first) // WEEK, 0) + later
        km = road_km(plant, stores[terms.store_id])
        on_the_way = at_store_on(first, distance_km=km, policy=times) - first - FRIDAY
        last = terms.promised_by - on_the_way - FRIDAY if terms.promised_by is not None else None
        ready.append(begins)
        due.append((last - first) // WEEK if last is not None else 10_000)
        since.append(min((terms.locked_at.date() - first) // WEEK, begins))
    table = np.array([[name in own for name in names] for own in needs], np.bool_).reshape(len(book), len(names))
    parts = np.zeros((len(book), 0), np.bool_)
    return SlotOrders(table, parts, np.array(ready, np.int64), np.array(due, np.int64), np.array(since, np.int64))


def _costs(work: Work) -> SlotCosts:
    """Return what a week costs, from what a day does."""
    rules = policy.current(work).section(BatchPolicy)
    late, wait = rules.late_day_minor * WEEK.days, rules.wait_day_minor * WEEK.days
    return SlotCosts(wait_day=wait, late_day=late, unslotted=(late + wait) * UNSLOTTED_WEEKS_LATE + 1)


def _cost_now(problem: SlotProblem, now: Whole) -> int | None:
    """Return what the weeks in force cost; None where they keep not all of what is asked (they were before it)."""
    try:
        return cost_of(problem, now)
    except AssertionError:
        return None


def _worth(problem: SlotProblem, plan: SlotPlan, weeks: Sequence[date]) -> tuple[UnitWorth, ...]:
    found = [
        UnitWorth(weeks[day], name, int(plan.prices.limits[number, day]))
        for number, name in enumerate(problem.limits.names)
        for day in range(problem.limits.days)
        if plan.prices.limits[number, day] >= problem.costs.wait_day // 10 > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.worth_minor, one.week, one.resource)))
