"""A cancellation and the plan at the same moment: no car is built for an order that has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from demand.service import DEPOSIT_PURPOSE
from factory_orders import queries, service
from factory_orders.model import CancelledOrder
from factory_orders.planning.tables import capacity_weeks
from kernel import db, payments, policy
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.ids import AccountId
from kernel.paging import PageRequest
from kernel.payments import PaymentRequest
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import EARNEST, SYSTEM, Trade, buyer, open_trade

pytestmark = pytest.mark.postgres
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("6" * 32))
GOLD_CAR = ("GOLD", "W17", "PT_SMALL", "TR_BASE")
WEEK = date(2026, 12, 14)
LONG_ENOUGH_TO_WAIT = 0.5


@pytest.fixture
def trade(postgres_url: str, clock: FixedClock) -> Iterator[Trade]:
    engine = db.open_engine(postgres_url)
    yield open_trade(Works(engine, clock=clock), clock)
    engine.dispose()


def pay_deposit(trade: Trade, order_id: str) -> None:
    """Let the first buyer's wallet pay what the order's earnest money came from."""
    account_id, until = buyer().signed_in(), trade.clock.now() + timedelta(hours=1)
    token = trade.sandbox.authorise(
        account_id=account_id, amount=EARNEST, reference="deposit", wallet="w", expires_at=until
    )
    with trade.works.change(SYSTEM) as work:
        request = PaymentRequest(BRAND, account_id, DEPOSIT_PURPOSE, order_id, EARNEST, until)
        payments.receive_authorised(work, [(request, trade.sandbox.read_authorisation(token))])


def test_an_order_cancelled_while_its_batch_is_scheduled_gets_no_car(trade: Trade) -> None:
    with trade.works.change(ADMIN) as work:
        policy.change_policy(
            work, base_version=0, changes={"capacity": {"option_limits": [["GOLD", 0]]}}, reason="no gold paint"
        )
    (order_id,) = trade.lock(1, options=GOLD_CAR)
    pay_deposit(trade, order_id)
    with trade.works.change(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
        service.change_capacity(work, "fir_north", week=WEEK, resource="GOLD", capacity=1)

    with ThreadPoolExecutor(2) as threads:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            scheduling = threads.submit(trade.works.run, PLANNER, lambda work: service.schedule_batch(work, batch.id))
            time.sleep(LONG_ENOUGH_TO_WAIT)
            ending = threads.submit(trade.works.run, buyer(), lambda work: service.cancel_order(work, order_id))
            time.sleep(LONG_ENOUGH_TO_WAIT)
        scheduling.result(20)
        ending.result(20)

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        live = queries.build_orders_of_orders(work, [order_id])
        weeks = work.connection.execute(select(capacity_weeks).where(capacity_weeks.c.used > 0)).all()
    assert isinstance(order, CancelledOrder)
    assert live == {}
    assert weeks == []
