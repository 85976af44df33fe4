"""Terms, commitments and backings: one verified person, one backing of a proposal, by a unique index."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table

from demand.backing.model import Outcome
from kernel.db import Id, Instant, Minor, Serial, metadata
from kernel.immutable import append_only

# What is shown of a bound and of backers moves only when enough persons are behind the move: see `shown_serial`.
backing_terms = Table(
    "backing_terms",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("comparison_id", Id, ForeignKey("comparisons.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("tooling_minor", Minor, nullable=False),
    Column("price_minor", Minor, nullable=False),
    Column("unit_cost_minor", Minor, nullable=False),
    Column("threshold", BigInteger, nullable=False),
    Column("deposit_minor", Minor, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("triggered_at", Instant),
    Column("answer_due_at", Instant),
    Column("shown_bound", BigInteger),
    Column("shown_backers", Integer),
    Column("shown_serial", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("unit_cost_minor >= 0 AND price_minor > unit_cost_minor", name="sold_above_cost"),
    CheckConstraint("tooling_minor > 0 AND threshold > 0", name="threshold_positive"),
    CheckConstraint("(triggered_at IS NULL) = (answer_due_at IS NULL)", name="answer_due_once_triggered"),
)

_OUTCOMES = ", ".join(f"'{outcome.value}'" for outcome in Outcome)
commitments = Table(
    "commitments",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("available_by", Date, nullable=False),
    Column("ceiling_minor", Minor, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("why", String(40)),
    Column("settled_at", Instant),
    Column("option", String(80)),
    Column("version_id", Id),
    Column("window_opens_at", Instant),
    Column("window_ends_at", Instant),
    CheckConstraint("ceiling_minor > 0", name="ceiling_positive"),
    CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome_known"),
    CheckConstraint("(outcome = 'broken') = (why IS NOT NULL)", name="broken_for_a_reason"),
    CheckConstraint("(outcome = 'pending') = (settled_at IS NULL)", name="settled_at_a_moment"),
    CheckConstraint(
        "(option IS NULL) = (window_ends_at IS NULL) AND (option IS NULL) = (window_opens_at IS NULL)",
        name="window_whole",
    ),
)

backings = Table(
    "backings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("proposal_id", Id, ForeignKey("proposals.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("person_id", Id, nullable=False, index=True),
    Column("model", String(80), nullable=False),
    Column("price_cap_minor", Minor, nullable=False),
    Column("deposit_minor", Minor, nullable=False),
    Column("payment_id", Id, ForeignKey("payments.id"), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("state", String(14), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("payable_until", Instant),
    Column("pre_order_id", Id),
    CheckConstraint(
        "state IN ('acknowledged', 'held', 'converted', 'withdrawn', 'expired_unpaid', 'refunded', 'lapsed',"
        " 'declined')",
        name="state_known",
    ),
    CheckConstraint("price_cap_minor > 0 AND deposit_minor > 0", name="amounts_positive"),
    CheckConstraint("(state = 'converted') = (pre_order_id IS NOT NULL)", name="converted_by_an_order"),
    CheckConstraint("state <> 'acknowledged' OR payable_until IS NOT NULL", name="waits_for_a_time"),
    Index("ix_backings_account_id", "account_id", "id"),
    Index("ix_backings_proposal_id_state", "proposal_id", "state"),
)
_COUNTS = backings.c.state.in_(("acknowledged", "held", "converted", "lapsed"))
Index(
    "uq_backings_one_each",
    backings.c.proposal_id,
    backings.c.person_id,
    unique=True,
    postgresql_where=_COUNTS,
    sqlite_where=_COUNTS,
)

backing_changes = Table(
    "backing_changes",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("backing_id", Id, ForeignKey("backings.id"), nullable=False, index=True),
    Column("state", String(14), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("at", Instant, nullable=False),
)

# Which option of which catalogue version names a proposal, from the first version on: the way back from a car.
fulfilments = Table(
    "fulfilments",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("option", String(80), primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("version_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_fulfilments_brand_id_option", "brand_id", "option"),
)

# Which cars carry what was wished for: written when a car gets its number, ordered from a catalogue version that names
# the wish (`version_id`). One that is built for stock has no pre-order.
proposal_cars = Table(
    "proposal_cars",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("vin", String(17), primary_key=True),
    Column("option", String(80), primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("pre_order_id", Id, ForeignKey("pre_orders.id")),
    Column("version_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_proposal_cars_vin", "vin"),
)

for _table in (backing_changes, fulfilments, proposal_cars):
    append_only(_table)
