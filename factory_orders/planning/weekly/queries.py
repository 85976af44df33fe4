"""Reads a plant's book of orders that have not begun, and the plans that were made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import RowMapping, func, select

from configurator.quote_service import road_km
from factory_orders.planning.model import SLOT, CarFacts, OrderTerms, judge_room
from factory_orders.planning.promise import at_store_on
from factory_orders.planning.queries import car_facts, week_starting
from factory_orders.planning.rows import order_from
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import capacity_weeks, orders, pool_reservations
from factory_orders.planning.weekly.model import (
    NOTHING_ELSE,
    BookOrder,
    Conflict,
    KeptPlan,
    Shortfall,
    UnitWorth,
    WeekBook,
    WeekCosts,
    WhatIf,
)
from factory_orders.planning.weekly.tables import week_plan_worths, week_plans
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.promises.accepted_queries import due_dates
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import Page, PageRequest, make_page
from kernel.reasons import because
from kernel.registry import Plant
from kernel.work import Work

RESOURCES_MAX: Final = 62
"""The search holds what an order takes in one machine word."""
NEVER: Final = 10_000
WITHOUT_WEEKS_LATE: Final = 100
"""No week costs as much as the latest week and being this late besides."""
CHANGES_MAX: Final = 100
CARS_MAX: Final = 100_000
WEEKS_MAX: Final = 104

Booked = tuple[OrderTerms, date | None]


@dataclass(frozen=True, slots=True)
class Planner:
    """What turns terms into orders for planning: the plant, its book's first week, today, late features."""

    work: Work
    plant: Plant
    first: date
    today: date
    facts: Mapping[str, CarFacts]
    late_weeks: Mapping[str, int]

    def book_orders(self, book: Sequence[Booked]) -> list[BookOrder]:
        """Return orders as the plan counts them."""
        stores = registry.stores_by_id(self.work, sorted({terms.store_id for terms, _ in book}))
        times = policy.current(self.work).section(PromisePolicy)
        zone = registry.own_brand(self.work).zone
        due_dates_of = due_dates(self.work, [terms for terms, _ in book])
        found = []
        for terms, week in book:
            facts = self.facts[terms.catalogue_version_id]
            lead = facts.lead_days(model=terms.model, options=terms.options, day=self.today)
            later = max(
                (self.late_weeks.get(name, 0) for name in facts.features.of((terms.model, *terms.options))), default=0
            )
            ready = max(self._number(week_starting(self.today + timedelta(days=lead))), 0)
            if week is not None:  # Its parts were asked for when it got its week, not today.
                ready = min(ready, self._number(week))
            ready += later
            km = road_km(self.plant, stores[terms.store_id])
            on_the_way = at_store_on(self.first, distance_km=km, policy=times) - self.first
            due_on = due_dates_of.get(terms.id)
            due = NEVER if due_on is None else self._number(due_on - on_the_way)
            since = min(self._number(terms.locked_at.astimezone(zone).date()), ready)
            needs = (SLOT, *sorted(facts.constrained_of(terms.options)))
            found.append(BookOrder(terms.id, needs, ready, due, since, None if week is None else self._number(week)))
        return found

    def _number(self, day: date) -> int:
        return (day - self.first) // WEEK


def planner(
    work: Work, plant: Plant, versions: Iterable[str], *, late_weeks: Mapping[str, int] | None = None
) -> Planner:
    """Return what turns terms of these catalogue versions into orders for planning, as of now."""
    times = policy.current(work).section(PromisePolicy)
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    first = week_starting(today + timedelta(days=max(times.planning_lead_days, 1)))
    return Planner(work, plant, first, today, {one: car_facts(work, one) for one in set(versions)}, late_weeks or {})


def week_costs(work: Work) -> WeekCosts:
    """Return what a week costs, from what a day does."""
    rules = policy.current(work).section(BatchPolicy)
    late, wait = rules.late_day_minor * WEEK.days, rules.wait_day_minor * WEEK.days
    return WeekCosts(wait=wait, late=late, without=(late + wait) * WITHOUT_WEEKS_LATE + 1)


