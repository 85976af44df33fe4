"""The plan and somebody else at the same moment: no car for an order that has ended, one week for each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from demand.service import DEPOSIT_PURPOSE
from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.model import CancelledOrder
from factory_orders.planning import order_service
from factory_orders.planning.capacity_store import lock_pool
from factory_orders.planning.model import SLOT
from factory_orders.planning.tables import capacity_weeks
from factory_orders.plant.tables import build_orders
from kernel import payments, policy
from kernel import work as kernel_work
from kernel.actor import Actor, Role
from kernel.errors import NotFound
from kernel.ids import AccountId
from kernel.paging import PageRequest
from kernel.payments import PaymentRequest
from kernel.work import Work
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.factory_orders.purchasing import buy
from tests.factory_orders.test_capacity import change_policy, counts, reserve
from tests.factory_orders.test_stock import ask, free_car, hold, set_price
from tests.factory_orders.test_store_closing import OPERATOR, close, pick
from tests.factory_orders.trade import (
    EARNEST,
    STORE_ADVISER,
    SYSTEM,
    Trade,
    buyer,
)
from tests.support.locks import SECONDS_MAX, count_waiting, wait_until_waiting

pytestmark = pytest.mark.postgres
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("6" * 32))
GOLD_CAR = ("GOLD", "W17", "PT_SMALL", "TR_BASE")
WEEK = date(2026, 12, 14)


@pytest.fixture
def trade(postgres_trade: Trade) -> Trade:
    """Return the small brand on PostgreSQL, where changes wait for each other row by row."""
    return postgres_trade


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
            wait_until_waiting(trade.works.engine, 1)
            ending = threads.submit(trade.works.run, buyer(), lambda work: service.cancel_order(work, order_id))
            wait_until_waiting(trade.works.engine, 2)
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
                wait_until_waiting(trade.works.engine, number)
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
            wait_until_waiting(trade.works.engine, 1)
        leaving.result(SECONDS_MAX)

    assert held == 30
    assert counts(trade) == {}


def test_a_store_that_is_closing_at_this_moment_is_not_picked(trade: Trade) -> None:
    (order_id,) = trade.lock()
    close(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(OPERATOR) as work:
            service.close_store(work, NORTH_STORE)
            picking = other.submit(pick, trade, order_id, NORTH_STORE)
            wait_until_waiting(trade.works.engine, 1)
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
            wait_until_waiting(trade.works.engine, 1)
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
            wait_until_waiting(trade.works.engine, 1)
        with pytest.raises(NotFound):
            ordering.result(SECONDS_MAX)


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
            if len(arrived) > 1 or count_waiting(trade.works.engine):
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
