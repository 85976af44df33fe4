"""Buying a stock car: one of many gets it, and its deposit is counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DatabaseError

from configurator.quote_service import is_genuine
from factory_orders import queries, service
from factory_orders.errors import StockCarHeld, StockHoldOver, StockQuoteDead
from factory_orders.model import AtStoreOrder
from factory_orders.planning.tables import orders
from factory_orders.stock.model import PurchaseState, deposit_for
from factory_orders.stock.tables import stock_purchases
from factory_orders.vehicles.tables import allocations
from kernel import payments
from kernel.actor import system
from kernel.errors import IdempotencyMismatch, NotFound, Refusal
from kernel.ids import BrandId
from kernel.ledger import ledger_transfers
from kernel.money import Money
from kernel.paging import PageRequest
from kernel.payments import (
    AuthorisationNotYours,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentState,
    carry_out_refunds,
    receive_callback,
)
from kernel.registry import stores
from kernel.timers import fire_due
from kernel.work import Work
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE
from tests.factory_orders.purchasing import (
    DEPOSIT,
    bought,
    buy,
    call_back,
    car,
    deposit_of,
    order_of,
    purchases,
    stock_car,
    token,
)
from tests.factory_orders.test_conditions import LARGE, SCRATCH, SMALL, cases, close
from tests.factory_orders.test_stock import PRICE, ask, hold, listed, set_price
from tests.factory_orders.trade import SYSTEM, Trade, buyer


def test_who_pays_the_deposit_in_time_has_the_car_at_the_price_of_its_quote(trade: Trade) -> None:
    vin = stock_car(trade)
    quote = ask(trade, vin)
    held = hold(trade, quote)

    opened = buy(trade, held.id)
    assert (opened.state, opened.deposit_minor) == (PurchaseState.OPEN, DEPOSIT.minor)
    set_price(trade, vin, PRICE + 1_000_000)
    heard = call_back(trade, opened.payment_id)

    order = order_of(trade, opened)
    assert heard.outcome == "received"
    assert isinstance(order, AtStoreOrder)
    assert (order.vin, order.terms.price_minor, order.terms.account_id) == (vin, PRICE, buyer(7).account_id)
    assert deposit_of(trade, opened) == DEPOSIT.minor
    assert listed(trade) == []
    assert trade.unsound() == []


def test_the_contract_is_signed_has_the_quote_in_it_and_adds_nothing(trade: Trade) -> None:
    quote = ask(trade, stock_car(trade))

    made = buy(trade, hold(trade, quote).id)

    contract = made.contract
    assert contract["quote"] == quote.document
    assert contract["deposit_minor"] + contract["balance_minor"] == quote.total_minor
    assert is_genuine({"document": contract, "key_id": made.key_id, "signature": made.signature}, DESK)
    altered = contract | {"deposit_minor": 1}
    assert not is_genuine({"document": altered, "key_id": made.key_id, "signature": made.signature}, DESK)


def test_a_deposit_is_at_most_a_fifth_of_the_price() -> None:
    assert deposit_for(15_000_000, asked_minor=500_000) == 500_000
    assert deposit_for(2_000_004, asked_minor=500_000) == 400_000
    assert deposit_for(1, asked_minor=500_000) == 1


def test_the_same_key_is_the_same_purchase_and_another_body_under_it_is_refused(trade: Trade) -> None:
    held = hold(trade, ask(trade, stock_car(trade)))
    given = token(trade, buyer(7))

    first = buy(trade, held.id, given=given)

    assert buy(trade, held.id, given=given) == first
    with pytest.raises(IdempotencyMismatch):
        buy(trade, held.id)
    with pytest.raises(PaymentAlreadyMade):
        buy(trade, held.id, key="another key", given=token(trade, buyer(7), reference="auth-2"))
    assert deposit_of(trade, first) == DEPOSIT.minor


def test_a_deposit_that_is_short_or_another_buyers_is_refused_and_binds_nothing(trade: Trade) -> None:
    vin = stock_car(trade)
    held = hold(trade, ask(trade, vin))

    with pytest.raises(PaymentAmountMismatch):
        buy(trade, held.id, given=token(trade, buyer(7), Money(499_900)))
    with pytest.raises(AuthorisationNotYours):
        buy(trade, held.id, given=token(trade, buyer(8)))
    with pytest.raises(NotFound):
        buy(trade, held.id, who=buyer(8), given=token(trade, buyer(8)))
    opened = buy(trade, held.id)
    short = call_back(trade, opened.payment_id, Money(100))

    assert short.outcome == "returned"
    assert purchases(trade) == ["open"]
    assert car(trade, vin).state.value == "built"


def test_money_that_comes_twice_or_late_goes_back_whole(trade: Trade) -> None:
    vin = stock_car(trade)
    opened = buy(trade, hold(trade, ask(trade, vin)).id)
    call_back(trade, opened.payment_id)
    twice = call_back(trade, opened.payment_id, reference="pay-2")
    again = stock_car(trade, number=30)
    late = buy(trade, hold(trade, ask(trade, again)).id, key="another key")

    trade.clock.advance(timedelta(minutes=31))
    fire_due(trade.works, service.TIMERS)
    too_late = call_back(trade, late.payment_id, reference="pay-3")
    carry_out_refunds(trade.works, {"sandbox": trade.sandbox})

    assert (twice.outcome, too_late.outcome) == ("returned", "late")
    assert deposit_of(trade, late) == 0
    assert listed(trade) == [again]
    assert purchases(trade) == ["bought", "dropped"]
    with trade.works.read(SYSTEM) as work:
        sent = payments.payments_of(work, [late.id])[late.id]
    assert [one.state for one in sent] == [PaymentState.REFUNDED]
    assert trade.unsound() == []


def test_money_that_was_on_its_way_when_the_hold_was_given_back_goes_back(trade: Trade) -> None:
    vin = stock_car(trade)
    held = hold(trade, ask(trade, vin))
    opened = buy(trade, held.id)

    with trade.works.change(buyer(7)) as work:
        service.release_stock_car(work, held.id)
    heard = call_back(trade, opened.payment_id)

    assert heard.outcome == "late"
    assert listed(trade) == [vin]
    with pytest.raises(StockHoldOver):
        buy(trade, held.id, key="another key")
    assert hold(trade, ask(trade, vin), buyer(8)).account_id == buyer(8).account_id


def test_a_hold_that_ran_out_buys_nothing_even_before_its_timer_fires(trade: Trade) -> None:
    held = hold(trade, ask(trade, stock_car(trade)))
    trade.clock.advance(timedelta(minutes=30))

    with pytest.raises(StockHoldOver):
        buy(trade, held.id, given=token(trade, buyer(7)))

    assert purchases(trade) == []


@pytest.mark.parametrize("repair_minor", [SMALL, LARGE])
def test_a_car_of_which_more_was_found_than_was_told_is_not_sold(trade: Trade, repair_minor: int) -> None:
    scratched = partial(stock_car, trade, damage=service.Damage("scratch", 0), marks=(SCRATCH,))
    first, second = scratched(), scratched(number=30)
    held = hold(trade, ask(trade, first))
    other = hold(trade, ask(trade, second), buyer(8))
    opened = buy(trade, other.id, who=buyer(8))
    for case in cases(trade):
        close(trade, repair_minor, case)

    with pytest.raises(StockQuoteDead, match="outdated"):
        buy(trade, held.id)
    sent = call_back(trade, opened.payment_id)

    assert order_count(trade) == 0
    assert sent.payment.state is PaymentState.RECEIVED  # as it was heard of; the room sent it on its way back
    with trade.works.read(SYSTEM) as work:
        assert payments.payments_of(work, [opened.id])[opened.id][-1].state is PaymentState.REFUNDING
    assert trade.unsound() == []


def test_a_store_that_closed_sells_nothing(trade: Trade) -> None:
    held = hold(trade, ask(trade, stock_car(trade)))
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(stores).where(stores.c.id == EAST_STORE).values(closed_at=work.now))

    with pytest.raises(NotFound):
        buy(trade, held.id)

    assert purchases(trade) == []


def order_count(trade: Trade) -> int:
    with trade.works.read(SYSTEM) as work:
        found = select(func.count()).select_from(orders).where(orders.c.origin == "stock")
        return int(work.connection.execute(found).scalar_one())


def test_many_buyers_at_once_for_one_car_and_exactly_one_gets_it(trade: Trade) -> None:
    vin = stock_car(trade)
    quote = ask(trade, vin)

    def try_one(number: int) -> str:
        who = buyer(number)
        try:
            held = trade.works.run(who, lambda work: service.hold_stock_car(work, quote.id))
            made = buy(trade, held.id, who=who, given=token(trade, who, reference=f"auth-{number}"))
        except (StockCarHeld, StockQuoteDead) as refusal:
            return refusal.code
        return made.state.value

    with ThreadPoolExecutor(8) as threads:
        outcomes = Counter(threads.map(try_one, range(20, 28)))

    assert outcomes["bought"] == 1
    assert sum(outcomes.values()) == 8
    with trade.works.read(SYSTEM) as work:
        live = select(func.count()).where(allocations.c.vin == vin, allocations.c.ended_at.is_(None))
        assert work.connection.execute(live).scalar_one() == 1
        paid = ledger_transfers.c.credit_account.like("stock_deposit:%")
        amounts = work.connection.execute(select(ledger_transfers.c.amount_minor).where(paid)).scalars()
        assert list(amounts) == [DEPOSIT.minor]


def test_the_money_of_one_and_the_end_of_the_hold_at_once_leave_one_owner_or_none(trade: Trade) -> None:
    """The deposit, the buyer's own word that he gives the car back and another who waits for it meet."""
    vin = stock_car(trade)
    held = hold(trade, ask(trade, vin))
    opened = buy(trade, held.id)
    quote = ask(trade, vin)
    paid = trade.sandbox.pay(
        brand_id=BRAND, payment_id=opened.payment_id, amount=DEPOSIT, reference="pay-1", wallet="w"
    )

    def pay() -> object:
        def act(work: Work) -> object:
            heard = receive_callback(work, trade.sandbox, paid.headers, paid.body)
            if heard.outcome == "received":
                service.receive_stock_deposit(work.acting(SYSTEM), heard.payment)
            return heard

        return trade.works.run(system(BrandId("")), act)

    def give_back() -> object:
        return trade.works.run(buyer(7), lambda work: service.release_stock_car(work, held.id))

    def take() -> object:
        return trade.works.run(buyer(8), lambda work: service.hold_stock_car(work, quote.id))

    with ThreadPoolExecutor(3) as threads:
        done = [threads.submit(quiet, job) for job in (pay, give_back, take)]
        assert len([one.result() for one in done]) == 3

    state = purchases(trade)
    assert state in (["bought"], ["dropped"])
    is_bought = state == ["bought"]
    assert (car(trade, vin).state.value == "allocated") == is_bought
    assert deposit_of(trade, opened) == (DEPOSIT.minor if is_bought else 0)
    assert trade.unsound() == []


def quiet(job: Callable[[], object]) -> object:
    try:
        return job()
    except Refusal as refusal:
        return refusal


def test_no_order_of_a_stock_car_is_written_without_its_paid_purchase(trade: Trade) -> None:
    vin = stock_car(trade)
    opened = buy(trade, hold(trade, ask(trade, vin)).id)
    with trade.works.read(SYSTEM) as work:
        row = dict(work.connection.execute(select(orders).limit(1)).mappings().one())
    row |= {"id": opened.id, "pool_id": opened.id, "origin": "stock"}

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(orders.insert().values(**row))
    made = buy(trade, opened.hold_id, key="another key", given=token(trade, buyer(7)))
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(
            update(stock_purchases).where(stock_purchases.c.id == made.id).values(state="open", ended_at=None)
        )


def test_one_reads_ones_own_purchases_alone(trade: Trade) -> None:
    made = bought(trade, stock_car(trade))

    with trade.works.read(buyer(7)) as work:
        own = queries.own_stock_purchases(work, PageRequest(5)).items
    with trade.works.read(buyer(8)) as work:
        others = queries.own_stock_purchases(work, PageRequest(5)).items
    assert [one.id for one in own] == [made.id]
    assert list(others) == []
