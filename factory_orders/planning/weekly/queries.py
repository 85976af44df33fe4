"""Reads a plant's book of orders that have not begun, and the plans that were made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from configurator.quote_service import road_km
from factory_orders.parts.queries import late_parts, part_supplies
from factory_orders.planning.model import SLOT, CarFacts, OrderTerms, judge_room
from factory_orders.planning.promise import at_store_on
from factory_orders.planning.queries import car_facts, week_starting
from factory_orders.planning.rows import order_from
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import capacity_weeks, orders, pool_reservations
from factory_orders.planning.weekly.model import (
    NOTHING_ELSE,
    PART,
    BookOrder,
    Shortfall,
    WeekBook,
    WeekCosts,
    WhatIf,
)
from factory_orders.planning.weekly.part_limits import TakenParts, part_limits
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.policies import BatchPolicy, PromisePolicy
from factory_orders.promises.accepted_queries import due_dates
from kernel import db, policy, registry
from kernel.errors import InvalidInput
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
    """What turns terms into orders for planning: the plant, its book's first week, today, what comes late.

    `late` has parts by the day their suppliers named, `late_weeks` features and parts that would come weeks later. Of
    `counted` parts cars that have their week are held against what is there and comes.
    """

    work: Work
    plant: Plant
    first: date
    today: date
    facts: Mapping[str, CarFacts]
    late: Mapping[str, date]
    late_weeks: Mapping[str, int]
    counted: AbstractSet[str] = frozenset()

    def book_orders(self, book: Sequence[Booked]) -> list[BookOrder]:
        """Return orders as the plan counts them."""
        stores = registry.stores_by_id(self.work, sorted({terms.store_id for terms, _ in book}))
        times = policy.current(self.work).section(PromisePolicy)
        zone = registry.own_brand(self.work).zone
        due_dates_of = due_dates(self.work, [terms for terms, _ in book])
        found = []
        for terms, week in book:
            facts = self.facts[terms.catalogue_version_id]
            features = facts.features.of((terms.model, *terms.options))
            later = self._weeks_later(facts, features, week) if self.late_weeks else 0
            there = facts.part_time(features, self.today, self.late).ready(self.today)
            ready = max(self.number(week_starting(there)), 0)
            if week is not None:  # Its parts were asked for when it got its week, not today.
                ready = min(ready, self.number(week))
            ready += later
            km = road_km(self.plant, stores[terms.store_id])
            on_the_way = at_store_on(self.first, distance_km=km, policy=times) - self.first
            due_on = due_dates_of.get(terms.id)
            due = NEVER if due_on is None else self.number(due_on - on_the_way)
            since = min(self.number(terms.locked_at.astimezone(zone).date()), ready)
            needs = (SLOT, *sorted(facts.constrained_of(terms.options)))
            found.append(BookOrder(terms.id, needs, ready, due, since, None if week is None else self.number(week)))
        return found

    def _weeks_later(self, facts: CarFacts, features: AbstractSet[str], week: date | None) -> int:
        parts = facts.parts_of(features, self.today).keys()
        names = features | (parts if week is None else parts - self.counted)
        return max((self.late_weeks.get(name, 0) for name in names), default=0)

    def taken_parts(self, book: Sequence[Booked], released: Mapping[str, datetime]) -> list[TakenParts]:
        """Return what the cars take that have their weeks, by the day on which each was released."""
        zone = registry.own_brand(self.work).zone
        found = []
        for terms, week in book:
            if week is not None:
                facts = self.facts[terms.catalogue_version_id]
                features = facts.features.of((terms.model, *terms.options))
                on = released[terms.id].astimezone(zone).date()
                found.append(TakenParts(terms.id, week, facts.parts_of(features, on)))
        return found

    def opens(self) -> dict[str, date]:
        """Return by part the day by which it comes if it is called off today, as its supplier keeps to."""
        days: dict[str, date] = {}
        for part in (one for facts in self.facts.values() for one in facts.parts):
            on = max(self.today + timedelta(days=part.lead_time_days), self.late.get(part.part, date.min))
            days[part.part] = max(on, days.get(part.part, date.min))
        return days

    def number(self, day: date) -> int:
        """Return the number of the week in which a day lies."""
        return (day - self.first) // WEEK


def planner(
    work: Work, plant: Plant, versions: Iterable[str], *, late_weeks: Mapping[str, int] | None = None
) -> Planner:
    """Return what turns terms of these catalogue versions into orders for planning, as of now."""
    times = policy.current(work).section(PromisePolicy)
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    first = week_starting(today + timedelta(days=max(times.planning_lead_days, 1)))
    facts = {one: car_facts(work, one) for one in set(versions)}
    return Planner(work, plant, first, today, facts, late_parts(work, plant.id), late_weeks or {})


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
    booked, released = _booked(work, plant, now.first)
    own = planner(work, plant, (terms.catalogue_version_id for terms, _ in booked), late_weeks=what_if.late_weeks)
    _check_features(what_if, own.facts, [terms for terms, _ in booked])
    supplies = part_supplies(work, plant.id, first=now.first)
    own = replace(own, counted=supplies.keys())
    found = own.book_orders(booked)
    waiting = sorted({terms.pool_id for terms, week in booked if week is None})
    room, shortfalls = _room(work, plant, now.first, found, _held(work, waiting), what_if)
    weeks = sorted({week for week, _ in room})
    demand = Counter(name for order in found for name in order.needs)
    cars = own.taken_parts(booked, released) if supplies else []
    limits = part_limits(cars, supplies, weeks, opens=own.opens(), late_weeks=what_if.late_weeks)
    names = {limit.part: PART + limit.part for limit in limits}
    takes = {car.order_id: tuple(names[part] for part in sorted(car.parts) if part in names) for car in cars}
    resources, left_out = _tightest(demand, room, weeks, most=RESOURCES_MAX - len(limits))
    return WeekBook(
        weeks=tuple(weeks),
        resources=resources,
        room=tuple(tuple(room.get((week, name), 0) for week in weeks) for name in resources),
        orders=tuple(replace(order, parts=takes.get(order.id, ())) for order in found),
        costs=week_costs(work),
        shortfalls=(*shortfalls, *(lack for limit in limits for lack in limit.lacking(weeks))),
        left_out=left_out,
        parts=tuple(names.values()),
        supply=tuple(limit.by_week(weeks) for limit in limits),
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
    taken: set[str] = set()
    for version, model, options in cars:
        features = facts[version].features.of((model, *options))
        taken |= features | {part.part for part in facts[version].parts if part.feature in features}
    for name in what_if.late_weeks:
        if name not in taken:
            raise InvalidInput("feature", because("NO_ORDER_TAKES", feature=name))


def _booked(work: Work, plant: Plant, first: date) -> tuple[list[Booked], dict[str, datetime]]:
    """Return the plant's orders that have not begun, with the week they have; the weeks before the first one stand.

    Beside them when those with a week were released to the plant.
    """
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    found = (
        select(orders)
        .add_columns(
            build_orders.c.week.label("own_week"),
            build_orders.c.stage.label("own_stage"),
            build_orders.c.released_at.label("own_release"),
        )
        .outerjoin_from(orders, build_orders, live)
        .where(orders.c.brand_id == work.actor.brand_id, orders.c.plant_id == plant.id, orders.c.state == "scheduled")
        .order_by(orders.c.locked_at, orders.c.pool_id, orders.c.place)
    )
    book: list[Booked] = []
    released: dict[str, datetime] = {}
    for row in work.connection.execute(found).mappings():
        week = row["own_week"]
        if week is None or (row["own_stage"] == Stage.QUEUED.value and week >= first):
            book.append((order_from(row).terms, week))
            if week is not None:
                released[row["id"]] = row["own_release"]
    return book, released


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
    demand: Counter[str], room: Mapping[tuple[date, str], int], weeks: Sequence[date], *, most: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the slots and the options by name, and those beyond the search's most, which have most room to spare."""
    spare = {name: sum(room.get((week, name), 0) for week in weeks) - wanted for name, wanted in demand.items()}
    options = sorted((name for name in demand if name != SLOT), key=lambda name: (spare[name], name))
    return (SLOT, *sorted(options[: most - 1])), tuple(sorted(options[most - 1 :]))
