"""Offers of free cars: one open an order and a car, an answer is final, and a car that is offered is nobody else's."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from factory_orders.deliveries.tables import shipments
from factory_orders.early_cars.model import EarlyState
from factory_orders.stock.tables import stock_holds
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

early_rounds = Table(
    "early_rounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    Column("saved_minor", BigInteger, nullable=False),
    Column("saved_at_most_minor", BigInteger, nullable=False),
    CheckConstraint("offered >= 0 AND offered <= cars AND offered <= orders", name="counted"),
    CheckConstraint("saved_minor = saved_at_most_minor", name="proven_optimal"),
)
append_only(early_rounds)
Index("ix_early_rounds_brand", early_rounds.c.brand_id, early_rounds.c.id)

_STATES = ", ".join(f"'{state.value}'" for state in EarlyState)
_OPEN = text("state = 'open'")
early_offers = Table(
    "early_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("round_id", Id, ForeignKey("early_rounds.id"), nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("days_sooner", Integer, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("answered_at", Instant),
    Column("from_order_id", Id, ForeignKey("orders.id")),
    # A car that its buyer did not want is not offered to the same one again.
    UniqueConstraint("order_id", "vin"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_when_it_is"),
    CheckConstraint("from_order_id IS NULL OR state = 'accepted'", name="taken_from_whom"),
    CheckConstraint("days_sooner > 0 AND offered_at < answer_by", name="worth_an_answer"),
)
Index("uq_early_offers_order", early_offers.c.order_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("uq_early_offers_vin", early_offers.c.vin, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("ix_early_offers_from_order", early_offers.c.from_order_id)
Index("ix_early_offers_account", early_offers.c.brand_id, early_offers.c.account_id, early_offers.c.id)
guard(
    early_offers,
    "answer_is_final",
    before="UPDATE",
    when="OLD.state <> 'open'",
    rule="an answer to an offer of a car that is there stays",
)
_OFFERED = "EXISTS (SELECT 1 FROM early_offers WHERE early_offers.vin = NEW.vin AND early_offers.state = 'open')"
guard(
    stock_holds,
    "not_while_offered",
    before="INSERT",
    when=_OFFERED,
    rule="a car that is offered to a waiting buyer is held by nobody",
)
guard(
    shipments,
    "not_while_offered",
    before="INSERT",
    when=f"NEW.order_id IS NULL AND {_OFFERED}",
    rule="a car that is offered to a waiting buyer is not moved for stock",
)
