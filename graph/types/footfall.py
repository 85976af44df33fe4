"""How many people come to stores, as these say; demo cars follow it."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from factory_orders import queries, service
from factory_orders.footfall import model
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.STOCK_READ)
class StoreVisitors:
    """How many people came to a store in the week from a Monday on; the latest word on a week counts."""

    store_id: strawberry.ID
    week: date
    visitors: int
    at: datetime


@input_type(takes=Permission.STOCK_ORDER)
class ReportVisitorsInput:
    """A week that is over (its Monday) and who came; a planner names the store, an adviser has one."""

    week: date
    visitors: int
    store_id: strawberry.ID | None = None


def _show(one: model.WeekVisitors) -> StoreVisitors:
    return StoreVisitors(store_id=write_id("Store", one.store_id), week=one.week, visitors=one.visitors, at=one.at)


@query(reads=Permission.STOCK_READ)
def store_visitors(work: Work, first: int, after: Cursor | None = None) -> Connection[StoreVisitors]:
    """What was said of visitors, newest first: of your own store, or of every store for a planner."""
    return show_page(queries.visitors_reported(work, page_request(first, after)), _show)


@mutation(does=Permission.STOCK_ORDER, result="ReportVisitorsResult")
def report_visitors(work: Work, input: ReportVisitorsInput) -> StoreVisitors:  # noqa: A002  # the API's word
    """Say how many people came to a store in a week that is over; its demo cars follow it."""
    store_id = None if input.store_id is None else raw_id(input.store_id, "Store")
    return _show(service.report_visitors(work, week=input.week, visitors=input.visitors, store_id=store_id))
