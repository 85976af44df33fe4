"""Loads orders that a store's closing concerns, and writes another store for one."""

from __future__ import annotations

from sqlalchemy import select, update

from factory_orders.deliveries.model import ShipmentState
from factory_orders.deliveries.tables import shipments
from factory_orders.planning.model import Order, OrderOrigin, OrderTerms
from factory_orders.planning.rows import order_from
from factory_orders.planning.tables import orders
from factory_orders.store_closing.model import UNDER_WAY
from factory_orders.store_closing.tables import store_changes
from kernel import db
from kernel.work import Work

LEAVING = (ShipmentState.PLANNED, ShipmentState.LOADED, ShipmentState.IN_TRANSIT)


def orders_under_way(work: Work, store_id: str) -> list[Order]:
    """Return the buyers' orders whose cars are to go to a store, locked."""
    found = (
        select(orders)
        .where(
            orders.c.store_id == store_id,
            orders.c.brand_id == work.actor.brand_id,
            orders.c.origin == OrderOrigin.POOL.value,
            db.among(orders.c.state, UNDER_WAY),
        )
        .order_by(orders.c.id)
        .with_for_update()
    )
    return [order_from(row) for row in work.connection.execute(found).mappings()]


def write_store(work: Work, terms: OrderTerms, store_id: str) -> None:
    """Write that an order's car goes to another store, and turn a way that has not ended."""
    row = {"id": work.new_id(), "brand_id": terms.brand_id, "order_id": terms.id, "account_id": terms.account_id}
    stores = {"from_store_id": terms.store_id, "to_store_id": store_id}
    work.connection.execute(store_changes.insert().values(**row, **stores, at=work.now))
    work.connection.execute(update(orders).where(orders.c.id == terms.id).values(store_id=store_id))
    on_the_way = db.among(shipments.c.state, [state.value for state in LEAVING])
    work.connection.execute(
        update(shipments).where(shipments.c.order_id == terms.id, on_the_way).values(store_id=store_id)
    )
