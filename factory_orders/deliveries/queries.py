"""Reads of deliveries: a store's list, a buyer's orders, shipments a carrier may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select, true

from factory_orders.deliveries.balance import Balance
from factory_orders.deliveries.model import OPEN, Handover, Shipment, ShipmentState
from factory_orders.deliveries.rows import handover_from, shipment_from
from factory_orders.deliveries.tables import handovers, order_balances, shipments
from factory_orders.planning.model import Order, OrderOrigin
from factory_orders.planning.rows import order_from
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.tables import vehicles
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

_OPEN = [state.value for state in OPEN]
CODE_LENGTH = 8


def order_code(order_id: str) -> str:
    """Return the code a store knows an order by: the end of its id, which says nothing of the buyer."""
    return order_id[-CODE_LENGTH:].upper()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a store needs to know of an order on its way; nothing of the buyer but the order's code."""

    order_id: str
    code: str
    model: str
    options: tuple[str, ...]
    state: str
    week: date | None
    promised_by: date | None
    vin: str | None
    newness: str | None
    shipment_id: str | None
    shipment_state: str | None
    handover_id: str | None
    handover_state: str | None
    appointment_at: datetime | None


def store_deliveries(work: Work, page: PageRequest, *, state: str | None = None) -> Page[Delivery]:
    """Return the actor's own store's orders by id, delivered and cancelled ones only where asked for by `state`."""
    work.actor.require(Permission.DELIVERY_READ)
    found = (
        _deliveries()
        .where(orders.c.brand_id == work.actor.brand_id, orders.c.store_id == work.actor.own_store())
        .where(orders.c.origin != OrderOrigin.STORE.value)
        .order_by(orders.c.id)
        .limit(page.size + 1)
    )
    if state is None:
        found = found.where(orders.c.state.not_in(["delivered", "cancelled"]))
    else:
        found = found.where(orders.c.state == state)
    if page.after is not None:
        found = found.where(orders.c.id > page.after)
    rows = [_delivery(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda delivery: delivery.order_id)


def _deliveries() -> Select[Any]:
    built = and_(build_orders.c.order_id == orders.c.id, build_orders.c.stage != "withdrawn")
    moved = and_(shipments.c.order_id == orders.c.id, shipments.c.vin == orders.c.vin)
    handed = and_(handovers.c.order_id == orders.c.id, handovers.c.state.in_(_OPEN))
    return select(
        orders.c.id.label("order_id"),
        orders.c.model,
        orders.c.options,
        orders.c.state,
        orders.c.promised_by,
        orders.c.vin,
        build_orders.c.week,
        vehicles.c.newness,
        shipments.c.id.label("shipment_id"),
        shipments.c.state.label("shipment_state"),
        handovers.c.id.label("handover_id"),
        handovers.c.state.label("handover_state"),
        handovers.c.appointment_at,
    ).select_from(
        orders.outerjoin(build_orders, built)
        .outerjoin(vehicles, vehicles.c.vin == orders.c.vin)
        .outerjoin(shipments, moved)
        .outerjoin(handovers, handed)
    )


def _delivery(row: Any) -> Delivery:
    newness = row["newness"]
    return Delivery(
        **{name: row[name] for name in Delivery.__dataclass_fields__ if name not in ("code", "options", "newness")},
        code=order_code(row["order_id"]),
        options=tuple(row["options"]),
        newness=None if newness is None else Newness(newness).word,
    )


def orders_by_id(work: Work, order_ids: Sequence[str]) -> dict[str, Order]:
    """Return those of the orders that the actor may see: the buyer's own, all for auditor and system.

    A store reads `store_deliveries`: price, balance and the buyer's words are none of its business.
    """
    actor = work.actor
    found = select(orders).where(orders.c.brand_id == actor.brand_id, db.among(orders.c.id, order_ids))
    if not actor.may(Permission.AUDIT_READ):
        found = found.where(orders.c.account_id == actor.account_id)
    return {row["id"]: order_from(row) for row in work.connection.execute(found).mappings()}


def handovers_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[Handover]]:
    """Return orders' handovers, oldest first; the caller asks with ids from `orders_by_id`."""
    found = (
        select(handovers)
        .where(handovers.c.brand_id == work.actor.brand_id, db.among(handovers.c.order_id, order_ids))
        .order_by(handovers.c.id)
    )
    known: dict[str, list[Handover]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(found).mappings():
        known[row["order_id"]].append(handover_from(row))
    return known


def shipments_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[Shipment]]:
    """Return orders' shipments, oldest first; the caller asks with ids from `orders_by_id`."""
    found = (
        select(shipments)
        .where(shipments.c.brand_id == work.actor.brand_id, db.among(shipments.c.order_id, order_ids))
        .order_by(shipments.c.id)
    )
    known: dict[str, list[Shipment]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(found).mappings():
        known[row["order_id"]].append(shipment_from(row))
    return known


def balances_of_handovers(work: Work, handover_ids: Sequence[str]) -> dict[str, Balance]:
    """Return what was asked for at handovers, line by line."""
    table = order_balances.c
    found = select(order_balances).where(
        table.brand_id == work.actor.brand_id, db.among(table.handover_id, handover_ids)
    )
    return {
        row["handover_id"]: Balance(**{name: row[name] for name in Balance.__dataclass_fields__})
        for row in work.connection.execute(found).mappings()
    }


def carrier_shipments(work: Work, page: PageRequest) -> Page[Shipment]:
    """Return the shipments a carrier may load and those it has on the way; the system sees all that are on the way."""
    work.actor.require(Permission.SHIPMENT_WRITE)
    planned = shipments.c.state == ShipmentState.PLANNED.value
    on_the_way = shipments.c.state.in_([ShipmentState.LOADED.value, ShipmentState.IN_TRANSIT.value])
    everybodys = work.actor.may(Permission.SYSTEM)
    mine = true() if everybodys else shipments.c.carrier_account_id == work.actor.signed_in()
    found = (
        select(shipments)
        .where(shipments.c.brand_id == work.actor.brand_id, or_(planned, and_(on_the_way, mine)))
        .order_by(shipments.c.id)
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(shipments.c.id > page.after)
    rows = [shipment_from(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda shipment: shipment.id)


def taken_places(work: Work, store_id: str, *, since: datetime, until: datetime) -> dict[datetime, set[int]]:
    """Return the places that are taken at a store by hour."""
    return taken_places_of(work, [store_id], since=since, until=until)[store_id]


def taken_places_of(
    work: Work, store_ids: Sequence[str], *, since: datetime, until: datetime
) -> dict[str, dict[datetime, set[int]]]:
    """Return by store the places that are taken by hour."""
    found = select(handovers.c.store_id, handovers.c.appointment_at, handovers.c.place).where(
        db.among(handovers.c.store_id, store_ids),
        handovers.c.state.in_(_OPEN),
        handovers.c.appointment_at >= since,
        handovers.c.appointment_at <= until,
    )
    taken: dict[str, dict[datetime, set[int]]] = {store_id: {} for store_id in store_ids}
    for row in work.connection.execute(found):
        taken[row.store_id].setdefault(row.appointment_at, set()).add(row.place)
    return taken
