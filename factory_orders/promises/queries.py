"""Reads of promises: what one holds while ordering, and for everybody how many promises were kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from factory_orders.promises.calibration import Calibration
from factory_orders.promises.model import Hold, HoldState
from factory_orders.promises.rows import hold_from
from factory_orders.promises.tables import promise_calibrations, promise_holds
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class PlantCalibration:
    """A plant's published counts of one span of months."""

    id: str
    plant_id: str
    counted: Calibration


def my_hold(work: Work) -> Hold | None:
    """Return the promise that the signed-in person holds while ordering."""
    work.actor.require(Permission.PREORDER)
    table = promise_holds.c
    found = select(promise_holds).where(
        table.brand_id == work.actor.brand_id,
        table.account_id == work.actor.signed_in(),
        table.state == HoldState.HELD.value,
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else hold_from(row)


def calibrations(work: Work, page: PageRequest, *, plant_id: str | None = None) -> Page[PlantCalibration]:
    """Return the brand's published calibrations, the latest first."""
    work.actor.require(Permission.PUBLIC_READ)
    table = promise_calibrations.c
    found = select(promise_calibrations).where(table.brand_id == work.actor.brand_id)
    if plant_id is not None:
        found = found.where(table.plant_id == plant_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    names = Calibration.__dataclass_fields__
    read = [
        PlantCalibration(row["id"], row["plant_id"], Calibration(**{name: row[name] for name in names})) for row in rows
    ]
    return make_page(read, page, lambda one: one.id)
