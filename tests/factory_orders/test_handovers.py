"""From the appointment to the signature: what may follow what, who may do it, and what a store sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import IntegrityError

from factory_orders import queries, service
from factory_orders.deliveries.appointments import next_free
from factory_orders.deliveries.tables import handovers
from factory_orders.errors import (
    AppointmentUnavailable,
    BalanceOpen,
    ChecklistIncomplete,
    DisclosureNotAccepted,
    HandoverNotPossible,
    InspectionMissing,
)
from factory_orders.model import (
    AtStoreOrder,
    CheckedPoint,
    HandoverState,
    Newness,
)
from factory_orders.policies import HandoverPolicy
from kernel import ledger, payments
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, NotFound, Refusal
from kernel.ids import AccountId
from kernel.ledger import account, ledger_transfers
from kernel.money import Money
from kernel.news import outbox
from kernel.paging import PageRequest
from kernel.payments import PaymentAlreadyMade, PaymentAmountMismatch, PaymentState
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import CARRIER, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer


def transfers(trade: Trade) -> int:
    with trade.works.read(SYSTEM) as work:
        return int(work.connection.execute(select(func.count()).select_from(ledger_transfers)).scalar_one())


def at_store(trade: Trade) -> str:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    return order_id


def test_a_car_that_the_store_has_not_looked_over_cannot_be_booked(trade: Trade) -> None:
    (order_id,) = trade.lock()
    with pytest.raises(HandoverNotPossible):
        trade.book(order_id)
    trade.build(order_id)
    trade.ship(order_id)

    with pytest.raises(HandoverNotPossible) as refused:
        trade.book(order_id)

    assert refused.value.needs == "the store's inspection of the car"


def test_another_buyers_order_is_not_found(trade: Trade) -> None:
    order_id = at_store(trade)

    with pytest.raises(NotFound):
        trade.book(order_id, who=buyer(2))


@pytest.mark.parametrize("hour", [8, 18])
def test_a_closed_store_receives_nobody_and_says_when_it_does(trade: Trade, hour: int) -> None:
    order_id = at_store(trade)

    with pytest.raises(AppointmentUnavailable) as refused:
        trade.book(order_id, hour=hour)

    expected = trade.tomorrow_at(9) if hour == 8 else trade.tomorrow_at(9) + timedelta(days=1)
    assert refused.value.next_free == expected


@pytest.mark.parametrize("shift", [timedelta(minutes=30), timedelta(days=-2), timedelta(days=40)])
def test_a_time_off_the_hour_past_or_far_ahead_is_refused(trade: Trade, shift: timedelta) -> None:
    order_id = at_store(trade)

    with pytest.raises(AppointmentUnavailable), trade.works.change(buyer()) as work:
        service.book_handover(work, order_id, trade.tomorrow_at(10) + shift)


def test_an_hour_takes_two_and_the_third_gets_the_next(trade: Trade) -> None:
    ids = trade.lock(3)
    for order_id in ids:
        trade.bring_to_store(order_id)
    trade.book(ids[0], who=buyer(1))
    trade.book(ids[1], who=buyer(2))

    with pytest.raises(AppointmentUnavailable) as refused:
        trade.book(ids[2], who=buyer(3))

    assert refused.value.next_free == trade.tomorrow_at(11)


def test_the_same_appointment_and_the_same_authorisation_again_are_the_same_ones(trade: Trade) -> None:
    order_id = at_store(trade)

    booked = [trade.book(order_id) for _ in range(2)]
    with trade.works.change(buyer()) as work:
        moved = service.rebook_handover(work, booked[0].id, trade.tomorrow_at(10))
    handover = trade.inspect(booked[0])
    asked = trade.ask_balance(handover)
    paid = [trade.pay(handover, asked) for _ in range(2)]

    assert booked[0] == booked[1] == moved
    assert paid[0] == paid[1]
    with trade.works.read(SYSTEM) as work:
        kinds = Counter(work.connection.execute(select(outbox.c.kind)).scalars())
        assert ledger.balance(work, account("receivable", order_id)) == 0
    assert (kinds["factory_orders.handover_booked"], kinds["factory_orders.balance_paid"]) == (1, 1)


@pytest.mark.parametrize("signed", [False, True])
def test_a_second_authorisation_for_a_balance_that_is_paid_is_not_taken(trade: Trade, *, signed: bool) -> None:
    handover = trade.inspect(trade.book(at_store(trade)))
    asked = trade.ask_balance(handover)
    trade.pay(handover, asked)
    if signed:
        trade.sign(handover)
    before = transfers(trade)

    with pytest.raises(PaymentAlreadyMade):
        trade.pay(handover, replace(asked, id="another"))

    assert transfers(trade) == before
    assert trade.pay(handover, asked).state is (HandoverState.SIGNED if signed else HandoverState.BALANCE_PAID)


def test_an_order_has_one_open_appointment_which_can_be_moved(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.book(order_id)

    with pytest.raises(HandoverNotPossible):
        trade.book(order_id, hour=12)
    with trade.works.change(buyer()) as work:
        moved = service.rebook_handover(work, handover.id, trade.tomorrow_at(15))

    with trade.works.read(buyer()) as work:
        (known,) = queries.handovers_of_orders(work, [order_id])[order_id]
    assert known == moved
    assert known.appointment_at == trade.tomorrow_at(15)


def test_the_check_list_must_fit(trade: Trade) -> None:
    handover = trade.book(at_store(trade))
    points = [CheckedPoint(point, True) for point in HandoverPolicy().checklist]

    for given, missing, unknown, twice in (
        (points[1:], ("vin_matches",), (), ()),
        ([*points, CheckedPoint("ashtray", True)], (), ("ashtray",), ()),
        ([*points, points[0]], (), (), ("vin_matches",)),
    ):
        with pytest.raises(ChecklistIncomplete) as refused, trade.works.change(STORE_ADVISER) as work:
            service.inspect_handover(work, handover.id, vin=handover.vin, points=given)
        assert refused.value == ChecklistIncomplete(missing, unknown, twice)


def test_another_store_does_not_find_the_handover(trade: Trade) -> None:
    handover = trade.book(at_store(trade))

    with pytest.raises(NotFound), trade.works.change(OTHER_STORE) as work:
        service.inspect_handover(work, handover.id, vin=handover.vin, points=[])


def test_no_balance_and_no_signature_before_the_inspection(trade: Trade) -> None:
    handover = trade.book(at_store(trade))
    before = transfers(trade)

    with pytest.raises(InspectionMissing):
        trade.ask_balance(handover)
    with pytest.raises(InspectionMissing):
        trade.sign(handover)

    assert transfers(trade) == before


def test_the_database_refuses_a_balance_before_the_inspection(trade: Trade) -> None:
    handover = trade.book(at_store(trade))

    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(
            update(handovers).where(handovers.c.id == handover.id).values(balance_payment_id="1" * 32)
        )


def test_no_signature_while_money_is_open(trade: Trade) -> None:
    handover = trade.inspect(trade.book(at_store(trade)))
    payment = trade.ask_balance(handover)

    with pytest.raises(BalanceOpen) as refused:
        trade.sign(handover)

    assert refused.value == BalanceOpen(payment.amount)


def test_asking_for_the_balance_again_asks_for_the_same(trade: Trade) -> None:
    handover = trade.inspect(trade.book(at_store(trade)))
    first = trade.ask_balance(handover)
    before = transfers(trade)

    assert trade.ask_balance(handover) == first
    assert transfers(trade) == before


def test_another_amount_pays_nothing(trade: Trade) -> None:
    handover = trade.inspect(trade.book(at_store(trade)))
    payment = trade.ask_balance(handover)
    before = transfers(trade)

    with pytest.raises(PaymentAmountMismatch):
        trade.pay(handover, replace(payment, amount=payment.amount - Money(1)))

    assert transfers(trade) == before


def test_a_balance_by_callback_is_paid_once_however_often_it_is_told(trade: Trade) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    payment = trade.ask_balance(handover)
    message = trade.sandbox.pay(
        brand_id=BRAND, payment_id=payment.id, amount=payment.amount, reference="r1", wallet="w"
    )

    outcomes = []
    for _ in range(3):
        with trade.works.change(SYSTEM) as work:
            heard = payments.receive_callback(work, trade.sandbox, message.headers, message.body)
            if heard.outcome == "received":
                service.receive_balance(work, heard.payment)
            outcomes.append(heard.outcome)

    assert outcomes == ["received", "repeated", "repeated"]
    assert trade.sign(handover).state is HandoverState.SIGNED
    with trade.works.read(SYSTEM) as work:
        assert ledger.balance(work, account("receivable", order_id)) == 0


@pytest.mark.parametrize("ending", ["rejected", "paid another way"])
def test_a_balance_told_of_by_a_change_that_began_before_the_handover_ended_goes_back_whole(
    trade: Trade, ending: str
) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id))
    payment = trade.ask_balance(handover)
    message = trade.sandbox.pay(
        brand_id=BRAND, payment_id=payment.id, amount=payment.amount, reference="r1", wallet="w"
    )
    began = trade.clock.now()
    trade.clock.advance(timedelta(seconds=1))
    if ending == "rejected":
        with trade.works.change(buyer()) as work:
            service.reject_handover(work, handover.id, "the door does not close")
    else:
        trade.pay(handover, payment)

    with trade.works.change(SYSTEM) as work:
        work.now = began
        heard = payments.receive_callback(work, trade.sandbox, message.headers, message.body)
        taken = service.receive_balance(work, heard.payment)

    with trade.works.read(SYSTEM) as work:
        names = [account("receivable", order_id), account("late", payment.id), account("refund", payment.id)]
        sums = list(ledger.balances(work, names).values())
        known = {one.id: one.state for one in payments.payments_of(work, [order_id])[order_id]}
    assert heard.outcome == "received"
    assert taken is None
    assert sums == [0, 0, payment.amount.minor]
    assert known[payment.id] is PaymentState.REFUNDING


def test_a_balance_that_ran_out_is_asked_for_anew_over_the_same_sum(trade: Trade) -> None:
    handover = trade.inspect(trade.book(at_store(trade)))
    first = trade.ask_balance(handover)
    with trade.works.change(buyer()) as work:
        assert service.renew_balance(work, handover.id) == first
    trade.clock.advance(timedelta(days=16))

    with trade.works.change(buyer()) as work:
        second = service.renew_balance(work, handover.id)

    assert second.id != first.id
    assert second.amount == first.amount
    assert trade.pay(handover, second).state is HandoverState.BALANCE_PAID


@pytest.mark.parametrize("paid", [False, True])
def test_a_rejected_car_is_disclosed_and_every_fen_goes_back(trade: Trade, paid: bool) -> None:
    order_id = at_store(trade)
    handover = trade.inspect(trade.book(order_id), fine=False)
    payment = trade.ask_balance(handover)
    if paid:
        trade.pay(handover, payment)

    with trade.works.change(buyer()) as work:
        rejected = service.reject_handover(work, handover.id, "the door does not close")

    with trade.works.read(SYSTEM) as work:
        names = [account(kind, order_id) for kind in ("receivable", "earnest")]
        names += [account(kind, BRAND) for kind in ("sales", "third_party")]
        sums = list(ledger.balances(work, names).values())
        known = payments.payments_of(work, [order_id])[order_id]
        order = queries.orders_by_id(work, [order_id])[order_id]
        car = queries.vehicles_by_vin(work, [handover.vin])[handover.vin]
    assert rejected.state is HandoverState.REJECTED
    assert sums == [0, 500_000, 0, 0]
    assert isinstance(order, AtStoreOrder)
    assert car.newness is Newness.NEW_DISCLOSED
    assert [one.state for one in known].count(PaymentState.REFUNDING) == int(paid)


def test_after_a_rejection_the_buyer_books_again_and_takes_the_disclosed_car(trade: Trade) -> None:
    order_id = at_store(trade)
    first = trade.inspect(trade.book(order_id), fine=False)
    with trade.works.change(buyer()) as work:
        service.reject_handover(work, first.id, "the door does not close")

    second = trade.inspect(trade.book(order_id, hour=11))
    with pytest.raises(DisclosureNotAccepted):
        trade.ask_balance(second)
    with trade.works.change(buyer()) as work:
        service.accept_disclosures(work, order_id)
    trade.pay(second, trade.ask_balance(second))

    assert trade.sign(second).state is HandoverState.SIGNED


def test_nothing_follows_a_signature(trade: Trade) -> None:
    order_id = at_store(trade)
    signed = trade.hand_over(order_id)
    before = transfers(trade)

    def again(step: str) -> None:
        with trade.works.change(buyer()) as work:
            match step:
                case "reject":
                    service.reject_handover(work, signed.id, "no")
                case "balance":
                    service.request_balance(work, signed.id)
                case _:
                    service.book_handover(work, order_id, trade.tomorrow_at(10))

    for step in ("reject", "balance", "book"):
        with pytest.raises(Refusal):
            again(step)
    assert transfers(trade) == before


def test_a_store_sees_its_own_deliveries_and_nothing_of_the_buyers(trade: Trade) -> None:
    first, second = trade.lock(2)
    vin = trade.bring_to_store(first)
    handover = trade.book(first)

    with trade.works.read(STORE_ADVISER) as work:
        page = queries.store_deliveries(work, PageRequest(10))
    with trade.works.read(OTHER_STORE) as work:
        others = queries.store_deliveries(work, PageRequest(10)).items

    by_id = {one.order_id: one for one in page.items}
    assert set(by_id) == {first, second}
    assert (by_id[first].state, by_id[first].vin, by_id[first].newness) == ("at_store", vin, "new")
    assert by_id[first].appointment_at == handover.appointment_at
    assert (by_id[second].state, by_id[second].vin) == ("scheduled", None)
    assert others == ()
    assert all(buyer(number).signed_in() not in repr(one) for one in page.items for number in (1, 2))


def test_a_delivered_car_leaves_the_stores_list_unless_it_is_asked_for(trade: Trade) -> None:
    order_id = at_store(trade)
    trade.hand_over(order_id)

    with trade.works.read(STORE_ADVISER) as work:
        assert queries.store_deliveries(work, PageRequest(10)).items == ()
        (delivered,) = queries.store_deliveries(work, PageRequest(10), state="delivered").items

    assert delivered.order_id == order_id


@pytest.mark.parametrize("actor", [buyer(), PLANNER, CARRIER])
def test_only_stores_read_deliveries(trade: Trade, actor: Actor) -> None:
    with trade.works.read(actor) as work, pytest.raises(Forbidden):
        queries.store_deliveries(work, PageRequest(10))


def test_staff_without_a_store_sees_no_deliveries(trade: Trade) -> None:
    unbound = Actor(BRAND, frozenset({Role.DEALER}), AccountId("d" * 32))

    with trade.works.read(unbound) as work, pytest.raises(NotFound):
        queries.store_deliveries(work, PageRequest(10))


def test_the_number_of_statements_does_not_grow_with_the_stores_list(trade: Trade) -> None:
    ids = trade.lock(8)
    for order_id in ids[:4]:
        trade.bring_to_store(order_id)
    seen: list[str] = []

    @event.listens_for(trade.works.engine, "before_cursor_execute")
    def note(*facts: object) -> None:
        seen.append(str(facts[2]))

    counts = []
    for size in (1, 8):
        seen.clear()
        with trade.works.read(STORE_ADVISER) as work:
            queries.store_deliveries(work, PageRequest(size))
        counts.append(len([one for one in seen if one.startswith("SELECT")]))

    assert counts[0] == counts[1] == 1


def test_a_store_reads_deliveries_and_never_the_buyers_order(trade: Trade) -> None:
    (order_id,) = trade.lock()

    with trade.works.read(STORE_ADVISER) as work:
        listed = [one.order_id for one in queries.store_deliveries(work, PageRequest(10)).items]
        as_order = queries.orders_by_id(work, [order_id])
    with trade.works.read(buyer()) as work:
        own = list(queries.orders_by_id(work, [order_id]))

    assert listed == own == [order_id]
    assert as_order == {}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "Asia/Kathmandu"])
def test_the_next_free_hour_is_a_full_one_where_the_store_is(zone: str) -> None:
    closed = datetime(2026, 11, 23, 20, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    found = next_free(now=closed, after=closed, zone=ZoneInfo(zone), taken={}, policy=HandoverPolicy())

    assert found == datetime(2026, 11, 24, 9, tzinfo=ZoneInfo(zone))
