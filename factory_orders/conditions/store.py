"""Loads and saves condition checks and damage cases."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, update

from factory_orders.conditions.model import CaseState, ConditionCheck, DamageCase, HandOver
from factory_orders.conditions.rows import case_from, check_from
from factory_orders.conditions.tables import condition_checks, damage_cases
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def checks_of_shipment(work: Work, shipment_id: str) -> dict[HandOver, ConditionCheck]:
    """Return what was seen on a shipment's way."""
    own = (condition_checks.c.shipment_id == shipment_id) & (condition_checks.c.brand_id == work.actor.brand_id)
    rows = work.connection.execute(select(condition_checks).where(own)).mappings()
    return {check.at_hand_over: check for check in map(check_from, rows)}


def last_odometer_km(work: Work, vin: str) -> int:
    """Return the most that a car's odometer ever showed; 0 before anybody looked."""
    found = select(func.max(condition_checks.c.odometer_km)).where(condition_checks.c.vin == vin)
    return int(work.connection.execute(found).scalar() or 0)


def insert_check(work: Work, check: ConditionCheck) -> None:
    """Write what was seen."""
    work.connection.execute(
        condition_checks.insert().values(
            id=check.id,
            brand_id=check.brand_id,
            shipment_id=check.shipment_id,
            vin=check.vin,
            at_hand_over=check.at_hand_over.value,
            odometer_km=check.seen.odometer_km,
            photos=list(check.seen.photos),
            marks=[mark.code for mark in check.seen.marks],
            by_account_id=check.by_account_id,
            at=check.at,
        )
    )


def insert_case(work: Work, case: DamageCase) -> None:
    """Write a new damage case."""
    values = {name: getattr(case, name) for name in DamageCase.__dataclass_fields__}
    plain = {"party": case.party.value, "state": case.state.value, "marks": [mark.code for mark in case.marks]}
    work.connection.execute(damage_cases.insert().values(**(values | plain)))


def open_cases_of(work: Work, shipment_ids: Sequence[str]) -> dict[str, int]:
    """Count by shipment the damage cases that are not closed; shipments without any are left out."""
    table = damage_cases.c
    found = (
        select(table.shipment_id, func.count())
        .where(
            db.among(table.shipment_id, shipment_ids),
            table.brand_id == work.actor.brand_id,
            table.state != CaseState.CLOSED.value,
        )
        .group_by(table.shipment_id)
    )
    return {shipment_id: int(count) for shipment_id, count in work.connection.execute(found)}


def cases_of_shipment(work: Work, shipment_id: str) -> list[DamageCase]:
    """Return the damage cases of a shipment, in order."""
    own = (damage_cases.c.shipment_id == shipment_id) & (damage_cases.c.brand_id == work.actor.brand_id)
    rows = work.connection.execute(select(damage_cases).where(own).order_by(damage_cases.c.id)).mappings()
    return [case_from(row) for row in rows]


def lock_case(work: Work, case_id: str) -> DamageCase:
    """Load a damage case and keep other changes to it waiting; refuses NotFound."""
    own = (damage_cases.c.id == case_id) & (damage_cases.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(damage_cases).where(own).with_for_update()).mappings().first()
    if row is None:
        raise NotFound("damage case")
    return case_from(row)


def save_case(work: Work, case: DamageCase) -> None:
    """Write where a damage case stands."""
    names = ("answered_at", "closed_at", "borne_by", "repair_minor")
    values = {name: getattr(case, name) for name in names} | {"state": case.state.value}
    work.connection.execute(update(damage_cases).where(damage_cases.c.id == case.id).values(**values))
