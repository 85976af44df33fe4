"""Reads of what stores said of their visitors."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from factory_orders.footfall.model import Footfall, WeekVisitors
from factory_orders.footfall.tables import store_visitors
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def footfall_since(work: Work, first: date) -> dict[str, Footfall]:
    """Return by store who came in the reported weeks from a Monday on, in one statement."""
    table = store_visitors.c
    newest = (
        select(func.max(table.id))
        .where(table.brand_id == work.actor.brand_id, table.week >= first)
        .group_by(table.store_id, table.week)
    )
    found = (
        select(table.store_id, func.sum(table.visitors), func.count())
        .where(table.id.in_(newest))
        .group_by(table.store_id)
    )
    return {row[0]: Footfall(int(row[1]), int(row[2])) for row in work.connection.execute(found)}


def visitors_reported(work: Work, page: PageRequest) -> Page[WeekVisitors]:
    """Return what was said of visitors, newest first: of the own store to an adviser, of all to a planner."""
    work.actor.require(Permission.STOCK_READ)
    table = store_visitors.c
    found = select(store_visitors).where(table.brand_id == work.actor.brand_id)
    if not work.actor.may(Permission.BATCH_READ):
        found = found.where(table.store_id == work.actor.own_store())
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    made = [WeekVisitors(**{name: row[name] for name in WeekVisitors.__dataclass_fields__}) for row in rows]
    return make_page(made, page, lambda one: one.id)
