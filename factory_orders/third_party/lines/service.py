"""Tax, insurance, plate and subsidy of an order on the day of its balance; of a car from a pool or out of stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from configurator.quote_service import DayOfCar, StockCarOffer, third_party_of_days, third_party_of_stock_car
from factory_orders.deliveries.balance import day_without_lateness
from factory_orders.deliveries.shipment_store import ways_to_buyers
from factory_orders.planning.model import OrderOrigin, OrderTerms
from kernel import registry
from kernel.work import Work


def third_parties_now(work: Work, cars: Sequence[tuple[OrderTerms, str]]) -> dict[str, int]:
    """Return by order what these lines come to today, or on the day without the maker's lateness where that is less."""
    zone = registry.own_brand(work).zone
    ways = ways_to_buyers(work, cars)
    ready: list[tuple[OrderTerms, date]] = []
    for terms, _ in cars:
        way = ways.get(terms.id)
        assert way is not None, "a car at a handover came to its store"
        assert way.inspected_at is not None, "and was looked over before anybody could book it"
        ready.append((terms, way.inspected_at.astimezone(zone).date()))
    return third_parties_due(work, ready, today=work.now.astimezone(zone).date())


def third_party_due(
    work: Work, terms: OrderTerms, *, today: date, ready_on: date, policy_version: int | None = None
) -> int:
    """Return these lines for a car that was ready on a day and is paid on another; an audit names the policy."""
    return third_parties_due(work, [(terms, ready_on)], today=today, policy_version=policy_version)[terms.id]


def third_parties_due(
    work: Work, ready: Sequence[tuple[OrderTerms, date]], *, today: date, policy_version: int | None = None
) -> dict[str, int]:
    """Return by order these lines for cars, each with the day on which it was ready, that are paid on a day."""
    due: dict[str, int] = {}
    asked: list[tuple[str, DayOfCar]] = []
    for terms, ready_on in ready:
        if terms.origin is OrderOrigin.STOCK:
            due[terms.id] = third_party_of_stock_car(work, _offer(terms), day=today, policy_version=policy_version)
            continue
        days = {today, day_without_lateness(today, ready_on=ready_on, promised_by=terms.promised_by)}
        asked += [(terms.id, DayOfCar(terms.quote_id, terms.vehicle_minor, day)) for day in days]
    found = third_party_of_days(work, [one for _, one in asked], policy_version=policy_version)
    for (order_id, _), minor in zip(asked, found, strict=True):
        due[order_id] = min(minor, due.get(order_id, minor))
    return due


def _offer(terms: OrderTerms) -> StockCarOffer:
    return StockCarOffer(terms.catalogue_version_id, terms.model, terms.options, terms.store_id, terms.vehicle_minor)
