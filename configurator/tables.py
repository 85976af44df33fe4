"""Catalogue versions (immutable), kept configurations with their changes, quotes (immutable) with their endings."""

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
)

from kernel.db import Id, Instant, Json, Serial, metadata
from kernel.immutable import append_only

catalogue_versions = Table(
    "catalogue_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("label", String(80), nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("document", Json, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("published_by", Id),
    UniqueConstraint("brand_id", "number"),
    CheckConstraint("number > 0", name="number_positive"),
)

configurations = Table(
    "configurations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("name", String(80), nullable=False),
    Column("version_id", Id, ForeignKey("catalogue_versions.id"), nullable=False),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("region", String(40), nullable=False),
    Column("saved_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("newer_version_id", Id, ForeignKey("catalogue_versions.id")),
    Column("broken_by", Json),
    Column("moved_to", Id, ForeignKey("configurations.id")),
    CheckConstraint("state IN ('saved', 'stale', 'migrated', 'deleted')", name="state_known"),
    CheckConstraint(
        "(state = 'stale') = (newer_version_id IS NOT NULL) AND (state = 'migrated') = (moved_to IS NOT NULL)",
        name="state_complete",
    ),
    Index(None, "account_id", "id"),
)

configuration_changes = Table(
    "configuration_changes",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("configuration_id", Id, ForeignKey("configurations.id"), nullable=False, index=True),
    Column("state", String(10), nullable=False),
    Column("reason", String(400), nullable=False),
    Column("by", Id),
    Column("at", Instant, nullable=False),
)

quotes = Table(
    "quotes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id),
    Column("configuration_id", Id, ForeignKey("configurations.id")),
    Column("version_id", Id, ForeignKey("catalogue_versions.id"), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("vehicle_price_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    # The car as a pre-order takes it over: to read it out of the document cost more than all else that is read for one.
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("region", String(40), nullable=False),
    Column("class_key", String(300), nullable=False),
    Column("document", Json, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("signature", String(100), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    CheckConstraint("vehicle_price_minor > 0 AND total_minor > 0", name="prices_positive"),
    CheckConstraint("expires_at > issued_at", name="expires_later"),
    Index(None, "account_id", "id"),
)

quote_endings = Table(
    "quote_endings",
    metadata,
    Column("quote_id", Id, ForeignKey("quotes.id"), primary_key=True),
    Column("ending", String(12), nullable=False),
    Column("reference", Id),
    Column("by", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("ending IN ('accepted', 'superseded')", name="ending_known"),
)

for table in (catalogue_versions, configuration_changes, quotes, quote_endings):
    append_only(table)
