"""Condition checks and damage cases; an odometer never runs backwards, also where two checks come at once."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from factory_orders.conditions.model import CaseState, HandOver, Party
from kernel.db import Id, Instant, Json, Minor, metadata
from kernel.immutable import append_only, guard

_HAND_OVERS = ", ".join(f"'{one.value}'" for one in HandOver)
_STATES = ", ".join(f"'{one.value}'" for one in CaseState)
_PARTIES = ", ".join(f"'{one.value}'" for one in Party)
condition_checks = Table(
    "condition_checks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("shipment_id", Id, ForeignKey("shipments.id"), nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("at_hand_over", String(12), nullable=False),
    Column("odometer_km", Integer, nullable=False),
    Column("photos", Json, nullable=False),
    Column("marks", Json, nullable=False),
    Column("by_account_id", Id),
    Column("at", Instant, nullable=False),
    CheckConstraint(f"at_hand_over IN ({_HAND_OVERS})", name="hand_over_known"),
    CheckConstraint("odometer_km >= 0", name="odometer_not_negative"),
    UniqueConstraint("shipment_id", "at_hand_over"),
)
append_only(condition_checks)
guard(
    condition_checks,
    "odometer_forward",
    before="INSERT",
    when="EXISTS (SELECT 1 FROM condition_checks AS earlier WHERE earlier.vin = NEW.vin"
    " AND earlier.odometer_km > NEW.odometer_km)",
    rule="an odometer never runs backwards",
)
Index("ix_condition_checks_vin", condition_checks.c.vin, condition_checks.c.odometer_km)

damage_cases = Table(
    "damage_cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("vin", String(17), ForeignKey("vehicles.vin"), nullable=False),
    Column("shipment_id", Id, ForeignKey("shipments.id"), nullable=False),
    Column("check_id", Id, ForeignKey("condition_checks.id"), nullable=False, unique=True),
    Column("party", String(10), nullable=False),
    Column("marks", Json, nullable=False),
    Column("state", String(10), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("closed_at", Instant),
    Column("borne_by", String(10)),
    Column("repair_minor", Minor),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint(f"party IN ({_PARTIES}) AND (borne_by IS NULL OR borne_by IN ({_PARTIES}))", name="party_known"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_when_it_is"),
    CheckConstraint(
        "(state = 'closed') = (repair_minor IS NOT NULL) AND (state = 'closed') = (borne_by IS NOT NULL)",
        name="closed_with_a_sum",
    ),
)
guard(
    damage_cases,
    "closed_is_final",
    before="UPDATE",
    when="OLD.state = 'closed'",
    rule="a closed damage case stays as it is",
)
Index("ix_damage_cases_brand", damage_cases.c.brand_id, damage_cases.c.state, damage_cases.c.id)
