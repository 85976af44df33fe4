"""Build orders and what plants reported about them; an event id counts once per plant, a step once per build order."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from factory_orders.plant.model import ENDED, Stage
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only

_STAGES = ", ".join(f"'{stage.value}'" for stage in Stage)
build_orders = Table(
    "build_orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("batch_id", Id, ForeignKey("batches.id"), nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("week", Date, nullable=False),
    Column("day", Date, nullable=False),
    Column("position", Integer),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("catalogue_version_id", Id, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("moved_at", Instant, nullable=False),
    Column("events", Integer, nullable=False, server_default="0"),
    Column("released_at", Instant, nullable=False),
    CheckConstraint(f"stage IN ({_STAGES})", name="stage_known"),
    CheckConstraint("position > 0", name="position_from_one"),
    UniqueConstraint("plant_id", "day", "position"),
)
Index("ix_build_orders_plant", build_orders.c.plant_id, build_orders.c.day, build_orders.c.id)
Index("ix_build_orders_batch", build_orders.c.batch_id)
# What is open is a small part of all that a plant ever built, and is asked for again and again.
_ENDED = ", ".join(f"'{stage.value}'" for stage in ENDED)
IS_OPEN = text(f"stage NOT IN ({_ENDED})")
Index(
    "ix_build_orders_open",
    build_orders.c.plant_id,
    build_orders.c.day,
    build_orders.c.position,
    postgresql_where=IS_OPEN,
    sqlite_where=IS_OPEN,
)
# An order has one car on the way; a withdrawn one makes room for another.
_LIVE = text("stage <> 'withdrawn'")
Index("uq_build_orders_order", build_orders.c.order_id, unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE)

plant_events = Table(
    "plant_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("repair_minor", Minor, nullable=False),
    UniqueConstraint("plant_id", "event_id"),
    UniqueConstraint("build_order_id", "number"),
)
append_only(plant_events)
