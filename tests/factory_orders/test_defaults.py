"""A balance that is not paid after the second notice: the earnest money is kept, the car is stock, prices stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.cancellation import default_service
from factory_orders.deliveries.handover_store import open_handover
from factory_orders.deliveries.model import Handover, HandoverState
from factory_orders.model import AtStoreOrder, CancelledOrder, DeliveredOrder
from factory_orders.policies import HandoverPolicy
from factory_orders.service import TIMERS, reject_handover
from factory_orders.vehicles.tables import vehicles
from kernel import ledger, news
from kernel.db import is_sqlite
from kernel.ledger import AccountName
from kernel.soundness import examine
from kernel.timers import fire_due
from kernel.work import Work
from muster.audit import CHECKS
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import SYSTEM, Trade, buyer

SECOND_NOTICE = HandoverPolicy().second_notice_days
DEFAULT = HandoverPolicy().default_days


def at_store(trade: Trade) -> str:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    return order_id


def pass_days(trade: Trade, days: float) -> None:
    """Let days pass and fire what is due."""
    trade.clock.advance(timedelta(days=days))
    while fire_due(trade.works, TIMERS):
        pass


def told(trade: Trade, kind: str) -> list[dict[str, Any]]:
    with trade.works.read(SYSTEM) as work:
        return [row.payload for row in work.connection.execute(select(news.outbox).where(news.outbox.c.kind == kind))]


def order_of(trade: Trade, order_id: str) -> object:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [order_id])[order_id]


def balance(trade: Trade, name: str) -> int:
    with trade.works.read(SYSTEM) as work:
        return ledger.balance(work, AccountName(name))


def car_violations(trade: Trade) -> list[str]:
    """Return what an audit finds of orders, cars and weeks."""
    with trade.works.read(SYSTEM) as work:
        found = examine(work, [check for check in CHECKS if check.look.__module__.startswith(("factory", "kernel"))])
    return [f"{one.check.name}: {line}" for one in found for line in one.violations if one.check.rule in (2, 4)]


def test_who_neither_comes_nor_pays_is_told_again_and_then_defaults(trade: Trade) -> None:
    order_id = at_store(trade)
    earnest = balance(trade, f"earnest:{order_id}")
    pass_days(trade, SECOND_NOTICE - 1)
    assert told(trade, "factory_orders.balance_reminded") == []

    pass_days(trade, 1)
    (reminded,) = told(trade, "factory_orders.balance_reminded")
    pass_days(trade, DEFAULT - 1)
    assert isinstance(order_of(trade, order_id), AtStoreOrder)
    pass_days(trade, 1)

    assert reminded["order_id"] == order_id
    ended = order_of(trade, order_id)
    assert isinstance(ended, CancelledOrder)
    assert ended.reason == "balance_unpaid"
    assert earnest > 0
    assert (balance(trade, f"earnest:{order_id}"), balance(trade, f"forfeit:{BRAND}")) == (0, earnest)
    (cancelled,) = told(trade, "factory_orders.order_cancelled")
    assert (cancelled["by"], cancelled["forfeit_minor"], cancelled["returned_minor"]) == ("default", earnest, 0)


def test_the_car_of_a_default_is_stock_and_bound_to_nobody(trade: Trade) -> None:
    order_id = at_store(trade)

    pass_days(trade, SECOND_NOTICE)
    pass_days(trade, DEFAULT)

    with trade.works.read(SYSTEM) as work:
        (state,) = work.connection.execute(select(vehicles.c.state)).scalars()
    assert state == "built"
    assert isinstance(order_of(trade, order_id), CancelledOrder)
    assert car_violations(trade) == []


def test_a_balance_that_was_asked_for_and_not_paid_is_taken_off_the_books(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    asked = trade.ask_balance(handover)
    assert balance(trade, f"receivable:{order_id}") == -asked.amount.minor

    pass_days(trade, SECOND_NOTICE)
    pass_days(trade, DEFAULT)

    assert balance(trade, f"receivable:{order_id}") == 0
    assert balance(trade, f"earnest:{order_id}") == 0
    assert isinstance(order_of(trade, order_id), CancelledOrder)
    with trade.works.read(SYSTEM) as work:
        (ended,) = queries.handovers_of_orders(work, [order_id])[order_id]
    assert (ended.state, ended.reason) == (HandoverState.REJECTED, "balance_unpaid")


def test_an_appointment_that_is_to_come_is_waited_for(trade: Trade) -> None:
    order_id = at_store(trade)
    pass_days(trade, SECOND_NOTICE)
    pass_days(trade, DEFAULT - 1.5)
    handover = trade.book(order_id)

    pass_days(trade, 1)
    assert isinstance(order_of(trade, order_id), AtStoreOrder)
    inspected = trade.inspect(handover)
    trade.pay(inspected, trade.ask_balance(inspected))
    trade.sign(inspected)
    pass_days(trade, 40)

    assert isinstance(order_of(trade, order_id), DeliveredOrder)
    assert told(trade, "factory_orders.order_cancelled") == []


def test_who_has_paid_is_neither_reminded_nor_in_default(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    trade.pay(handover, trade.ask_balance(handover))

    pass_days(trade, SECOND_NOTICE)
    pass_days(trade, DEFAULT)

    assert told(trade, "factory_orders.balance_reminded") == []
    assert isinstance(order_of(trade, order_id), AtStoreOrder)


def test_a_car_that_was_not_taken_for_a_fault_gives_the_whole_time_again(trade: Trade) -> None:
    order_id = at_store(trade)
    pass_days(trade, SECOND_NOTICE)
    handover = trade.inspect(trade.book(order_id), fine=False)
    with trade.works.change(buyer()) as work:
        reject_handover(work, handover.id, "the door rattles")

    pass_days(trade, DEFAULT)
    waiting = order_of(trade, order_id)
    pass_days(trade, DEFAULT)

    assert isinstance(waiting, AtStoreOrder)
    assert isinstance(order_of(trade, order_id), CancelledOrder)


def test_no_brand_may_call_it_a_default_sooner_than_the_rules_say() -> None:
    with pytest.raises(AssertionError, match="default_days lies between 15 and"):
        HandoverPolicy(default_days=14)
    with pytest.raises(AssertionError, match="second_notice_days lies between 1 and"):
        HandoverPolicy(second_notice_days=0)


def test_who_books_while_a_default_is_decided_does_not_default(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = at_store(trade)
    pass_days(trade, SECOND_NOTICE)
    look = open_handover

    def book_just_then(work: Work, one: str) -> Handover | None:
        found = look(work, one)
        monkeypatch.setattr(default_service, "open_handover", look)
        if not is_sqlite(work.connection):  # SQLite lets one write at a time: the buyer waits.
            with trade.works.change(buyer()) as own:
                service.book_handover(own, one, trade.tomorrow_at(10))
        return found

    monkeypatch.setattr(default_service, "open_handover", book_just_then)
    pass_days(trade, DEFAULT)

    kept = trade.works.engine.dialect.name != "sqlite"
    assert isinstance(order_of(trade, order_id), AtStoreOrder if kept else CancelledOrder)
    assert car_violations(trade) == []
