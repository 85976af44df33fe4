"""Shipments, what was reported about them, handovers; one open handover per order, no balance before the inspection."""

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

from factory_orders.deliveries.model import HandoverState, ShipmentState
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only, guard

_LEGS = ", ".join(f"'{state.value}'" for state in ShipmentState)
shipments = Table(
    "shipments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("order_id", Id, ForeignKey("orders.id")),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("carrier_account_id", Id),
    Column("planned_at", Instant, nullable=False),
    Column("loaded_at", Instant),
    Column("arrived_at", Instant),
    Column("inspected_at", Instant),
    CheckConstraint(f"state IN ({_LEGS})", name="state_known"),
    UniqueConstraint("vin", "order_id"),
)
# A car goes one way at a time, whether an order waits for it or not.
_UNDER_WAY = text("state IN ('planned', 'loaded', 'in_transit', 'arrived')")
Index("uq_shipments_under_way", shipments.c.vin, unique=True, postgresql_where=_UNDER_WAY, sqlite_where=_UNDER_WAY)
Index("ix_shipments_brand_state", shipments.c.brand_id, shipments.c.state, shipments.c.id)
Index("ix_shipments_order", shipments.c.order_id)

shipment_events = Table(
    "shipment_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("shipment_id", Id, ForeignKey("shipments.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("by_account_id", Id),
    Column("detail", String(400)),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("shipment_id", "state"),
)
append_only(shipment_events)

_STEPS = ", ".join(f"'{state.value}'" for state in HandoverState)
_OPEN = text("state NOT IN ('signed', 'rejected')")
handovers = Table(
    "handovers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("appointment_at", Instant, nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("checklist", Json, nullable=False),
    Column("balance_payment_id", Id),
    Column("booked_at", Instant, nullable=False),
    Column("inspected_at", Instant),
    Column("ended_at", Instant),
    Column("reason", String(400)),
    CheckConstraint(f"state IN ({_STEPS})", name="state_known"),
    CheckConstraint("state IN ('booked', 'rejected') OR inspected_at IS NOT NULL", name="inspected_first"),
    CheckConstraint("balance_payment_id IS NULL OR inspected_at IS NOT NULL", name="no_balance_before_inspection"),
    CheckConstraint("(ended_at IS NOT NULL) = (state IN ('signed', 'rejected'))", name="ended_when_it_ends"),
)
Index("uq_handovers_open_order", handovers.c.order_id, unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index(
    "uq_handovers_place",
    handovers.c.store_id,
    handovers.c.appointment_at,
    handovers.c.place,
    unique=True,
    postgresql_where=_OPEN,
    sqlite_where=_OPEN,
)
Index("ix_handovers_order", handovers.c.order_id)
Index("ix_handovers_store", handovers.c.store_id, handovers.c.appointment_at)

# What was asked for, line by line: the rest of an order's price as the ledger has it.
order_balances = Table(
    "order_balances",
    metadata,
    Column("handover_id", Id, ForeignKey("handovers.id"), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("vehicle_minor", Minor, nullable=False),
    Column("guaranteed_other_minor", Minor, nullable=False),
    Column("third_party_minor", Minor, nullable=False),
    Column("earnest_minor", Minor, nullable=False),
    Column("late_credit_minor", Minor, nullable=False),
    Column("agreed_minor", BigInteger, nullable=False, server_default="0"),
    Column("requested_at", Instant, nullable=False),
)
guard(
    order_balances,
    "asks_what_was_locked",
    before="INSERT",
    when="EXISTS (SELECT 1 FROM orders WHERE orders.id = NEW.order_id AND (NEW.vehicle_minor > orders.price_minor"
    " OR NEW.guaranteed_other_minor > orders.guaranteed_other_minor"
    " OR NEW.agreed_minor <> orders.agreed_minor + orders.fees_minor))",
    rule="nobody is asked for more than what was locked and agreed on since",
)
Index("ix_order_balances_order", order_balances.c.order_id)

# One credit per order and late day, held by the key.
late_credits = Table(
    "late_credits",
    metadata,
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
)
append_only(late_credits)
