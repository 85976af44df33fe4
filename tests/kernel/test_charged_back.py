"""Money that the payer's bank takes back after it came: undone whole and once, whatever became of it meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from kernel import payments, soundness
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Conflict
from kernel.ledger import Transfer, account, book
from kernel.money import Money, yuan
from kernel.payments import Payment
from kernel.reconciliation import reconcile
from kernel.work import Works
from tests.kernel.payment_room import BRAND, USES, Room, make_room

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def violations(room: Room) -> list[str]:
    """Return what an audit of money finds."""
    checks = (*soundness.LEDGER_CHECKS, *soundness.PAYMENT_CHECKS)
    with room.works.read(system(room.brand)) as work:
        return [line for found in soundness.examine(work, checks) for line in found.violations]


def reconciled(room: Room) -> tuple[int, int, int]:
    """Return what matched with the provider's statement, the differences, and what is in flight."""
    now = room.clock.now()
    day = timedelta(days=1)
    report = reconcile(room.works, system(room.brand), room.sandbox, since=now - day, until=now + day)
    return report.matched, report.differences, report.in_flight


def captured(room: Room, subject_id: str, reference: str) -> Payment:
    """Take an authorised deposit whose money has come."""
    payment = room.held(subject_id, DEPOSIT, reference)
    room.work_off()
    return payment


