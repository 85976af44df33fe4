"""Use cases of light inventory: a store names its price, anybody gets a signed quote, a buyer holds the car."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from configurator.quote_service import QuoteDesk, StockCarOffer, lines_of_stock_car, sign_stock_document
from factory_orders.errors import StockCarHeld, StockQuoteDead
from factory_orders.stock.events import StockPurchaseExpired
from factory_orders.stock.model import Liveness, StockCar, StockHold, StockQuote, write_document
from factory_orders.stock.policy import StockPolicy
from factory_orders.stock.queries import my_stock_hold, quote_by_id, stock_cars_by_vin, stock_quote
from factory_orders.stock.store import (
    drop_purchase,
    end_stock_hold,
    insert_price,
    insert_stock_hold,
    insert_stock_quote,
    lock_stock_hold,
)
from factory_orders.vehicles.queries import disclosures_of
from factory_orders.vehicles.store import lock_vehicle
from factory_orders.vehicles.vin import read_vin
from kernel import payments, policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

STOCK_HOLD_TIMER: Final = "factory_orders.stock_hold"
PRICE_MAX_MINOR: Final = 10**11


def price_stock_car(work: Work, vin: str, *, price_minor: int) -> StockCar:
    """Name the own store's price of a car that stands there for nobody; it has its way and the store's fee in it.

    What a car cost while it was new counts no more once it is repaired. Quotes at another price end with it. Refuses a
    car that is not in the own store's stock, and a store that has closed (NotFound).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    if not 1 <= price_minor <= PRICE_MAX_MINOR:
        raise InvalidInput("price", because("COUNT", least=1, most=PRICE_MAX_MINOR))
    number = read_vin(vin).text
    lock_vehicle(work, number)
    car = stock_cars_by_vin(work, [number]).get(number)
    if car is None or car.store_id != work.actor.own_store():
        raise NotFound("stock car")
    registry.open_store(work, car.store_id)
    insert_price(work, car, price_minor)
    return stock_cars_by_vin(work, [number])[number]


def ask_stock_quote(work: Work, desk: QuoteDesk, vin: str) -> StockQuote:
    """Issue a signed quote of a stock car at its store's price, with every line and all that happened to the car.

    Refuses a car that is not in stock or has no price (NotFound).
    """
    work.actor.require(Permission.QUOTE)
    number = read_vin(vin).text
    car = stock_cars_by_vin(work, [number]).get(number)
    if car is None or car.price_minor is None:
        raise NotFound("stock car")
    offer = StockCarOffer(car.catalogue_version_id, car.model, car.options, car.store_id, car.price_minor)
    lines = lines_of_stock_car(work, offer)
    quote_id, hours = work.new_id(), policy.current(work).section(StockPolicy).quote_hours
    expires_at = work.now + timedelta(hours=hours)
    document = write_document(
        car,
        lines,
        disclosures_of(work, [number])[number],
        quote_id=quote_id,
        brand_id=work.actor.brand_id,
        issued_at=work.now,
        expires_at=expires_at,
    )
    key_id, signature = sign_stock_document(desk, document)
    quote = StockQuote(
        id=quote_id,
        brand_id=work.actor.brand_id,
        store_id=car.store_id,
        vin=number,
        price_minor=car.price_minor,
        total_minor=document["total_minor"],
        told=car.told,
        document=document,
        key_id=key_id,
        signature=signature,
        issued_at=work.now,
        expires_at=expires_at,
    )
    insert_stock_quote(work, quote)
    return quote


def hold_stock_car(work: Work, quote_id: str) -> StockHold:
    """Hold the car of a live quote for half an hour; the own hold again is the same one, while its quote says all.

    One holds one car at a time. Refuses a quote that is not known (NotFound) or not live any more (StockQuoteDead), and
    a car that somebody else holds (StockCarHeld).
    """
    work.actor.require(Permission.PREORDER)
    account_id = work.actor.signed_in()
    seen = stock_quote(work, quote_id)
    if seen is None:
        raise NotFound("stock quote")
    # Whoever locks the car decides; what was seen before is looked at again.
    lock_vehicle(work, seen.quote.vin)
    standing = my_stock_hold(work)
    if standing is not None and standing.vin == seen.quote.vin:
        if standing.quote_id == quote_id or _says_all(work, standing):
            return standing
        _end(work, standing, reason="replaced")
        standing = None
    seen = stock_quote(work, quote_id)
    assert seen is not None, "a quote stays"
    if seen.liveness is Liveness.HELD:
        raise StockCarHeld
    if seen.liveness is not Liveness.LIVE:
        raise StockQuoteDead(seen.liveness.value)
    if standing is not None:
        _end(work, standing, reason="replaced")
    minutes = policy.current(work).section(StockPolicy).hold_minutes
    expires_at = work.now + timedelta(minutes=minutes)
    hold = StockHold(work.new_id(), work.actor.brand_id, seen.quote.vin, quote_id, account_id, work.now, expires_at)
    if not insert_stock_hold(work, hold):
        raise StockCarHeld
    set_timer(work, STOCK_HOLD_TIMER, hold.id, expires_at)
    return hold


def _says_all(work: Work, hold: StockHold) -> bool:
    car, quote = stock_cars_by_vin(work, [hold.vin]).get(hold.vin), quote_by_id(work, hold.quote_id)
    return car is None or (quote is not None and quote.told == car.told)


def release_stock_car(work: Work, hold_id: str) -> StockHold:
    """Let others have the car that one holds. Refuses another's hold and one that has ended (NotFound)."""
    work.actor.require(Permission.PREORDER)
    hold = lock_stock_hold(work, hold_id)
    if hold.account_id != work.actor.signed_in() or hold.ended_at is not None:
        raise NotFound("hold")
    _end(work, hold, reason="released")
    return hold


def expire_stock_hold(work: Work, hold_id: str, _payload: Any = None) -> None:
    """Let a hold run out; the timer of a hold."""
    work.actor.require(Permission.SYSTEM)
    hold = lock_stock_hold(work, hold_id)
    if hold.ended_at is None:
        _end(work, hold, reason="expired")


def _end(work: Work, hold: StockHold, *, reason: str) -> None:
    end_stock_hold(work, hold.id, reason=reason)
    cancel_timer(work, STOCK_HOLD_TIMER, hold.id)
    dropped = drop_purchase(work, hold.id, reason=reason)
    if dropped is not None:
        payments.close_payments(work, [dropped.payment_id])
        if reason == "expired":  # who gave the hold back, or took another car, knows
            work.record(StockPurchaseExpired(dropped.brand_id, dropped.id, dropped.account_id, dropped.vin))
