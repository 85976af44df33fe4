"""What the room keeps of people: handed out and erased on request; an order under way has to end first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select, update

from demand.pools.queries import locked_pre_orders_of
from factory_orders.agreements.tables import order_agreements
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.tables import handovers, order_balances, shipments
from factory_orders.early_cars.tables import early_offers
from factory_orders.errors import OrderOpen
from factory_orders.exchanges.tables import car_swaps, swap_offers
from factory_orders.papers.tables import papers
from factory_orders.planning.tables import order_rebuilds, orders
from factory_orders.promises.tables import promise_holds
from factory_orders.stock.tables import stock_holds, stock_purchases
from factory_orders.store_closing.tables import store_changes
from factory_orders.vehicles.model import DisclosureReason
from factory_orders.vehicles.tables import vehicle_disclosures
from factory_orders.waiting.tables import wait_offers
from kernel import db
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.work import Work

ENDED = ("delivered", "cancelled")
LEFT_OUT = ("brand_id", "from_order_id", "with_build_order_id", "to_build_order_id", "round_id")
"""Whose order an equal car was built for before, and with whom a car was exchanged, is another person's."""


@dataclass(frozen=True, slots=True)
class OrderData:
    """A person's orders, handovers and balances. Orders stay with the ledger; what tells the person goes."""

    name: ClassVar[str] = "factory_orders"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return what is kept, in JSON terms."""
        own = select(orders).where(orders.c.account_id == account_id, orders.c.brand_id == work.actor.brand_id)
        rows = work.connection.execute(own.order_by(orders.c.id)).mappings().all()
        ids = [row["id"] for row in rows]
        told: dict[str, Any] = {"orders": [_plain(row) for row in rows]}
        for name, table in (
            ("shipments", shipments),
            ("handovers", handovers),
            ("balances", order_balances),
            ("papers", papers),
            ("agreements", order_agreements),
            ("rebuilds", order_rebuilds),
            ("waitOffers", wait_offers),
            ("repairOffers", repair_offers),
            ("earlyOffers", early_offers),
            ("carSwaps", car_swaps),
            ("carSwapOffers", swap_offers),
            ("storeChanges", store_changes),
        ):
            found = select(table).where(db.among(table.c.order_id, ids))
            told[name] = [_plain(row) for row in work.connection.execute(found).mappings()]
        own_holds = select(promise_holds).where(
            promise_holds.c.account_id == account_id, promise_holds.c.brand_id == work.actor.brand_id
        )
        own_stock = select(stock_holds).where(
            stock_holds.c.account_id == account_id, stock_holds.c.brand_id == work.actor.brand_id
        )
        own_purchases = select(stock_purchases).where(
            stock_purchases.c.account_id == account_id, stock_purchases.c.brand_id == work.actor.brand_id
        )
        told["stockPurchases"] = [_plain(row) for row in work.connection.execute(own_purchases).mappings()]
        told["stockHolds"] = [_plain(row) for row in work.connection.execute(own_stock).mappings()]
        told["promiseHolds"] = [_plain(row) for row in work.connection.execute(own_holds).mappings()]
        return told

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Refuse while an order is under way, or will be: the news of a lock may not have arrived yet."""
        # What locked is asked for first: whatever becomes an order in between is found among the orders.
        locked = locked_pre_orders_of(work, account_id)
        found = select(orders.c.id, orders.c.state).where(
            orders.c.account_id == account_id, orders.c.brand_id == work.actor.brand_id
        )
        states = {row.id: row.state for row in work.connection.execute(found)}
        under_way = [state for state in states.values() if state not in ENDED]
        open_purchases = select(stock_purchases.c.id).where(
            stock_purchases.c.account_id == account_id,
            stock_purchases.c.brand_id == work.actor.brand_id,
            stock_purchases.c.state == "open",
        )
        if work.connection.execute(open_purchases).first() is not None:
            return OrderOpen("open")
        if not under_way and locked <= states.keys():
            return None
        return OrderOpen(under_way[0] if under_way else "locked")

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Cut orders from the person and take away the person's own words."""
        own = select(orders.c.id).where(orders.c.account_id == account_id, orders.c.brand_id == work.actor.brand_id)
        told = vehicle_disclosures.c
        # A car that was left is somebody else's by now; what was said of it as it was not taken is still the person's.
        not_taken = select(handovers.c.id).where(
            handovers.c.order_id.in_(own), handovers.c.vin == told.vin, handovers.c.ended_at == told.at
        )
        own_words = (told.reason == DisclosureReason.REJECTED_HANDOVER.value) & not_taken.exists()
        work.connection.execute(update(vehicle_disclosures).where(own_words).values(detail=""))
        work.connection.execute(update(handovers).where(handovers.c.order_id.in_(own)).values(reason=None))
        work.connection.execute(update(orders).where(orders.c.id.in_(own)).values(person_id=None))
        held = (promise_holds.c.account_id == account_id) & (promise_holds.c.brand_id == work.actor.brand_id)
        work.connection.execute(update(promise_holds).where(held).values(account_id=None))
        own_stock = (stock_holds.c.account_id == account_id) & (stock_holds.c.brand_id == work.actor.brand_id)
        work.connection.execute(update(stock_holds).where(own_stock).values(account_id=None))
        bought = (stock_purchases.c.account_id == account_id) & (stock_purchases.c.brand_id == work.actor.brand_id)
        work.connection.execute(update(stock_purchases).where(bought).values(person_id=None))


def _plain(row: Any) -> dict[str, Any]:
    return {
        str(name): value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
        if name not in LEFT_OUT
    }