def load_book(work: Work, plant: Plant, what_if: WhatIf = NOTHING_ELSE) -> WeekBook:
    """Return every order of the plant that has not begun, and the weeks laid out with the room they have for them.

    Refuses a what-if that makes no sense, and a week or resource that is not planned, with what there is (InvalidInput;
    NotFound where nothing is planned). Fewer
    cars than a week has begun or holds for pools are no refusal: the week has no room, and the shortfall is named.
    """
    _check(what_if)
    now = planner(work, plant, ())
    booked = _booked(work, plant, now.first)
    own = planner(work, plant, (terms.catalogue_version_id for terms, _ in booked), late_weeks=what_if.late_weeks)
    found = own.book_orders(booked)
    _check_features(what_if, own.facts, [terms for terms, _ in booked])
    waiting = sorted({terms.pool_id for terms, week in booked if week is None})
    room, shortfalls = _room(work, plant, now.first, found, _held(work, waiting), what_if)
    weeks = sorted({week for week, _ in room})
    demand = Counter(name for order in found for name in order.needs)
    resources, left_out = _tightest(demand, room, weeks)
    return WeekBook(
        weeks=tuple(weeks),
        resources=resources,
        room=tuple(tuple(room.get((week, name), 0) for week in weeks) for name in resources),
        orders=tuple(found),
        costs=week_costs(work),
        shortfalls=tuple(shortfalls),
        left_out=left_out,
    )


def _check(what_if: WhatIf) -> None:
    if max(len(what_if.capacity), len(what_if.late_weeks), len(what_if.still)) > CHANGES_MAX:
        raise InvalidInput("whatIf", because("COUNT_MOST", most=CHANGES_MAX))
    if not all(0 <= cars <= CARS_MAX for cars in what_if.capacity.values()):
        raise InvalidInput("capacity", because("COUNT", least=0, most=CARS_MAX))
    if not all(0 <= weeks <= WEEKS_MAX for weeks in what_if.late_weeks.values()):
        raise InvalidInput("weeks", because("COUNT", least=0, most=WEEKS_MAX))


def _check_features(what_if: WhatIf, facts: Mapping[str, CarFacts], booked: Sequence[OrderTerms]) -> None:
    if not what_if.late_weeks:
        return
    cars = {(terms.catalogue_version_id, terms.model, terms.options) for terms in booked}
    taken = {name for version, model, options in cars for name in facts[version].features.of((model, *options))}
    for name in what_if.late_weeks:
        if name not in taken:
            raise InvalidInput("feature", because("NO_ORDER_TAKES", feature=name))


def _booked(work: Work, plant: Plant, first: date) -> list[Booked]:
    """Return the plant's orders that have not begun, with the week they have; the weeks before the first one stand."""
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    found = (
        select(orders)
        .add_columns(build_orders.c.week.label("own_week"), build_orders.c.stage.label("own_stage"))
        .outerjoin_from(orders, build_orders, live)
        .where(orders.c.brand_id == work.actor.brand_id, orders.c.plant_id == plant.id, orders.c.state == "scheduled")
        .order_by(orders.c.locked_at, orders.c.pool_id, orders.c.place)
    )
    book = []
    for row in work.connection.execute(found).mappings():
        week = row["own_week"]
        if week is None or (row["own_stage"] == Stage.QUEUED.value and week >= first):
            book.append((order_from(row).terms, week))
    return book


