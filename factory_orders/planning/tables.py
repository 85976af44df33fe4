"""Weeks with what is reserved and used, orders, batches; a counter beyond its capacity is refused by the database."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from factory_orders.planning.model import ORDER_STATES, BatchState, OrderOrigin
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only, guard

# One row per plant, week and resource: `slot` for the cars of the week, an option's code for a constrained option.
capacity_weeks = Table(
    "capacity_weeks",
    metadata,
    Column("plant_id", Id, ForeignKey("plants.id"), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("resource", String(80), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("used", Integer, nullable=False, server_default="0"),
    CheckConstraint("reserved >= 0 AND used >= 0", name="counted_up"),
    CheckConstraint("reserved + used <= capacity", name="within_capacity"),
)

# What a pool still holds of a week's resource, and how much of that it has promised to members and to who orders now.
pool_reservations = Table(
    "pool_reservations",
    metadata,
    Column("pool_id", Id, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("resource", String(80), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("held", Integer, nullable=False),
    Column("promised", Integer, nullable=False, server_default="0"),
    CheckConstraint("held >= 0", name="held_not_negative"),
    CheckConstraint("promised BETWEEN 0 AND held", name="promised_within_held"),
)

pool_plans = Table(
    "pool_plans",
    metadata,
    Column("pool_id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("class_key", String(400), nullable=False),
    Column("places", Integer, nullable=False),
    Column("first_week", Date, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("closed_at", Instant),
)
Index("ix_pool_plans_class", pool_plans.c.brand_id, pool_plans.c.class_key)

_STATES = ", ".join(f"'{state}'" for state in ORDER_STATES.values())
_ORIGINS = ", ".join(f"'{origin.value}'" for origin in OrderOrigin)
orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("pool_id", Id, nullable=False),
    Column("place", Integer, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("person_id", Id),
    Column("quote_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("class_l1", String(400), nullable=False),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("catalogue_version_id", Id, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("price_minor", Minor, nullable=False),
    Column("guaranteed_other_minor", Minor, nullable=False),
    Column("third_party_minor", BigInteger, nullable=False),
    Column("promised_by", Date),
    Column("expected_on", Date),
    Column("agreed_minor", BigInteger, nullable=False, server_default="0"),
    Column("fees_minor", Minor, nullable=False, server_default="0"),
    Column("locked_at", Instant, nullable=False),
    Column("origin", String(10), nullable=False, server_default=OrderOrigin.POOL.value),
    Column("state", String(20), nullable=False),
    Column("vin", String(17)),
    Column("arrived_at", Instant),
    Column("ended_at", Instant),
    Column("reason", String(80)),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint(f"origin IN ({_ORIGINS})", name="origin_known"),
    CheckConstraint("vin IS NOT NULL OR state IN ('scheduled', 'cancelled')", name="car_before_it_moves"),
    CheckConstraint(
        "(ended_at IS NOT NULL) = (state IN ('delivered', 'cancelled', 'stocked'))", name="ended_when_it_ends"
    ),
    CheckConstraint("origin <> 'store' OR state IN ('scheduled', 'cancelled', 'stocked')", name="for_stock_alone"),
    CheckConstraint("state <> 'stocked' OR origin = 'store'", name="stocked_for_a_store"),
    CheckConstraint("price_minor > 0 AND guaranteed_other_minor >= 0", name="price_positive"),
    CheckConstraint("price_minor + agreed_minor > 0 AND fees_minor >= 0", name="agreed_price_positive"),
)
guard(
    orders,
    "end_is_final",
    before="UPDATE",
    when="OLD.state IN ('delivered', 'cancelled', 'stocked') AND NEW.state <> OLD.state",
    rule="a delivered, cancelled or stocked order stays as it is",
)
guard(
    orders,
    "price_never_rises",
    before="UPDATE",
    when="NEW.price_minor > OLD.price_minor OR NEW.guaranteed_other_minor > OLD.guaranteed_other_minor",
    rule="a locked price never rises",
)
_AGREED = "(SELECT COALESCE(SUM({}), 0) FROM order_agreements WHERE order_agreements.order_id = NEW.id)"
guard(
    orders,
    "changed_by_agreement",
    before="UPDATE",
    when="(NEW.agreed_minor <> OLD.agreed_minor OR NEW.fees_minor <> OLD.fees_minor)"
    f" AND (NEW.agreed_minor <> {_AGREED.format('price_delta_minor')}"
    f" OR NEW.fees_minor <> {_AGREED.format('fee_minor')})",
    rule="after the lock a price changes by what its buyer agreed to",
)
Index("ix_orders_account", orders.c.brand_id, orders.c.account_id, orders.c.id)
Index("ix_orders_store", orders.c.store_id, orders.c.state, orders.c.id)
Index("uq_orders_pool_place", orders.c.pool_id, orders.c.place, unique=True)
Index("ix_orders_plant_state", orders.c.plant_id, orders.c.state)

_BATCH_STATES = ", ".join(f"'{state.value}'" for state in BatchState)
batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("pool_id", Id, nullable=False),
    Column("state", String(20), nullable=False),
    Column("size", Integer, nullable=False),
    Column("size_min", Integer, nullable=False),
    Column("size_max", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(f"state IN ({_BATCH_STATES})", name="state_known"),
    CheckConstraint("size BETWEEN size_min AND size_max", name="within_plant_limits"),
)
Index("ix_batches_brand", batches.c.brand_id, batches.c.id)

# What a partition into batches cost, and what none can cost less than; `exact` where it is proven that none does.
batch_plans = Table(
    "batch_plans",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("batches", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("too_long", Integer, nullable=False),
    Column("cost_minor", Minor, nullable=False),
    Column("bound_minor", Minor, nullable=False),
    Column("exact", Boolean, nullable=False),
    CheckConstraint("orders > 0 AND batches >= 0 AND waiting BETWEEN 0 AND orders", name="counted_up"),
    CheckConstraint("bound_minor BETWEEN 0 AND cost_minor", name="nothing_costs_less_than_the_bound"),
)
append_only(batch_plans)
Index("ix_batch_plans_plant", batch_plans.c.plant_id, batch_plans.c.id)

# One batch per order, held by the key.
batch_orders = Table(
    "batch_orders",
    metadata,
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("batch_id", Id, ForeignKey("batches.id"), nullable=False),
    Column("position", Integer, nullable=False),
    UniqueConstraint("batch_id", "position"),
)

# Each time another car was begun to be built for an order, with the number of the one before where it had got one.
order_rebuilds = Table(
    "order_rebuilds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("vin", String(17)),
    Column("at", Instant, nullable=False),
)
append_only(order_rebuilds)
Index("ix_order_rebuilds_order", order_rebuilds.c.order_id)

# How good a day's line order is; counted from the order itself each time it is made.
line_days = Table(
    "line_days",
    metadata,
    Column("plant_id", Id, ForeignKey("plants.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("cars", Integer, nullable=False),
    Column("run_violations", Integer, nullable=False),
    Column("ratio_violations", Integer, nullable=False),
    Column("paint_changes", Integer, nullable=False),
    Column("sequenced_at", Instant, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("excess", Integer),
    Column("excess_bound", Integer),
    Column("paint_changes_bound", Integer),
    CheckConstraint("excess IS NULL OR excess_bound BETWEEN 0 AND excess", name="no_order_beats_the_bound"),
    CheckConstraint(
        "paint_changes_bound IS NULL OR paint_changes_bound BETWEEN 0 AND paint_changes", name="nor_in_paint"
    ),
)
