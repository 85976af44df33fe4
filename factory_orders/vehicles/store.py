"""Loads and saves cars, disclosures and allocations; hands out serial numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from factory_orders.vehicles.model import Allocation, Disclosure, Vehicle
from factory_orders.vehicles.rows import FIELDS, vehicle_from
from factory_orders.vehicles.tables import allocations, vehicle_disclosures, vehicles, vin_serials
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def next_serials(work: Work, *, plant_id: str, year: int, count: int) -> range:
    """Return the next serial numbers of a plant's year; two changes at once wait for each other and get others."""
    dialect = sqlite if db.is_sqlite(work.connection) else postgresql
    row = {"brand_id": work.actor.brand_id, "plant_id": plant_id, "year": year, "last": count}
    statement = dialect.insert(vin_serials).values(row)
    statement = statement.on_conflict_do_update(
        index_elements=["brand_id", "plant_id", "year"], set_={"last": vin_serials.c.last + count}
    )
    last = int(work.connection.execute(statement.returning(vin_serials.c.last)).scalar_one())
    return range(last - count + 1, last + 1)


def select_vehicles(work: Work) -> Select[Any]:
    """Select the cars of the actor's brand."""
    return select(vehicles).where(vehicles.c.brand_id == work.actor.brand_id)


def insert_vehicles(work: Work, new: Sequence[Vehicle]) -> None:
    """Write cars that have just got their numbers."""
    rows = [
        {name: getattr(one, name) for name in FIELDS}
        | {"options": list(one.options), "state": one.state.value, "newness": int(one.newness)}
        for one in new
    ]
    db.insert_many(work.connection, vehicles, rows)


def lock_vehicle(work: Work, vin: str) -> Vehicle:
    """Load a car and keep other changes to it waiting; refuses NotFound."""
    found = lock_vehicles(work, [vin]).get(vin)
    if found is None:
        raise NotFound("vehicle")
    return found


def lock_vehicles(work: Work, vins: Sequence[str]) -> dict[str, Vehicle]:
    """Load cars of the actor's brand by number and keep other changes to them waiting."""
    found = select_vehicles(work).where(db.among(vehicles.c.vin, vins)).order_by(vehicles.c.vin).with_for_update()
    return {row["vin"]: vehicle_from(row) for row in work.connection.execute(found).mappings()}


def vehicles_of_build_orders(work: Work, build_order_ids: Sequence[str]) -> dict[str, Vehicle]:
    """Return the cars that build orders became; who holds a build order's lock is alone with its car on the line."""
    found = select_vehicles(work).where(db.among(vehicles.c.build_order_id, build_order_ids))
    return {row["build_order_id"]: vehicle_from(row) for row in work.connection.execute(found).mappings()}


def save_vehicle(work: Work, vehicle: Vehicle) -> None:
    """Write a car's state; the database refuses a car that became newer."""
    save_vehicles(work, [vehicle])


def save_vehicles(work: Work, changed: Sequence[Vehicle]) -> None:
    """Write the states of cars; the database refuses a car that became newer."""
    if changed:
        names = ("state", "newness", "built_at", "delivered_at", "consented_for")
        work.connection.execute(
            update(vehicles)
            .where(vehicles.c.vin == bindparam("b_vin"))
            .values({name: bindparam(f"b_{name}") for name in names}),
            [
                {
                    "b_vin": one.vin,
                    "b_state": one.state.value,
                    "b_newness": int(one.newness),
                    "b_built_at": one.built_at,
                    "b_delivered_at": one.delivered_at,
                    "b_consented_for": one.consented_for,
                }
                for one in changed
            ],
        )


def insert_disclosure(work: Work, disclosure: Disclosure) -> None:
    """Write what has to be told, as the next of its car, which the caller has locked."""
    table = vehicle_disclosures.c
    last = select(func.coalesce(func.max(table.number), 0)).where(table.vin == disclosure.vin).scalar_subquery()
    work.connection.execute(
        vehicle_disclosures.insert().values(
            id=disclosure.id,
            brand_id=work.actor.brand_id,
            vin=disclosure.vin,
            number=last + 1,
            reason=disclosure.reason.value,
            detail=disclosure.detail,
            repair_minor=disclosure.repair_minor,
            at=disclosure.at,
            shipment_id=disclosure.shipment_id,
        )
    )


def disclosed_minor(work: Work, vin: str, *, shipment_id: str | None = None) -> int:
    """Sum what all repairs of a car cost so far, in minor units; of one way's damage alone where one is named."""
    table = vehicle_disclosures.c
    found = select(func.coalesce(func.sum(table.repair_minor), 0)).where(
        table.vin == vin, table.brand_id == work.actor.brand_id
    )
    if shipment_id is not None:
        found = found.where(table.shipment_id == shipment_id)
    return int(work.connection.execute(found).scalar_one())


def open_disclosures_of(work: Work, vins: Sequence[str]) -> dict[str, int]:
    """Count by car what was told of it and not accepted yet; cars without any are left out."""
    table = vehicle_disclosures.c
    found = (
        select(table.vin, func.count())
        .where(db.among(table.vin, vins), table.brand_id == work.actor.brand_id, table.accepted_at.is_(None))
        .group_by(table.vin)
    )
    return {vin: int(count) for vin, count in work.connection.execute(found)}


def accept_disclosures(work: Work, vin: str) -> int:
    """Note that the actor accepts everything told so far; returns how many points were new."""
    table = vehicle_disclosures.c
    done = work.connection.execute(
        update(vehicle_disclosures)
        .where(table.vin == vin, table.brand_id == work.actor.brand_id, table.accepted_at.is_(None))
        .values(accepted_by=work.actor.account_id, accepted_at=work.now)
    )
    return done.rowcount


def insert_allocations(work: Work, new: Sequence[Allocation]) -> set[str]:
    """Bind cars to orders; returns the ids of those of which neither was bound already."""
    rows = [
        {
            "id": one.id,
            "brand_id": work.actor.brand_id,
            "vin": one.vin,
            "order_id": one.order_id,
            "made_at": one.made_at,
        }
        for one in new
    ]
    return db.insert_new(work.connection, allocations, rows, returning="id")


def order_bound_to(work: Work, vin: str) -> str | None:
    """Return the order that a car is bound to now; None for a free one."""
    table = allocations.c
    found = select(table.order_id).where(
        table.vin == vin, table.brand_id == work.actor.brand_id, table.ended_at.is_(None)
    )
    return work.connection.execute(found).scalar()


def end_allocation(work: Work, *, vin: str, reason: str) -> None:
    """End the active allocation of a car, if it has one."""
    table = allocations.c
    work.connection.execute(
        update(allocations)
        .where(table.vin == vin, table.brand_id == work.actor.brand_id, table.ended_at.is_(None))
        .values(ended_at=work.now, reason=reason)
    )
