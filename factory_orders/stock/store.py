"""Saves prices, quotes and holds of stock cars."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from factory_orders.stock.model import StockHold, StockQuote
from factory_orders.stock.rows import hold_from
from factory_orders.stock.tables import stock_holds, stock_prices, stock_quotes
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_price(work: Work, vin: str, store_id: str, price_minor: int) -> None:
    """Write a store's price of a car; the latest counts."""
    work.connection.execute(
        stock_prices.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            store_id=store_id,
            vin=vin,
            price_minor=price_minor,
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
    """Load a hold and keep other changes to it waiting; refuses NotFound."""
    own = (stock_holds.c.id == hold_id) & (stock_holds.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(stock_holds).where(own).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("hold")
    return hold_from(row)


def end_stock_hold(work: Work, hold_id: str, *, reason: str) -> None:
    """Write that a hold has ended."""
    own = (stock_holds.c.id == hold_id) & stock_holds.c.ended_at.is_(None)
    work.connection.execute(update(stock_holds).where(own).values(ended_at=work.now, reason=reason))
