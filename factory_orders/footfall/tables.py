"""What stores said of their visitors, week by week; only added to, the latest word counts."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, Table

from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only

store_visitors = Table(
    "store_visitors",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("week", Date, nullable=False),
    Column("visitors", Integer, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("visitors BETWEEN 0 AND 100000", name="counted"),
)
append_only(store_visitors)
Index("ix_store_visitors_store", store_visitors.c.brand_id, store_visitors.c.store_id, store_visitors.c.id)
Index("ix_store_visitors_brand", store_visitors.c.brand_id, store_visitors.c.id)
Index("ix_store_visitors_week", store_visitors.c.brand_id, store_visitors.c.week)
