"""A balance that was counted and is lost is owed again; a car that was signed for leaves a claim."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from factory_orders import service
from factory_orders.deliveries.model import HandoverState
from factory_orders.errors import BalanceOpen
from factory_orders.service import BALANCE_PURPOSE, lose_balance
from kernel import ledger, payments
from kernel.ledger import AccountName
from kernel.news import outbox
from kernel.payments import PaymentState
from kernel.payments.tables import payments as payments_table
from kernel.soundness import examine
from muster.audit import CHECKS
from tests.factory_orders.trade import SYSTEM, Trade, buyer


def settle(trade: Trade) -> None:
    """Let the worker ask for what was authorised."""
    payments.capture_due(trade.works, {"sandbox": trade.sandbox}, {BALANCE_PURPOSE: lose_balance})


def charge_back(trade: Trade, payment_id: str | None) -> None:
    """Let the buyer's bank take a balance back."""
    with trade.works.read(SYSTEM) as work:
        found = payments_table.c
        row = work.connection.execute(select(found.provider_reference).where(found.id == payment_id)).one()
    message = trade.sandbox.charge_back(payment_id=payment_id or "", reference=row.provider_reference, wallet="w")
    with trade.works.change(SYSTEM) as work:
        heard = payments.receive_callback(work, trade.sandbox, message.headers, message.body)
        assert heard.outcome == "charged_back"
        payments.settle_lost(work, {BALANCE_PURPOSE: lose_balance}, heard.payment, heard.missing)


def told(trade: Trade) -> list[bool]:
    """Return of each time that a balance was lost whether it is a claim now."""
    with trade.works.read(SYSTEM) as work:
        found = select(outbox.c.payload).where(outbox.c.kind == "factory_orders.balance_declined")
        return [row.payload["is_claim"] for row in work.connection.execute(found.order_by(outbox.c.id))]


def at_store(trade: Trade) -> str:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    return order_id


def balance(trade: Trade, name: str) -> int:
    with trade.works.read(SYSTEM) as work:
        return ledger.balance(work, AccountName(name))


def violations(trade: Trade, *ids: str) -> list[str]:
    """Return what an audit finds of the order and its payments; that the order had no pool here is no matter."""
    with trade.works.read(SYSTEM) as work:
        found = examine(work, [check for check in CHECKS if check.rule == 1])
    return [line for one in found for line in one.violations if any(one_id in line for one_id in ids)]


def test_a_declined_balance_is_owed_again_and_paid_another_way(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    asked = trade.ask_balance(handover)
    paid = trade.pay(handover, asked, empty_wallet=True)
    assert (paid.state, balance(trade, f"receivable:{order_id}")) == (HandoverState.BALANCE_PAID, 0)

    settle(trade)

    assert balance(trade, f"receivable:{order_id}") == -asked.amount.minor
    with pytest.raises(BalanceOpen):
        trade.sign(handover)
    with trade.works.change(buyer()) as work:
        again = service.renew_balance(work, handover.id)
    assert (again.state, again.amount) == (PaymentState.PENDING, asked.amount)
    assert violations(trade, f"order {order_id}", paid.balance_payment_id or "") == []
    trade.pay(handover, again)
    settle(trade)
    assert trade.sign(handover).state is HandoverState.SIGNED
    assert balance(trade, f"receivable:{order_id}") == 0


def test_a_balance_declined_after_the_signature_is_a_claim(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    asked = trade.ask_balance(handover)
    paid = trade.pay(handover, asked, empty_wallet=True)
    trade.sign(handover)

    settle(trade)

    assert balance(trade, f"uncollected:{paid.balance_payment_id}") == -asked.amount.minor
    assert balance(trade, f"receivable:{order_id}") == 0
    assert violations(trade, f"order {order_id}", paid.balance_payment_id or "") == []


def test_a_balance_that_the_bank_takes_back_is_asked_for_again(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    asked = trade.ask_balance(handover)
    paid = trade.pay(handover, asked)
    settle(trade)

    charge_back(trade, paid.balance_payment_id)

    assert balance(trade, f"receivable:{order_id}") == -asked.amount.minor
    with pytest.raises(BalanceOpen):
        trade.sign(handover)
    assert told(trade) == [False]
    assert violations(trade, f"order {order_id}", paid.balance_payment_id or "") == []


def test_a_balance_that_the_bank_takes_back_after_the_signature_is_a_claim(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    asked = trade.ask_balance(handover)
    paid = trade.pay(handover, asked)
    settle(trade)
    trade.sign(handover)

    charge_back(trade, paid.balance_payment_id)

    assert balance(trade, f"uncollected:{paid.balance_payment_id}") == -asked.amount.minor
    assert told(trade) == [True]
    assert violations(trade, f"order {order_id}", paid.balance_payment_id or "") == []
