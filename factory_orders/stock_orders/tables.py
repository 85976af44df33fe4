"""Orders for a store's stock: never more than light inventory allows, and only for stores is a car built unbound.

Two orders of a store and model at once get the same number: one of them counts again behind the other.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from factory_orders.planning.tables import orders
from factory_orders.stock_orders.model import CARS_MAX
from factory_orders.vehicles.tables import allocations
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only, guard

stock_orders = Table(
    "stock_orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("catalogue_version_id", Id, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("price_minor", Minor, nullable=False),
    Column("number", Integer, nullable=False),
    Column("had", Integer, nullable=False),
    Column("most", Integer, nullable=False),
    Column("ordered_by", Id),
    Column("ordered_at", Instant, nullable=False),
    UniqueConstraint("store_id", "model", "number"),
    CheckConstraint(f"cars BETWEEN 1 AND {CARS_MAX} AND number > 0 AND price_minor > 0", name="counted_up"),
    CheckConstraint("had >= 0 AND had + cars <= most", name="light"),
)
append_only(stock_orders)
Index("ix_stock_orders_brand", stock_orders.c.brand_id, stock_orders.c.id)

guard(
    orders,
    "stock_was_ordered",
    before="INSERT",
    when="NEW.origin = 'store' AND NOT EXISTS (SELECT 1 FROM stock_orders WHERE stock_orders.id = NEW.pool_id"
    " AND stock_orders.store_id = NEW.store_id AND NEW.place BETWEEN 1 AND stock_orders.cars)",
    rule="a car for stock is one of a stock order",
)
guard(
    allocations,
    "for_a_buyer",
    before="INSERT",
    when="EXISTS (SELECT 1 FROM orders WHERE orders.id = NEW.order_id AND orders.origin = 'store')",
    rule="a car that was ordered for stock is bound to no order",
)
