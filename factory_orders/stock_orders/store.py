"""Saves orders for stock; two of a store and model at once are counted one behind the other."""

from __future__ import annotations

from sqlalchemy import func, select

from factory_orders.stock_orders.model import StockOrder
from factory_orders.stock_orders.tables import stock_orders
from kernel import db
from kernel.work import Work


def next_number(work: Work, store_id: str, model: str) -> int:
    """Return the number that a store's next order of a model has; another one may be quicker."""
    table = stock_orders.c
    last = select(func.coalesce(func.max(table.number), 0)).where(table.store_id == store_id, table.model == model)
    return int(work.connection.execute(last).scalar_one()) + 1


def insert_stock_order(work: Work, order: StockOrder) -> bool:
    """Write an order; False where another one of the store and model has the number, and is committed by now."""
    row = {name: getattr(order, name) for name in StockOrder.__dataclass_fields__} | {"options": list(order.options)}
    return bool(db.insert_new(work.connection, stock_orders, [row], returning="id"))
