"""Comparisons with what is compared and for whom, what was dealt to whom, answers that only grow, and the outcome."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from demand.compare.model import COMPARISON_STATES
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("title", String(80), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("price_steps_percent", Json, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("dealt", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("persons", Integer),
    Column("effective", Integer),
    CheckConstraint(f"state IN {COMPARISON_STATES}", name="state_known"),
    CheckConstraint(
        "(state = 'released') = (persons IS NOT NULL AND effective IS NOT NULL)", name="released_with_outcome"
    ),
    CheckConstraint("closes_at > opened_at", name="open_for_a_time"),
    Index("ix_comparisons_brand_id_id", "brand_id", "id"),
    Index("ix_comparisons_state", "state"),
)

compared_items = Table(
    "compared_items",
    metadata,
    Column("comparison_id", Id, ForeignKey("comparisons.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("proposal_id", Id, ForeignKey("proposals.id"), nullable=False, index=True),
    Column("planned_price_minor", Minor, nullable=False),
    UniqueConstraint("comparison_id", "proposal_id"),
    CheckConstraint("number BETWEEN 0 AND 11", name="twelve_items"),
    CheckConstraint("planned_price_minor > 0", name="price_positive"),
)

market_segments = Table(
    "market_segments",
    metadata,
    Column("comparison_id", Id, ForeignKey("comparisons.id"), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("owner", Boolean, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("persons", Integer, nullable=False),
    CheckConstraint("persons > 0", name="somebody_in_it"),
)

# `person_id` becomes chance when the person is erased; who left while it was open does not count (`left_at`).
comparison_participants = Table(
    "comparison_participants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("comparison_id", Id, ForeignKey("comparisons.id"), nullable=False),
    Column("person_id", Id, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("price_item", Integer, nullable=False),
    Column("price_step", Integer, nullable=False),
    Column("region", String(40), nullable=False),
    Column("owner", Boolean, nullable=False),
    Column("model", String(80), nullable=False),
    Column("dealt_at", Instant, nullable=False),
    Column("completed_at", Instant),
    Column("left_at", Instant),
    UniqueConstraint("comparison_id", "person_id"),
    UniqueConstraint("comparison_id", "number"),
)

comparison_answers = Table(
    "comparison_answers",
    metadata,
    Column("participant_id", Id, ForeignKey("comparison_participants.id"), primary_key=True),
    Column("set_number", Integer, primary_key=True),
    Column("best", Integer, nullable=False),
    Column("worst", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("set_number BETWEEN 0 AND 8", name="nine_sets"),
    CheckConstraint("best <> worst AND best BETWEEN 0 AND 11 AND worst BETWEEN 0 AND 11", name="two_items"),
)

price_answers = Table(
    "price_answers",
    metadata,
    Column("participant_id", Id, ForeignKey("comparison_participants.id"), primary_key=True),
    Column("took", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)

_FIGURES = ("utility", "share", "take_rate")
item_outcomes = Table(
    "item_outcomes",
    metadata,
    Column("comparison_id", Id, ForeignKey("comparisons.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    *(
        Column(f"{figure}{ending}", Integer, nullable=figure == "take_rate")
        for figure in _FIGURES
        for ending in ("", "_low", "_high")
    ),
    CheckConstraint("utility_low <= utility AND utility <= utility_high", name="utility_in_interval"),
    CheckConstraint("share_low <= share AND share <= share_high", name="share_in_interval"),
    CheckConstraint("take_rate_low <= take_rate AND take_rate <= take_rate_high", name="take_rate_in_interval"),
)

# One take rate a resampling and model, in parts of a million: what a commitment's lower bound is worked out from. It
# never leaves the worker.
take_draws = Table(
    "take_draws",
    metadata,
    Column("comparison_id", Id, ForeignKey("comparisons.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("parts_per_million", Json, nullable=False),
)

for _table in (compared_items, market_segments, comparison_answers, price_answers, item_outcomes, take_draws):
    append_only(_table)