def test_what_the_bank_takes_back_is_undone_whole_and_told_once(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    captured(room, "s2", "r2")
    message = room.charge_back(payment, "r1")

    outcomes = [room.hear(room.sign_again(message)).outcome for _ in range(3)]

    assert outcomes == ["charged_back", "repeated", "repeated"]
    assert (room.state("s1"), room.state("s2")) == (["charged_back"], ["received"])
    assert (room.balance("deposit:s1"), room.balance("deposit:s2")) == (0, 500_000)
    assert room.balance("provider:sandbox") == -500_000
    assert room.news("kernel.payment_charged_back") == 1
    assert violations(room) == []
    assert reconciled(room) == (3, 0, 0)


def test_another_message_about_the_same_money_changes_nothing(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.hear(room.charge_back(payment, "r1"))

    kinds: tuple[Literal["charged_back", "captured", "failed"], ...] = ("charged_back", "captured", "failed")
    later = [
        room.hear(room.sandbox.message(kind, payment_id=payment.id, amount=DEPOSIT, reference="r1", wallet="other"))
        for kind in kinds
    ]

    assert [one.outcome for one in later] == ["repeated", "repeated", "repeated"]
    assert (room.state("s1"), room.balance("deposit:s1")) == (["charged_back"], 0)
    assert violations(room) == []


def test_money_charged_back_before_its_coming_was_noted_had_come(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "r1")
    room.sandbox.capture([payments.Capture(BRAND, "r1", DEPOSIT)])

    room.hear(room.charge_back(payment, "r1"))
    room.work_off()

    assert (room.state("s1"), room.balance("deposit:s1")) == (["charged_back"], 0)
    assert violations(room) == []
    assert reconciled(room) == (2, 0, 0)


def test_money_that_is_told_of_after_it_was_charged_back_is_not_taken_in(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    came = room.pay(payment, DEPOSIT, "r1")
    went = room.charge_back(payment, "r1")

    outcomes = [room.hear(message).outcome for message in (went, came)]
    then = room.hear(room.pay(payment, DEPOSIT, "another card")).outcome

    assert (outcomes, then) == (["ignored", "repeated"], "received")
    assert (room.state("s1"), room.balance("deposit:s1")) == (["received"], 500_000)
    assert violations(room) == []
    assert reconciled(room) == (1, 0, 0)


def test_a_refund_that_is_not_carried_out_is_void(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.give_back(payment, yuan(3000))
    message = room.charge_back(payment, "r1")
    room.work_off()  # the provider does not send back what the bank has taken

    room.hear(message)
    room.clock.advance(timedelta(hours=2))
    room.work_off()

    assert room.state("s1") == ["charged_back"]
    assert [line.kind for line in room.statement()] == ["capture", "chargeback"]
    assert (room.balance("deposit:s1"), room.balance("provider:sandbox")) == (0, 0)
    assert violations(room) == []
    assert reconciled(room) == (2, 0, 0)


def test_money_that_was_sent_back_and_is_charged_back_too_is_a_claim(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.give_back(payment, yuan(3000))
    room.work_off()

    room.hear(room.charge_back(payment, "r1"))

    assert room.state("s1") == ["charged_back"]
    assert (room.balance("deposit:s1"), room.balance(f"uncollected:{payment.id}")) == (0, -300_000)
    assert room.balance("provider:sandbox") == 300_000
    assert violations(room) == []
    assert reconciled(room) == (3, 0, 0)


def test_a_refund_whose_answer_was_lost_is_asked_for_again_and_then_a_claim(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.give_back(payment)

    class LosesAnswers:
        name = room.sandbox.name

        def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
            room.sandbox.refund(refund_id, provider_reference, amount)
            raise payments.ProviderUnavailable("no answer")

    payments.carry_out_refunds(room.works, {"sandbox": LosesAnswers()})  # type: ignore[dict-item] # only refunds
    room.hear(room.charge_back(payment, "r1"))
    between = (violations(room), room.balance("provider:sandbox"))
    room.clock.advance(timedelta(hours=2))
    room.work_off()

    assert between == ([], 0)
    assert (room.state("s1"), room.balance(f"uncollected:{payment.id}")) == (["charged_back"], -500_000)
    assert room.balance("provider:sandbox") == 500_000
    assert violations(room) == []
    assert reconciled(room) == (3, 0, 0)


def test_a_refund_that_the_provider_was_just_carrying_out_is_a_claim_too(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.give_back(payment)

    class TakesMeanwhile:
        name = room.sandbox.name

        def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
            room.sandbox.refund(refund_id, provider_reference, amount)
            room.hear(room.charge_back(payment, "r1"))

    payments.carry_out_refunds(room.works, {"sandbox": TakesMeanwhile()})  # type: ignore[dict-item] # only refunds

    assert room.state("s1") == ["charged_back"]
    assert (room.balance(f"refund:{payment.id}"), room.balance(f"uncollected:{payment.id}")) == (0, -500_000)
    assert violations(room) == []
    assert reconciled(room) == (3, 0, 0)


def test_what_was_spent_is_a_claim(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    with room.works.change(system(BRAND)) as work:
        book(work, Transfer("kept", "s1", account("deposit", "s1"), account("forfeit", BRAND), yuan(1500)))

    room.hear(room.charge_back(payment, "r1"))

    assert (room.balance("deposit:s1"), room.balance(f"forfeit:{BRAND}")) == (0, 150_000)
    assert room.balance(f"uncollected:{payment.id}") == -150_000
    assert violations(room) == []


def test_a_second_payment_that_went_back_is_charged_back_by_itself(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.hear(room.pay(payment, DEPOSIT, "r2"))
    room.work_off()

    room.hear(room.charge_back(payment, "r2"))

    assert (room.state("s1"), room.balance("deposit:s1")) == (["received"], 500_000)
    (stray,) = room.payments_of(payment.id)
    assert (stray.state.value, room.balance(f"uncollected:{stray.id}")) == ("charged_back", -500_000)
    assert violations(room) == []
    assert reconciled(room) == (4, 0, 0)


def test_a_part_that_is_charged_back_changes_nothing_here_and_shows_in_the_reconciliation(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.charge_back(payment, "r1")
    part = room.sandbox.message("charged_back", payment_id=payment.id, amount=yuan(1), reference="r1", wallet="w")

    heard = room.hear(part)

    assert (heard.outcome, room.state("s1"), room.balance("deposit:s1")) == ("ignored", ["received"], 500_000)
    assert reconciled(room) == (1, 1, 0)


def test_nothing_is_sent_back_of_money_that_was_charged_back(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    room.hear(room.charge_back(payment, "r1"))

    with pytest.raises(Conflict), room.works.change(system(BRAND)) as work:
        payments.request_refund(work, payment.id, "withdrawn")


def test_a_room_that_breaks_over_it_keeps_the_message_for_another_time(room: Room) -> None:
    payment = captured(room, "s1", "r1")
    message = room.charge_back(payment, "r1")
    uses = USES.copy()
    USES.clear()

    try:
        with pytest.raises(KeyError):
            room.hear(message)
    finally:
        USES.update(uses)

    assert (room.state("s1"), room.balance("deposit:s1")) == (["received"], 500_000)
    assert room.hear(room.sign_again(message)).outcome == "charged_back"
