"""The same money told of, used or sent back by several at once: the databases let exactly one of them through."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kernel import payments
from kernel.clock import FixedClock
from kernel.money import yuan
from kernel.payments import Payment, PaymentAlreadyMade
from kernel.work import Works
from tests.kernel.payment_room import USES, Room, make_room

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    """Let so many threads act at the same time and collect what each of them got."""
    ready, results = threading.Barrier(number), list[object]()

    def run(index: int) -> None:
        ready.wait(10)
        results.append(act(index))

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_callback_heard_by_several_at_once_brings_the_money_once(room: Room) -> None:
    message = room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1")

    outcomes = at_once(5, lambda _index: room.hear(message).outcome)

    assert sorted(map(str, outcomes)) == ["received", *["repeated"] * 4]
    assert room.balance("deposit:s1") == 500_000


def test_two_payments_of_the_same_heard_at_once_leave_one_and_send_one_back(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    messages = [room.pay(payment, DEPOSIT, f"ref-{number}") for number in range(2)]

    outcomes = at_once(2, lambda index: room.hear(messages[index]).outcome)

    assert sorted(map(str, outcomes)) == ["received", "returned"]
    assert (room.balance("deposit:s1"), room.balance("provider:sandbox")) == (500_000, -1_000_000)


def test_one_authorisation_used_by_several_at_once_pays_once(room: Room) -> None:
    given = room.authorisation("ref-1", DEPOSIT)

    outcomes = at_once(5, lambda index: room.receive_authorised([(room.request(f"s{index}", DEPOSIT), given)])[0])

    assert sum(isinstance(outcome, Payment) for outcome in outcomes) == 1
    assert sum(outcome == PaymentAlreadyMade() for outcome in outcomes) == 4


def test_several_workers_at_once_pay_a_refund_once(room: Room) -> None:
    for number in range(6):
        room.give_back(room.held(f"s{number}", DEPOSIT, f"ref-{number}"))
    payments.capture_due(room.works, room.providers, USES)

    settled = at_once(3, lambda _index: payments.carry_out_refunds(room.works, room.providers))

    assert sum(int(str(one)) for one in settled) == 6
    assert room.balance("provider:sandbox") == 0
