"""Tax, insurance, plate and subsidy of an order on the day of its balance; of a car from a pool or out of stock."""

from __future__ import annotations

from datetime import date

from configurator.quote_service import StockCarOffer, third_party_of_day, third_party_of_stock_car
from factory_orders.deliveries.balance import day_without_lateness
from factory_orders.deliveries.shipment_store import way_to_buyer
from factory_orders.planning.model import OrderOrigin, OrderTerms
from kernel import registry
from kernel.work import Work


def third_party_now(work: Work, terms: OrderTerms, vin: str) -> int:
    """Return what these lines come to today, or on the day without the maker's lateness where that is less."""
    zone = registry.own_brand(work).zone
    today = work.now.astimezone(zone).date()
    way = way_to_buyer(work, terms, vin)
    assert way is not None, "a car at a handover came to its store"
    assert way.inspected_at is not None, "and was looked over before anybody could book it"
    ready_on = way.inspected_at.astimezone(zone).date()
    return third_party_due(work, terms, today=today, ready_on=ready_on)


def third_party_due(
    work: Work, terms: OrderTerms, *, today: date, ready_on: date, policy_version: int | None = None
) -> int:
    """Return these lines for a car that was ready on a day and is paid on another; an audit names the policy."""
    if terms.origin is OrderOrigin.STOCK:
        offer = StockCarOffer(
            terms.catalogue_version_id, terms.model, terms.options, terms.store_id, terms.vehicle_minor
        )
        return third_party_of_stock_car(work, offer, day=today, policy_version=policy_version)
    days = {today, day_without_lateness(today, ready_on=ready_on, promised_by=terms.promised_by)}
    return min(
        third_party_of_day(
            work, terms.quote_id, vehicle_price_minor=terms.vehicle_minor, day=day, policy_version=policy_version
        )
        for day in days
    )
