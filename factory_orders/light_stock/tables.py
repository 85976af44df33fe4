"""Plans of sales, sharings out with their moves, the ledger of fairness, and ways of cars that are for nobody yet.

A round's cost is its bound: an allocation without its proof is not written. A car has one way under way and one open
offer, and while it goes to another store nobody holds it and no order has it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from factory_orders.light_stock.model import MoveState
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

stock_plans = Table(
    "stock_plans",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("model", String(80), nullable=False),
    Column("weekly_milli", Integer, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("weekly_milli BETWEEN 0 AND 10000", name="light"),
)
append_only(stock_plans)
Index("ix_stock_plans_store", stock_plans.c.brand_id, stock_plans.c.store_id, stock_plans.c.model, stock_plans.c.id)

# A sharing out that is to be made; the worker makes it outside of any change, and takes the request away with it.
allocation_requests = Table(
    "allocation_requests",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("asked_at", Instant, nullable=False),
)

allocation_rounds = Table(
    "allocation_rounds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("bound_minor", BigInteger, nullable=False),
    CheckConstraint("cars >= 0 AND moved >= 0 AND waiting >= 0 AND moved + waiting <= cars", name="counted"),
    CheckConstraint("cost_minor = bound_minor", name="proven_optimal"),
)
append_only(allocation_rounds)
Index("ix_allocation_rounds_brand", allocation_rounds.c.brand_id, allocation_rounds.c.id)

_STATES = ", ".join(f"'{state.value}'" for state in MoveState)
_OFFERED = text("state = 'offered'")
stock_moves = Table(
    "stock_moves",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("round_id", Id, ForeignKey("allocation_rounds.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("model", String(80), nullable=False),
    Column("from_store_id", Id, ForeignKey("stores.id")),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("distance_km", Integer, nullable=False),
    Column("transport_minor", BigInteger, nullable=False),
    Column("days_late", Integer, nullable=False),
    Column("is_first", Boolean, nullable=False),
    Column("worth_minor", BigInteger, nullable=False),
    Column("saved_minor", BigInteger, nullable=False),
    Column("next_store_id", Id, ForeignKey("stores.id")),
    Column("next_minor", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("answer_by", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("shipment_id", Id, ForeignKey("shipments.id")),
    Column("reason", String(20)),
    UniqueConstraint("round_id", "vin"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'offered') = (answered_at IS NULL)", name="answered_when_it_is"),
    CheckConstraint("(state = 'accepted') = (shipment_id IS NOT NULL)", name="accepted_goes"),
    CheckConstraint("from_store_id IS NULL OR from_store_id <> store_id", name="somewhere_else"),
    CheckConstraint("days_late >= 0 AND (from_store_id IS NULL OR NOT is_first)", name="first_cars_come_from_plants"),
)
Index("uq_stock_moves_offered", stock_moves.c.vin, unique=True, postgresql_where=_OFFERED, sqlite_where=_OFFERED)
Index("ix_stock_moves_store", stock_moves.c.store_id, stock_moves.c.id)
guard(
    stock_moves,
    "answer_is_final",
    before="UPDATE",
    when="OLD.state <> 'offered' AND NEW.state <> OLD.state",
    rule="an answered move stays answered",
)

fairness_lines = Table(
    "fairness_lines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("round_id", Id, ForeignKey("allocation_rounds.id"), nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("model", String(80), nullable=False),
    Column("owed_before", Integer, nullable=False),
    Column("entitled", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    Column("owed_after", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("round_id", "store_id", "model"),
    CheckConstraint("owed_after = owed_before + entitled - received * 1000", name="adds_up"),
)
append_only(fairness_lines)
Index("ix_fairness_lines_brand", fairness_lines.c.brand_id, fairness_lines.c.id)

guard(
    shipments,
    "stock_car_is_free",
    before="INSERT",
    when="NEW.order_id IS NULL AND (EXISTS (SELECT 1 FROM allocations WHERE allocations.vin = NEW.vin"
    " AND allocations.ended_at IS NULL) OR EXISTS (SELECT 1 FROM stock_holds WHERE stock_holds.vin = NEW.vin"
    " AND stock_holds.ended_at IS NULL))",
    rule="a car that somebody holds or has ordered is not moved to another store",
)
