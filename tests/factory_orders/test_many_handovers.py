"""A day on which a store hands over many cars: in one change as one by one, and a refused one spoils no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

import orjson
from sqlalchemy import Table, event, select

from factory_orders import queries, service
from factory_orders.deliveries.handover_store import write_late_credits
from factory_orders.deliveries.tables import handovers, order_balances
from factory_orders.errors import (
    AppointmentUnavailable,
    BalanceOpen,
    ChecklistIncomplete,
    HandoverNotPossible,
    InspectionMissing,
    VinInvalid,
)
from factory_orders.model import CheckedPoint, Handover, HandoverState
from factory_orders.papers.tables import papers
from factory_orders.planning.tables import orders
from factory_orders.policies import HandoverPolicy
from factory_orders.service import BalancePayment, Booking, CheckedCar
from factory_orders.store_shares.tables import store_shares
from factory_orders.vehicles.tables import vehicle_disclosures, vehicles
from kernel import ledger
from kernel.actor import Actor
from kernel.db import Instant
from kernel.errors import Forbidden, NotFound, Refusal
from kernel.ledger import Transfer, account, book, ledger_transfers
from kernel.money import Money, yuan
from kernel.news import outbox
from kernel.owed import payable_account
from kernel.payments import Authorisation, Payment, PaymentAmountMismatch
from kernel.payments.tables import payments
from kernel.record import record_entries
from kernel.timers import timers
from kernel.work import Work
from tests.configurator.small_brand import BRAND
from tests.factory_orders.trade import CARRIER, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer

TABLES: Final[tuple[Table, ...]] = (
    *(handovers, ledger_transfers, order_balances, orders, outbox, papers, payments, record_entries, store_shares),
    *(timers, vehicle_disclosures, vehicles),
)
# What two cars can never have in common, beside the ids that are given other names.
APART: Final = frozenset(
    {"id", "place", "hash", "previous_hash", "number", "build_order_id", "instrument", "provider_reference"}
)
POINTS: Final = [CheckedPoint(point, fine=True) for point in HandoverPolicy().checklist]


@dataclass(frozen=True, slots=True)
class Ready:
    """A buyer whose car stands at the store."""

    buyer: Actor
    order_id: str
    vin: str


def ready_cars(trade: Trade, count: int) -> list[Ready]:
    """Bring cars to the store, each of another buyer."""
    ids = trade.lock(count)
    return [Ready(buyer(number), order_id, trade.bring_to_store(order_id)) for number, order_id in enumerate(ids, 1)]


def authorised(trade: Trade, who: Actor, payment: Payment) -> Authorisation:
    token = trade.sandbox.authorise(
        account_id=who.signed_in(),
        amount=payment.amount,
        reference=f"r{payment.id}",
        wallet=f"wallet of {who.account_id}",
        expires_at=payment.expires_at,
    )
    return trade.sandbox.read_authorisation(token)


def must(outcomes: list[Any]) -> list[Any]:
    assert [one for one in outcomes if isinstance(one, Refusal)] == []
    return outcomes


def hand_over_at_once(trade: Trade, cars: list[Ready], *, hour: int) -> None:
    """Take cars from the booking to the signature, two an hour, each step for all of them."""
    wanted = [
        (one.buyer, Booking(one.order_id, trade.tomorrow_at(hour + number // 2))) for number, one in enumerate(cars)
    ]
    with trade.works.change(SYSTEM) as work:
        booked = must(service.book_handovers(work, wanted))
        must(service.inspect_handovers(work, [(STORE_ADVISER, CheckedCar(one.id, one.vin, POINTS)) for one in booked]))
        must(service.accept_disclosures_of(work, [(one.buyer, one.order_id) for one in cars]))
        asked = [(one.buyer, handover.id) for one, handover in zip(cars, booked, strict=True)]
        expected = must(service.request_balances(work, asked))
        paid = [
            (who, BalancePayment(handover_id, authorised(trade, who, payment)))
            for (who, handover_id), payment in zip(asked, expected, strict=True)
        ]
        must(service.pay_balances(work, paid))
        must(service.sign_handovers(work, asked))


def hand_over_one_by_one(trade: Trade, one: Ready, *, hour: int) -> None:
    """Take one car the same way, each step by itself."""
    with trade.works.change(SYSTEM) as work:
        own, adviser = work.acting(one.buyer), work.acting(STORE_ADVISER)
        handover = service.book_handover(own, one.order_id, trade.tomorrow_at(hour))
        service.inspect_handover(adviser, handover.id, vin=one.vin, points=POINTS)
        service.accept_disclosures(own, one.order_id)
        payment = service.request_balance(own, handover.id)
        service.pay_balance(own, handover.id, authorised(trade, one.buyer, payment))
        service.sign_handover(own, handover.id)


def rows(trade: Trade) -> dict[str, Counter[str]]:
    """Return every row as text, without its moments and what no two cars have in common, by table."""
    found: dict[str, Counter[str]] = {}
    with trade.works.read(SYSTEM) as work:
        for table in TABLES:
            kept = [one for one in table.columns if one.name not in APART and not isinstance(one.type, Instant)]
            own = work.connection.execute(select(*kept))
            found[table.name] = Counter(orjson.dumps([*row], option=orjson.OPT_SORT_KEYS).decode() for row in own)
    return found


def story_of(
    trade: Trade, one: Ready, before: Mapping[str, Counter[str]], after: Mapping[str, Counter[str]]
) -> dict[str, list[str]]:
    """Return what came and what went between two moments about a car, the ids in it under names of their own."""
    names = names_of(trade, one)
    told: dict[str, list[str]] = {}
    for table in before:
        for sign, changed in (("+", after[table] - before[table]), ("-", before[table] - after[table])):
            for text in changed.elements():
                if any(own_id in text for own_id in names):
                    named = reduce(lambda so_far, one: so_far.replace(*one), names.items(), text)
                    told.setdefault(table, []).append(sign + named)
    return {table: sorted(texts) for table, texts in told.items()}


def names_of(trade: Trade, one: Ready) -> dict[str, str]:
    """Name the ids that a car's rows hold."""
    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [one.order_id])[one.order_id]
        names = {one.order_id: "the order", one.vin: "the car", one.buyer.signed_in(): "the buyer"}
        names[order.terms.quote_id] = "the quote"
        for column, key, sort in (
            (handovers.c.id, handovers.c.order_id, handovers.c.id),
            (payments.c.id, payments.c.subject_id, payments.c.provider),
            (papers.c.number, papers.c.order_id, papers.c.id),
        ):
            found = work.connection.execute(select(column).where(key == one.order_id).order_by(sort)).scalars()
            names |= {own_id: f"{column.table.name} {number}" for number, own_id in enumerate(found, 1)}
    return names


