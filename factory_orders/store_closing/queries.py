"""What closing a store would mean, read before anybody closes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from demand.pools.queries import open_at_store
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.tables import shipments
from factory_orders.light_stock.queries import free_stock, ordered_stock
from factory_orders.planning.model import OrderOrigin, OrderTerms
from factory_orders.planning.tables import orders
from factory_orders.stock.tables import stock_purchases
from factory_orders.store_closing.model import UNDER_WAY
from factory_orders.store_closing.tables import store_changes
from kernel import db, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class StoreOutlook:
    """A store and what its closing would find there.

    `standing` cars have a buyer or may have one, and keep it open; so many buyers `to_ask` would pick another store,
    `members` of pools after their lock; `stock` cars that stand there for nobody would be shared out, and so would what
    is `on_order` for it.
    """

    store_id: str
    closed_at: datetime | None
    standing: int
    to_ask: int
    members: int
    stock: int
    on_order: int


def store_outlook(work: Work, store_id: str) -> StoreOutlook:
    """Say what closing a store would mean; changes nothing. Refuses another brand's store (NotFound)."""
    work.actor.require(Permission.STORE_CLOSE)
    store = registry.stores_by_id(work, [store_id]).get(store_id)
    if store is None:
        raise NotFound("store")
    under_way = (
        select(func.count())
        .select_from(orders)
        .where(
            orders.c.store_id == store_id,
            orders.c.brand_id == work.actor.brand_id,
            orders.c.origin == OrderOrigin.POOL.value,
            db.among(orders.c.state, UNDER_WAY),
        )
    )
    return StoreOutlook(
        store_id=store_id,
        closed_at=store.closed_at,
        standing=cars_standing(work, store_id),
        to_ask=int(work.connection.execute(under_way).scalar_one()),
        members=len(open_at_store(work, store_id)),
        stock=sum(car.store_id == store_id for car in free_stock(work)),
        on_order=sum(cars for (at, _), cars in ordered_stock(work).items() if at == store_id),
    )


def stores_of_orders(work: Work, asked: Sequence[OrderTerms]) -> dict[str, list[str]]:
    """Return by order the store that its date was promised for, and the one that its car goes to now."""
    table = store_changes.c
    found = select(table.order_id, table.from_store_id).where(db.among(table.order_id, [terms.id for terms in asked]))
    first: dict[str, str] = {}
    for row in work.connection.execute(found.order_by(table.id)):
        first.setdefault(row.order_id, row.from_store_id)
    return {terms.id: sorted({terms.store_id, first.get(terms.id, terms.store_id)}) for terms in asked}


def cars_standing(work: Work, store_id: str) -> int:
    """Count the cars at a store that have a buyer or may: of orders, of purchases not paid yet, offered repaired."""
    own = (orders.c.store_id == store_id) & (orders.c.brand_id == work.actor.brand_id)
    bought = (stock_purchases.c.store_id == store_id) & (stock_purchases.c.brand_id == work.actor.brand_id)
    came = (shipments.c.vin == repair_offers.c.vin) & (shipments.c.order_id == repair_offers.c.order_id)
    repaired = (shipments.c.store_id == store_id) & (shipments.c.brand_id == work.actor.brand_id)
    counts = (
        select(func.count()).select_from(orders).where(own, orders.c.state == "at_store"),
        select(func.count()).select_from(stock_purchases).where(bought, stock_purchases.c.state == "open"),
        select(func.count())
        .select_from(repair_offers)
        .join(shipments, came)
        .where(repaired, repair_offers.c.state == "open"),
    )
    return sum(int(work.connection.execute(found).scalar_one()) for found in counts)
