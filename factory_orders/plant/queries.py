"""Reads of the plant interface: what a plant is to build, in its order; and an order's stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select

from factory_orders.early_cars.tables import early_offers
from factory_orders.plant.model import BuildOrder, BuildQueue, Stage
from factory_orders.plant.rows import build_order_from
from factory_orders.plant.tables import IS_OPEN, build_orders, plant_events
from factory_orders.vehicles.tables import vehicles
from kernel import db, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import Page, PageRequest, make_page
from kernel.reasons import because
from kernel.work import Work

NEXT_MAX: Final = 20


def build_orders_for_plant(
    work: Work, page: PageRequest, *, first_day: date | None = None, open_only: bool = True
) -> Page[BuildOrder]:
    """Return the machine account's own plant's build orders by day and place on the line."""
    work.actor.require(Permission.PLANT_REPORT)
    return _page(work, work.actor.own_plant(), page, first_day, open_only)


def build_orders_of_plant(
    work: Work, plant_id: str, page: PageRequest, *, first_day: date | None = None, open_only: bool = False
) -> Page[BuildOrder]:
    """Return a plant's build orders to those who plan it."""
    work.actor.require(Permission.BATCH_READ)
    return _page(work, plant_id, page, first_day, open_only)


def _page(work: Work, plant_id: str, page: PageRequest, first_day: date | None, open_only: bool) -> Page[BuildOrder]:
    table = build_orders.c
    wanted = IS_OPEN if open_only else table.stage != Stage.WITHDRAWN.value
    found = (
        select(build_orders)
        .where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id, wanted)
        .order_by(table.day, table.position.is_(None), table.position, table.id)
        .limit(page.size + 1)
    )
    if first_day is not None:
        found = found.where(table.day >= first_day)
    if page.after is not None:
        found = found.where(_behind(work, plant_id, page.after))
    rows = [build_order_from(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, _cursor)


def build_queues(work: Work, plant_ids: Sequence[str]) -> dict[str, BuildQueue]:
    """Return what those of the plants that are the brand's have to do, in two statements.

    The caller checks whose plants they are. `next` are the first twenty by day and place on the line.
    """
    work.actor.require(Permission.PLANT_REPORT)
    plants = [plant.id for plant in registry.list_plants(work) if plant.id in set(plant_ids)]
    if not plants:
        return {}
    table = build_orders.c
    own = (table.brand_id == work.actor.brand_id) & db.among(table.plant_id, plants)
    counted = select(table.plant_id, func.count(), func.max(table.released_at)).where(own, IS_OPEN)
    counts = {row[0]: (int(row[1]), row[2]) for row in work.connection.execute(counted.group_by(table.plant_id))}
    place = func.row_number().over(
        partition_by=table.plant_id, order_by=(table.day, table.position.is_(None), table.position, table.id)
    )
    ranked = select(build_orders, place.label("place")).where(own, IS_OPEN).subquery()
    first = select(ranked).where(ranked.c.place <= NEXT_MAX).order_by(ranked.c.plant_id, ranked.c.place)
    following: dict[str, list[BuildOrder]] = {plant_id: [] for plant_id in plants}
    for row in work.connection.execute(first).mappings():
        following[row["plant_id"]].append(build_order_from(row))
    return {
        plant_id: BuildQueue(plant_id, *counts.get(plant_id, (0, None)), tuple(following[plant_id]))
        for plant_id in plants
    }


def _cursor(order: BuildOrder) -> str:
    """Return a build order's cursor: its day and place, or its id where it has no place.

    A car without a place stands last of its day.
    """
    return order.id if order.position is None else f"{order.day.isoformat()}/{order.position}"


def _behind(work: Work, plant_id: str, cursor: str) -> ColumnElement[bool]:
    """Return what stands behind a cursor in a plant's list; refuses what is none (InvalidInput)."""
    table = build_orders.c
    day_text, slash, position = cursor.partition("/")
    if not slash:
        own = select(table.day).where(table.id == cursor, table.plant_id == plant_id)
        day: date | None = work.connection.execute(own).scalar()
        if day is None:
            raise InvalidInput("after", because("CURSOR"))
        return or_(table.day > day, and_(table.day == day, table.position.is_(None), table.id > cursor))
    try:
        day, place = date.fromisoformat(day_text), int(position)
    except ValueError:
        raise InvalidInput("after", because("CURSOR")) from None
    return or_(table.day > day, and_(table.day == day, or_(table.position > place, table.position.is_(None))))


@dataclass(frozen=True, slots=True)
class StageView:
    """A stage that a car of an order has reached."""

    order_id: str
    build_order_id: str
    stage: str
    occurred_at: datetime


def stages_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[StageView]]:
    """Return what was reported about orders' cars, in order; the caller checks whose they are.

    An order that ended keeps those of its car where another buyer has taken that, and its build order with it.
    """
    built, told = build_orders.c, plant_events.c
    found = (
        select(built.order_id, built.id, told.stage, told.occurred_at)
        .join_from(build_orders, plant_events, told.build_order_id == built.id)
        .where(built.brand_id == work.actor.brand_id, db.among(built.order_id, order_ids))
        .order_by(built.order_id, told.id)
    )
    stages: dict[str, list[StageView]] = {order_id: [] for order_id in order_ids}
    given = (
        select(early_offers.c.from_order_id, told.build_order_id, told.stage, told.occurred_at)
        .join_from(early_offers, vehicles, vehicles.c.vin == early_offers.c.vin)
        .join(plant_events, told.build_order_id == vehicles.c.build_order_id)
        .where(early_offers.c.brand_id == work.actor.brand_id, db.among(early_offers.c.from_order_id, order_ids))
        .order_by(told.id)
    )
    for row in [*work.connection.execute(found), *work.connection.execute(given)]:
        stages[row[0]].append(StageView(*row))
    return stages


def build_orders_by_id(work: Work, build_order_ids: Sequence[str], *, lock: bool = False) -> dict[str, BuildOrder]:
    """Return build orders of the actor's brand by id, locked in their order if asked for; the caller checks whose.

    Who holds more than these holds them in the order of docs/decisions/027.
    """
    table = build_orders.c
    own = (table.brand_id == work.actor.brand_id) & db.among(table.id, build_order_ids)
    found = select(build_orders).where(own).order_by(table.id)
    rows = work.connection.execute(found.with_for_update() if lock else found).mappings()
    return {row["id"]: build_order_from(row) for row in rows}


def begun_body(work: Work, build_order_ids: Sequence[str]) -> set[str]:
    """Return those of the build orders whose plant has begun the body: what went into them stays in them."""
    table = plant_events.c
    found = select(table.build_order_id).where(
        db.among(table.build_order_id, build_order_ids), table.stage == Stage.BODY.value
    )
    return set(work.connection.execute(found).scalars())


def build_orders_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, BuildOrder]:
    """Return each order's build order that is not withdrawn; the caller checks whose they are."""
    table = build_orders.c
    found = select(build_orders).where(
        table.brand_id == work.actor.brand_id,
        db.among(table.order_id, order_ids),
        table.stage != Stage.WITHDRAWN.value,
    )
    rows = work.connection.execute(found).mappings()
    return {order.order_id: order for order in (build_order_from(row) for row in rows)}