def test_many_cars_at_once_leave_the_rows_that_each_would_leave_by_itself(trade: Trade) -> None:
    alone, *together = ready_cars(trade, 3)
    first = rows(trade)
    hand_over_one_by_one(trade, alone, hour=10)
    second = rows(trade)

    hand_over_at_once(trade, together, hour=10)

    expected, third = story_of(trade, alone, first, second), rows(trade)
    assert set(expected) == {table.name for table in TABLES} - {"vehicle_disclosures"}
    for one in together:
        assert story_of(trade, one, second, third) == expected


def test_the_number_of_statements_does_not_grow_with_the_cars(trade: Trade) -> None:
    cars = ready_cars(trade, 4)
    seen: list[str] = []

    @event.listens_for(trade.works.engine, "before_cursor_execute")
    def note(*facts: object) -> None:
        seen.append(str(facts[2]))

    counts = []
    for some, hour in ((cars[:1], 10), (cars[1:], 11)):
        seen.clear()
        hand_over_at_once(trade, some, hour=hour)
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_each_is_refused_for_its_own_reason_and_the_others_go_on(trade: Trade) -> None:
    fine, other, third = ready_cars(trade, 3)
    (unbuilt,) = trade.lock(1, pool_id="8" * 32, first_buyer=7)

    def at_once(step: Callable[[Work], list[Any]]) -> list[Any]:
        before = rows(trade)
        with trade.works.change(SYSTEM) as work:
            outcomes = step(work)
        after = rows(trade)
        for one in (other, third):
            assert story_of(trade, one, before, after) == {}, "a refused one leaves nothing"
        return outcomes

    wanted = [
        (fine.buyer, Booking(fine.order_id, trade.tomorrow_at(10))),
        (fine.buyer, Booking(other.order_id, trade.tomorrow_at(10))),
        (third.buyer, Booking(third.order_id, trade.tomorrow_at(8))),
        (buyer(7), Booking(unbuilt, trade.tomorrow_at(10))),
    ]
    mine, *refused = at_once(lambda work: service.book_handovers(work, wanted))
    assert isinstance(mine, Handover)
    assert [type(one) for one in refused] == [NotFound, AppointmentUnavailable, HandoverNotPossible]
    assert refused[1].next_free == trade.tomorrow_at(9)

    others, thirds = (trade.book(one.order_id, who=one.buyer, hour=11) for one in (other, third))
    checked = [
        (STORE_ADVISER, CheckedCar(mine.id, fine.vin, POINTS)),
        (OTHER_STORE, CheckedCar(others.id, other.vin, POINTS)),
        (STORE_ADVISER, CheckedCar(thirds.id, third.vin, POINTS[1:])),
    ]
    seen, *refused = at_once(lambda work: service.inspect_handovers(work, checked))
    assert seen.state is HandoverState.INSPECTED
    assert refused == [NotFound("handover"), ChecklistIncomplete((POINTS[0].point,), ())]
    mixed_up = [(STORE_ADVISER, CheckedCar(others.id, fine.vin, POINTS)), (CARRIER, CheckedCar(thirds.id, "", []))]
    refused = at_once(lambda work: service.inspect_handovers(work, mixed_up))
    assert [type(one) for one in refused] == [VinInvalid, Forbidden]

    asking = [(fine.buyer, mine.id), (other.buyer, others.id), (fine.buyer, thirds.id)]
    payment, *refused = at_once(lambda work: service.request_balances(work, asking))
    assert refused == [InspectionMissing(), NotFound("handover")]

    wrong = authorised(trade, fine.buyer, replace(payment, amount=payment.amount - yuan(1)))
    for given, expected in ((wrong, PaymentAmountMismatch), (authorised(trade, fine.buyer, payment), Handover)):
        offered = [(fine.buyer, BalancePayment(mine.id, given)), (other.buyer, BalancePayment(others.id, given))]
        signing = [(fine.buyer, mine.id), (other.buyer, others.id)]
        paid, unseen = at_once(lambda work, offered=offered: service.pay_balances(work, offered))  # type: ignore[misc]
        assert isinstance(paid, expected)
        assert isinstance(unseen, HandoverNotPossible)
        signed, unseen = at_once(lambda work, signing=signing: service.sign_handovers(work, signing))  # type: ignore[misc]
        assert signed == BalanceOpen(payment.amount) or signed.state is HandoverState.SIGNED
        assert unseen == InspectionMissing()
    assert signed.state is HandoverState.SIGNED


def test_what_the_brand_owes_somebody_is_set_off_once_over_all_of_their_cars(trade: Trade) -> None:
    ids = [trade.lock(1, pool_id=str(number) * 32)[0] for number in (8, 9)]
    who, day = buyer(1), trade.clock.now().date()
    for order_id in ids:
        trade.bring_to_store(order_id)
    owed, paid_out = payable_account(who.signed_in()), account("provider", "sandbox")
    with trade.works.change(SYSTEM) as work:
        for order_id in ids:
            write_late_credits(work, order_id, {day: 30_000})
            book(work, Transfer("late_credit", order_id, account("late_credits", BRAND), owed, Money(30_000)))
        book(work, Transfer("paid_out", who.signed_in(), owed, paid_out, Money(20_000)))
    booked = [trade.inspect(trade.book(order_id)) for order_id in ids]

    with trade.works.change(SYSTEM) as work:
        must(service.request_balances(work, [(who, one.id) for one in booked]))

    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [one.id for one in booked])
        left = ledger.balance(work, owed)
    assert [asked[one.id].late_credit_minor for one in booked] == [30_000, 10_000]
    assert left == 0
