"""Holds on promises, what became of each contract's date, and the published calibration of whole months."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from factory_orders.planning.tables import orders
from factory_orders.promises.model import HoldState
from kernel.db import Id, Instant, Json, metadata
from kernel.immutable import append_only, guard

_STATES = ", ".join(f"'{state.value}'" for state in HoldState)
_HELD = text("state = 'held'")
_LIVE = text("state <> 'ended'")
promise_holds = Table(
    "promise_holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("account_id", Id),
    Column("quote_id", Id, ForeignKey("quotes.id"), nullable=False),
    Column("pre_order_id", Id),
    Column("pool_id", Id, ForeignKey("pool_plans.pool_id"), nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("week", Date, nullable=False),
    Column("from_held", Json, nullable=False),
    Column("from_free", Json, nullable=False),
    Column("p50", Date, nullable=False),
    Column("p90", Date, nullable=False),
    Column("dated_at", Instant, nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("ended_at", Instant),
    Column("reason", String(40)),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_when_it_ends"),
    CheckConstraint("state <> 'kept' OR pre_order_id IS NOT NULL", name="kept_for_a_member"),
    CheckConstraint("p50 <= p90 AND held_at < expires_at", name="in_order"),
)
guard(
    promise_holds,
    "end_is_final",
    before="UPDATE",
    when="OLD.state = 'ended' AND NEW.state <> 'ended'",
    rule="a hold that has ended stays so",
)
# Nobody holds two promises while ordering; a quote and a member have one live hold at most.
Index(
    "uq_promise_holds_account",
    promise_holds.c.brand_id,
    promise_holds.c.account_id,
    unique=True,
    postgresql_where=_HELD,
    sqlite_where=_HELD,
)
Index("uq_promise_holds_quote", promise_holds.c.quote_id, unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE)
Index("ix_promise_holds_pre_order", promise_holds.c.pre_order_id)
Index("ix_promise_holds_pool", promise_holds.c.pool_id, promise_holds.c.state)

# One row an order with a contract's date: what was expected and promised, the day that its weeks alone gave, the moment
# whose margins made the date (none where it came with the week), and the day its car stood ready.
promise_outcomes = Table(
    "promise_outcomes",
    metadata,
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("expected_on", Date, nullable=False),
    Column("promised_by", Date, nullable=False),
    Column("planned_on", Date, nullable=False),
    Column("dated_at", Instant),
    Column("ready_on", Date),
    CheckConstraint("expected_on <= promised_by", name="in_order"),
)
Index(
    "ix_promise_outcomes_due", promise_outcomes.c.brand_id, promise_outcomes.c.plant_id, promise_outcomes.c.promised_by
)

# Published: rounded counts of whole months, written once, so that no difference between two days tells of anybody.
promise_calibrations = Table(
    "promise_calibrations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("last_day", Date, nullable=False),
    Column("brand_id", Id, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("promises", Integer, nullable=False),
    Column("kept_p50", Integer, nullable=False),
    Column("kept_p90", Integer, nullable=False),
    Column("released_at", Instant, nullable=False),
    UniqueConstraint("plant_id", "last_day"),
    CheckConstraint("first_day < last_day", name="in_order"),
    CheckConstraint("promises >= 10 AND promises % 5 = 0 AND kept_p50 % 5 = 0 AND kept_p90 % 5 = 0", name="rounded"),
    CheckConstraint("0 <= kept_p50 AND kept_p50 <= kept_p90 AND kept_p90 <= promises", name="nested"),
)
append_only(promise_calibrations)

# What is added to planned days from a moment on, by plant: learned from what became of dates.
promise_margins = Table(
    "promise_margins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("p50_days", Integer, nullable=False),
    Column("p90_days", Integer, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("released_at", Instant, nullable=False),
    UniqueConstraint("plant_id", "released_at"),
    CheckConstraint("p50_days < p90_days AND observations >= 10", name="learned_from_ten"),
)
append_only(promise_margins)

LEFT_WITHOUT_CAR: Final = (orders.c.state == "cancelled") & promise_outcomes.c.ready_on.is_(None)
"""Whose order ended before its car stood ready."""
