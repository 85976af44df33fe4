"""Stock cars: new, at a store, for nobody; a quote says everything, is live against the real car, and one holds it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError, IntegrityError

from configurator.quote_service import is_genuine
from factory_orders import audit_service, queries, service
from factory_orders.conditions.model import HandOver, Mark
from factory_orders.errors import StockCarHeld, StockQuoteDead
from factory_orders.model import Newness
from factory_orders.planning.tables import orders
from factory_orders.stock.model import Liveness, StockCar, StockHold, StockQuote
from factory_orders.stock.tables import stock_holds
from factory_orders.vehicles.model import VehicleState
from factory_orders.vehicles.tables import allocations, vehicles
from kernel.actor import Actor
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.paging import PageRequest
from kernel.soundness import examine
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE
from tests.factory_orders.test_conditions import look, seen
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer

PRICE = 15_000_000


def free_car(
    trade: Trade, *, damage: service.Damage | None = None, number: int = 1, marks: tuple[Mark, ...] = ()
) -> str:
    """Bring a car to its store, where marks open a case, and let its buyer leave; returns its number."""
    (order_id,) = trade.lock(pool_id=f"{number:032x}", first_buyer=number)
    vin = trade.build(order_id)
    trade.ship(order_id)
    if marks:
        look(trade, order_id, HandOver.INSPECTED, seen(*marks))
    trade.receive(order_id, damage=damage)
    with trade.works.change(SYSTEM) as work:
        ended = {"state": "cancelled", "vin": None, "arrived_at": None, "ended_at": work.now, "reason": "late"}
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(**ended))
        gone = {"ended_at": work.now, "reason": "late"}
        work.connection.execute(update(allocations).where(allocations.c.vin == vin).values(**gone))
        built = {"state": VehicleState.BUILT.value}
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(**built))
    return vin


def set_price(trade: Trade, vin: str, price: int = PRICE, who: Actor = STORE_ADVISER) -> StockCar:
    with trade.works.change(who) as work:
        return service.price_stock_car(work, vin, price_minor=price)


def ask(trade: Trade, vin: str) -> StockQuote:
    with trade.works.change(buyer(7)) as work:
        return service.ask_stock_quote(work, DESK, vin)


def live(trade: Trade, quote: StockQuote) -> Liveness:
    with trade.works.read(buyer(8)) as work:
        seen = queries.stock_quote(work, quote.id)
    assert seen is not None
    return seen.liveness


def hold(trade: Trade, quote: StockQuote, who: Actor | None = None) -> StockHold:
    with trade.works.change(who or buyer(7)) as work:
        return service.hold_stock_car(work, quote.id)


def listed(trade: Trade) -> list[str]:
    with trade.works.read(Actor(BRAND)) as work:
        return [car.vin for car in queries.stock_cars(work, PageRequest(20)).items]


def envelope(quote: StockQuote, **changes: Any) -> dict[str, Any]:
    return {"document": quote.document | changes, "key_id": quote.key_id, "signature": quote.signature}


def test_a_car_whose_buyer_left_is_stock_and_listed_once_it_has_a_price(trade: Trade) -> None:
    vin = free_car(trade)
    with trade.works.read(STORE_ADVISER) as work:
        own = queries.own_stock(work, PageRequest(9)).items
    assert [(car.vin, car.store_id, car.price_minor) for car in own] == [(vin, EAST_STORE, None)]
    assert listed(trade) == []

    assert set_price(trade, vin).price_minor == PRICE

    assert listed(trade) == [vin]


def test_a_car_of_somebody_or_one_that_was_shown_is_no_stock(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.bring_to_store(order_id)
    shown = free_car(trade, number=5)
    with trade.works.change(STORE_ADVISER) as work:
        service.show_stock_car(work, shown, use=Newness.DISPLAY)

    for none in (vin, shown):
        with pytest.raises(NotFound):
            set_price(trade, none)
        with pytest.raises(NotFound):
            ask(trade, none)


def test_a_quote_discloses_every_line_and_what_happened_and_anybody_can_verify_it(trade: Trade) -> None:
    vin = free_car(trade, damage=service.Damage("scratch, Mr Li saw it", 30_000))
    set_price(trade, vin)

    quote = ask(trade, vin)

    document = quote.document
    assert [line["code"] for line in document["lines"]] == ["A1", "PURCHASE_TAX", "INSURANCE", "PLATE"]
    assert document["lines"][0]["amount_minor"] == PRICE
    assert sum(line["amount_minor"] for line in document["lines"]) == document["total_minor"] == quote.total_minor
    assert [(one["reason"], one["repair_minor"]) for one in document["disclosures"]] == [("transport_damage", 30_000)]
    assert "Mr Li" not in str(document)
    assert document["newness"] == "new_disclosed"
    assert is_genuine(envelope(quote), DESK)
    assert not is_genuine(envelope(quote, total_minor=1), DESK)


def test_a_quote_is_live_while_the_car_stands_there_at_that_price(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    quote = ask(trade, vin)
    assert live(trade, quote) is Liveness.LIVE

    set_price(trade, vin, PRICE - 100)
    assert live(trade, quote) is Liveness.REPRICED
    set_price(trade, vin, PRICE)
    assert live(trade, quote) is Liveness.LIVE
    trade.clock.advance(timedelta(hours=48))
    assert live(trade, quote) is Liveness.EXPIRED
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(state="gone"))

    assert live(trade, quote) is Liveness.GONE
    with pytest.raises(StockQuoteDead):
        hold(trade, quote)


def test_one_holds_the_car_and_others_wait_until_it_runs_out(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    quote = ask(trade, vin)

    first = hold(trade, quote)

    assert hold(trade, quote) == first
    assert first.expires_at - first.held_at == timedelta(minutes=30)
    with pytest.raises(StockCarHeld):
        hold(trade, quote, buyer(8))
    trade.clock.advance(timedelta(minutes=30))
    fire_due(trade.works, service.TIMERS)

    assert hold(trade, quote, buyer(8)).account_id == buyer(8).account_id


def test_many_at_once_hold_a_car_once(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    quote = ask(trade, vin)

    def try_one(number: int) -> bool:
        try:
            return bool(trade.works.run(buyer(number), lambda work: service.hold_stock_car(work, quote.id)))
        except StockCarHeld:
            return False

    with ThreadPoolExecutor(6) as threads:
        won = list(threads.map(try_one, range(20, 26)))

    assert sum(won) == 1


def test_another_car_takes_the_place_of_what_one_held_and_a_hold_is_given_back_once(trade: Trade) -> None:
    first, second = free_car(trade, number=3), free_car(trade, number=4)
    for vin in (first, second):
        set_price(trade, vin)
    hold(trade, ask(trade, first))

    later = hold(trade, ask(trade, second))

    assert live(trade, ask(trade, first)) is Liveness.LIVE
    with pytest.raises(NotFound), trade.works.change(buyer(8)) as work:
        service.release_stock_car(work, later.id)
    with trade.works.change(buyer(7)) as work:
        service.release_stock_car(work, later.id)
    with pytest.raises(NotFound), trade.works.change(buyer(7)) as work:
        service.release_stock_car(work, later.id)


def test_a_held_car_is_bound_to_no_order_not_even_by_hand(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    held = hold(trade, ask(trade, vin))
    (order_id,) = trade.lock(pool_id="7" * 32, first_buyer=40)
    row = {"id": "f" * 32, "brand_id": BRAND, "vin": vin, "order_id": order_id, "made_at": trade.clock.now()}

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(allocations.insert().values(**row))
    again = {"id": "e" * 32, "brand_id": BRAND, "vin": vin, "quote_id": held.quote_id, "account_id": "a" * 32}
    times = {"held_at": held.held_at, "expires_at": held.expires_at}
    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(stock_holds.insert().values(**again, **times))
    with trade.works.read(SYSTEM) as work:
        found = [one.violations for one in examine(work, audit_service.CHECKS) if "stock car" in one.check.name]
    assert found
    assert not any(found)


def test_another_store_prices_nothing_here(trade: Trade) -> None:
    vin = free_car(trade)

    with pytest.raises(NotFound):
        set_price(trade, vin, who=OTHER_STORE)
    with pytest.raises(Forbidden):
        set_price(trade, vin, who=buyer())
    with pytest.raises(InvalidInput):
        set_price(trade, vin, 0)
    with pytest.raises(NotFound):
        set_price(trade, vin, who=replace(STORE_ADVISER, store_id=None))
