"""Rounds of swaps and each order's change of cars: nobody is later for it, and a round's saving is its bound."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from factory_orders.exchanges.model import SwapOfferState
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

swap_rounds = Table(
    "swap_rounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("swapped", Integer, nullable=False),
    Column("saved_minor", BigInteger, nullable=False),
    Column("saved_at_most_minor", BigInteger, nullable=False),
    CheckConstraint("swapped BETWEEN 2 AND orders AND saved_minor > 0", name="worth_it"),
    CheckConstraint("saved_minor = saved_at_most_minor", name="proven_optimal"),
)
append_only(swap_rounds)
Index("ix_swap_rounds_brand", swap_rounds.c.brand_id, swap_rounds.c.id)

car_swaps = Table(
    "car_swaps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("round_id", Id, ForeignKey("swap_rounds.id"), nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("from_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("to_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("days_late_before", Integer, nullable=False),
    Column("days_late_after", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("round_id", "order_id"),
    UniqueConstraint("round_id", "from_build_order_id"),
    UniqueConstraint("round_id", "to_build_order_id"),
    CheckConstraint("from_build_order_id <> to_build_order_id", name="another_car"),
    CheckConstraint("days_late_after BETWEEN 0 AND days_late_before", name="nobody_later"),
)
append_only(car_swaps)
Index("ix_car_swaps_brand", car_swaps.c.brand_id, car_swaps.c.id)
Index("ix_car_swaps_order", car_swaps.c.order_id)

_STATES = ", ".join(f"'{state.value}'" for state in SwapOfferState)
_OPEN = text("state = 'open'")
swap_offers = Table(
    "swap_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("with_build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("passed_on", Date),
    Column("days_sooner", Integer, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("answered_at", Instant),
    # A car that its buyer did not want is not offered to the same one again.
    UniqueConstraint("order_id", "with_build_order_id"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_when_it_is"),
    CheckConstraint("build_order_id <> with_build_order_id", name="another_car"),
    CheckConstraint("days_sooner > 0 AND offered_at < answer_by", name="worth_an_answer"),
)
Index("uq_swap_offers_order", swap_offers.c.order_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("uq_swap_offers_car", swap_offers.c.with_build_order_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("ix_swap_offers_build_order", swap_offers.c.build_order_id)
Index("ix_swap_offers_with", swap_offers.c.with_build_order_id)
Index("ix_swap_offers_account", swap_offers.c.brand_id, swap_offers.c.account_id, swap_offers.c.id)
guard(
    swap_offers,
    "answer_is_final",
    before="UPDATE",
    when="OLD.state <> 'open'",
    rule="an answer to an offer of a swap stays",
)
