"""Whose car comes later than the date they accepted: they may leave free, and are told so (DOMAIN section 6.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from configurator.quote_service import road_km
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.promise import at_store_on
from factory_orders.planning.queries import plant_by_id
from factory_orders.policies import PromisePolicy
from factory_orders.promises.accepted_queries import earliest_dates
from factory_orders.promises.margin_store import promised_days
from factory_orders.store_closing.queries import stores_of_orders
from kernel import policy, registry
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class LaterDate:
    """A date, the plan's (P90) or the contract's, after `accepted_by`: the accepted one, or an earlier contract's."""

    accepted_by: date
    due_by: date


def later_dates(work: Work, asked: Sequence[tuple[OrderTerms, date | None]]) -> dict[str, LaterDate]:
    """Return by order what is later than what was accepted, of orders with the weeks of their cars.

    A car without a week comes no sooner than today, so that the day that was accepted has to be over.
    """
    earliest = earliest_dates(work, [terms for terms, _ in asked])
    planned = _planned_dates(
        work, [(terms, week) for terms, week in asked if week is not None and terms.id in earliest]
    )
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    later: dict[str, LaterDate] = {}
    for terms, _ in asked:
        due_by = planned.get(terms.id, today)
        if terms.promised_by is not None:
            due_by = max(due_by, terms.promised_by)
        if terms.id in earliest and due_by > earliest[terms.id]:
            later[terms.id] = LaterDate(earliest[terms.id], due_by)
    return later


def _planned_dates(work: Work, planned: Sequence[tuple[OrderTerms, date]]) -> dict[str, date]:
    """Return by order the date (P90) of its week.

    It stands as far behind its day as the contract's was set: what was learned since makes it no later.
    """
    at = stores_of_orders(work, [terms for terms, _ in planned])
    stores = registry.stores_by_id(work, sorted({store_id for ids in at.values() for store_id in ids}))
    plants = {plant_id: plant_by_id(work, plant_id) for plant_id in {terms.plant_id for terms, _ in planned}}
    times = policy.current(work).section(PromisePolicy)
    margins = promised_days(work, [terms.id for terms, _ in planned])
    dates: dict[str, date] = {}
    for terms, week in planned:
        # Who picked a store further away, when the own one closed, has not made the plan later by that.
        distance_km = min(road_km(plants[terms.plant_id], stores[store_id]) for store_id in at[terms.id])
        margin = margins[terms.id]
        days = times.buffer_days if margin is None else margin
        dates[terms.id] = at_store_on(week, distance_km=distance_km, policy=times) + timedelta(days=days)
    return dates
