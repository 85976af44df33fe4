"""Offers for a long wait: who gets one, what an answer does, and that the credit comes once, with the car."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.audit_service import CHECKS
from factory_orders.cancellation.service import lose_earnest
from factory_orders.errors import OrderNotCancellable, WaitOfferOver
from factory_orders.model import Order, WaitOffer, WaitOfferState, order_state
from factory_orders.service import SUBSCRIPTIONS, TIMERS
from factory_orders.waiting import service as waiting
from factory_orders.waiting.model import OFFER_TIMER, credit_for, waits_too_long
from kernel import ledger, outbox
from kernel.errors import NotFound
from kernel.ledger import account
from kernel.timers import fire_due, timers
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import SYSTEM, Trade, buyer

WAITING_CHECKS = [check for check in CHECKS if "offer" in check.name]
FULL_WEEKS = 8


def let_time_pass(trade: Trade, days: int) -> None:
    trade.clock.advance(timedelta(days=days))
    while fire_due(trade.works, TIMERS):
        pass


def lock_far_away(trade: Trade) -> None:
    """Lock a car for a plant that is full for two months: another one's car has its only place before."""
    trade.lock(first_buyer=9)
    first = min(one.week for one in trade.build_orders())
    for number in range(FULL_WEEKS):
        with trade.works.change(PLANNER) as work:
            week = first + timedelta(weeks=number)
            service.change_capacity(work, "fir_north", week=week, resource="slot", capacity=int(number == 0))
    trade.lock()


def offered(trade: Trade) -> WaitOffer:
    """Lock a car that is built in two months, and let the worker look at it."""
    lock_far_away(trade)
    with trade.works.change(SYSTEM) as work:
        (offer,) = waiting.offer_long_waits(work)
    return offer


def order_of(trade: Trade, offer: WaitOffer) -> Order:
    with trade.works.read(buyer()) as work:
        return queries.orders_by_id(work, [offer.order_id])[offer.order_id]


def owed(trade: Trade) -> int:
    with trade.works.read(SYSTEM) as work:
        return ledger.balance(work, account("payable", buyer().signed_in()))


def broken(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        return [line for check in WAITING_CHECKS for line in check.look(work)]


@given(st.integers(-5, 100), st.one_of(st.none(), st.integers(-5, 100)), st.integers(1, 60))
def test_too_long_is_more_days_than_anybody_should_wait(gone: int, built: int | None, most: int) -> None:
    locked = date(2026, 11, 27)
    built_on = None if built is None else locked + timedelta(days=built)

    days = waits_too_long(locked, built_on, today=locked + timedelta(days=gone), days_max=most)

    waits = gone if built is None else built
    assert days == (waits if waits > most else None)


@given(st.integers(1, 2_000), st.integers(10_000, 10**9))
def test_a_credit_grows_with_the_days_up_to_a_share_of_the_price(days: int, price: int) -> None:
    def credit(number: int) -> int:
        return credit_for(number, days_max=45, per_day_minor=6_000, most_bp=300, price_minor=price)

    assert 0 <= credit(days) <= credit(days + 1) <= price * 3 // 100
    assert credit(45) == 0
    assert credit(46) == min(6_000, price * 3 // 100)


def test_who_waits_too_long_gets_one_offer_and_nobody_else(trade: Trade) -> None:
    lock_far_away(trade)

    with trade.works.change(SYSTEM) as work:
        (offer,) = waiting.offer_long_waits(work)
        assert waiting.offer_long_waits(work) == []

    assert offer.waits_days > 45
    assert offer.credit_minor == (offer.waits_days - 45) * 6_000
    with trade.works.read(buyer()) as work:
        assert queries.my_wait_offers(work) == [offer]
    with trade.works.read(buyer(2)) as work:
        assert queries.my_wait_offers(work) == []


def test_who_stays_is_credited_once_with_the_car(trade: Trade) -> None:
    offer = offered(trade)

    with trade.works.change(buyer()) as work:
        accepted = waiting.accept_wait_offer(work, offer.id)
        assert waiting.accept_wait_offer(work, offer.id) == accepted
    assert (accepted.state, owed(trade)) == (WaitOfferState.ACCEPTED, 0)
    with trade.works.change(buyer()) as work, pytest.raises(WaitOfferOver):
        waiting.decline_wait_offer(work, offer.id)

    trade.bring_to_store(offer.order_id)
    trade.hand_over(offer.order_id)
    while outbox.deliver(trade.works, SUBSCRIPTIONS):
        pass

    assert owed(trade) == offer.credit_minor
    assert broken(trade) == []


def test_leaving_is_free_while_the_offer_is_open_and_costs_what_it_did_once_it_is_over(trade: Trade) -> None:
    offer = offered(trade)

    def forfeit() -> int:
        with trade.works.read(buyer()) as work:
            return service.preview_cancellation(work, offer.order_id).forfeit_minor

    open_still = forfeit()
    trade.clock.advance(offer.answer_by - trade.clock.now())

    assert (open_still, forfeit() > 0) == (0, True)


def test_an_offer_ends_with_its_order(trade: Trade) -> None:
    offer = offered(trade)
    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, offer.order_id)

    with trade.works.read(buyer()) as work:
        assert [one.state for one in queries.my_wait_offers(work)] == [WaitOfferState.EXPIRED]
    for answer in (waiting.accept_wait_offer, waiting.decline_wait_offer):
        with trade.works.change(buyer()) as work, pytest.raises(WaitOfferOver):
            answer(work, offer.id)
    with trade.works.read(SYSTEM) as work:
        set_still = work.connection.execute(select(timers.c.kind)).scalars().all()
    assert OFFER_TIMER not in set_still


def test_once_the_car_is_begun_nobody_leaves_by_an_offer(trade: Trade) -> None:
    offer = offered(trade)
    trade.build(offer.order_id)

    with trade.works.change(buyer(2)) as work, pytest.raises(NotFound):
        waiting.decline_wait_offer(work, offer.id)
    with pytest.raises(OrderNotCancellable), trade.works.change(buyer()) as work:
        waiting.decline_wait_offer(work, offer.id)
    with trade.works.read(buyer()) as work:
        assert queries.my_wait_offers(work) == [offer]


def test_without_an_answer_the_order_stands_and_the_offer_is_over(trade: Trade) -> None:
    offer = offered(trade)

    let_time_pass(trade, 8)

    with trade.works.change(buyer()) as work, pytest.raises(WaitOfferOver):
        waiting.accept_wait_offer(work, offer.id)
    with trade.works.read(buyer()) as work:
        assert [one.state for one in queries.my_wait_offers(work)] == [WaitOfferState.EXPIRED]
    assert order_state(order_of(trade, offer)) == "scheduled"


def test_a_credit_that_was_not_booked_is_found_by_the_audit(trade: Trade) -> None:
    offer = offered(trade)
    with trade.works.change(buyer()) as work:
        waiting.accept_wait_offer(work, offer.id)

    with trade.works.change(SYSTEM) as work:
        work.connection.exec_driver_sql(f"UPDATE wait_offers SET credited_at = made_at WHERE id = '{offer.id}'")

    assert any(offer.order_id in line for line in broken(trade))
