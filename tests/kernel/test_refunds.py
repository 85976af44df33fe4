"""Refunds: paid once, never more than came, never before their room has booked them, whatever the provider does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from kernel import payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Conflict, NotFound
from kernel.ids import BrandId
from kernel.money import Money, yuan
from kernel.payments import (
    PaymentState,
)
from kernel.payments.tables import payments as payments_table
from kernel.payments.tables import refunds
from kernel.work import Works
from tests.kernel.payment_room import BRAND, USES, Room, make_room
from tests.kernel.troubled_providers import Breaks, LostAnswers

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def test_a_refund_is_paid_once_however_often_it_is_asked_for(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")

    room.give_back(payment)
    room.work_off()
    with room.works.change(system(BRAND)) as work:
        again = payments.request_refund(work, payment.id, "withdrawn")
    room.work_off()

    assert again.state is PaymentState.REFUNDED
    assert room.balance("provider:sandbox") == 0
    assert [line.kind for line in room.statement()] == ["capture", "refund"]
    assert room.news("kernel.refund_requested") == 1
    assert room.news("kernel.payment_refunded") == 1


def test_part_of_a_payment_can_go_back(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")

    room.give_back(payment, yuan(3000))
    room.work_off()

    assert room.balance("provider:sandbox") == -200_000
    assert room.balance(f"refund:{payment.id}") == 0
    assert [line.amount for line in room.statement()] == [DEPOSIT, yuan(3000)]


def test_a_payment_without_money_cannot_go_back(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)

    with pytest.raises(Conflict), room.works.change(system(BRAND)) as work:
        payments.request_refund(work, payment.id, "withdrawn")

    assert room.state("s1") == ["pending"]


def test_another_brand_cannot_touch_a_payment(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")
    stranger = system(BrandId("b" * 32))

    with pytest.raises(NotFound), room.works.change(stranger) as work:
        payments.request_refund(work, payment.id, "withdrawn")
    with room.works.read(stranger) as work:
        seen = payments.payments_of(work, ["s1"])

    assert seen == {"s1": []}
    assert room.state("s1") == ["received"]


def test_nothing_is_paid_out_before_its_room_has_booked_it(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")
    with room.works.change(system(BRAND)) as work:
        payments.request_refund(work, payment.id, "withdrawn")

    room.work_off()

    assert room.state("s1") == ["refunding"]
    assert [line.kind for line in room.statement()] == ["capture"]


def test_a_refund_whose_answer_was_lost_is_asked_again_and_paid_once(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")
    room.give_back(payment)
    providers = {"sandbox": LostAnswers(room.sandbox, lost=2)}

    settled = []
    payments.capture_due(room.works, room.providers, USES)
    for _ in range(4):
        settled.append(payments.carry_out_refunds(room.works, providers))  # type: ignore[arg-type]
        room.clock.advance(timedelta(minutes=5))

    assert settled == [0, 0, 1, 0]
    assert [line.kind for line in room.statement()] == ["capture", "refund"]
    assert room.balance("provider:sandbox") == 0


def test_a_worker_that_dies_before_it_settles_leaves_the_refund_to_the_next(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")
    room.give_back(payment)
    payments.capture_due(room.works, room.providers, USES)

    class Dies(LostAnswers):
        def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
            super().refund(refund_id, provider_reference, amount)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        payments.carry_out_refunds(room.works, {"sandbox": Dies(room.sandbox, lost=0)})  # type: ignore[dict-item]

    assert room.state("s1") == ["refunding"]
    assert payments.carry_out_refunds(room.works, room.providers) == 0
    room.clock.advance(timedelta(minutes=1))
    assert payments.carry_out_refunds(room.works, room.providers) == 1
    assert [line.kind for line in room.statement()] == ["capture", "refund"]


def test_many_refunds_take_a_few_statements(room: Room) -> None:
    few, many = room.statements_of_refunding(2), room.statements_of_refunding(40)

    assert few == many


def test_a_refund_that_breaks_the_provider_holds_up_no_other(room: Room) -> None:
    for number in (1, 2, 3):
        room.give_back(room.held(f"s{number}", DEPOSIT, f"ref-{number}"))
    payments.capture_due(room.works, room.providers, USES)
    providers: dict[str, Any] = {"sandbox": Breaks(room.sandbox, over="ref-2")}

    settled = payments.carry_out_refunds(room.works, providers)
    at_once = payments.carry_out_refunds(room.works, room.providers)
    room.clock.advance(timedelta(minutes=5))
    later = payments.carry_out_refunds(room.works, room.providers)

    assert (settled, at_once, later) == (2, 0, 1)
    assert [room.state(f"s{number}") for number in (1, 2, 3)] == [["refunded"]] * 3
    assert room.balance("provider:sandbox") == 0


def test_the_database_itself_lets_no_more_go_back_than_came_and_nothing_twice(room: Room) -> None:
    payment = room.held("s1", DEPOSIT, "ref-1")
    row = {"payment_id": payment.id, "reason": "x", "requested_at": room.clock.now(), "due_at": room.clock.now()}

    with pytest.raises(DatabaseError, match="no more goes back than came"), room.works.change(system(BRAND)) as work:
        work.connection.execute(refunds.insert().values(**row, amount_minor=DEPOSIT.minor + 1))

    room.give_back(payment)
    room.work_off()
    again = {"refunded_at": None, "due_at": room.clock.now()}
    for changed in (again, {"amount_minor": 1}):
        with (
            pytest.raises(DatabaseError, match="sent back stays so"),
            room.works.change(system(BRAND)) as work,
        ):
            work.connection.execute(refunds.update().values(**changed))
    assert room.state("s1") == ["refunded"]


@pytest.mark.parametrize("changed", [{"amount_minor": 1}, {"subject_id": "s2"}, {"account_id": "2" * 32}])
def test_what_a_payment_is_for_never_changes(room: Room, changed: dict[str, Any]) -> None:
    room.held("s1", DEPOSIT, "ref-1")

    with (
        pytest.raises(DatabaseError, match="what a payment is for"),
        room.works.change(system(BRAND)) as work,
    ):
        work.connection.execute(payments_table.update().values(**changed))
