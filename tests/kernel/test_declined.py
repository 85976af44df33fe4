"""Authorised money that a provider declines for good: asked for once, booked back whole, refunds of it void."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel import payments, soundness
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Conflict
from kernel.ledger import Transfer, account, book
from kernel.money import Money, yuan
from kernel.payments import Payment
from kernel.payments.tables import payments as payments_table
from kernel.payments.tables import refunds
from kernel.reconciliation import reconcile
from kernel.sandbox import DECLINED_PREFIX
from kernel.work import Work, Works
from tests.kernel.payment_room import BRAND, USES, Room, make_room

DEPOSIT = yuan(5000)
REFERENCE = DECLINED_PREFIX + "1"


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def violations(room: Room) -> list[str]:
    """Return what an audit of money finds."""
    checks = (*soundness.LEDGER_CHECKS, *soundness.PAYMENT_CHECKS)
    with room.works.read(system(room.brand)) as work:
        return [line for found in soundness.examine(work, checks) for line in found.violations]


def differences(room: Room) -> tuple[int, int]:
    """Return the differences with the provider's statement of today and what is in flight."""
    now = room.clock.now()
    report = reconcile(
        room.works, system(room.brand), room.sandbox, since=now - timedelta(days=1), until=now + timedelta(days=1)
    )
    return report.differences, report.in_flight


def test_a_declined_payment_is_given_up_whole_and_never_asked_for_again(room: Room) -> None:
    room.held("s1", DEPOSIT, REFERENCE)
    room.held("s2", DEPOSIT, "fine")

    settled = [payments.capture_due(room.works, room.providers, USES) for _ in range(2)]

    assert settled == [2, 0]
    assert (room.state("s1"), room.state("s2")) == (["declined"], ["received"])
    assert (room.balance("deposit:s1"), room.balance("deposit:s2")) == (0, 500_000)
    assert room.balance("provider:sandbox") == -500_000
    assert room.news("kernel.payment_declined") == 1
    assert [line.provider_reference for line in room.statement()] == ["fine"]
    assert violations(room) == []
    assert differences(room) == (0, 0)


def test_a_refund_of_money_that_never_came_is_void(room: Room) -> None:
    room.give_back(room.held("s1", DEPOSIT, REFERENCE))

    room.work_off()
    room.clock.advance(timedelta(hours=2))
    room.work_off()

    assert room.state("s1") == ["declined"]
    assert (room.balance("deposit:s1"), room.balance("provider:sandbox")) == (0, 0)
    assert room.statement() == []
    with room.works.read(system(BRAND)) as work:
        (row,) = work.connection.execute(select(refunds.c.due_at, refunds.c.refunded_at, refunds.c.voided_at)).all()
    assert (row.due_at, row.refunded_at, row.voided_at is not None) == (None, None, True)
    assert violations(room) == []
    assert differences(room) == (0, 0)


def test_money_that_was_spent_before_it_was_declined_is_a_claim(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, REFERENCE)
    room.give_back(payment, yuan(3000))
    with room.works.change(system(BRAND)) as work:
        book(work, Transfer("kept", "s1", account("deposit", "s1"), account("forfeit", BRAND), yuan(1500)))

    room.work_off()

    assert room.balance("deposit:s1") == 0
    assert room.balance(f"uncollected:{payment.id}") == -150_000
    assert (room.balance(f"forfeit:{BRAND}"), room.balance("provider:sandbox")) == (150_000, 0)
    assert violations(room) == []


def test_a_failure_told_of_authorised_money_declines_it_and_one_of_captured_money_does_not(room: Room) -> None:
    waiting, there = room.held("s1", DEPOSIT, "r1"), room.held("s2", DEPOSIT, "r2")
    room.sandbox.capture([payments.Capture(BRAND, "r2", DEPOSIT)])
    with room.works.change(system(BRAND)) as work:
        table = payments_table
        work.connection.execute(table.update().where(table.c.id == there.id).values(captured_at=work.now))

    outcomes = [room.hear(room.fail(*one)).outcome for one in ((waiting, "r1"), (there, "r2"), (waiting, "r1"))]

    assert outcomes == ["declined", "ignored", "repeated"]
    assert (room.state("s1"), room.state("s2")) == (["declined"], ["received"])
    assert (room.balance("deposit:s1"), room.balance("deposit:s2")) == (0, 500_000)


def test_a_failure_of_another_attempt_declines_nothing(room: Room) -> None:
    waiting = room.held("s1", DEPOSIT, "r1")

    assert room.hear(room.fail(waiting, "another attempt")).outcome == "ignored"
    assert room.state("s1") == ["received"]


def test_other_money_for_a_declined_payment_goes_back(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, REFERENCE)
    room.work_off()

    heard = room.hear(room.pay(payment, DEPOSIT, "second try"))
    room.work_off()

    assert heard.outcome == "returned"
    assert room.state(payment.id) == ["refunded"]
    assert room.balance("provider:sandbox") == 0
    assert violations(room) == []


def test_nothing_is_sent_back_of_a_declined_payment(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, REFERENCE)
    room.work_off()

    with pytest.raises(Conflict), room.works.change(system(BRAND)) as work:
        payments.request_refund(work, payment.id, "withdrawn")


def test_a_room_that_breaks_over_one_declined_payment_holds_up_no_other(room: Room) -> None:
    room.held("s1", DEPOSIT, REFERENCE)
    room.held("s2", DEPOSIT, DECLINED_PREFIX + "2")

    def breaks(work: Work, payment: Payment, missing: Money) -> None:
        assert payment.subject_id != "s1", "a mistake of the room"
        USES["deposit"](work, payment, missing)

    payments.capture_due(room.works, room.providers, {"deposit": breaks})
    between = (room.state("s1"), room.state("s2"))
    room.work_off()

    assert between == (["received"], ["declined"])
    assert (room.state("s1"), room.balance("deposit:s1")) == (["declined"], 0)
