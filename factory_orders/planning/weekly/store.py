"""Saves plans of plants' books, and which plants' are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from factory_orders.planning.weekly.model import KeptPlan
from factory_orders.planning.weekly.tables import week_plan_worths, week_plans, week_plans_due
from kernel import db
from kernel.work import Work

PLANS_KEPT: Final = 60
"""So many of a plant's newest plans are kept."""


def ask_for_plans(work: Work, plant_ids: Sequence[str]) -> None:
    """Have the worker plan these plants' books anew; asked twice before it comes to it, it does so once."""
    dialect = sqlite if db.is_sqlite(work.connection) else postgresql
    for plant_id in sorted(plant_ids):
        row = {"plant_id": plant_id, "brand_id": work.actor.brand_id, "asked_at": work.now}
        asking = dialect.insert(week_plans_due).values(row)
        asked = asking.on_conflict_do_update(index_elements=["plant_id"], set_={"asked_at": work.now})
        work.connection.execute(asked)


def plans_due(work: Work, *, at_once: int) -> list[tuple[str, str, datetime]]:
    """Return plants whose books are to be planned with their brand and since when, the longest asked first."""
    table = week_plans_due.c
    found = select(table.plant_id, table.brand_id, table.asked_at).order_by(table.asked_at, table.plant_id)
    return [(row[0], row[1], row[2]) for row in work.connection.execute(found.limit(at_once))]


def settle_plan(work: Work, plant_id: str, asked_at: datetime) -> None:
    """Take a plant off the list, unless it was asked for anew meanwhile."""
    own = (week_plans_due.c.plant_id == plant_id) & (week_plans_due.c.asked_at == asked_at)
    work.connection.execute(delete(week_plans_due).where(own))


def insert_plan(work: Work, plan: KeptPlan) -> None:
    """Write a plan with its dearest units, and forget the plant's oldest ones."""
    conflict = None
    if plan.conflict is not None:
        conflict = {
            "resources": list(plan.conflict.resources),
            "weeks": [week.isoformat() for week in plan.conflict.weeks],
            "short": plan.conflict.short,
            "short_in_all": plan.conflict.short_in_all,
        }
    names = ("id", "brand_id", "plant_id", "made_at", "orders", "without_week", "moved")
    amounts = ("cost_minor", "bound_minor", "now_minor")
    row = {name: getattr(plan, name) for name in (*names, *amounts)} | {"conflict": conflict}
    work.connection.execute(week_plans.insert().values(row))
    rows = [
        {
            "plan_id": plan.id,
            "position": position,
            "week": one.week,
            "resource": one.resource,
            "worth_minor": one.worth_minor,
        }
        for position, one in enumerate(plan.worth)
    ]
    db.insert_many(work.connection, week_plan_worths, rows)
    _forget_oldest(work, plan.plant_id)


def _forget_oldest(work: Work, plant_id: str) -> None:
    table = week_plans.c
    newest = select(table.id).where(table.plant_id == plant_id).order_by(table.id.desc()).limit(PLANS_KEPT)
    kept = set(work.connection.execute(newest).scalars())
    every = set(work.connection.execute(select(table.id).where(table.plant_id == plant_id)).scalars())
    old = sorted(every - kept)
    if old:
        work.connection.execute(delete(week_plan_worths).where(db.among(week_plan_worths.c.plan_id, old)))
        work.connection.execute(delete(week_plans).where(db.among(table.id, old)))
