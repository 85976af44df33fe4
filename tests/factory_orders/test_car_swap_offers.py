"""Who would give something up with another order's equal car is asked first, and nothing changes without a word."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from factory_orders import queries, service
from factory_orders.agreements.policy import AmendmentPolicy
from factory_orders.cancellation.service import lose_earnest
from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.exchanges.model import SWAP_TIMER, BuyersRights, CarOfOrder, SwapOffer, needs_word
from factory_orders.exchanges.store import give_build_orders
from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.exchanges.tables import swap_offers
from factory_orders.model import Stage
from factory_orders.offers.model import OfferState
from factory_orders.plant.model import BuildOrder
from factory_orders.policies import CancellationPolicy
from factory_orders.promises.tables import promise_outcomes
from factory_orders.swap_offers import service as offering
from factory_orders.swap_offers.service import offer_swaps
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.timers import fire_due, timers
from tests.configurator.small_brand import BRAND
from tests.factory_orders.test_car_swaps import made, promise, state_of, two_orders
from tests.factory_orders.trade import LEGS, SYSTEM, Trade, buyer

RIGHTS = BuyersRights(dict(CancellationPolicy().forfeits), tuple(AmendmentPolicy().points))
TODAY = 1_000


def one_asked(trade: Trade) -> tuple[str, str, SwapOffer]:
    """Lock a car that is built and has time, and one that is not begun and late; the late one's buyer is asked."""
    first, second = two_orders(trade, begun=False)
    trade.build(first)
    assert offer_swaps(trade.works, BRAND) == 1
    (offer,) = offers(trade)
    return first, second, offer


def offers(trade: Trade, number: int = 2) -> list[SwapOffer]:
    with trade.works.read(buyer(number)) as work:
        return queries.my_swap_offers(work)


def accept(trade: Trade, offer: SwapOffer, who: Actor | None = None) -> SwapOffer:
    with trade.works.change(who or buyer(2)) as work:
        return service.accept_car_swap(work, offer.id)


def decline(trade: Trade, offer: SwapOffer, who: Actor | None = None) -> SwapOffer:
    with trade.works.change(who or buyer(2)) as work:
        return service.decline_car_swap(work, offer.id)


def test_a_car_that_ends_what_its_buyer_may_do_is_not_given_but_offered_and_had_with_a_word(trade: Trade) -> None:
    first, second = two_orders(trade, begun=False)
    vin = trade.build(first)

    given = swap_cars(trade.works, BRAND)
    asked = offer_swaps(trade.works, BRAND)
    again = offer_swaps(trade.works, BRAND)
    waiting = (state_of(trade, second), made(trade))
    (offer,) = offers(trade)
    accepted = accept(trade, offer)

    assert (given, asked, again, waiting) == (0, 1, 0, (("scheduled", None), []))
    assert (offer.order_id, offer.stage, offer.state, offers(trade, 1)) == (second, "passed", OfferState.OPEN, [])
    assert (accepted.state, accept(trade, offer)) == (OfferState.ACCEPTED, accepted)
    assert (state_of(trade, second), state_of(trade, first)) == (("built", vin), ("scheduled", None))
    late = {one.order_id: (one.days_late_before, one.days_late_after) for one in made(trade)}
    assert late[second][0] - late[second][1] == offer.days_sooner
    assert late[first] == (0, 0)
    assert trade.unsound() == []


@pytest.mark.parametrize("answers", [True, False])
def test_without_a_yes_the_order_waits_for_its_own_car_and_is_not_asked_for_that_one_again(
    trade: Trade, answers: bool
) -> None:
    _, second, offer = one_asked(trade)

    if answers:
        assert decline(trade, offer) == decline(trade, offer)
    else:
        trade.clock.advance(timedelta(hours=48))
        fire_due(trade.works, service.TIMERS)

    expected = OfferState.DECLINED if answers else OfferState.LAPSED
    assert [one.state for one in offers(trade)] == [expected]
    with pytest.raises(SwapOfferEnded) as refused:
        accept(trade, offer)
    assert refused.value.state == expected.value
    assert offer_swaps(trade.works, BRAND) == 0
    assert state_of(trade, second) == ("scheduled", None)
    assert trade.unsound() == []


@pytest.mark.parametrize("what", ["is loaded", "would be late for it", "has ended", "is late no more"])
def test_where_one_of_the_two_has_moved_on_both_keep_their_cars(trade: Trade, what: str) -> None:
    first, second, offer = one_asked(trade)
    today = trade.clock.now().date()
    if what == "is loaded":
        trade.ship(first, legs=LEGS[:1])
    elif what == "would be late for it":
        promise(trade, first, today + timedelta(days=6))
    elif what == "is late no more":
        promise(trade, second, today + timedelta(days=90))
    else:
        with trade.works.change(SYSTEM) as work:
            lose_earnest(work, second)
    before = (state_of(trade, first), state_of(trade, second))

    with pytest.raises(SwapOfferEnded) as refused:
        accept(trade, offer)

    assert refused.value.state == ("lapsed" if what == "has ended" else "changed")
    assert (state_of(trade, first), state_of(trade, second)) == before
    assert made(trade) == []
    assert trade.unsound() == []


