"""A store's part of each handover, once an order; what is booked is what stands here."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table

from factory_orders.store_shares.model import ShareKind
from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import append_only

_KINDS = ", ".join(f"'{kind.value}'" for kind in ShareKind)
store_shares = Table(
    "store_shares",
    metadata,
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("sold_minor", Minor, nullable=False),
    Column("maker_minor", Minor, nullable=False),
    Column("share_minor", BigInteger, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
    CheckConstraint("share_minor = sold_minor - maker_minor", name="adds_up"),
    CheckConstraint("kind <> 'fee' OR maker_minor = 0", name="fee_is_the_stores"),
)
append_only(store_shares)
Index("ix_store_shares_store", store_shares.c.brand_id, store_shares.c.store_id, store_shares.c.order_id)
