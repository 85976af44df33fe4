"""Loads and saves build orders and the plant's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final

from sqlalchemy import bindparam, func, or_, select, update

from factory_orders.planning.model import Order
from factory_orders.planning.order_store import lock_order
from factory_orders.planning.tables import orders
from factory_orders.plant.model import BEFORE_THE_LINE, BuildOrder, PlantReport, Stage
from factory_orders.plant.rows import FIELDS, build_order_from
from factory_orders.plant.tables import build_orders, plant_events
from kernel import db
from kernel.work import Work


def insert_build_orders(work: Work, new: Sequence[BuildOrder]) -> None:
    """Write build orders, released with exactly these options."""
    rows = [
        {name: getattr(one, name) for name in FIELDS} | {"options": list(one.options), "stage": one.stage.value}
        for one in new
    ]
    db.insert_many(work.connection, build_orders, rows)


def lock_build_orders(work: Work, build_order_ids: Sequence[str], *, plant_id: str) -> dict[str, BuildOrder]:
    """Load build orders of a plant by id and keep other reports on them waiting; another plant's look like none."""
    found = (
        select(build_orders)
        .where(
            db.among(build_orders.c.id, build_order_ids),
            build_orders.c.plant_id == plant_id,
            build_orders.c.brand_id == work.actor.brand_id,
        )
        .order_by(build_orders.c.id)
        .with_for_update()
    )
    return {row["id"]: build_order_from(row) for row in work.connection.execute(found).mappings()}


