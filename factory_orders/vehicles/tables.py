"""Cars, their disclosures and allocations; the database holds one active allocation and the descending ladder."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from factory_orders.vehicles.model import DisclosureReason, VehicleState
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import guard

vin_serials = Table(
    "vin_serials",
    metadata,
    Column("brand_id", Id, primary_key=True),
    Column("plant_id", Id, ForeignKey("plants.id"), primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
    CheckConstraint("last BETWEEN 1 AND 999999", name="six_places"),
)

_STATES = ", ".join(f"'{state.value}'" for state in VehicleState)
vehicles = Table(
    "vehicles",
    metadata,
    Column("vin", String(17), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("plant_id", Id, ForeignKey("plants.id"), nullable=False),
    Column("build_order_id", Id, ForeignKey("build_orders.id"), nullable=False, unique=True),
    Column("model", String(80), nullable=False),
    Column("options", Json, nullable=False),
    Column("state", String(20), nullable=False),
    Column("newness", Integer, nullable=False),
    Column("identified_at", Instant, nullable=False),
    Column("built_at", Instant),
    Column("delivered_at", Instant),
    Column("consented_for", Id, ForeignKey("orders.id")),
    CheckConstraint("length(vin) = 17", name="seventeen_places"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("newness BETWEEN 0 AND 6", name="newness_known"),
    CheckConstraint(
        "state NOT IN ('allocated', 'delivered') OR newness <= 1 OR (newness = 2 AND consented_for IS NOT NULL)",
        name="sold_as_new",
    ),
)
Index("ix_vehicles_brand", vehicles.c.brand_id, vehicles.c.vin)

_REASONS = ", ".join(f"'{reason.value}'" for reason in DisclosureReason)
vehicle_disclosures = Table(
    "vehicle_disclosures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    # The first, second, … of its car: an id's time is that of a change's beginning, and says less than the car's lock.
    Column("number", Integer, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("detail", String(400), nullable=False),
    Column("repair_minor", Minor, nullable=False),
    Column("at", Instant, nullable=False),
    Column("accepted_by", Id),
    Column("accepted_at", Instant),
    Column("shipment_id", Id, ForeignKey("shipments.id")),
    CheckConstraint("(reason = 'transport_damage') = (shipment_id IS NOT NULL)", name="damaged_on_a_way"),
    CheckConstraint(f"reason IN ({_REASONS})", name="reason_known"),
    CheckConstraint("repair_minor >= 0", name="repair_not_negative"),
    CheckConstraint("number >= 1", name="numbered_from_one"),
    UniqueConstraint("vin", "number"),
)

guard(
    vehicles,
    "delivered_as_told",
    before="UPDATE",
    when="NEW.state = 'delivered' AND OLD.state <> 'delivered' AND EXISTS (SELECT 1 FROM vehicle_disclosures"
    " WHERE vehicle_disclosures.vin = NEW.vin AND vehicle_disclosures.accepted_at IS NULL)",
    rule="what happened to a car is accepted before it is delivered",
)

allocations = Table(
    "allocations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("reason", String(80)),
    UniqueConstraint("vin", "order_id", "made_at"),
)
_ACTIVE = text("ended_at IS NULL")
Index("uq_allocations_active_vin", allocations.c.vin, unique=True, postgresql_where=_ACTIVE, sqlite_where=_ACTIVE)
Index(
    "uq_allocations_active_order", allocations.c.order_id, unique=True, postgresql_where=_ACTIVE, sqlite_where=_ACTIVE
)

guard(
    vehicles,
    "newness_descends",
    before="UPDATE",
    when="NEW.newness < OLD.newness",
    rule="newness only descends",
)
