"""Circles, who is in them, what was proposed, offered, asked and written, and the figures that are shown of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from demand.circles.model import (
    MESSAGE_LENGTH_MAX,
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    WORDS_LENGTH_MAX,
)
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only

circles = Table(
    "circles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("subject", String(SUBJECT_LENGTH_MAX), nullable=False),
    Column("title", String(TITLE_LENGTH_MAX), nullable=False),
    Column("text", String(TEXT_LENGTH_MAX), nullable=False),
    Column("access", String(8), nullable=False),
    Column("founded_by", Id),
    Column("founded_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_reason", String(200)),
    CheckConstraint("kind IN ('model', 'city', 'interest')", name="kind_known"),
    CheckConstraint("access IN ('open', 'invited')", name="access_known"),
    CheckConstraint("(closed_at IS NULL) = (closed_reason IS NULL)", name="closed_with_reason"),
    Index("ix_circles_brand_id", "brand_id", "id"),
    Index("ix_circles_founded_by", "founded_by"),
)

# One verified person is in a circle once, under whatever account; whoever leaves is gone from here.
circle_members = Table(
    "circle_members",
    metadata,
    Column("circle_id", Id, ForeignKey("circles.id"), primary_key=True),
    Column("person_id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("invitation_id", Id),
    Column("joined_at", Instant, nullable=False),
    Index("ix_circle_members_person_id", "person_id"),
    Index("ix_circle_members_account_id", "account_id"),
)

circle_invitations = Table(
    "circle_invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("made_by", Id),
    Column("uses", Integer, nullable=False),
    Column("uses_max", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    CheckConstraint("uses BETWEEN 0 AND uses_max", name="uses_within_max"),
)

circle_proposals = Table(
    "circle_proposals",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
)

circle_offers = Table(
    "circle_offers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False),
    Column("pool_id", Id, ForeignKey("pools.id"), nullable=False),
    Column("text", String(MESSAGE_LENGTH_MAX), nullable=False),
    Column("made_by", Id, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    UniqueConstraint("circle_id", "pool_id"),
    CheckConstraint("made_at < ends_at", name="ends_later"),
)

circle_messages = Table(
    "circle_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False, index=True),
    Column("text", String(MESSAGE_LENGTH_MAX), nullable=False),
    Column("sent_by", Id, nullable=False),
    Column("sent_at", Instant, nullable=False),
)

# What is shown of a circle, and the persons who stood behind it when it was released: only they say what has changed.
circle_figures = Table(
    "circle_figures",
    metadata,
    Column("circle_id", Id, ForeignKey("circles.id"), primary_key=True),
    Column("figure", String(12), primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("shown", Integer),
    Column("at", Instant, nullable=False),
    CheckConstraint("shown IS NULL OR shown >= 10", name="shown_of_many"),
)
circle_counted = Table(
    "circle_counted",
    metadata,
    Column("circle_id", Id, ForeignKey("circles.id"), primary_key=True),
    Column("figure", String(12), primary_key=True),
    Column("person_id", Id, primary_key=True),
    Index("ix_circle_counted_person_id", "person_id"),
)

# Who has got a car, pre-ordered or from stock, told when it was handed over: only they host and answer.
car_owners = Table(
    "car_owners",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("vin", String(17), nullable=False),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("person_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("model", String(80), nullable=False),
    Column("since", Instant, nullable=False),
    Index("ix_car_owners_vin", "vin"),
    Index("ix_car_owners_person_id", "person_id"),
    Index("ix_car_owners_account_id", "account_id"),
)

# Owners who let other members drive their car; whoever stops, or leaves the circle, is gone from here.
circle_hosts = Table(
    "circle_hosts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False),
    Column("person_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("model", String(80), nullable=False),
    Column("text", String(WORDS_LENGTH_MAX), nullable=False),
    Column("since", Instant, nullable=False),
    UniqueConstraint("circle_id", "person_id"),
    Index("ix_circle_hosts_account_id", "account_id"),
    Index("ix_circle_hosts_person_id", "person_id"),
)

# Members who ask a host for a drive, and what the host says; gone with the host's offer. Of who has left no word stays.
circle_drives = Table(
    "circle_drives",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("host_id", Id, ForeignKey("circle_hosts.id"), nullable=False),
    Column("person_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("text", String(WORDS_LENGTH_MAX), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("answer", String(WORDS_LENGTH_MAX), nullable=False),
    Column("answered_at", Instant),
    UniqueConstraint("host_id", "person_id"),
    CheckConstraint("state IN ('asked', 'agreed', 'declined', 'gone')", name="state_known"),
    CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name="answered_with_time"),
    Index("ix_circle_drives_account_id", "account_id"),
    Index("ix_circle_drives_person_id", "person_id"),
)

# What members ask owners, and what those say. An author that was erased is nobody; removed words are shown to nobody.
circle_questions = Table(
    "circle_questions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("circle_id", Id, ForeignKey("circles.id"), nullable=False),
    Column("person_id", Id),
    Column("account_id", Id),
    Column("text", String(MESSAGE_LENGTH_MAX), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Index("ix_circle_questions_circle_id", "circle_id", "id"),
    Index("ix_circle_questions_account_id", "account_id"),
    Index("ix_circle_questions_person_id", "person_id", "asked_at"),
)
circle_answers = Table(
    "circle_answers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("question_id", Id, ForeignKey("circle_questions.id"), nullable=False),
    Column("person_id", Id),
    Column("account_id", Id),
    Column("model", String(80), nullable=False),
    Column("text", String(MESSAGE_LENGTH_MAX), nullable=False),
    Column("at", Instant, nullable=False),
    Column("removed_at", Instant),
    UniqueConstraint("question_id", "person_id"),
    Index("ix_circle_answers_account_id", "account_id"),
)

for _table in (circle_proposals, circle_offers, circle_messages):
    append_only(_table)
