"""Loads and saves shipments and what was reported about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, update

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
    found = lock_shipments(work, [shipment_id]).get(shipment_id)
    if found is None:
        raise NotFound("shipment")
    return found


def lock_shipments(work: Work, shipment_ids: Sequence[str]) -> dict[str, Shipment]:
    """Load shipments of the actor's brand by id and keep other reports on them waiting."""
    found = select(shipments).where(db.among(shipments.c.id, shipment_ids), shipments.c.brand_id == work.actor.brand_id)
    rows = work.connection.execute(found.order_by(shipments.c.id).with_for_update()).mappings()
    return {row["id"]: shipment_from(row) for row in rows}


def way_to_buyer(work: Work, terms: OrderTerms, vin: str) -> Shipment | None:
    """Return the way on which an order's car came to its store; a stock car came before it had a buyer."""
    return ways_to_buyers(work, [(terms, vin)]).get(terms.id)


def ways_to_buyers(work: Work, cars: Sequence[tuple[OrderTerms, str]]) -> dict[str, Shipment]:
    """Return by order the ways on which orders' cars came to their stores, as `way_to_buyer` does."""
    pooled = {terms.id: vin for terms, vin in cars if terms.origin is OrderOrigin.POOL}
    bought = {vin: terms.id for terms, vin in cars if terms.origin is not OrderOrigin.POOL}
    of_orders = ((one.order_id or "", one) for one in _ways(work, shipments.c.order_id, pooled))
    ways = {order_id: one for order_id, one in of_orders if pooled[order_id] == one.vin}
    # The latest way of a stock car is the one that counts.
    return ways | {bought[one.vin]: one for one in _ways(work, shipments.c.vin, bought)}


def _ways(work: Work, column: ColumnElement[Any], keys: Collection[str]) -> list[Shipment]:
    if not keys:
        return []
    found = select(shipments).where(db.among(column, keys), shipments.c.brand_id == work.actor.brand_id)
    return [shipment_from(row) for row in work.connection.execute(found.order_by(shipments.c.id)).mappings()]


def shipment_of_car(work: Work, *, vin: str, order_id: str) -> Shipment | None:
    """Return the way of an order's car."""
    found = select(shipments).where(
        shipments.c.vin == vin, shipments.c.order_id == order_id, shipments.c.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else shipment_from(row)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a shipment stands now, when it came there, and what its reporter says of it."""

    shipment: Shipment
    occurred_at: datetime
    detail: str | None = None


def save_shipments(work: Work, moved: Sequence[Moved]) -> None:
    """Write where shipments stand, and the reports that moved them."""
    if not moved:
        return
    names = ("carrier_account_id", "loaded_at", "arrived_at", "inspected_at")
    statement = (
        update(shipments)
        .where(shipments.c.id == bindparam("b_id"))
        .values({name: bindparam(f"b_{name}") for name in ("state", *names)})
    )
    rows = [
        {"b_id": one.shipment.id, "b_state": one.shipment.state.value}
        | {f"b_{name}": getattr(one.shipment, name) for name in names}
        for one in moved
    ]
    work.connection.execute(statement, rows)
    events = [
        {
            "id": work.new_id(),
            "brand_id": one.shipment.brand_id,
            "shipment_id": one.shipment.id,
            "state": one.shipment.state.value,
            "by_account_id": work.actor.account_id,
            "detail": one.detail,
            "occurred_at": one.occurred_at,
            "received_at": work.now,
        }
        for one in moved
    ]
    db.insert_many(work.connection, shipment_events, events)


def last_reports(work: Work, shipment_ids: Sequence[str]) -> dict[str, datetime]:
    """Return by shipment when the latest report says that it happened."""
    table = shipment_events.c
    newest = select(func.max(table.id)).where(db.among(table.shipment_id, shipment_ids)).group_by(table.shipment_id)
    found = select(table.shipment_id, table.occurred_at).where(table.id.in_(newest))
    return {row.shipment_id: row.occurred_at for row in work.connection.execute(found)}
