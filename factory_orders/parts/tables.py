"""Call-offs, what a plant has of each part, and every movement of it; a build order takes its parts once."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, text

from factory_orders.parts.model import CallOffState
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

_STATES = ", ".join(f"'{state.value}'" for state in CallOffState)
call_offs = Table(
    "call_offs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("supplier", String(80), nullable=False),
    Column("part", String(80), nullable=False),
    Column("week", Date, nullable=False),
    Column("call_off_by", Date, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("arrives_on", Date),
    Column("answered_at", Instant),
    Column("ended_at", Instant),
    Column("received", Integer),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("quantity > 0 AND call_off_by <= week", name="in_time"),
    CheckConstraint("state <> 'confirmed' OR arrives_on IS NOT NULL", name="confirmed_for_a_day"),
    CheckConstraint("(state = 'received') = (received IS NOT NULL)", name="received_so_many"),
    CheckConstraint("(state IN ('received', 'withdrawn')) = (ended_at IS NOT NULL)", name="ended_when_it_ends"),
    CheckConstraint("received >= 0", name="received_not_negative"),
)
guard(
    call_offs,
    "end_is_final",
    before="UPDATE",
    when="OLD.state IN ('received', 'withdrawn')",
    rule="a call-off that was received or withdrawn stays as it is",
)
Index("ix_call_offs_plant", call_offs.c.plant_id, call_offs.c.state, call_offs.c.part)
_LATE = text("state = 'confirmed' AND arrives_on > week")
Index("ix_call_offs_late", call_offs.c.plant_id, call_offs.c.part, postgresql_where=_LATE, sqlite_where=_LATE)
Index("ix_call_offs_supplier", call_offs.c.brand_id, call_offs.c.supplier, call_offs.c.id)

part_stocks = Table(
    "part_stocks",
    metadata,
    Column("plant_id", Id, ForeignKey("plants.id"), primary_key=True),
    Column("part", String(80), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("on_hand", Integer, nullable=False),
    CheckConstraint("on_hand >= 0", name="not_negative"),
)

part_moves = Table(
    "part_moves",
    metadata,
    Column("id", Id, primary_key=True),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("part", String(80), nullable=False),
    Column("brand_id", Id, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("reference", Id, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("kind IN ('counted', 'received', 'used', 'exchanged', 'returned')", name="kind_known"),
    CheckConstraint("kind <> 'returned' OR quantity > 0", name="returned_to_stock"),
)
append_only(part_moves)
# A car may be changed more than once after it has taken its parts; everything else happens to it once.
_ONCE = text("kind <> 'exchanged'")
Index(
    "uq_part_moves_once",
    part_moves.c.kind,
    part_moves.c.reference,
    part_moves.c.part,
    unique=True,
    postgresql_where=_ONCE,
    sqlite_where=_ONCE,
)
Index("ix_part_moves_reference", part_moves.c.reference, part_moves.c.part)

# The build orders whose parts were taken, and those that left before they took any and take none any more.
part_takings = Table(
    "part_takings",
    metadata,
    Column("build_order_id", Id, ForeignKey("build_orders.id"), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
)
append_only(part_takings)
