"""The plan and somebody else at the same moment: no car for an order that has ended, one week for each, one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select, text, update

from demand.service import DEPOSIT_PURPOSE
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
from factory_orders.line.errors import LineDayFixed
from factory_orders.model import BuildOrder, CancelledOrder, Order, PlantReport, Stage
from factory_orders.offers.model import OfferState
from factory_orders.offers.store import lapse_of_orders
from factory_orders.planning import audit_service, order_service
from factory_orders.planning.capacity_store import lock_pool
from factory_orders.planning.line_days.service import sequence_days
from factory_orders.planning.model import SLOT
from factory_orders.planning.order_store import lock_order, lock_orders
from factory_orders.planning.tables import capacity_weeks
from factory_orders.plant.store import hold_line, line_of_day, lock_build_orders, lock_with_order
from factory_orders.plant.tables import build_orders
from factory_orders.service import Reported
from factory_orders.swap_offers import service as offering
from factory_orders.waiting.queries import waiting_without_offer
from factory_orders.waiting.service import offer_long_waits
from kernel import db, payments, policy
from kernel import work as kernel_work
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import NotFound, Refusal
from kernel.ids import AccountId
from kernel.paging import PageRequest
from kernel.payments import PaymentRequest
from kernel.soundness import examine
from kernel.work import Work, Works
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.factory_orders.purchasing import buy
from tests.factory_orders.test_capacity import change_policy, counts, reserve
from tests.factory_orders.test_car_swap_offers import accept, one_asked
from tests.factory_orders.test_car_swap_offers import offers as swap_offers
from tests.factory_orders.test_car_swaps import two_orders
from tests.factory_orders.test_early_cars import accept as accept_early
from tests.factory_orders.test_early_cars import offers as early_offers
from tests.factory_orders.test_early_cars import wait_long
from tests.factory_orders.test_light_stock import free
from tests.factory_orders.test_line_days import spoil
from tests.factory_orders.test_stock import ask, free_car, hold, set_price
from tests.factory_orders.test_store_closing import OPERATOR, close, pick
from tests.factory_orders.test_wait_offers import lock_far_away
from tests.factory_orders.trade import (
    BUILD,
    EARNEST,
    NORTH_PLANT,
    PLANT_MACHINE,
    STORE_ADVISER,
    SYSTEM,
    Trade,
    buyer,
    open_trade,
)

pytestmark = pytest.mark.postgres
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("6" * 32))
GOLD_CAR = ("GOLD", "W17", "PT_SMALL", "TR_BASE")
BLUE_CAR = ("BLUE", *PLAIN_CAR[1:])
WEEK = date(2026, 12, 14)
MONDAY = date(2026, 12, 7)
SECONDS_MAX = 20
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def trade(postgres_url: str, clock: FixedClock) -> Iterator[Trade]:
    engine = db.open_engine(postgres_url)
    yield open_trade(Works(engine, clock=clock), clock)
    engine.dispose()


def wait_until_waiting(trade: Trade, number: int) -> None:
    """Return once so many changes wait for a lock."""
    for _ in range(SECONDS_MAX * 100):
        with trade.works.engine.connect() as connection:
            if connection.execute(WAITING).scalar_one() >= number:
                return
        time.sleep(0.01)
    raise AssertionError(f"{number} changes do not wait")


def pay_deposit(trade: Trade, order_id: str) -> None:
    """Let the first buyer's wallet pay what the order's earnest money came from."""
    account_id, until = buyer().signed_in(), trade.clock.now() + timedelta(hours=1)
    token = trade.sandbox.authorise(
        account_id=account_id, amount=EARNEST, reference="deposit", wallet="w", expires_at=until
    )
    with trade.works.change(SYSTEM) as work:
        request = PaymentRequest(BRAND, account_id, DEPOSIT_PURPOSE, order_id, EARNEST, until)
        payments.receive_authorised(work, [(request, trade.sandbox.read_authorisation(token))])


def golden_order_without_a_week(trade: Trade) -> tuple[str, str]:
    """Lock a golden car while the plant has no gold, and let gold come; returns the order and its batch."""
    with trade.works.change(ADMIN) as work:
        policy.change_policy(
            work, base_version=0, changes={"capacity": {"option_limits": [["GOLD", 0]]}}, reason="no gold paint"
        )
    (order_id,) = trade.lock(1, options=GOLD_CAR)
    with trade.works.change(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
        service.change_capacity(work, "fir_north", week=WEEK, resource="GOLD", capacity=2)
    return order_id, batch.id


def used(trade: Trade) -> list[tuple[str, int]]:
    with trade.works.read(SYSTEM) as work:
        found = select(capacity_weeks.c.resource, capacity_weeks.c.used).where(capacity_weeks.c.used > 0)
        return [(row.resource, row.used) for row in work.connection.execute(found.order_by(capacity_weeks.c.resource))]


def test_an_order_cancelled_while_its_batch_is_scheduled_gets_no_car(trade: Trade) -> None:
    order_id, batch_id = golden_order_without_a_week(trade)
    pay_deposit(trade, order_id)

    with ThreadPoolExecutor(2) as threads:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            scheduling = threads.submit(trade.works.run, PLANNER, lambda work: service.schedule_batch(work, batch_id))
            wait_until_waiting(trade, 1)
            ending = threads.submit(trade.works.run, buyer(), lambda work: service.cancel_order(work, order_id))
            wait_until_waiting(trade, 2)
        scheduling.result(SECONDS_MAX)
        ending.result(SECONDS_MAX)

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        live = queries.build_orders_of_orders(work, [order_id])
    assert isinstance(order, CancelledOrder)
    assert live == {}
    assert used(trade) == []


def test_a_batch_that_two_planners_schedule_at_once_gets_each_car_one_week(trade: Trade) -> None:
    _, batch_id = golden_order_without_a_week(trade)

    with ThreadPoolExecutor(2) as threads:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            both = []
            for number in (1, 2):
                schedule = partial(service.schedule_batch, batch_id=batch_id)
                both.append(threads.submit(trade.works.run, PLANNER, schedule))
                wait_until_waiting(trade, number)
        scheduled = [one.result(SECONDS_MAX) for one in both]

    assert scheduled == [1, 0]
    assert used(trade) == [("GOLD", 1), ("slot", 1)]


def test_the_last_two_of_a_pool_that_leave_at_once_free_what_it_holds(trade: Trade) -> None:
    change_policy(trade, batches={"plant_limits": [["fir_north", 5, 9]]})
    reserve(trade, "9" * 32, 30)
    first, second = trade.lock(2, pool_id="9" * 32)
    held = sum(reserved for _, reserved, _ in counts(trade).values())

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            lose_earnest(work, first)
            leaving = other.submit(trade.works.run, SYSTEM, lambda work: lose_earnest(work, second))
            wait_until_waiting(trade, 1)
        leaving.result(SECONDS_MAX)

    assert held == 30
    assert counts(trade) == {}


def test_two_that_order_a_days_line_at_once_give_no_place_away_twice(trade: Trade) -> None:
    trade.lock(5)
    trade.lock(5, pool_id="8" * 32, options=BLUE_CAR, first_buyer=11)
    first = monday(trade)[0]

    def order_anew(work: Work) -> None:
        sequence_days(work, NORTH_PLANT, [MONDAY])

    with ThreadPoolExecutor(2) as threads:
        with trade.works.change(SYSTEM) as work:
            own = select(build_orders.c.id).where(build_orders.c.id == first.id)
            work.connection.execute(own.with_for_update())
            locking = threads.submit(partial(trade.lock, 1, pool_id="7" * 32, first_buyer=21))
            wait_until_waiting(trade, 1)
            ordering = threads.submit(trade.works.run, SYSTEM, order_anew)
            wait_until_waiting(trade, 2)
        locking.result(SECONDS_MAX)
        ordering.result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2, 3]


def monday(trade: Trade) -> list[BuildOrder]:
    """Return the cars of Monday's line in their order."""
    with trade.works.read(SYSTEM) as work:
        return line_of_day(work, NORTH_PLANT, MONDAY)


