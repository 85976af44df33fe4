"""Authorised money on its way in: one payment or provider in trouble holds up no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.money import yuan
from kernel.payments.captures import AWAY_AFTER
from kernel.payments.tables import payments as payments_table
from kernel.work import Works
from tests.kernel.payment_room import BRAND, USES, Room, make_room
from tests.kernel.troubled_providers import Breaks, Choosy

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def test_a_capture_that_breaks_the_provider_holds_up_no_other(room: Room) -> None:
    for number in (1, 2, 3):
        room.held(f"s{number}", DEPOSIT, f"ref-{number}")
    providers: dict[str, Any] = {"sandbox": Breaks(room.sandbox, over="ref-1")}

    assert payments.capture_due(room.works, providers, USES) == 2
    assert [line.provider_reference for line in room.statement()] == ["ref-2", "ref-3"]
    room.clock.advance(timedelta(seconds=30))
    assert payments.capture_due(room.works, room.providers, USES) == 1


def test_a_provider_that_is_down_starves_no_other(room: Room) -> None:
    room.held("s1", DEPOSIT, "ref-1")
    room.held("s2", DEPOSIT, "ref-2")
    with room.works.change(system(BRAND)) as work:
        first = room.payments_of("s1")[0]
        work.connection.execute(
            payments_table.update().where(payments_table.c.id == first.id).values(provider="elsewhere")
        )
    down: Any = Breaks(room.sandbox, over="ref-1")

    assert payments.capture_due(room.works, {"elsewhere": down, "sandbox": room.sandbox}, USES, batch_max=1) == 1
    assert [line.provider_reference for line in room.statement()] == ["ref-2"]


def test_a_payment_that_cannot_be_taken_now_holds_up_no_other_and_is_asked_for_again(room: Room) -> None:
    bank = Choosy(room.sandbox, {"ref-1"})
    for number in range(1, 4):
        room.held(f"s{number}", DEPOSIT, f"ref-{number}")

    settled = []
    for pause in (0, 29, 1, 59, 1):
        room.clock.advance(timedelta(seconds=pause))
        settled.append(payments.capture_due(room.works, {"sandbox": bank}, USES))  # type: ignore[dict-item]
        bank.away = set() if pause == 59 else bank.away

    assert settled == [2, 0, 0, 0, 1]
    assert bank.asked == 1 + 3 + 1 + 1
    assert all(payment.captured for number in range(1, 4) for payment in room.payments_of(f"s{number}"))


def test_a_provider_that_is_away_is_asked_a_few_times_and_soon_again(room: Room) -> None:
    references = {f"ref-{number}" for number in range(10)}
    bank = Choosy(room.sandbox, set(references))
    for reference in sorted(references):
        room.held(reference, DEPOSIT, reference)

    away = payments.capture_due(room.works, {"sandbox": bank}, USES)  # type: ignore[dict-item]
    asked, bank.away = bank.asked, set()
    back = payments.capture_due(room.works, {"sandbox": bank}, USES)  # type: ignore[dict-item]

    assert (away, asked, back) == (0, 1 + AWAY_AFTER, 10 - AWAY_AFTER)
