"""Offers for a long wait, one an order; an answer is final."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table

from factory_orders.waiting.model import WaitOfferState
from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import guard

_STATES = ", ".join(f"'{one.value}'" for one in WaitOfferState)
wait_offers = Table(
    "wait_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False, unique=True),
    Column("account_id", Id, nullable=False),
    Column("state", String(10), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("built_on", Date),
    Column("waits_days", Integer, nullable=False),
    Column("credit_minor", Minor, nullable=False),
    Column("answered_at", Instant),
    Column("credited_at", Instant),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("waits_days > 0 AND credit_minor >= 0", name="worth_waiting"),
    CheckConstraint("(answered_at IS NOT NULL) = (state IN ('accepted', 'declined'))", name="answered_when_it_is"),
    CheckConstraint("credited_at IS NULL OR state = 'accepted'", name="credited_to_who_stayed"),
)
guard(
    wait_offers,
    "answer_is_final",
    before="UPDATE",
    when="OLD.state <> 'open' AND (NEW.state <> OLD.state OR NEW.credit_minor <> OLD.credit_minor)",
    rule="an offer that was answered stays as it is",
)
guard(
    wait_offers,
    "credited_once",
    before="UPDATE",
    when="OLD.credited_at IS NOT NULL AND (NEW.credited_at IS NULL OR NEW.credited_at <> OLD.credited_at)",
    rule="an offer is credited once",
)
Index("ix_wait_offers_account", wait_offers.c.brand_id, wait_offers.c.account_id, wait_offers.c.id)
