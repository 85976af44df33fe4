"""Reads of checks and damage cases: a store's and a carrier's own, all for who plans."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from factory_orders.conditions.model import ConditionCheck, DamageCase
from factory_orders.conditions.rows import case_from, check_from
from factory_orders.conditions.tables import condition_checks, damage_cases
from factory_orders.deliveries.tables import shipments
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def conditions_of_shipment(work: Work, shipment_id: str) -> list[ConditionCheck]:
    """Return what was seen on a shipment's way, in order, to who has a part in it."""
    found = (
        select(condition_checks)
        .join(shipments, shipments.c.id == condition_checks.c.shipment_id)
        .where(condition_checks.c.shipment_id == shipment_id, _own(work))
        .order_by(condition_checks.c.id)
    )
    return [check_from(row) for row in work.connection.execute(found).mappings()]


def list_damage_cases(work: Work, page: PageRequest, *, state: str | None = None) -> Page[DamageCase]:
    """Return damage cases, newest first: a carrier's and a store's own, all of the brand to who plans."""
    found = select(damage_cases).join(shipments, shipments.c.id == damage_cases.c.shipment_id).where(_own(work))
    if state is not None:
        found = found.where(damage_cases.c.state == state)
    if page.after is not None:
        found = found.where(damage_cases.c.id < page.after)
    rows = work.connection.execute(found.order_by(damage_cases.c.id.desc()).limit(page.size + 1)).mappings()
    return make_page([case_from(row) for row in rows], page, lambda case: case.id)


def _own(work: Work) -> Any:
    """Say which shipments the actor has a part in; refuses who may have none (Forbidden)."""
    work.actor.require(Permission.CONDITION_READ)
    of_brand = shipments.c.brand_id == work.actor.brand_id
    if work.actor.may(Permission.BATCH_READ):
        return of_brand
    if work.actor.may(Permission.DELIVERY_READ):
        return of_brand & (shipments.c.store_id == work.actor.own_store())
    return of_brand & (shipments.c.carrier_account_id == work.actor.signed_in())
