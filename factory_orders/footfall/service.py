"""The use case of who counts a store's visitors."""

from __future__ import annotations

from datetime import date, timedelta

from factory_orders.footfall.model import VISITORS_MAX, WEEKS_BACK, WeekVisitors
from factory_orders.footfall.tables import store_visitors
from factory_orders.stock_orders.service import store_meant
from kernel import registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

WEEK = timedelta(days=7)


def report_visitors(work: Work, *, week: date, visitors: int, store_id: str | None = None) -> WeekVisitors:
    """Say how many people came to a store in a week that is over; a later word on the same week takes its place.

    An adviser speaks of the own store, a planner names one. Refuses a store that is closed or not one's own (NotFound),
    and a day that is no Monday of the last half year, or a number out of bounds (InvalidInput).
    """
    work.actor.require(Permission.STOCK_ORDER)
    if not 0 <= visitors <= VISITORS_MAX:
        raise InvalidInput("visitors", because("COUNT", least=0, most=VISITORS_MAX))
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    latest = today - timedelta(days=today.weekday()) - WEEK
    earliest = latest - WEEK * (WEEKS_BACK - 1)
    if week.weekday() != 0 or not earliest <= week <= latest:
        raise InvalidInput("week", because("MONDAY_FROM", earliest=earliest, latest=latest))
    store = registry.open_store(work, store_meant(work, store_id))
    said = WeekVisitors(work.new_id(), work.actor.brand_id, store.id, week, visitors, work.actor.account_id, work.now)
    values = {name: getattr(said, name) for name in WeekVisitors.__dataclass_fields__}
    work.connection.execute(store_visitors.insert().values(**values))
    return said