def test_a_store_that_is_closing_at_this_moment_is_not_picked(trade: Trade) -> None:
    (order_id,) = trade.lock()
    close(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(OPERATOR) as work:
            service.close_store(work, NORTH_STORE)
            picking = other.submit(pick, trade, order_id, NORTH_STORE)
            wait_until_waiting(trade, 1)
        with pytest.raises(NotFound):
            picking.result(SECONDS_MAX)


def test_a_car_of_a_store_that_is_closing_at_this_moment_is_not_bought(trade: Trade) -> None:
    vin = free_car(trade)
    set_price(trade, vin)
    held = hold(trade, ask(trade, vin))

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(OPERATOR) as work:
            service.close_store(work, EAST_STORE)
            buying = other.submit(buy, trade, held.id)
            wait_until_waiting(trade, 1)
        with pytest.raises(NotFound):
            buying.result(SECONDS_MAX)


def test_a_store_that_is_closing_at_this_moment_orders_no_stock(trade: Trade) -> None:
    def order() -> object:
        with trade.works.change(STORE_ADVISER) as work:
            return service.order_stock(work, service.StockRequest("A1", PLAIN_CAR, 1))

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(OPERATOR) as work:
            service.close_store(work, EAST_STORE)
            ordering = other.submit(order)
            wait_until_waiting(trade, 1)
        with pytest.raises(NotFound):
            ordering.result(SECONDS_MAX)


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
            wait_until_waiting(trade, 1)
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
            wait_until_waiting(trade, 1)
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
            wait_until_waiting(trade, 1)
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
        wait_until_waiting(trade, 1)
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
            wait_until_waiting(trade, 1)
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
            wait_until_waiting(trade, 1)
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
            wait_until_waiting(trade, 1)
            insert_round(work, made, offers)

        monkeypatch.setattr(round_service, "insert_round", meanwhile)
        offer_early_cars(trade.works, BRAND)
        leaving[0].result(SECONDS_MAX)

    assert free(trade) == [vin]


def test_two_who_leave_a_pool_that_holds_weeks_wait_for_each_other_once(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool_id, weeks = "9" * 32, (date(2026, 12, 28), date(2027, 1, 4))
    reserve(trade, pool_id, 30)
    change_policy(trade, capacity={"option_limits": [["GOLD", 0]]})
    trade.lock(1, pool_id=pool_id, options=GOLD_CAR, first_buyer=3)
    leaving = trade.lock(2, pool_id=pool_id)
    with trade.works.change(SYSTEM) as work:
        for order_id, later in zip(leaving, weeks, strict=True):
            own = trade.build_order_of(order_id)
            moved = {"week": later, "day": later}
            work.connection.execute(update(build_orders).where(build_orders.c.id == own.id).values(**moved))
            for week, number in ((own.week, -1), (later, 1)):
                slot = (capacity_weeks.c.week == week) & (capacity_weeks.c.resource == SLOT)
                taken = update(capacity_weeks).where(slot, capacity_weeks.c.plant_id == own.plant_id)
                work.connection.execute(taken.values(used=capacity_weeks.c.used + number))
    arrived: list[str] = []
    repeated: list[object] = []

    def meet(work: Work, pool_id: str) -> str | None:
        """Go on once the other one is here as well, or waits for this one."""
        arrived.append(pool_id)
        for _ in range(SECONDS_MAX * 100):
            with trade.works.engine.connect() as connection:
                if len(arrived) > 1 or connection.execute(WAITING).scalar_one():
                    break
            time.sleep(0.01)
        return lock_pool(work, pool_id)

    monkeypatch.setattr(order_service, "lock_pool", meet)
    monkeypatch.setattr(kernel_work.log, "warning", lambda *said, **_more: repeated.append(said))
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(trade.works.run, SYSTEM, partial(lose_earnest, order_id=one)) for one in leaving]
        ended = [one.result(SECONDS_MAX) is not None for one in both]

    assert ended == [True, True]
    assert repeated == []


# --- a day's line ----------------------------------------------------------------------------------------------------


def mendable(trade: Trade) -> list[BuildOrder]:
    """Let Monday have two cars too many in a row, which one swap mends; returns its cars."""
    change_policy(trade, line={"paint_run_max": 2, "mend_frozen_next": 0})
    spoil(trade)
    return monday(trade)


def mend(work: Work) -> service.MendedDay:
    return service.mend_line_day(work, NORTH_PLANT, MONDAY)


def line_is_sound(trade: Trade) -> bool:
    with trade.works.read(SYSTEM) as work:
        return not any(one.violations for one in examine(work, audit_service.CHECKS))


def test_two_planners_that_mend_a_day_at_once_mend_it_once(trade: Trade) -> None:
    mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANNER) as work:
            first = mend(work)
            second = other.submit(trade.works.run, PLANNER, mend)
            wait_until_waiting(trade, 1)
        again = second.result(SECONDS_MAX)

    assert (first.moved, again.moved, again.before) == (2, 0, first.after)
    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5]
    assert line_is_sound(trade)


