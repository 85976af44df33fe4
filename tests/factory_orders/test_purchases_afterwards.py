"""What becomes of a bought stock car: handed over, or its buyer leaves, and it is stock again with all money told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from demand.circles.tables import car_owners
from factory_orders import queries, service
from factory_orders.errors import OrderNotCancellable, OrderOpen
from factory_orders.events import VehicleDelivered
from factory_orders.model import DeliveredOrder, order_state
from factory_orders.stock.model import PurchaseState
from factory_orders.stock.tables import stock_purchases
from kernel import ledger, outbox, payments
from kernel.errors import Conflict
from kernel.ledger import account
from kernel.outbox import Subscription
from kernel.paging import PageRequest
from kernel.payments import PaymentState, carry_out_refunds
from kernel.sandbox import DECLINED_PREFIX
from kernel.timers import fire_due
from muster.wiring import count_endings
from tests.configurator.small_brand import BRAND
from tests.factory_orders.purchasing import (
    DEPOSIT,
    OWN,
    bought,
    buy,
    call_back,
    cancel,
    car,
    deposit_of,
    hear,
    order_of,
    stock_car,
    token,
)
from tests.factory_orders.test_stock import ask, hold, listed
from tests.factory_orders.trade import SYSTEM, Trade, buyer


def test_a_stock_car_is_handed_over_like_any_other_and_the_ledger_comes_to_nothing(trade: Trade) -> None:
    vin = stock_car(trade, damage=service.Damage("scratch", 30_000))
    made = bought(trade, vin)
    who = buyer(7)

    with trade.works.change(who) as work:
        assert service.accept_disclosures(work, made.id) == 1
    handover = trade.inspect(trade.book(made.id, who=who))
    payment = trade.ask_balance(handover, who=who)
    assert payment.amount.minor == made.contract["balance_minor"]
    trade.pay(handover, payment, who=who)
    trade.sign(handover, who=who)

    assert isinstance(order_of(trade, made), DeliveredOrder)
    assert car(trade, vin).state.value == "delivered"
    assert car(trade, vin).newness.word == "new_disclosed"
    assert deposit_of(trade, made) == 0
    with trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("receivable", made.id)) == 0
        (invoice,) = queries.papers_of_order(work.acting(who), made.id, PageRequest(20)).items
    assert invoice.number is not None
    assert trade.unsound() == []
    with pytest.raises(OrderNotCancellable):
        cancel(trade, made)
    while outbox.deliver(trade.works, [Subscription("endings", frozenset({VehicleDelivered.kind}), count_endings)]):
        pass
    with trade.works.read(SYSTEM) as work:
        assert work.connection.execute(select(car_owners.c.person_id)).scalars().all() == [who.person_id]


def test_who_leaves_before_paying_gets_the_deposit_back_and_the_car_is_stock_again(trade: Trade) -> None:
    vin = stock_car(trade)
    made = bought(trade, vin)
    handover = trade.inspect(trade.book(made.id, who=buyer(7)))
    trade.ask_balance(handover, who=buyer(7))

    ended = cancel(trade, made)
    carry_out_refunds(trade.works, {"sandbox": trade.sandbox})
    payments.capture_due(trade.works, {"sandbox": trade.sandbox}, OWN)
    carry_out_refunds(trade.works, {"sandbox": trade.sandbox})

    assert (ended.returned_minor, ended.forfeit_minor) == (DEPOSIT.minor, 0)
    assert order_state(order_of(trade, made)) == "cancelled"
    assert listed(trade) == [vin]
    assert car(trade, vin).newness.word == "new"
    with trade.works.read(SYSTEM) as work:
        paid = [one for one in payments.payments_of(work, [made.id])[made.id] if one.captured]
        assert [one.state for one in paid] == [PaymentState.REFUNDED]
        assert ledger.balance(work, account("receivable", made.id)) == 0
    assert trade.unsound() == []
    assert bought(trade, vin, buyer(8)).state is PurchaseState.BOUGHT


def test_nobody_leaves_with_a_paid_balance_and_a_rejected_handover_lowers_the_car(trade: Trade) -> None:
    vin = stock_car(trade)
    made = bought(trade, vin)
    handover = trade.inspect(trade.book(made.id, who=buyer(7)))
    trade.pay(handover, trade.ask_balance(handover, who=buyer(7)), who=buyer(7))

    with pytest.raises(OrderNotCancellable):
        cancel(trade, made)
    with trade.works.change(buyer(7)) as work:
        service.reject_handover(work, handover.id, "the paint is another one")
    cancel(trade, made)

    assert car(trade, vin).newness.word == "new_disclosed"
    assert listed(trade) == [vin]
    assert trade.unsound() == []


def test_a_deposit_that_the_bank_takes_back_frees_the_car(trade: Trade) -> None:
    vin = stock_car(trade)
    opened = buy(trade, hold(trade, ask(trade, vin)).id)
    call_back(trade, opened.payment_id)
    handover = trade.inspect(trade.book(opened.id, who=buyer(7)))
    trade.ask_balance(handover, who=buyer(7))

    back = trade.sandbox.charge_back(payment_id=opened.payment_id, reference="pay-1", wallet="w")
    heard = hear(trade, back.headers, back.body)

    assert heard.outcome == "charged_back"
    assert order_state(order_of(trade, opened)) == "cancelled"
    assert deposit_of(trade, opened) == 0
    assert listed(trade) == [vin]
    assert trade.unsound() == []


def test_an_authorised_deposit_that_is_declined_later_frees_the_car(trade: Trade) -> None:
    vin = stock_car(trade)
    held = hold(trade, ask(trade, vin))
    made = buy(trade, held.id, given=token(trade, buyer(7), reference=f"{DECLINED_PREFIX}1"))

    payments.capture_due(trade.works, {"sandbox": trade.sandbox}, OWN)

    assert order_state(order_of(trade, made)) == "cancelled"
    assert listed(trade) == [vin]
    assert trade.unsound() == []


def test_a_deposit_that_binds_a_car_is_not_moved_by_hand_and_keeps_its_buyer_here(trade: Trade) -> None:
    vin = stock_car(trade)
    held = hold(trade, ask(trade, vin))
    who = buyer(7)
    buy(trade, held.id)
    with trade.works.read(SYSTEM) as work:
        assert isinstance(service.OrderData().blocks_erasure(work, who.signed_in()), OrderOpen)

    made = buy(trade, held.id, key="another key", given=token(trade, who))

    with pytest.raises(Conflict), trade.works.change(SYSTEM) as work:
        service.hold_stock_deposit(work, made.id)
    cancel(trade, made)
    with trade.works.change(SYSTEM) as work:
        service.hold_stock_deposit(work, made.id)
    with trade.works.change(SYSTEM) as work:
        assert service.OrderData().blocks_erasure(work, who.signed_in()) is None
        told = service.OrderData().export(work, who.signed_in())
        service.OrderData().erase(work, who.signed_in())
        person = work.connection.execute(select(stock_purchases.c.person_id)).scalar_one()
    assert [one["vin"] for one in told["stockPurchases"]] == [vin]
    assert person is None


def test_who_never_pays_the_rest_defaults_and_the_car_is_stock(trade: Trade) -> None:
    vin = stock_car(trade)
    made = bought(trade, vin)

    for _ in range(3):
        trade.clock.advance(timedelta(days=16))
        fire_due(trade.works, service.TIMERS)

    assert order_state(order_of(trade, made)) == "cancelled"
    with trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("forfeit", BRAND)) == DEPOSIT.minor
    assert listed(trade) == [vin]
    assert trade.unsound() == []
