"""Late credits: ¥100 a day by themselves, exactly once, at most 3 % of the price, set off at the handover."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.quote_service import third_party_of_day
from factory_orders import queries, service
from factory_orders.audit_service import CHECKS
from factory_orders.deliveries.balance import Balance, day_without_lateness, late_credit_minor
from factory_orders.deliveries.late_service import credit_late_days
from factory_orders.service import TIMERS
from kernel import ledger, policy
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from kernel.ledger import Transfer, account, book
from kernel.money import Money
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import SYSTEM, Trade, buyer

PROMISED = date(2026, 12, 10)
MOST = 300_000  # 3 % of ¥100,000.
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
(WRONG_CREDITS,) = (check for check in CHECKS if check.look.__name__ == "_wrong_credits")


def owed(trade: Trade) -> int:
    with trade.works.read(SYSTEM) as work:
        return ledger.balance(work, account("payable", buyer().signed_in()))


def sleep_until(trade: Trade, day: date) -> None:
    """Let the clock stand at ten in the morning in Shanghai of a day, and fire what is due."""
    trade.clock.advance(timedelta(days=(day - (trade.clock.now() + timedelta(hours=8)).date()).days))
    while fire_due(trade.works, TIMERS):
        pass


def test_each_late_day_credits_by_itself(trade: Trade) -> None:
    trade.lock(promised_by=PROMISED)

    credited = []
    for number in range(4):
        sleep_until(trade, PROMISED + timedelta(days=number))
        credited.append(owed(trade))

    assert credited == [0, 10_000, 20_000, 30_000]


@pytest.mark.parametrize("changed", [{"per_day_minor": 1}, {"per_day_minor": 5_000}, {"most_bp": 10}])
def test_a_contract_keeps_the_credits_it_was_made_with(trade: Trade, changed: dict[str, int]) -> None:
    trade.lock(promised_by=PROMISED)
    sleep_until(trade, PROMISED + timedelta(days=20))

    with trade.works.change(ADMIN) as work:
        base = policy.current(work).version
        policy.change_policy(work, base_version=base, changes={"late_credits": changed}, reason="a cheaper year")
    for number in range(21, 90):
        sleep_until(trade, PROMISED + timedelta(days=number))

    assert owed(trade) == MOST
    with trade.works.read(SYSTEM) as work:
        assert list(WRONG_CREDITS.look(work)) == []


def test_a_worker_that_slept_catches_up_to_the_fen(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=PROMISED)

    sleep_until(trade, PROMISED + timedelta(days=7))
    with trade.works.change(SYSTEM) as work:
        credit_late_days(work, order_id)
        credit_late_days(work, order_id)

    assert owed(trade) == 70_000


def test_credits_end_at_three_percent_of_the_price(trade: Trade) -> None:
    trade.lock(promised_by=PROMISED)

    sleep_until(trade, PROMISED + timedelta(days=29))
    nearly = owed(trade)
    sleep_until(trade, PROMISED + timedelta(days=120))

    assert nearly == 290_000
    assert owed(trade) == MOST
    assert fire_due(trade.works, TIMERS) == 0


def test_a_car_that_stands_ready_at_the_store_is_late_no_longer(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=PROMISED)
    sleep_until(trade, PROMISED + timedelta(days=2))
    trade.bring_to_store(order_id)
    at_arrival = owed(trade)

    sleep_until(trade, PROMISED + timedelta(days=20))

    assert at_arrival == 20_000
    assert owed(trade) == 20_000


def test_late_credits_are_set_off_at_the_handover(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=PROMISED)
    sleep_until(trade, PROMISED + timedelta(days=5))
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id))

    payment = trade.ask_balance(handover)

    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [handover.id])[handover.id]
        expense = ledger.balance(work, account("late_credits", BRAND))
    assert asked.late_credit_minor == 50_000
    assert payment.amount.minor == asked.owed_minor - 500_000 - 50_000
    assert (owed(trade), expense) == (0, -50_000)
    trade.pay(handover, payment)
    trade.sign(handover)


def test_without_a_date_in_the_quote_the_plan_makes_the_contracts_date(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with trade.works.read(SYSTEM) as work:
        terms = queries.orders_by_id(work, [order_id])[order_id].terms

    # Friday 11 December, two days, no road, three days of preparation, ten days of slack.
    assert terms.promised_by == date(2026, 12, 26)


def test_a_tax_rise_that_the_makers_lateness_caused_is_the_makers(trade: Trade) -> None:
    # Half of the purchase tax is let off until the end of 2027 (tax policy).
    promised_by = date(2027, 12, 20)
    trade.clock.advance(timedelta(days=380))
    (order_id,) = trade.lock(promised_by=promised_by)
    sleep_until(trade, date(2027, 12, 28))
    trade.bring_to_store(order_id)
    in_time = third_party(trade, order_id, date(2027, 12, 20))
    trade.clock.advance(timedelta(days=10))

    handover = trade.inspect(trade.book(order_id))
    trade.ask_balance(handover)

    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [handover.id])[handover.id]
    assert third_party(trade, order_id, date(2028, 1, 10)) > in_time
    assert asked.third_party_minor == in_time


def test_a_tax_rise_that_the_buyer_waited_for_is_the_buyers(trade: Trade) -> None:
    trade.clock.advance(timedelta(days=370))
    (order_id,) = trade.lock(promised_by=date(2027, 12, 28))
    sleep_until(trade, date(2027, 12, 9))
    trade.bring_to_store(order_id)
    trade.clock.advance(timedelta(days=30))

    handover = trade.inspect(trade.book(order_id))
    trade.ask_balance(handover)

    today = (trade.clock.now() + timedelta(hours=8)).date()
    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [handover.id])[handover.id]
    assert today > date(2028, 1, 1)
    assert third_party(trade, order_id, today) > third_party(trade, order_id, date(2027, 12, 28))
    assert asked.third_party_minor == third_party(trade, order_id, today)


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(-60, 400), st.integers(0, 400))
def test_of_two_who_take_as_long_the_one_whose_car_was_late_pays_as_if_it_had_not_been(
    promised_by: date, late_days: int, buyer_days: int
) -> None:
    ready_on = promised_by + timedelta(days=late_days)

    counted = day_without_lateness(ready_on + timedelta(days=buyer_days), ready_on=ready_on, promised_by=promised_by)

    assert counted == min(ready_on, promised_by) + timedelta(days=buyer_days)
    assert counted == day_without_lateness(counted, ready_on=min(ready_on, promised_by), promised_by=promised_by)


def third_party(trade: Trade, order_id: str, day: date) -> int:

    with trade.works.read(SYSTEM) as work:
        terms = queries.orders_by_id(work, [order_id])[order_id].terms
        return third_party_of_day(work, terms.quote_id, vehicle_price_minor=terms.price_minor, day=day)


@given(st.integers(0, 400), st.integers(1, 10**9))
def test_a_credit_never_falls_and_never_passes_its_cap(days: int, price_minor: int) -> None:
    credited = [
        late_credit_minor(days_late=number, price_minor=price_minor, per_day_minor=10_000, most_bp=300)
        for number in (days, days + 1)
    ]

    assert credited[0] <= credited[1] <= credited[0] + 10_000
    assert credited[1] <= price_minor * 300 / 10_000 + 0.5


@given(*(st.integers(0, 10**9) for _ in range(5)))
def test_a_balance_is_what_is_owed_less_what_is_set_off(
    vehicle: int, other: int, third_party_minor: int, earnest: int, late: int
) -> None:
    balance = Balance(vehicle, other, third_party_minor, earnest, late)

    assert balance.due_minor + balance.earnest_minor + balance.late_credit_minor == balance.owed_minor
    assert balance.owed_minor == vehicle + other + third_party_minor


def test_the_timers_of_this_room_are_told_to_the_worker() -> None:
    assert set(service.TIMERS) == {
        "factory_orders.stock_move",
        "factory_orders.early_offer",
        "factory_orders.swap_offer",
        "factory_orders.store_to_pick",
        "factory_orders.late_credit",
        "factory_orders.schedule_batch",
        "factory_orders.balance_reminder",
        "factory_orders.balance_default",
        "factory_orders.promise_hold",
        "factory_orders.repair_offer",
        "factory_orders.promise_hold_reminder",
        "factory_orders.stock_hold",
        "factory_orders.wait_offer",
    }


def test_a_credit_that_was_paid_out_by_hand_is_not_set_off_once_more(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=PROMISED)
    sleep_until(trade, PROMISED + timedelta(days=7))
    payable = account("payable", buyer().signed_in())
    with trade.works.change(SYSTEM) as work:
        book(work, Transfer("money_by_hand", "a" * 32, payable, account("provider", "sandbox"), Money(70_000)))
    trade.bring_to_store(order_id)
    credited_since = owed(trade)
    handover = trade.inspect(trade.book(order_id))

    trade.ask_balance(handover)

    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [handover.id])[handover.id]
    assert asked.late_credit_minor == credited_since
    assert owed(trade) == 0