def test_nobody_is_asked_for_a_car_without_which_its_buyer_would_be_late_although_cars_come_before_their_plan(
    trade: Trade,
) -> None:
    first, second = two_orders(trade, begun=False)
    trade.build(first)
    by_its_day = trade.build_order_of(second).day + timedelta(days=2 + 3)

    def promise_first(day: date) -> None:
        promise(trade, first, day)
        with trade.works.change(SYSTEM) as work:
            own = promise_outcomes.c.order_id == first
            days = {"expected_on": day, "promised_by": day, "planned_on": day + timedelta(days=20)}
            work.connection.execute(update(promise_outcomes).where(own).values(**days))

    promise_first(by_its_day - timedelta(days=1))
    late = offer_swaps(trade.works, BRAND)
    promise_first(by_its_day)
    in_time = offer_swaps(trade.works, BRAND)
    (offer,) = offers(trade)
    promise_first(by_its_day - timedelta(days=1))

    assert (late, in_time) == (0, 1)
    with pytest.raises(SwapOfferEnded):
        accept(trade, offer)
    assert state_of(trade, first)[0] == "built"
    promise_first(by_its_day)
    assert accept(trade, offer).state is OfferState.ACCEPTED
    assert {(one.days_late_before, one.days_late_after) for one in made(trade) if one.order_id == first} == {(0, 0)}


@pytest.mark.parametrize("gone", ["the one with the car", "the one who was asked"])
def test_a_question_is_over_once_one_of_the_two_orders_has_ended(trade: Trade, gone: str) -> None:
    first, second = two_orders(trade, begun=False)
    trade.report(trade.build_order_of(first).id, Stage.PARTS_READY)
    assert offer_swaps(trade.works, BRAND) == 1

    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, first if gone == "the one with the car" else second)

    with trade.works.read(SYSTEM) as work:
        set_timers = work.connection.execute(select(timers.c.kind)).scalars().all()
    assert [one.state for one in offers(trade)] == [OfferState.LAPSED]
    assert SWAP_TIMER not in set_timers


def test_whoever_is_asked_while_the_own_car_is_another_one_stops_no_other_question(trade: Trade) -> None:
    first, second, third, fourth, fifth = trade.lock(5)
    today = trade.clock.now().date()
    for order_id, days in ((first, 90), (second, -20), (third, 90), (fourth, 90), (fifth, -10)):
        promise(trade, order_id, today + timedelta(days=days))
    trade.build(first)
    assert offer_swaps(trade.works, BRAND) == 1
    asked = 2 if offers(trade, 2) else 5
    with trade.works.change(SYSTEM) as work:
        give_build_orders(work, *swapped(trade, second if asked == 2 else fifth, third))
    trade.build(fourth)

    assert offer_swaps(trade.works, BRAND) == 1
    assert [len(offers(trade, number)) for number in (2, 5)] == [1, 1]


def swapped(trade: Trade, *order_ids: str) -> tuple[dict[str, str], dict[str, BuildOrder]]:
    """Return which order gets which of two build orders, and both."""
    one, other = (trade.build_order_of(order_id) for order_id in order_ids)
    return {one.id: other.order_id, other.id: one.order_id}, {one.id: one, other.id: other}


def test_two_rounds_at_once_ask_once(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two_orders(trade, begun=False)
    trade.build(first)
    found = offering.find_pairs(trade.works, BRAND)
    monkeypatch.setattr(offering, "find_pairs", lambda _works, _brand_id: found)

    assert [offer_swaps(trade.works, BRAND) for _ in range(2)] == [1, 0]
    assert len(offers(trade)) == 1


def test_nobody_answers_for_another_and_an_answer_stays(trade: Trade) -> None:
    _, _, offer = one_asked(trade)
    for answer in (accept, decline):
        with pytest.raises(NotFound):
            answer(trade, offer, buyer(1))
    decline(trade, offer)

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(swap_offers).values(state="open", answered_at=None))


def test_of_two_who_are_late_the_one_is_asked_that_it_helps_most(trade: Trade) -> None:
    first, second, third = trade.lock(3)
    today = trade.clock.now().date()
    for order_id, days in ((first, 90), (second, -20), (third, -2)):
        promise(trade, order_id, today + timedelta(days=days))
    trade.build(first)

    assert offer_swaps(trade.works, BRAND) == 1
    assert [one.order_id for one in (*offers(trade, 2), *offers(trade, 3))] == [third]


def car(stage: Stage, **other: Any) -> CarOfOrder:
    given = {"ready": 0, "due": 0, "vin": None} | other
    return CarOfOrder("o", "a", "b", "k", "p", "s", stage, **given)


@pytest.mark.parametrize(
    ("own", "gets", "asks"),
    [
        (Stage.QUEUED, Stage.QUEUED, False),
        (Stage.QUEUED, Stage.PARTS_READY, True),
        (Stage.PARTS_READY, Stage.BODY, True),
        (Stage.BODY, Stage.PAINT, True),
        (Stage.PAINT, Stage.ASSEMBLY, False),
        (Stage.PAINT, Stage.PASSED, False),
        (Stage.PASSED, Stage.QUEUED, False),
    ],
)
def test_who_loses_a_way_out_or_a_change_is_asked_and_nobody_else(own: Stage, gets: Stage, asks: bool) -> None:
    assert needs_word(car(own), car(gets), RIGHTS, today=TODAY, fresh_days=14) is asks


@pytest.mark.parametrize(
    ("own_passed", "passed", "asks"), [(None, 986, False), (None, 985, True), (990, 985, True), (980, 985, False)]
)
def test_a_car_that_left_the_line_long_ago_is_not_given_for_a_newer_one(
    own_passed: int | None, passed: int, asks: bool
) -> None:
    own = car(Stage.PAINT) if own_passed is None else car(Stage.PASSED, passed=own_passed)

    assert needs_word(own, car(Stage.PASSED, passed=passed), RIGHTS, today=TODAY, fresh_days=14) is asks
