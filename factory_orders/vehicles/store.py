"""Loads and saves cars, disclosures and allocations; hands out serial numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from factory_orders.vehicles.model import Allocation, Disclosure, Vehicle
from factory_orders.vehicles.rows import FIELDS, vehicle_from
from factory_orders.vehicles.tables import allocations, vehicle_disclosures, vehicles, vin_serials
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def next_serial(work: Work, *, plant_id: str, year: int) -> int:
    """Return the next serial number of a plant's year; two at once wait for each other and get two."""
    dialect = sqlite if db.is_sqlite(work.connection) else postgresql
    statement = dialect.insert(vin_serials).values(brand_id=work.actor.brand_id, plant_id=plant_id, year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["brand_id", "plant_id", "year"], set_={"last": vin_serials.c.last + 1}
    )
    return int(work.connection.execute(statement.returning(vin_serials.c.last)).scalar_one())


def select_vehicles(work: Work) -> Select[Any]:
    """Select the cars of the actor's brand."""
    return select(vehicles).where(vehicles.c.brand_id == work.actor.brand_id)


def insert_vehicle(work: Work, vehicle: Vehicle) -> None:
    """Write a car that has just got its number."""
    values = {name: getattr(vehicle, name) for name in FIELDS}
    values |= {
        "options": list(vehicle.options),
        "state": vehicle.state.value,
        "newness": int(vehicle.newness),
    }
    work.connection.execute(vehicles.insert().values(**values))


def lock_vehicle(work: Work, vin: str) -> Vehicle:
    """Load a car and keep other changes to it waiting; refuses NotFound."""
    row = work.connection.execute(select_vehicles(work).where(vehicles.c.vin == vin).with_for_update()).mappings()
    found = row.first()
    if found is None:
        raise NotFound("vehicle")
    return vehicle_from(found)


def vehicle_of_build_order(work: Work, build_order_id: str) -> Vehicle | None:
    """Return the car that a build order became; whoever holds the build order's lock is alone with it on the line."""
    found = select_vehicles(work).where(vehicles.c.build_order_id == build_order_id)
    row = work.connection.execute(found).mappings().first()
    return None if row is None else vehicle_from(row)


def save_vehicle(work: Work, vehicle: Vehicle) -> None:
    """Write a car's state; the database refuses a car that became newer."""
    work.connection.execute(
        update(vehicles)
        .where(vehicles.c.vin == vehicle.vin)
        .values(
            state=vehicle.state.value,
            newness=int(vehicle.newness),
            built_at=vehicle.built_at,
            delivered_at=vehicle.delivered_at,
        )
    )


def insert_disclosure(work: Work, disclosure: Disclosure) -> None:
    """Write what has to be told."""
    work.connection.execute(
        vehicle_disclosures.insert().values(
            id=disclosure.id,
            brand_id=work.actor.brand_id,
            vin=disclosure.vin,
            reason=disclosure.reason.value,
            detail=disclosure.detail,
            repair_minor=disclosure.repair_minor,
            at=disclosure.at,
        )
    )


def disclosed_minor(work: Work, vin: str) -> int:
    """Sum what all repairs of a car cost so far, in minor units."""
    table = vehicle_disclosures.c
    found = select(func.coalesce(func.sum(table.repair_minor), 0)).where(
        table.vin == vin, table.brand_id == work.actor.brand_id
    )
    return int(work.connection.execute(found).scalar_one())


def open_disclosures(work: Work, vin: str) -> int:
    """Count what the buyer has not accepted yet."""
    table = vehicle_disclosures.c
    found = select(func.count()).where(
        table.vin == vin, table.brand_id == work.actor.brand_id, table.accepted_at.is_(None)
    )
    return int(work.connection.execute(found).scalar_one())


def accept_disclosures(work: Work, vin: str) -> int:
    """Note that the actor accepts everything told so far; returns how many points were new."""
    table = vehicle_disclosures.c
    done = work.connection.execute(
        update(vehicle_disclosures)
        .where(table.vin == vin, table.brand_id == work.actor.brand_id, table.accepted_at.is_(None))
        .values(accepted_by=work.actor.account_id, accepted_at=work.now)
    )
    return done.rowcount


def insert_allocation(work: Work, allocation: Allocation) -> bool:
    """Bind a car to an order; False where either is bound already."""
    row = {
        "id": allocation.id,
        "brand_id": work.actor.brand_id,
        "vin": allocation.vin,
        "order_id": allocation.order_id,
        "made_at": allocation.made_at,
    }
    return bool(db.insert_new(work.connection, allocations, [row], returning="id"))


def end_allocation(work: Work, *, vin: str, reason: str) -> None:
    """End the active allocation of a car, if it has one."""
    table = allocations.c
    work.connection.execute(
        update(allocations)
        .where(table.vin == vin, table.brand_id == work.actor.brand_id, table.ended_at.is_(None))
        .values(ended_at=work.now, reason=reason)
    )
