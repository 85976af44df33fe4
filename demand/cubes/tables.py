"""One fact a configuration, how far each block of cells has been released, and the releases, which never change."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table

from kernel.db import Id, Instant, Json, Serial, metadata
from kernel.immutable import append_only

# `person` is a verified person's id, or an account's where nobody was verified when the fact came, until an erasure
# puts chance in its place: counts stay as they were, and so does who was verified.
demand_facts = Table(
    "demand_facts",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("source_id", Id, nullable=False, unique=True),
    Column("kind", String(14), nullable=False),
    Column("person", Id, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("version_id", Id, nullable=False),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("region", String(40), nullable=False),
    Column("week", Date, nullable=False),
    CheckConstraint("kind IN ('configuration', 'pre_order')", name="kind_known"),
    Index("ix_demand_facts_brand_id", "brand_id", "serial"),
    Index("ix_demand_facts_person", "person"),
)

# What could be had of a model at a place in a week, kept when its first configuration came: options by category.
cube_offerings = Table(
    "cube_offerings",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("version_id", Id, primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("options", Json, nullable=False),
)

cube_blocks = Table(
    "cube_blocks",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("category", String(80), primary_key=True),
    Column("serial", BigInteger, nullable=False),
)

cube_releases = Table(
    "cube_releases",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("k", Integer, nullable=False),
    Column("rounding", Integer, nullable=False),
    Column("released_at", Instant, nullable=False),
    CheckConstraint("number >= 1", name="number_counts"),
    CheckConstraint("k >= 10", name="k_is_ten_or_more"),
)

cube_cells = Table(
    "cube_cells",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("release", Integer, primary_key=True),
    Column("option", String(80), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("category", String(80), nullable=False),
    Column("chosen", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    CheckConstraint("chosen BETWEEN 0 AND offered AND offered > 0", name="counts_sound"),
)

for _table in (cube_releases, cube_cells):
    append_only(_table)