def _room(
    work: Work,
    plant: Plant,
    first: date,
    book: Sequence[BookOrder],
    held: Mapping[tuple[date, str], int],
    what_if: WhatIf,
) -> tuple[dict[tuple[date, str], int], list[Shortfall]]:
    """Return by week and resource the room for these orders.

    What they have taken themselves is theirs to take anew, and so is what is held for their own pools.
    """
    table = capacity_weeks.c
    rows = select(table.week, table.resource, table.capacity, table.reserved, table.used).where(
        table.plant_id == plant.id, table.brand_id == work.actor.brand_id, table.week >= first
    )
    own = Counter((first + WEEK * order.week, name) for order in book if order.week is not None for name in order.needs)
    capacity: dict[tuple[date, str], int] = {}
    taken: dict[tuple[date, str], int] = {}
    for row in work.connection.execute(rows):
        key = (row.week, row.resource)
        capacity[key], taken[key] = row.capacity, row.reserved + row.used - own[key] - held.get(key, 0)
    changed = {**what_if.capacity, **{(week, SLOT): 0 for week in what_if.still}}
    if (unknown := min(changed.keys() - capacity.keys(), default=None)) is not None:
        raise judge_room(capacity, *unknown)
    shortfalls = [
        Shortfall(week, name, taken[week, name], cars)
        for (week, name), cars in sorted(changed.items())
        if cars < taken[week, name]
    ]
    return {key: max(cars - taken[key], 0) for key, cars in (capacity | changed).items()}, shortfalls


def _held(work: Work, pools: Sequence[str]) -> dict[tuple[date, str], int]:
    """Return what some pools together still hold, by week and resource."""
    table = pool_reservations.c
    found = (
        select(table.week, table.resource, func.sum(table.held))
        .where(db.among(table.pool_id, pools), table.brand_id == work.actor.brand_id, table.held > 0)
        .group_by(table.week, table.resource)
    )
    return {(row[0], row[1]): int(row[2]) for row in work.connection.execute(found)}


def _tightest(
    demand: Counter[str], room: Mapping[tuple[date, str], int], weeks: Sequence[date]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the slots and the options by name, and those beyond the search's most, which have most room to spare."""
    spare = {name: sum(room.get((week, name), 0) for week in weeks) - wanted for name, wanted in demand.items()}
    options = sorted((name for name in demand if name != SLOT), key=lambda name: (spare[name], name))
    return (SLOT, *sorted(options[: RESOURCES_MAX - 1])), tuple(sorted(options[RESOURCES_MAX - 1 :]))


def week_plans_of(work: Work, plant_id: str, page: PageRequest) -> Page[KeptPlan]:
    """Return the plans that were made of a plant's book, newest first; refuses who may not read batches."""
    work.actor.require(Permission.BATCH_READ)
    table = week_plans.c
    found = (
        select(week_plans)
        .where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id)
        .order_by(table.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = list(work.connection.execute(found).mappings())
    worths = _worths(work, [row["id"] for row in rows])
    return make_page([_kept_plan(row, worths.get(row["id"], ())) for row in rows], page, lambda plan: plan.id)


def _worths(work: Work, plans: Sequence[str]) -> dict[str, list[UnitWorth]]:
    table = week_plan_worths.c
    found = select(week_plan_worths).where(db.among(table.plan_id, plans)).order_by(table.plan_id, table.position)
    by_plan: dict[str, list[UnitWorth]] = {}
    for row in work.connection.execute(found):
        by_plan.setdefault(row.plan_id, []).append(UnitWorth(row.week, row.resource, row.worth_minor))
    return by_plan


def _kept_plan(row: RowMapping, worth: Sequence[UnitWorth]) -> KeptPlan:
    conflict = row["conflict"]
    return KeptPlan(
        id=row["id"],
        brand_id=row["brand_id"],
        plant_id=row["plant_id"],
        made_at=row["made_at"],
        orders=row["orders"],
        without_week=row["without_week"],
        moved=row["moved"],
        cost_minor=row["cost_minor"],
        bound_minor=row["bound_minor"],
        now_minor=row["now_minor"],
        worth=tuple(worth),
        conflict=None
        if conflict is None
        else Conflict(
            tuple(conflict["resources"]),
            tuple(date.fromisoformat(week) for week in conflict["weeks"]),
            conflict["short"],
            # What was kept before both were told apart has only the one.
            conflict.get("short_in_all", conflict["short"]),
        ),
    )
