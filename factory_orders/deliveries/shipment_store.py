"""Loads and saves shipments and what was reported about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from factory_orders.deliveries.model import Shipment
from factory_orders.deliveries.rows import SHIPMENT_FIELDS, shipment_from
from factory_orders.deliveries.tables import shipment_events, shipments
from factory_orders.planning.model import OrderOrigin, OrderTerms
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_shipments(work: Work, planned: Sequence[Shipment]) -> None:
    """Write planned shipments."""
    rows = [{name: getattr(one, name) for name in SHIPMENT_FIELDS} | {"state": one.state.value} for one in planned]
    db.insert_many(work.connection, shipments, rows)


def lock_shipment(work: Work, shipment_id: str) -> Shipment:
    """Load a shipment and keep other reports on it waiting; refuses NotFound."""
    found = (
        select(shipments)
        .where(shipments.c.id == shipment_id, shipments.c.brand_id == work.actor.brand_id)
        .with_for_update()
    )
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("shipment")
    return shipment_from(row)


def way_to_buyer(work: Work, terms: OrderTerms, vin: str) -> Shipment | None:
    """Return the way on which an order's car came to its store; a stock car came before it had a buyer."""
    if terms.origin is OrderOrigin.POOL:
        return shipment_of_car(work, vin=vin, order_id=terms.id)
    found = select(shipments).where(shipments.c.vin == vin, shipments.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.order_by(shipments.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else shipment_from(row)


def shipment_of_car(work: Work, *, vin: str, order_id: str) -> Shipment | None:
    """Return the way of an order's car."""
    found = select(shipments).where(
        shipments.c.vin == vin, shipments.c.order_id == order_id, shipments.c.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else shipment_from(row)


def save_shipment(work: Work, shipment: Shipment, *, occurred_at: datetime, detail: str | None = None) -> None:
    """Write where a shipment stands, and the report that moved it."""
    names = ("carrier_account_id", "loaded_at", "arrived_at", "inspected_at")
    work.connection.execute(
        update(shipments)
        .where(shipments.c.id == shipment.id)
        .values(state=shipment.state.value, **{name: getattr(shipment, name) for name in names})
    )
    work.connection.execute(
        shipment_events.insert().values(
            id=work.new_id(),
            brand_id=shipment.brand_id,
            shipment_id=shipment.id,
            state=shipment.state.value,
            by_account_id=work.actor.account_id,
            detail=detail,
            occurred_at=occurred_at,
            received_at=work.now,
        )
    )


def last_report_at(work: Work, shipment_id: str) -> datetime | None:
    """Return when the latest report says that it happened."""
    table = shipment_events.c
    found = select(table.occurred_at).where(table.shipment_id == shipment_id).order_by(table.id.desc()).limit(1)
    latest: datetime | None = work.connection.execute(found).scalar()
    return latest