def test_a_car_that_is_begun_at_this_moment_keeps_its_place(trade: Trade) -> None:
    cars = mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANT_MACHINE) as work:
            for car in cars[:4]:
                ready = PlantReport(f"ready-{car.id}", Stage.PARTS_READY, trade.clock.now())
                service.report_plant_event(work, car.id, ready)
            mending = other.submit(trade.works.run, PLANNER, mend)
            wait_until_waiting(trade, 1)
        with pytest.raises(LineDayFixed) as refused:
            mending.result(SECONDS_MAX)

    assert refused.value == LineDayFixed(MONDAY, 5, 4)
    assert [car.id for car in monday(trade)] == [car.id for car in cars]
    assert line_is_sound(trade)


def test_a_report_waits_for_a_day_that_is_being_mended_and_is_taken(trade: Trade) -> None:
    cars = mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANNER) as work:
            mend(work)
            reporting = other.submit(trade.report, cars[0].id, Stage.PARTS_READY)
            wait_until_waiting(trade, 1)
        assert reporting.result(SECONDS_MAX).order.stage is Stage.PARTS_READY

    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5]
    assert line_is_sound(trade)


def test_many_that_leave_a_day_at_once_leave_no_hole_and_none_is_undone(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = mendable(trade)
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)

    with ThreadPoolExecutor(4) as others:
        with trade.works.change(SYSTEM) as work:
            hold_line(work, NORTH_PLANT)
            leaving: list[Future[object]] = [
                others.submit(trade.works.run, SYSTEM, partial(lose_earnest, order_id=car.order_id)) for car in cars[:3]
            ]
            leaving.append(others.submit(trade.works.run, PLANNER, mend))
            wait_until_waiting(trade, 4)
        for one in leaving[:3]:
            one.result(SECONDS_MAX)
        with suppress(Refusal):
            leaving[3].result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2]
    assert line_is_sound(trade)


def test_who_leaves_while_others_come_to_the_day_waits_for_them_and_neither_is_undone(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = mendable(trade)
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)

    with ThreadPoolExecutor(2) as others:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            coming = others.submit(partial(trade.lock, 5, pool_id="7" * 32, first_buyer=90))
            wait_until_waiting(trade, 1)
            leaving = others.submit(trade.works.run, SYSTEM, partial(lose_earnest, order_id=cars[0].order_id))
            wait_until_waiting(trade, 2)
        coming.result(SECONDS_MAX)
        leaving.result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5, 6, 7]
    assert line_is_sound(trade)
