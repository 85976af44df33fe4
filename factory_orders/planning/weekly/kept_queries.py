"""Reads the plans that were made of plants' books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import RowMapping, select

from factory_orders.planning.weekly.model import Conflict, KeptPlan, UnitWorth
from factory_orders.planning.weekly.tables import week_plan_worths, week_plans
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def week_plans_of(work: Work, plant_id: str, page: PageRequest) -> Page[KeptPlan]:
    """Return the plans that were made of a plant's book, newest first; refuses who may not read batches."""
    work.actor.require(Permission.BATCH_READ)
    table = week_plans.c
    found = (
        select(week_plans)
        .where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id)
        .order_by(table.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = list(work.connection.execute(found).mappings())
    worths = _worths(work, [row["id"] for row in rows])
    return make_page([_kept_plan(row, worths.get(row["id"], ())) for row in rows], page, lambda plan: plan.id)


def _worths(work: Work, plans: Sequence[str]) -> dict[str, list[UnitWorth]]:
    table = week_plan_worths.c
    found = select(week_plan_worths).where(db.among(table.plan_id, plans)).order_by(table.plan_id, table.position)
    by_plan: dict[str, list[UnitWorth]] = {}
    for row in work.connection.execute(found):
        by_plan.setdefault(row.plan_id, []).append(UnitWorth(row.week, row.resource, row.worth_minor))
    return by_plan


def _kept_plan(row: RowMapping, worth: Sequence[UnitWorth]) -> KeptPlan:
    conflict = row["conflict"]
    return KeptPlan(
        id=row["id"],
        brand_id=row["brand_id"],
        plant_id=row["plant_id"],
        made_at=row["made_at"],
        orders=row["orders"],
        without_week=row["without_week"],
        moved=row["moved"],
        cost_minor=row["cost_minor"],
        bound_minor=row["bound_minor"],
        now_minor=row["now_minor"],
        worth=tuple(worth),
        conflict=None
        if conflict is None
        else Conflict(
            tuple(conflict["resources"]),
            tuple(date.fromisoformat(week) for week in conflict["weeks"]),
            conflict["short"],
            # What was kept before both were told apart has only the one.
            conflict.get("short_in_all", conflict["short"]),
        ),
    )
