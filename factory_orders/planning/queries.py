"""Reads of planning: what a catalogue version means to the line, a plant's weeks, batches, a brand's orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from configurator import queries as catalogue
from configurator.model import VersionId
from factory_orders.planning.batching.model import BatchPlanView
from factory_orders.planning.model import CarFacts, LineDayFigures, PartLead, Rebuild, WeekRoom
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import (
    batch_orders,
    batch_plans,
    batches,
    capacity_weeks,
    line_days,
    order_rebuilds,
    orders,
)
from factory_orders.plant.tables import build_orders
from kernel import db, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.registry import Plant
from kernel.work import Work

PAINT = "Paint"
WEEKS_MAX = 104


def plant_by_id(work: Work, plant_id: str) -> Plant:
    """Return a plant of the actor's brand, or refuse."""
    for plant in registry.list_plants(work):
        if plant.id == plant_id:
            return plant
    raise NotFound("plant")


def car_facts(work: Work, version_id: str) -> CarFacts:
    """Return which options of a catalogue version are paints or constrained, and how long its parts take."""
    version = catalogue.version_by_id(work, VersionId(version_id))
    known = _FACTS.get(version.content_hash)
    if known is None:
        if len(_FACTS) >= FACTS_MAX:
            _FACTS.clear()
        known = _FACTS[version.content_hash] = _facts_of(version)
    return known


# What a content means never changes, and every promise asks for it.
FACTS_MAX: Final = 64
_FACTS: Final[dict[str, CarFacts]] = {}


def _facts_of(version: catalogue.LoadedVersion) -> CarFacts:
    contents = version.catalogue
    return CarFacts(
        features=contents.car_features,
        paints=frozenset(option.code for option in contents.options if option.category == PAINT),
        constrained=frozenset(option.code for option in contents.options if option.constrained),
        parts=tuple(
            PartLead(part.feature, part.lead_time_days, part.first_day, part.last_day, part.part, part.quantity)
            for part in contents.parts
        ),
    )


def week_starting(day: date) -> date:
    """Return the first Monday on or after a day."""
    return day + timedelta(days=-day.weekday() % WEEK.days)


@dataclass(frozen=True, slots=True)
class WeekView:
    """One resource of a plant's week: `slot` for cars, an option's code for a constrained option."""

    plant_id: str
    week: date
    resource: str
    capacity: int
    reserved: int
    used: int


def plant_weeks(work: Work, plant_id: str, *, first: date, weeks: int) -> list[WeekView]:
    """Return a plant's weeks as counted; refuses who may not read batches."""
    work.actor.require(Permission.BATCH_READ)
    table = capacity_weeks.c
    last = first + WEEK * min(weeks, WEEKS_MAX)
    found = (
        select(table.plant_id, table.week, table.resource, table.capacity, table.reserved, table.used)
        .where(
            table.plant_id == plant_id,
            table.brand_id == work.actor.brand_id,
            table.week >= first,
            table.week < last,
        )
        .order_by(table.week, table.resource)
    )
    return [WeekView(*row) for row in work.connection.execute(found)]


def needs_fit(weeks: Sequence[WeekRoom], resources: Sequence[str], *, not_before: date) -> date | None:
    """Return the first week with room for one car that takes these resources."""
    for week in weeks:
        if week.week >= not_before and all(week.room(resource) > 0 for resource in resources):
            return week.week
    return None


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch with its weeks and how far it is; counts only, no person."""

    id: str
    plant_id: str
    pool_id: str
    state: str
    size: int
    scheduled: int
    passed: int
    first_week: date | None
    last_week: date | None
    created_at: datetime


def list_batches(work: Work, page: PageRequest, *, plant_id: str | None = None) -> Page[BatchView]:
    """Return the brand's batches, newest first."""
    work.actor.require(Permission.BATCH_READ)
    table = batches.c
    found = select(table.id).where(table.brand_id == work.actor.brand_id).order_by(table.id.desc()).limit(page.size + 1)
    if plant_id is not None:
        found = found.where(table.plant_id == plant_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    ids = list(work.connection.execute(found).scalars())
    views = batches_by_id(work, ids)
    return make_page([views[one] for one in ids], page, lambda view: view.id)


def batches_by_id(work: Work, batch_ids: Sequence[str]) -> dict[str, BatchView]:
    """Return batches of the actor's brand by id, in one statement."""
    work.actor.require(Permission.BATCH_READ)
    table, built = batches.c, build_orders.c
    live = (build_orders.c.batch_id == table.id) & (built.stage != "withdrawn")
    found = (
        select(
            table.id,
            table.plant_id,
            table.pool_id,
            table.state,
            table.size,
            func.count(built.id),
            func.count(built.id).filter(built.stage == "passed"),
            func.min(built.week),
            func.max(built.week),
            table.created_at,
        )
        .select_from(batches.outerjoin(build_orders, live))
        .where(table.brand_id == work.actor.brand_id, db.among(table.id, batch_ids))
        .group_by(table.id)
    )
    return {row[0]: BatchView(*row) for row in work.connection.execute(found)}


def batch_plans_of(work: Work, plant_id: str, page: PageRequest) -> Page[BatchPlanView]:
    """Return how a plant's waiting orders were parted into batches, newest first."""
    work.actor.require(Permission.BATCH_READ)
    table = batch_plans.c
    columns = [table[field.name] for field in fields(BatchPlanView)]
    found = select(*columns).where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1))
    return make_page([BatchPlanView(*row) for row in rows], page, lambda view: view.id)


def line_of_days(work: Work, plant_id: str, *, first: date, days: int) -> list[LineDayFigures]:
    """Return the line's days with their scores."""
    work.actor.require(Permission.BATCH_READ)
    table = line_days.c
    found = (
        select(*(table[field.name] for field in fields(LineDayFigures)))
        .where(
            table.plant_id == plant_id,
            table.brand_id == work.actor.brand_id,
            table.day >= first,
            table.day < first + timedelta(days=min(days, 366)),
        )
        .order_by(table.day)
    )
    return [LineDayFigures(*row) for row in work.connection.execute(found)]


def waiting_count(work: Work, plant_id: str) -> int:
    """Count the locked orders of a plant that are in no batch yet."""
    work.actor.require(Permission.BATCH_READ)
    found = (
        select(func.count())
        .select_from(orders.outerjoin(batch_orders, batch_orders.c.order_id == orders.c.id))
        .where(
            orders.c.brand_id == work.actor.brand_id,
            orders.c.plant_id == plant_id,
            orders.c.state == "scheduled",
            batch_orders.c.order_id.is_(None),
        )
    )
    return int(work.connection.execute(found).scalar_one())


def rebuilds_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[Rebuild]]:
    """Return by order when another car was planned for it, oldest first; the caller checks whose they are."""
    table = order_rebuilds.c
    own = db.among(table.order_id, order_ids) & (table.brand_id == work.actor.brand_id)
    known: dict[str, list[Rebuild]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(select(order_rebuilds).where(own).order_by(table.id)):
        known[row.order_id].append(Rebuild(row.id, row.order_id, row.vin, row.at))
    return known
