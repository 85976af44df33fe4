"""What cubes are kept in: what each person said (`demand_voices` and its kin), the counts of it, and the releases.

Counts follow their rows in the same change and can be made anew from them. Releases only grow, and hold no person.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from kernel.db import Id, Instant, Json, Serial, metadata
from kernel.immutable import append_only

SAYING_LENGTH_MAX: Final = 80
"""A region of up to forty characters, the hash of a choice and how it was said."""

# One row a brand; whoever changes its cubes holds it, so that counts and rows never part.
cube_books = Table(
    "cube_books",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("options", Integer, nullable=False),
    Column("offerings", Integer, nullable=False),
)

# The bit that an option has in `demand_voices.choice`.
cube_options = Table(
    "cube_options",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("code", String(80), primary_key=True),
    Column("bit", Integer, nullable=False),
    UniqueConstraint("brand_id", "bit"),
)

# What could be had of a model at a place in a week, kept when its first configuration came: options by category.
cube_offerings = Table(
    "cube_offerings",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("version_id", Id, nullable=False),
    Column("model", String(80), nullable=False),
    Column("region", String(40), nullable=False),
    Column("week", Date, nullable=False),
    Column("options", Json, nullable=False),
    UniqueConstraint("brand_id", "week", "model", "version_id", "region"),
)

# A person's configuration of a week: a pre-order's before one that was only kept, else the last one. `person` is a
# verified person's id, or an account's where nobody was verified, until an erasure puts chance in its place.
demand_voices = Table(
    "demand_voices",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("person", Id, primary_key=True),
    Column("verified", Boolean, nullable=False),
    Column("ordered", Boolean, nullable=False),
    Column("offering", Integer, nullable=False),
    Column("choice", LargeBinary, nullable=False),
    Index("ix_demand_voices_person", "person"),
    sqlite_with_rowid=False,
)

# How far a verified person has come; `seen_in` is the week of the first step, `steps` has one bit a step.
demand_journeys = Table(
    "demand_journeys",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("person", Id, primary_key=True),
    Column("seen_in", Date, nullable=False),
    Column("steps", Integer, nullable=False),
)

# The discount in whole percent that a person waits for, from the price cap of the pre-order placed in that week.
demand_caps = Table(
    "demand_caps",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("person", Id, primary_key=True),
    Column("discount", Integer, nullable=False),
    CheckConstraint("discount BETWEEN 0 AND 100", name="discount_is_percent"),
    Index("ix_demand_caps_person", "person"),
)

# Who cancelled in a calendar quarter, in each way once: `week` is the quarter's first Monday, `model` is empty (all).
demand_cancellations = Table(
    "demand_cancellations",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("person", Id, primary_key=True),
    Index("ix_demand_cancellations_person", "person"),
)

# The internal cubes: a block's counts by code, each as [all, verified].
cube_blocks = Table(
    "cube_blocks",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("cube", String(16), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("version_id", String(32), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("counts", Json, nullable=False),
)

# Whom a table's next release would tell of beyond the last one: what each said then and says now.
cube_changes = Table(
    "cube_changes",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("cube", String(16), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("version_id", String(32), primary_key=True),
    Column("person", Id, primary_key=True),
    Column("verified", Boolean, nullable=False),
    Column("before", String(SAYING_LENGTH_MAX), nullable=False),
    Column("after", String(SAYING_LENGTH_MAX), nullable=False),
    Index("ix_cube_changes_person", "person"),
)

cube_releases = Table(
    "cube_releases",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("k", Integer, nullable=False),
    Column("trade_k", Integer, nullable=False),
    Column("rounding", Integer, nullable=False),
    Column("released_at", Instant, nullable=False),
    CheckConstraint("number >= 1", name="number_counts"),
    CheckConstraint("k >= 10 AND trade_k >= 20 AND trade_k >= k", name="k_is_ten_or_more"),
)

# A table that a release showed anew, with the unrounded counts it was made from: what a replay starts from.
cube_moves = Table(
    "cube_moves",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("release", Integer, nullable=False),
    Column("cube", String(16), nullable=False),
    Column("week", Date, nullable=False),
    Column("model", String(80), nullable=False),
    Column("version_id", String(32), nullable=False),
    Column("final", Boolean, nullable=False),
    Column("counts", Json, nullable=False),
    UniqueConstraint("brand_id", "release", "cube", "week", "model", "version_id"),
)

# The newest move of each table; a table that is closed has its last one.
cube_tables = Table(
    "cube_tables",
    metadata,
    Column("brand_id", Id, ForeignKey("brands.id"), primary_key=True),
    Column("cube", String(16), primary_key=True),
    Column("week", Date, primary_key=True),
    Column("model", String(80), primary_key=True),
    Column("version_id", String(32), primary_key=True),
    Column("move", BigInteger, ForeignKey("cube_moves.serial")),
    Column("closed", Boolean, nullable=False),
)

# Published counts. `first` and `second` are the two codes of a pair with their own counts beside them; else `second`
# is empty. `audience` is `maker` or `trade` (dealers and suppliers, who see only what twenty persons stand behind).
cube_cells = Table(
    "cube_cells",
    metadata,
    Column("move", BigInteger, ForeignKey("cube_moves.serial"), primary_key=True),
    Column("audience", String(5), primary_key=True),
    Column("first", String(80), primary_key=True),
    Column("second", String(80), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("chosen", Integer, nullable=False),
    Column("first_chosen", Integer, nullable=False),
    Column("second_chosen", Integer, nullable=False),
    Column("offered", Integer, nullable=False),
    CheckConstraint(
        "chosen BETWEEN 0 AND first_chosen AND chosen <= second_chosen AND first_chosen <= offered"
        " AND second_chosen <= offered AND offered > 0",
        name="counts_sound",
    ),
    CheckConstraint("audience IN ('maker', 'trade')", name="audience_known"),
)

for _table in (cube_releases, cube_moves, cube_cells):
    append_only(_table)
