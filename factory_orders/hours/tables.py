"""Hours that stores give and close; the last word on an hour counts, and no appointment goes beyond its places."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table

from factory_orders.deliveries.tables import handovers
from kernel.db import Id, Instant, metadata
from kernel.immutable import append_only, guard

PLACES_MAX = 50
store_hours = Table(
    "store_hours",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("store_id", Id, ForeignKey("stores.id"), nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("places", Integer, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint("begins_at < ends_at", name="in_order"),
    CheckConstraint(f"places BETWEEN 0 AND {PLACES_MAX}", name="places_known"),
)
append_only(store_hours)
Index("ix_store_hours_store", store_hours.c.store_id, store_hours.c.ends_at)

_BEYOND = (
    "NEW.place > COALESCE((SELECT store_hours.places FROM store_hours WHERE store_hours.store_id = NEW.store_id"
    " AND store_hours.begins_at <= NEW.appointment_at AND store_hours.ends_at > NEW.appointment_at"
    " ORDER BY store_hours.id DESC LIMIT 1), 50)"
)
RULE = "a store receives no more people than it gave the hour places"
guard(handovers, "hour_has_the_place", before="INSERT", when=_BEYOND, rule=RULE)
guard(
    handovers,
    "moved_to_a_place",
    before="UPDATE",
    when=f"NEW.appointment_at <> OLD.appointment_at AND {_BEYOND}",
    rule=RULE,
)