def live_build_order(work: Work, order_id: str) -> BuildOrder | None:
    """Return the build order of an order that is not withdrawn, locked."""
    found = (
        select(build_orders)
        .where(
            build_orders.c.order_id == order_id,
            build_orders.c.brand_id == work.actor.brand_id,
            build_orders.c.stage != Stage.WITHDRAWN.value,
        )
        .with_for_update()
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else build_order_from(row)


def lock_with_order(work: Work, order_id: str) -> tuple[BuildOrder | None, Order]:
    """Lock an order's live build order, then the order, as a plant's report does; refuses NotFound.

    The plant's line is held before both (docs/decisions/027): where the car leaves it others close up.
    Cars may change places while the build order is waited for: then it is another order's, and PostgreSQL returns none.
    Behind the order's lock they no longer do, so it is looked for again there.
    """
    hold_lines_of(work, [order_id])
    built = live_build_order(work, order_id)
    order = lock_order(work, order_id)
    return built or live_build_order(work, order_id), order


def orders_with_build_order(work: Work, order_ids: Sequence[str]) -> set[str]:
    """Return those of the orders that the plant has."""
    found = select(build_orders.c.order_id).where(
        db.among(build_orders.c.order_id, order_ids), build_orders.c.stage != Stage.WITHDRAWN.value
    )
    return set(work.connection.execute(found).scalars())


def save_stages(work: Work, moved: Sequence[BuildOrder]) -> None:
    """Write where build orders stand."""
    if moved:
        work.connection.execute(
            update(build_orders)
            .where(build_orders.c.id == bindparam("b_id"))
            .values(stage=bindparam("b_stage"), moved_at=bindparam("b_moved_at"), events=bindparam("b_events")),
            [
                {"b_id": one.id, "b_stage": one.stage.value, "b_moved_at": one.moved_at, "b_events": one.events}
                for one in moved
            ],
        )


def save_options(work: Work, order: BuildOrder) -> None:
    """Write which car a build order is for by now."""
    work.connection.execute(
        update(build_orders).where(build_orders.c.id == order.id).values(options=list(order.options))
    )


def withdraw(work: Work, order: BuildOrder) -> None:
    """Take a build order away from the plant; a car that has not begun leaves its place on the line as well."""
    left = {"position": None} if order.stage in BEFORE_THE_LINE else {}
    work.connection.execute(
        update(build_orders).where(build_orders.c.id == order.id).values(stage=Stage.WITHDRAWN.value, **left)
    )


def reinstate(work: Work, build_order_id: str) -> None:
    """Let a build order count as passed again that was withdrawn because its car was not new: its buyer takes it."""
    work.connection.execute(
        update(build_orders)
        .where(build_orders.c.id == build_order_id, build_orders.c.stage == Stage.WITHDRAWN.value)
        .values(stage=Stage.PASSED.value)
    )


def known_events(work: Work, event_ids: Sequence[str], *, plant_id: str) -> dict[str, tuple[str, PlantReport]]:
    """Return what a plant reported under these event ids before, with its build order."""
    table = plant_events.c
    found = select(plant_events).where(table.plant_id == plant_id, db.among(table.event_id, event_ids))
    return {
        row.event_id: (
            row.build_order_id,
            PlantReport(row.event_id, Stage(row.stage), row.occurred_at, row.repair_minor, row.number),
        )
        for row in work.connection.execute(found)
    }


def insert_events(work: Work, reported: Sequence[tuple[BuildOrder, PlantReport]]) -> set[str]:
    """Write reports, each as its build order's next event; returns the event ids that nobody took in between."""
    rows = [
        {
            "id": work.new_id(),
            "brand_id": order.brand_id,
            "plant_id": order.plant_id,
            "event_id": report.event_id,
            "build_order_id": order.id,
            "number": order.events,
            "stage": report.stage.value,
            "occurred_at": report.occurred_at,
            "received_at": work.now,
            "repair_minor": report.repair_minor,
        }
        for order, report in reported
    ]
    # Sorted, so that two changes with the same ids never wait for each other in a circle.
    rows.sort(key=lambda row: str(row["event_id"]))
    return db.insert_new(work.connection, plant_events, rows, returning="event_id")


def day_loads(work: Work, plant_id: str, days: Sequence[date]) -> dict[date, int]:
    """Return how many cars each day has."""
    table = build_orders.c
    found = (
        select(table.day, func.count())
        .where(table.plant_id == plant_id, db.among(table.day, days), table.stage != Stage.WITHDRAWN.value)
        .group_by(table.day)
    )
    return {row[0]: int(row[1]) for row in work.connection.execute(found)}


def day_options(work: Work, plant_id: str, days: Sequence[date], options: frozenset[str]) -> dict[date, Counter[str]]:
    """Return how many cars each day has of each of these options."""
    table = build_orders.c
    found = select(table.day, table.options).where(
        table.plant_id == plant_id, db.among(table.day, days), table.stage != Stage.WITHDRAWN.value
    )
    counts: dict[date, Counter[str]] = {}
    for row in work.connection.execute(found):
        counts.setdefault(row.day, Counter()).update(options.intersection(row.options))
    return counts


def hold_line(work: Work, *plant_ids: str) -> None:
    """Keep everybody else who changes places on these plants' lines waiting; nothing happens where it is held."""
    db.take_turns(work.connection, *(f"line:{plant_id}" for plant_id in plant_ids))


def hold_lines_of(work: Work, order_ids: Collection[str]) -> None:
    """Hold the lines of the plants that build these orders, for whoever is about to change what they build.

    Before the orders' own rows, as everywhere (docs/decisions/027). An order keeps its plant.
    """
    if order_ids:
        own = db.among(orders.c.id, order_ids) & (orders.c.brand_id == work.actor.brand_id)
        hold_line(work, *work.connection.execute(select(orders.c.plant_id).where(own).distinct()).scalars())


def lock_queued(work: Work, plant_id: str, day: date) -> None:
    """Keep reports on a day's queued cars waiting, in the order in which reports take them."""
    table = build_orders.c
    queued = (table.plant_id == plant_id) & (table.day == day) & (table.stage == Stage.QUEUED.value)
    work.connection.execute(select(table.id).where(queued).order_by(table.id).with_for_update()).all()


# Who is queued stands on the line, or is about to; who was taken off it after it had begun has still been there.
ON_LINE: Final = or_(build_orders.c.position.is_not(None), build_orders.c.stage == Stage.QUEUED.value)


def line_of_day(work: Work, plant_id: str, day: date) -> list[BuildOrder]:
    """Return the cars of a day's line in their order, those without a place yet last."""
    table = build_orders.c
    found = (
        select(build_orders)
        .where(table.plant_id == plant_id, table.day == day, ON_LINE)
        .order_by(table.position.is_(None), table.position, table.id)
    )
    return [build_order_from(row) for row in work.connection.execute(found).mappings()]


def previous_day(work: Work, plant_id: str, day: date) -> date | None:
    """Return the latest earlier day with cars on the plant's line."""
    table = build_orders.c
    found = select(func.max(table.day)).where(table.plant_id == plant_id, table.day < day, ON_LINE)
    latest: date | None = work.connection.execute(found).scalar_one()
    return latest


def next_day(work: Work, plant_id: str, day: date) -> date | None:
    """Return the earliest later day with cars on the plant's line."""
    table = build_orders.c
    found = select(func.min(table.day)).where(table.plant_id == plant_id, table.day > day, ON_LINE)
    earliest: date | None = work.connection.execute(found).scalar_one()
    return earliest


def write_positions(work: Work, places: Mapping[str, int]) -> None:
    """Give build orders, by id, their places on their day's line."""
    if not places:
        return
    table = build_orders.c
    # Places are unique, so they are cleared before they are given anew.
    work.connection.execute(update(build_orders).where(db.among(table.id, list(places))).values(position=None))
    work.connection.execute(
        update(build_orders).where(table.id == bindparam("b_id")).values(position=bindparam("b_position")),
        [{"b_id": build_order_id, "b_position": place} for build_order_id, place in sorted(places.items())],
    )
