"""Agreements, which are only added to; a price on the order moves by them alone (see `planning.tables`)."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from factory_orders.agreements.model import AgreementKind
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only

_KINDS = ", ".join(f"'{kind.value}'" for kind in AgreementKind)
order_agreements = Table(
    "order_agreements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("options_before", Json, nullable=False),
    Column("options_after", Json, nullable=False),
    Column("price_delta_minor", BigInteger, nullable=False),
    Column("fee_minor", Minor, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("order_id", "number"),
    CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
    CheckConstraint("number >= 1 AND fee_minor >= 0", name="counted_up"),
)
append_only(order_agreements)
