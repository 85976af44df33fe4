"""Pools, pre-orders and their changes. Capacity and one place per person are constraints, not only code."""

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

from demand.pools.model import POOL_STATES
from kernel.db import Id, Instant, Json, Minor, Serial, metadata
from kernel.immutable import append_only, guard

pools = Table(
    "pools",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("level", String(2), nullable=False),
    Column("class_key", String(300), nullable=False),
    Column("plant_code", String(40), nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("member_limit", Integer, nullable=False),
    Column("tiers", Json, nullable=False),
    Column("deposit_minor", Minor, nullable=False),
    Column("freeze_hours", Integer, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("freeze_at", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("state_at", Instant, nullable=False),
    # Counts of the places held, kept under the row's lock with the places themselves; an audit derives them anew.
    Column("members", Integer, nullable=False),
    Column("reaching_minimum", Integer, nullable=False),
    Column("reaching", Json, nullable=False),
    Column("joined", BigInteger, nullable=False),
    Column("cleared", Integer),
    Column("discount_bp", Integer),
    CheckConstraint(f"state IN {POOL_STATES}", name="state_known"),
    CheckConstraint("members BETWEEN 0 AND member_limit", name="members_within_limit"),
    CheckConstraint("reaching_minimum BETWEEN 0 AND members", name="reaching_within_members"),
    CheckConstraint("members - reaching_minimum <= capacity", name="low_caps_within_capacity"),
    CheckConstraint("cleared BETWEEN minimum AND capacity", name="cleared_within_capacity"),
    CheckConstraint(
        "(state = 'locked') = (cleared IS NOT NULL) AND (cleared IS NULL) = (discount_bp IS NULL)",
        name="locked_is_cleared",
    ),
    CheckConstraint("minimum >= 1 AND minimum <= capacity AND capacity <= member_limit", name="terms_sound"),
    CheckConstraint("freeze_at <= deadline", name="freeze_before_deadline"),
    Index("ix_pools_class_key", "brand_id", "class_key", "state"),
    Index("ix_pools_brand_id_id", "brand_id", "id"),
)
# One pool of a class is open at a time; a frozen one may still stand beside it.
Index(
    "uq_pools_open_class",
    pools.c.brand_id,
    pools.c.class_key,
    unique=True,
    postgresql_where=text("state = 'open'"),
    sqlite_where=text("state = 'open'"),
)

pool_changes = Table(
    "pool_changes",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("pool_id", Id, ForeignKey("pools.id"), nullable=False, index=True),
    Column("state", String(10), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("by", Id),
    Column("at", Instant, nullable=False),
)

pre_orders = Table(
    "pre_orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("person_id", Id, nullable=False),
    Column("quote_id", Id, ForeignKey("quotes.id"), nullable=False, unique=True),
    Column("version_id", Id, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("class_l1", String(300), nullable=False),
    Column("class_l2", String(300), nullable=False),
    Column("plant_code", String(40), nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("region", String(40), nullable=False),
    Column("vehicle_price_minor", Minor, nullable=False),
    Column("price_cap_minor", Minor, nullable=False),
    Column("method", String(12), nullable=False),
    Column("failure_choice", String(8), nullable=False),
    Column("deposit_minor", Minor, nullable=False),
    Column("placed_at", Instant, nullable=False),
    # What the member agreed to beforehand: a pool of every trim, and one that nobody leaves any more.
    Column("accepts_wider_class", Boolean, nullable=False),
    Column("accepts_frozen", Boolean, nullable=False),
    Column("finance_approved_at", Instant),
    Column("plate_confirmed_at", Instant),
    Column("rolls", Integer, nullable=False),
    Column("pool_id", Id, ForeignKey("pools.id"), nullable=False),
    Column("payment_id", Id, ForeignKey("payments.id"), nullable=False),
    Column("payable_until", Instant),
    Column("funded_at", Instant),
    # The order in which places of this pool were taken; breaks ties of `funded_at`.
    Column("place_number", BigInteger),
    Column("state", String(16), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("price_minor", Minor),
    Column("refund_by", Instant),
    CheckConstraint(
        "state IN ('acknowledged', 'pooled', 'rolled_over', 'locked', 'expired_unpaid', 'withdrawn', 'refunded',"
        " 'removed')",
        name="state_known",
    ),
    CheckConstraint(
        "state NOT IN ('pooled', 'rolled_over', 'locked') OR funded_at IS NOT NULL", name="a_place_is_funded"
    ),
    CheckConstraint("(state = 'locked') = (price_minor IS NOT NULL)", name="locked_has_price"),
    CheckConstraint("price_minor IS NULL OR price_minor <= price_cap_minor", name="price_within_cap"),
    CheckConstraint("price_minor IS NULL OR price_minor <= vehicle_price_minor", name="price_within_quote"),
    # Earnest money is at most a fifth of the price (law).
    CheckConstraint("price_minor IS NULL OR deposit_minor * 5 <= price_minor", name="earnest_within_ceiling"),
    CheckConstraint("vehicle_price_minor > 0 AND price_cap_minor > 0 AND deposit_minor > 0", name="amounts_positive"),
    UniqueConstraint("pool_id", "place_number"),
    Index("ix_pre_orders_account_id", "account_id", "id"),
    Index("ix_pre_orders_pool_id_state", "pool_id", "state", "funded_at", "place_number"),
)
guard(
    pre_orders,
    "price_never_rises",
    before="UPDATE",
    when="NEW.price_minor IS NOT NULL AND OLD.price_minor IS NOT NULL AND NEW.price_minor > OLD.price_minor",
    rule="a locked price never rises",
)
# What a member of a frozen pool may not do; a removal and the clearing are other states (DOMAIN section 4.10).
guard(
    pre_orders,
    "stays_while_frozen",
    before="UPDATE",
    when="OLD.state = 'pooled' AND (NEW.state = 'withdrawn' OR (NEW.state = 'pooled' AND ("
    "NEW.pool_id <> OLD.pool_id OR NEW.price_cap_minor < OLD.price_cap_minor"
    " OR NEW.price_cap_minor - OLD.price_cap_minor < NEW.vehicle_price_minor - OLD.vehicle_price_minor)))"
    " AND EXISTS (SELECT 1 FROM pools WHERE pools.id = OLD.pool_id AND pools.state = 'frozen')",
    rule="nobody leaves a frozen pool or weakens an offer in it",
)
# One verified person holds one place in a pool, whatever account it acts through (DOMAIN section 4.5). The person comes
# first: nothing is known of a pool that has just opened, and PostgreSQL would rather look through all its members.
HOLDS_PLACE = "state IN ('pooled', 'locked')"
Index(
    "uq_pre_orders_one_place",
    pre_orders.c.person_id,
    pre_orders.c.pool_id,
    unique=True,
    postgresql_where=text(HOLDS_PLACE),
    sqlite_where=text(HOLDS_PLACE),
)
Index(
    "ix_pre_orders_waiting",
    pre_orders.c.brand_id,
    pre_orders.c.class_l1,
    postgresql_where=text("state = 'rolled_over'"),
    sqlite_where=text("state = 'rolled_over'"),
)

pre_order_changes = Table(
    "pre_order_changes",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("pre_order_id", Id, ForeignKey("pre_orders.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    # Which pool asked whether its costlier terms are accepted; it asks once.
    Column("asked_by_pool_id", Id, ForeignKey("pools.id")),
    Column("by", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("(reason = 'terms_offered') = (asked_by_pool_id IS NOT NULL)", name="a_question_names_its_pool"),
)
Index(
    "uq_pre_order_changes_asked_once",
    pre_order_changes.c.pre_order_id,
    pre_order_changes.c.asked_by_pool_id,
    unique=True,
    postgresql_where=text("asked_by_pool_id IS NOT NULL"),
    sqlite_where=text("asked_by_pool_id IS NOT NULL"),
)

early_bonuses = Table(
    "early_bonuses",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("person_id", Id, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("pool_id", Id, ForeignKey("pools.id"), nullable=False),
    Column("pre_order_id", Id, ForeignKey("pre_orders.id"), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("at", Instant, nullable=False),
)

# What everybody may know of a clearing: `reached` counts, tier by tier, the members whose caps reached it then.
pool_clearings = Table(
    "pool_clearings",
    metadata,
    Column("pool_id", Id, ForeignKey("pools.id"), primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("members", Integer, nullable=False),
    Column("reached", Json, nullable=False),
    Column("root", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

for _table in (pool_changes, pre_order_changes, early_bonuses, pool_clearings):
    append_only(_table)
