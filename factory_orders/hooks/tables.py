"""Hooks of plants and their messages; a hook hears of an event once for each build order."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from factory_orders.hooks.model import MessageState
from kernel.db import Id, Instant, Json, metadata

plant_hooks = Table(
    "plant_hooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("url", String(400), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("overlap_until", Instant),
    Column("revoked_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("resume_at", Instant),
    Column("last_status", String(20)),
    CheckConstraint("generation > 0", name="generation_from_one"),
)
Index("ix_plant_hooks_plant", plant_hooks.c.plant_id)

_STATES = ", ".join(f"'{state.value}'" for state in MessageState)
plant_messages = Table(
    "plant_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("hook_id", Id, ForeignKey("plant_hooks.id"), nullable=False),
    Column("event_id", Id, nullable=False),
    Column("build_order_id", Id, ForeignKey("build_orders.id"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant),
    Column("last_status", String(20)),
    Column("delivered_at", Instant),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="waiting_is_due"),
    CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered_then"),
    UniqueConstraint("hook_id", "event_id", "build_order_id"),
)
Index("ix_plant_messages_due", plant_messages.c.due_at)
Index("ix_plant_messages_order", plant_messages.c.hook_id, plant_messages.c.build_order_id, plant_messages.c.event_id)
