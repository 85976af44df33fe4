"""Saves prices, quotes, holds and purchases of stock cars; whoever changes one of a car has locked the car."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.stock.model import PurchaseState, StockCar, StockHold, StockPurchase, StockQuote
from factory_orders.stock.rows import hold_from, purchase_from
from factory_orders.stock.tables import stock_holds, stock_prices, stock_purchases, stock_quotes
from factory_orders.vehicles.store import lock_vehicle
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_price(work: Work, car: StockCar, price_minor: int) -> None:
    """Write a store's price of a car as it stands there; the latest counts."""
    work.connection.execute(
        stock_prices.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            store_id=car.store_id,
            vin=car.vin,
            price_minor=price_minor,
            told=car.told,
            by_account_id=work.actor.account_id,
            at=work.now,
        )
    )


def insert_stock_quote(work: Work, quote: StockQuote) -> None:
    """Write a signed quote."""
    values: dict[str, Any] = {name: getattr(quote, name) for name in StockQuote.__dataclass_fields__}
    work.connection.execute(stock_quotes.insert().values(**values))


def insert_stock_hold(work: Work, hold: StockHold) -> bool:
    """Write a hold; False where the car or the person has one."""
    row = {name: getattr(hold, name) for name in StockHold.__dataclass_fields__}
    return bool(db.insert_new(work.connection, stock_holds, [row], returning="id"))


def lock_stock_hold(work: Work, hold_id: str) -> StockHold:
    """Load a hold behind its car's lock and keep other changes to it waiting; refuses NotFound."""
    own = (stock_holds.c.id == hold_id) & (stock_holds.c.brand_id == work.actor.brand_id)
    vin = work.connection.execute(select(stock_holds.c.vin).where(own)).scalar()
    if vin is None:
        raise NotFound("hold")
    lock_vehicle(work, vin)
    row = work.connection.execute(select(stock_holds).where(own).with_for_update()).mappings().one()
    return hold_from(row)


def end_stock_hold(work: Work, hold_id: str, *, reason: str) -> None:
    """Write that a hold has ended."""
    own = (stock_holds.c.id == hold_id) & stock_holds.c.ended_at.is_(None)
    work.connection.execute(update(stock_holds).where(own).values(ended_at=work.now, reason=reason))


def insert_purchase(work: Work, purchase: StockPurchase) -> None:
    """Write a purchase; a hold has one, and a car one that is open."""
    values = {name: getattr(purchase, name) for name in StockPurchase.__dataclass_fields__}
    work.connection.execute(stock_purchases.insert().values(**(values | {"state": purchase.state.value})))


def save_purchase(work: Work, purchase: StockPurchase) -> None:
    """Write where a purchase stands."""
    work.connection.execute(
        update(stock_purchases)
        .where(stock_purchases.c.id == purchase.id)
        .values(
            state=purchase.state.value,
            payment_id=purchase.payment_id,
            ended_at=purchase.ended_at,
            reason=purchase.reason,
        )
    )


def purchase_of_hold(work: Work, hold_id: str) -> StockPurchase | None:
    """Return the purchase that was made of a hold."""
    own = (stock_purchases.c.hold_id == hold_id) & (stock_purchases.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(stock_purchases).where(own)).mappings().first()
    return None if row is None else purchase_from(row)


def lock_purchase(work: Work, purchase_id: str) -> StockPurchase:
    """Load a purchase behind its car's lock; refuses NotFound."""
    own = (stock_purchases.c.id == purchase_id) & (stock_purchases.c.brand_id == work.actor.brand_id)
    vin = work.connection.execute(select(stock_purchases.c.vin).where(own)).scalar()
    if vin is None:
        raise NotFound("purchase")
    lock_vehicle(work, vin)
    return purchase_from(work.connection.execute(select(stock_purchases).where(own).with_for_update()).mappings().one())


def drop_purchase(work: Work, hold_id: str, *, reason: str) -> StockPurchase | None:
    """Write that the open purchase of a hold came to nothing; None where there is none, or it was made."""
    open_one = (stock_purchases.c.hold_id == hold_id) & (stock_purchases.c.state == PurchaseState.OPEN.value)
    dropped = (
        update(stock_purchases)
        .where(open_one)
        .values(state=PurchaseState.DROPPED.value, ended_at=work.now, reason=reason)
        .returning(stock_purchases)
    )
    row = work.connection.execute(dropped).mappings().first()
    return None if row is None else purchase_from(row)


def class_of_car(work: Work, build_order_id: str) -> str:
    """Return the pooling class that a car was built in."""
    found = (
        select(orders.c.class_l1)
        .join(build_orders, build_orders.c.order_id == orders.c.id)
        .where(build_orders.c.id == build_order_id)
    )
    return str(work.connection.execute(found).scalar_one())


def pricing_adviser(work: Work, vin: str) -> str | None:
    """Return who named the price that a car stands at."""
    table = stock_prices.c
    found = select(table.by_account_id).where(table.vin == vin, table.brand_id == work.actor.brand_id)
    return work.connection.execute(found.order_by(table.id.desc()).limit(1)).scalar()
