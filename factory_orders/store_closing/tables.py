"""Changes of an order's store, each by its buyer's word: without one an order's store stays."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table

from factory_orders.planning.tables import orders
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

store_changes = Table(
    "store_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("from_store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("to_store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("from_store_id <> to_store_id", name="another_store"),
)
append_only(store_changes)
Index("ix_store_changes_order", store_changes.c.order_id, store_changes.c.id)
guard(
    orders,
    "store_by_consent",
    before="UPDATE",
    when="NEW.store_id <> OLD.store_id AND NOT EXISTS (SELECT 1 FROM store_changes"
    " WHERE store_changes.order_id = NEW.id AND store_changes.from_store_id = OLD.store_id"
    " AND store_changes.to_store_id = NEW.store_id)",
    rule="a car goes to another store only by the word of its buyer",
)
