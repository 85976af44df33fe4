"""Offers of repaired cars: one open an order, and an answer is final."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, text

from factory_orders.consents.model import OfferState
from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import guard

_STATES = ", ".join(f"'{state.value}'" for state in OfferState)
_OPEN = text("state = 'open'")
repair_offers = Table(
    "repair_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("repair_minor", Minor, nullable=False),
    Column("reduction_minor", Minor, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("answered_at", Instant),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_when_it_is"),
    CheckConstraint("reduction_minor > 0 AND offered_at < answer_by", name="worth_an_answer"),
)
Index("uq_repair_offers_order", repair_offers.c.order_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("ix_repair_offers_vin", repair_offers.c.vin)
guard(
    repair_offers,
    "answer_is_final",
    before="UPDATE",
    when="OLD.state <> 'open'",
    rule="an answer to an offer of a repaired car stays",
)
