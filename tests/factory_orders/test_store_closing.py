"""A store closes: nobody's car stands there, its buyers pick another one, and neither price nor date changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from configurator.model import QuoteClaim, QuoteId
from configurator.quote_service import examine_quotes
from demand.pools.member_service import change_car
from demand.pools.placing_service import place_pre_orders
from demand.pools.tables import pre_orders
from factory_orders import queries, service
from factory_orders.errors import StockQuoteDead
from factory_orders.model import OrderTerms, ShipmentState
from factory_orders.planning.tables import orders
from factory_orders.stock.model import Liveness
from factory_orders.store_closing.errors import StoreHasCars, StoreStillOpen
from factory_orders.store_closing.events import OrderStoreClosed, PreOrderStoreClosed
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId
from kernel.news import outbox
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE
from tests.demand.pool_room import make_pool_room
from tests.demand.test_members import HOOKED
from tests.factory_orders.purchasing import buy
from tests.factory_orders.test_car_swaps import NINE_IN_TEN, leaving_costs, promise
from tests.factory_orders.test_stock import ask, free_car, hold, listed, live, set_price
from tests.factory_orders.trade import BUILD, LEGS, STORE_ADVISER, SYSTEM, Trade, buyer

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("e" * 32))


def close(trade: Trade, store_id: str = EAST_STORE, who: Actor = OPERATOR) -> service.ClosedStore:
    with trade.works.change(who) as work:
        return service.close_store(work, store_id)


def pick(trade: Trade, order_id: str, store_id: str = NORTH_STORE, who: Actor | None = None) -> service.PickedStore:
    with trade.works.change(who or buyer()) as work:
        return service.pick_store(work, order_id, store_id)


def terms_of(trade: Trade, order_id: str) -> OrderTerms:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [order_id])[order_id].terms


def told(trade: Trade) -> int:
    with trade.works.read(SYSTEM) as work:
        kinds = work.connection.execute(select(outbox.c.kind)).scalars().all()
    return kinds.count(OrderStoreClosed.kind)


@pytest.mark.parametrize("legs", [None, 0, 2])
def test_who_waits_picks_another_store_and_the_car_goes_there_at_the_same_price(trade: Trade, legs: int | None) -> None:
    (order_id,) = trade.lock()
    before = terms_of(trade, order_id)
    if legs is not None:
        trade.build(order_id)
        trade.ship(order_id, legs=LEGS[:legs])

    closed = close(trade)
    again = close(trade)
    picked = pick(trade, order_id)

    assert (closed.asked, again.asked, told(trade)) == (1, 0, 1)
    assert (picked.store_id, pick(trade, order_id)) == (NORTH_STORE, picked)
    after = terms_of(trade, order_id)
    assert (after.store_id, after.price_minor, after.promised_by) == (
        NORTH_STORE,
        before.price_minor,
        before.promised_by,
    )
    if legs is not None:
        assert trade.shipment_of(order_id).store_id == NORTH_STORE
    assert trade.unsound() == []


def test_a_store_with_a_buyers_car_does_not_close_and_one_that_is_open_is_not_left(trade: Trade) -> None:
    (order_id,) = trade.lock()
    with pytest.raises(StoreStillOpen):
        pick(trade, order_id)
    trade.bring_to_store(order_id)

    with pytest.raises(StoreHasCars) as refused:
        close(trade)

    assert refused.value.orders == 1
    assert terms_of(trade, order_id).store_id == EAST_STORE
    trade.hand_over(order_id)
    assert isinstance(close(trade).closed_at, datetime)


def test_the_stock_of_a_closed_store_is_offered_to_nobody_until_it_stands_elsewhere(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    quote = ask(trade, vin)
    assert (listed(trade), live(trade, quote)) == ([vin], Liveness.LIVE)

    close(trade)

    assert (listed(trade), live(trade, quote)) == ([], Liveness.GONE)
    with pytest.raises(NotFound, match="stock car"):
        ask(trade, vin)
    with pytest.raises(StockQuoteDead, match="gone"):
        hold(trade, quote)
    with pytest.raises(NotFound, match="store"):
        set_price(trade, vin)
    assert trade.unsound() == []


@pytest.mark.parametrize("what", ["is being bought", "is offered repaired"])
def test_a_store_does_not_close_while_a_car_there_is_about_to_have_a_buyer(trade: Trade, what: str) -> None:
    if what == "is being bought":
        vin = free_car(trade)
        set_price(trade, vin)
        buy(trade, hold(trade, ask(trade, vin)).id)
    else:
        (order_id,) = trade.lock()
        trade.build(order_id)
        trade.ship(order_id)
        trade.receive(order_id, damage=service.Damage("a dent", 900_000))

    with pytest.raises(StoreHasCars) as refused:
        close(trade)

    assert refused.value.orders == 1
    trade.clock.advance(timedelta(days=4))
    fire_due(trade.works, service.TIMERS)
    assert close(trade).asked == (0 if what == "is being bought" else 1)


def test_a_car_on_the_road_to_a_closed_store_arrives_once_its_buyer_has_picked_another_one(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id, legs=LEGS[:2])
    close(trade)

    with pytest.raises(InvalidInput, match="has closed"):
        trade.ship(order_id, legs=LEGS[2:])
    pick(trade, order_id)

    assert trade.ship(order_id, legs=LEGS[2:]).store_id == NORTH_STORE


def test_a_car_that_nobody_waits_for_arrives_at_a_closed_store_all_the_same(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id, legs=LEGS[:2])
    with trade.works.change(SYSTEM) as work:
        ended = {"state": "cancelled", "vin": None, "ended_at": work.now, "reason": "late"}
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(**ended))
    close(trade)

    assert trade.ship(order_id, legs=LEGS[2:]).state is ShipmentState.ARRIVED


def test_who_has_not_picked_is_told_again_every_week_until_then(trade: Trade) -> None:
    picked, _ = trade.lock(2)
    close(trade)
    counts = [told(trade)]

    for _ in range(2):
        trade.clock.advance(timedelta(days=7))
        fire_due(trade.works, service.TIMERS)
        counts.append(told(trade))
        if len(counts) == 2:
            pick(trade, picked)

    assert counts == [2, 4, 5]


def test_a_store_further_away_that_its_buyer_picked_is_no_reason_to_leave_free_of_charge(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.report(trade.build_order_of(order_id).id, BUILD[0])
    promise(trade, order_id, trade.build_order_of(order_id).week + NINE_IN_TEN)
    before = leaving_costs(trade, order_id)
    close(trade)

    pick(trade, order_id)

    assert leaving_costs(trade, order_id) == before > 0


def test_nobody_joins_for_a_store_that_has_closed(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open()
    request = room.request(room.buyer(1))
    with works.change(OPERATOR) as work:
        service.close_store(work, EAST_STORE)

    assert room.place(request) == [NotFound("store")]


def test_no_member_changes_to_a_quote_for_a_store_that_has_closed(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open()
    (member,) = room.join(1, cap=10_000_000)
    quote_id = room.quote(room.buyer(1), options=HOOKED)
    with works.change(OPERATOR) as work:
        service.close_store(work, EAST_STORE)

    with pytest.raises(NotFound), works.change(room.buyer(1)) as work:
        change_car(work, member.pre_order_id, quote_id=quote_id, price_cap_minor=9_700_000)

    with works.read(SYSTEM) as work:
        kept = work.connection.execute(select(pre_orders.c.quote_id)).scalar_one()
    assert kept == member.pre_order.head.quote_id != quote_id


def test_a_closing_waits_for_who_joins_and_tells_them(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open()
    who = room.buyer(1)
    quote_id = room.quote(who)

    def close_east() -> None:
        with works.change(OPERATOR) as work:
            service.close_store(work, EAST_STORE)

    with ThreadPoolExecutor(1) as hand:
        with works.change(SYSTEM) as work:
            examine_quotes(work, [QuoteClaim(QuoteId(quote_id), who.signed_in())])
            closing = hand.submit(close_east)
            with pytest.raises(TimeoutError):
                closing.result(timeout=0.2)
            place_pre_orders(work, room.providers, [room.request(who, quote_id=quote_id, key="k" * 16)])
        closing.result(timeout=20)

    with works.read(SYSTEM) as work:
        kinds = work.connection.execute(select(outbox.c.kind)).scalars().all()
    assert kinds.count(PreOrderStoreClosed.kind) == 1


def test_members_whose_store_closes_before_their_pool_locks_are_told(works: Works, clock: FixedClock) -> None:
    room = make_pool_room(works, clock)
    room.open()
    placed = room.join(1, 2)
    with works.change(OPERATOR) as work:
        north = service.close_store(work, NORTH_STORE)
        east = service.close_store(work, EAST_STORE)
        again = service.close_store(work, EAST_STORE)

    assert (north.asked, east.asked, again.asked) == (0, 0, 0)
    with works.read(SYSTEM) as work:
        found = select(outbox.c.payload).where(outbox.c.kind == PreOrderStoreClosed.kind)
        told = list(work.connection.execute(found).scalars())
    assert sorted(one["pre_order_id"] for one in told) == sorted(one.pre_order_id for one in placed)
    assert sorted(one["account_id"] for one in told) == [f"{number:032x}" for number in (1, 2)]


def test_who_locks_for_a_store_that_has_closed_is_told_too(trade: Trade) -> None:
    (first,) = trade.lock()
    terms = terms_of(trade, first)
    close(trade, NORTH_STORE)
    assert told(trade) == 0

    with trade.works.change(SYSTEM) as work:
        service.take_locked(work, [replace(terms, id="f" * 32, place=7, store_id=NORTH_STORE)])

    assert told(trade) == 1


def test_only_an_operator_closes_and_only_the_buyer_picks_an_open_store(trade: Trade) -> None:
    (order_id,) = trade.lock()
    for who in (STORE_ADVISER, buyer()):
        with pytest.raises(Forbidden):
            close(trade, who=who)
    with pytest.raises(NotFound):
        close(trade, "7" * 32)
    close(trade)

    for who, store_id in ((buyer(2), NORTH_STORE), (buyer(), EAST_STORE), (buyer(), "7" * 32)):
        with pytest.raises(NotFound):
            pick(trade, order_id, store_id, who)
    with trade.works.change(SYSTEM) as work:
        ended = {"state": "cancelled", "ended_at": work.now, "reason": "late"}
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(**ended))
    with pytest.raises(Conflict):
        pick(trade, order_id)


def test_the_database_changes_no_store_without_the_buyers_word(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with pytest.raises((DatabaseError, IntegrityError)), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(store_id=NORTH_STORE))
