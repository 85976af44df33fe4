"""An offer of a car and somebody else at the same moment: who leaves or says yes is judged by what stands then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select, update

from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.early_cars import round_service
from factory_orders.early_cars.errors import EarlyOfferEnded
from factory_orders.early_cars.model import EarlyOffer, EarlyRound
from factory_orders.early_cars.round_service import offer_early_cars
from factory_orders.early_cars.store import insert_round
from factory_orders.early_cars.tables import EARLY
from factory_orders.errors import OrderNotCancellable
from factory_orders.exchanges.errors import SwapOfferEnded
from factory_orders.exchanges.store import give_build_orders, lapse_swap_offers
from factory_orders.light_stock import round_service as sharing_out
from factory_orders.light_stock.sharing import share_stock
from factory_orders.light_stock.tables import allocation_requests
from factory_orders.model import Order, Stage
from factory_orders.offers.model import OfferState
from factory_orders.offers.store import lapse_of_orders
from factory_orders.planning.order_store import lock_order, lock_orders
from factory_orders.plant.store import lock_build_orders, lock_with_order
from factory_orders.plant.tables import build_orders
from factory_orders.service import Reported
from factory_orders.swap_offers import service as offering
from factory_orders.waiting.queries import waiting_without_offer
from factory_orders.waiting.service import offer_long_waits
from kernel.actor import Actor
from kernel.errors import Refusal
from kernel.work import Work
from tests.configurator.small_brand import BRAND, EAST_STORE, PLANNER
from tests.factory_orders.test_car_swap_offers import accept, one_asked
from tests.factory_orders.test_car_swap_offers import offers as swap_offers
from tests.factory_orders.test_car_swaps import two_orders
from tests.factory_orders.test_early_cars import accept as accept_early
from tests.factory_orders.test_early_cars import offers as early_offers
from tests.factory_orders.test_early_cars import wait_long
from tests.factory_orders.test_light_stock import car_at_plant, free, moves, plan
from tests.factory_orders.test_stock import free_car
from tests.factory_orders.test_wait_offers import lock_far_away
from tests.factory_orders.trade import (
    BUILD,
    SYSTEM,
    Trade,
    buyer,
)
from tests.support.locks import SECONDS_MAX, wait_until_waiting

pytestmark = pytest.mark.postgres


@pytest.fixture
def trade(postgres_trade: Trade) -> Trade:
    """Return the small brand on PostgreSQL, where changes wait for each other row by row."""
    return postgres_trade


@pytest.mark.parametrize("offered", ["a free car", "another order's car"])
def test_who_says_yes_while_the_order_is_being_ended_waits_for_it(trade: Trade, offered: str) -> None:
    answer: Callable[[Actor], object]
    refusal: type[Refusal]
    if offered == "a free car":
        free_car(trade)
        order_id = wait_long(trade)
        offer_early_cars(trade.works, BRAND)
        (early,) = early_offers(trade)
        answer, who, refusal = partial(accept_early, trade, early), 5, EarlyOfferEnded
    else:
        _, order_id, offer = one_asked(trade)
        answer, who, refusal = partial(accept, trade, offer), 2, SwapOfferEnded

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            lock_order(work, order_id)
            answering = other.submit(answer, buyer(who))
            wait_until_waiting(trade.works.engine, 1)
            lapse_of_orders(work, EARLY, [order_id])
            lapse_swap_offers(work, [order_id])
        with pytest.raises(refusal):
            answering.result(SECONDS_MAX)


@pytest.mark.parametrize("leaves", ["on the maker's word", "for a free car"])
def test_who_leaves_while_cars_change_places_is_judged_by_the_car_that_came(trade: Trade, leaves: str) -> None:
    free_car(trade)
    order_id = wait_long(trade)
    offer_early_cars(trade.works, BRAND)
    (offer,) = early_offers(trade)
    (late,) = trade.lock(1, pool_id="8" * 32, first_buyer=8)
    trade.build(late, stages=BUILD[:3])
    own, painted = trade.build_order_of(order_id), trade.build_order_of(late)
    answer: Callable[[Work], object]
    refusal: Refusal
    who, refusal = PLANNER, OrderNotCancellable("paint")
    answer = partial(service.cancel_order_by_maker, order_id=order_id, reason="no paint")
    if leaves == "for a free car":
        who, refusal = buyer(5), EarlyOfferEnded("begun")
        answer = partial(service.accept_early_car, offer_id=offer.id)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            known = lock_build_orders(work, [own.id, painted.id], plant_id=own.plant_id)
            leaving = other.submit(trade.works.run, who, answer)
            wait_until_waiting(trade.works.engine, 1)
            give_build_orders(work, {own.id: late, painted.id: order_id}, known)
        with pytest.raises(Refusal) as refused:
            leaving.result(SECONDS_MAX)

    assert refused.value == refusal
    assert trade.build_order_of(order_id).stage is Stage.PAINT


def test_the_same_yes_twice_at_once_is_one_yes(trade: Trade) -> None:
    _, _, offer = one_asked(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(buyer(2)) as work:
            first = service.accept_car_swap(work, offer.id)
            second = other.submit(accept, trade, offer)
            wait_until_waiting(trade.works.engine, 1)
        assert second.result(SECONDS_MAX) == first

    assert first.state is OfferState.ACCEPTED


def test_asking_waits_for_a_plants_report_and_neither_is_undone(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two_orders(trade, begun=False)
    trade.build(first)
    own = trade.build_order_of(second).id
    reporting: list[Future[Reported]] = []

    def meanwhile(work: Work, ids: Sequence[str]) -> Mapping[str, Order]:
        locked = lock_orders(work, ids)
        reporting.append(other.submit(trade.report, own, Stage.PARTS_READY))
        wait_until_waiting(trade.works.engine, 1)
        return locked

    monkeypatch.setattr(offering, "lock_orders", meanwhile)
    with ThreadPoolExecutor(1) as other:
        assert offering.offer_swaps(trade.works, BRAND) == 1
        assert reporting[0].result(SECONDS_MAX).order.stage is Stage.PARTS_READY


def test_who_leaves_while_being_asked_for_another_car_is_not_asked(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_orders(trade, begun=False)
    trade.build(first)
    found = offering.find_pairs(trade.works, BRAND)
    monkeypatch.setattr(offering, "find_pairs", lambda _works, _brand_id: found)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            lose_earnest(work, second)
            asking = other.submit(offering.offer_swaps, trade.works, BRAND)
            wait_until_waiting(trade.works.engine, 1)
        assert asking.result(SECONDS_MAX) == 0

    assert swap_offers(trade) == []


@pytest.mark.parametrize("meanwhile", ["left", "begun"])
def test_who_leaves_or_whose_car_is_begun_meanwhile_is_offered_no_way_out_of_a_long_wait(
    trade: Trade, meanwhile: str
) -> None:
    lock_far_away(trade)
    with trade.works.read(SYSTEM) as work:
        ((terms, _),) = [one for one in waiting_without_offer(work) if one[0].account_id == buyer().account_id]

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            if meanwhile == "left":
                lose_earnest(work, terms.id)
            else:
                built, _ = lock_with_order(work, terms.id)
                assert built is not None
                begun = update(build_orders).where(build_orders.c.id == built.id)
                work.connection.execute(begun.values(stage=Stage.BODY.value))
            offering_waits = other.submit(trade.works.run, SYSTEM, lambda work: len(offer_long_waits(work)))
            wait_until_waiting(trade.works.engine, 1)
        assert offering_waits.result(SECONDS_MAX) == 0

    with trade.works.read(buyer()) as work:
        assert queries.my_wait_offers(work) == []


def test_an_order_that_ends_while_its_offer_is_written_lets_the_car_go(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    vin = free_car(trade)
    order_id = wait_long(trade)
    leaving: list[Future[None]] = []

    def leave() -> None:
        with trade.works.change(SYSTEM) as work:
            lose_earnest(work, order_id)

    with ThreadPoolExecutor(1) as other:

        def meanwhile(work: Work, made: EarlyRound, offers: Sequence[EarlyOffer]) -> None:
            leaving.append(other.submit(leave))
            wait_until_waiting(trade.works.engine, 1)
            insert_round(work, made, offers)

        monkeypatch.setattr(round_service, "insert_round", meanwhile)
        offer_early_cars(trade.works, BRAND)
        leaving[0].result(SECONDS_MAX)

    assert free(trade) == [vin]


def test_who_asks_for_a_sharing_out_while_one_is_written_gets_another(trade: Trade) -> None:
    car_at_plant(trade)
    with trade.works.change(PLANNER) as work:
        service.ask_for_round(work)
    with trade.works.read(SYSTEM) as work:
        found = share_stock(sharing_out.read_problem(work))

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(allocation_requests).with_for_update()).all()
            writing = other.submit(trade.works.run, SYSTEM, partial(sharing_out.write_round, found=found))
            wait_until_waiting(trade.works.engine, 1)
            plan(trade, EAST_STORE, 9_000)
            with trade.works.change(PLANNER) as asking:
                service.ask_for_round(asking)
        written = writing.result(SECONDS_MAX)

    assert written is None
    assert service.share_out_wanted(trade.works) == 1
    assert [one.store_id for one in moves(trade)] == [EAST_STORE]
