"""Payments as a room meets them: asked for, authorised, told of by callbacks in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel import payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.money import Money, yuan
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    Payment,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
    PaymentState,
)
from kernel.payments.tables import payments as payments_table
from kernel.sandbox import Sandbox, SignedMessage
from kernel.work import Works
from tests.kernel.payment_room import BRAND, BUYER, Room, make_room

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


# --- authorised with the request ---


def test_an_authorised_payment_is_received_at_once(room: Room) -> None:
    given = room.authorisation("ref-1", DEPOSIT)

    (payment,) = room.receive_authorised([(room.request("s1", DEPOSIT), given)])

    assert isinstance(payment, Payment)
    assert (payment.state, payment.provider, payment.provider_reference) == (PaymentState.RECEIVED, "sandbox", "ref-1")
    assert room.payments_of("s1") == [payment]


def test_an_authorisation_pays_once(room: Room) -> None:
    given = room.authorisation("ref-1", DEPOSIT)
    room.receive_authorised([(room.request("s1", DEPOSIT), given)])

    again = room.receive_authorised([(room.request("s2", DEPOSIT), given)])

    assert again == [PaymentAlreadyMade()]
    assert room.payments_of("s2") == []


def test_a_refused_authorisation_spoils_no_other(room: Room) -> None:
    good, short = room.authorisation("ref-1", DEPOSIT), room.authorisation("ref-2", yuan(4999))
    foreign = replace(room.authorisation("ref-3", DEPOSIT), account_id="f" * 32)
    ended = replace(room.authorisation("ref-4", DEPOSIT), expires_at=room.clock.now())
    wanted = [room.request(f"s{number}", DEPOSIT) for number in range(5)]

    outcomes = room.receive_authorised(list(zip(wanted, [short, good, foreign, ended, good], strict=True)))

    assert outcomes[0] == PaymentAmountMismatch(DEPOSIT, yuan(4999))
    assert isinstance(outcomes[1], Payment)
    assert outcomes[2:] == [AuthorisationNotYours(), AuthorisationExpired(room.clock.now()), PaymentAlreadyMade()]
    assert room.count(payments_table) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-2],
        lambda token: token.replace("sandbox.", "elsewhere.", 1),
        lambda token: token.replace(".", ".A", 1),
        lambda _token: "",
        lambda _token: "sandbox..",
        lambda _token: "sandbox.é.é",
        lambda token: token + "x" * 3000,
    ],
)
def test_a_token_that_was_altered_is_refused(room: Room, spoil: object) -> None:
    token = room.token("ref-1", DEPOSIT)
    assert callable(spoil)

    with pytest.raises(PaymentSignatureInvalid):
        payments.read_authorisation(room.providers, spoil(token))


def test_a_token_of_another_installation_is_refused(room: Room, works: Works, clock: FixedClock) -> None:
    stranger = Sandbox(works.engine, b"another secret of thirty-two byte", clock=clock)
    token = stranger.authorise(
        account_id=BUYER, amount=DEPOSIT, reference="r", wallet="w", expires_at=clock.now() + timedelta(minutes=15)
    )

    with pytest.raises(PaymentSignatureInvalid):
        payments.read_authorisation(room.providers, token)


def test_the_same_wallet_looks_the_same_and_shows_nothing(room: Room) -> None:
    first, second = room.authorisation("ref-1", DEPOSIT), room.authorisation("ref-2", yuan(1))

    assert first.instrument == second.instrument
    assert "wallet" not in first.instrument
    assert len(first.instrument) == 64


# --- told of by a callback ---


def test_a_callback_brings_the_money_once(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    message = room.pay(payment, DEPOSIT, "ref-1")

    outcomes = [room.hear(message).outcome for _ in range(3)]

    assert outcomes == ["received", "repeated", "repeated"]
    assert room.state("s1") == ["received"]


def test_a_callback_with_a_wrong_signature_changes_nothing(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    message = room.pay(payment, DEPOSIT, "ref-1")
    forged = SignedMessage(message.headers, message.body.replace(b"500000", b"500001"))

    with pytest.raises(PaymentSignatureInvalid):
        room.hear(forged)

    assert room.state("s1") == ["pending"]


def test_a_callback_kept_for_more_than_five_minutes_is_refused_and_a_fresh_one_taken(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    message = room.pay(payment, DEPOSIT, "ref-1")
    room.clock.advance(timedelta(minutes=5, seconds=1))

    with pytest.raises(PaymentSignatureInvalid):
        room.hear(message)

    assert room.hear(room.pay(payment, DEPOSIT, "ref-1")).outcome == "received"


def test_a_callback_may_carry_several_signatures_and_headers_in_any_case(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    message = room.pay(payment, DEPOSIT, "ref-1")
    headers = {name.title(): value for name, value in message.headers.items()}
    headers["Webhook-Signature"] = f"v1,b2xk {headers['Webhook-Signature']}"

    assert room.hear(SignedMessage(headers, message.body)).outcome == "received"


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "٣", "9" * 30])
def test_a_callback_with_a_made_up_time_is_refused(room: Room, timestamp: str) -> None:
    message = room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1")

    with pytest.raises(PaymentSignatureInvalid):
        room.hear(SignedMessage(message.headers | {"webhook-timestamp": timestamp}, message.body))


def test_a_callback_for_an_unknown_payment_is_refused(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)

    with pytest.raises(NotFound):
        room.hear(room.pay(replace(payment, id="0" * 32), DEPOSIT, "ref-1"))


def test_a_failure_told_of_after_the_money_is_noted_and_ignored(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    room.hear(room.pay(payment, DEPOSIT, "ref-1"))

    late_news = room.hear(room.fail(payment, "ref-1"))

    assert late_news.outcome == "ignored"
    assert room.state("s1") == ["received"]
    assert room.noted() == ["received", "ignored"]


def test_money_after_a_failure_counts_until_the_payment_ends(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)

    failed = room.hear(room.fail(payment, "ref-1"))
    received = room.hear(room.pay(payment, DEPOSIT, "ref-2"))

    assert (failed.outcome, failed.payment.state) == ("failed", PaymentState.FAILED)
    assert (received.outcome, received.payment.state) == ("received", PaymentState.RECEIVED)


def test_late_money_is_booked_apart_and_goes_back_by_itself(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    room.clock.advance(timedelta(minutes=15))

    heard = room.hear(room.pay(payment, DEPOSIT, "ref-1"))

    assert (heard.outcome, heard.payment.state) == ("late", PaymentState.REFUNDING)
    assert room.balance("provider:sandbox") == -500_000
    assert room.balance(f"late:{payment.id}") == 0
    assert room.balance(f"refund:{payment.id}") == 500_000
    room.work_off()
    assert room.state("s1") == ["refunded"]
    assert room.balance("provider:sandbox") == 0
    assert room.balance(f"refund:{payment.id}") == 0


def test_money_for_a_payment_that_was_closed_is_late(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    with room.works.change(system(BRAND)) as work:
        payments.close_payments(work, [payment.id])

    assert room.hear(room.pay(payment, DEPOSIT, "ref-1")).outcome == "late"


@pytest.mark.parametrize("arrived", [yuan(4999), yuan(5001), Money(500_000, "USD")])
def test_money_that_does_not_fit_goes_back_and_the_payment_stays_open(room: Room, arrived: Money) -> None:
    payment = room.ask("s1", DEPOSIT)

    heard = room.hear(room.pay(payment, arrived, "ref-1"))

    assert (heard.outcome, heard.refusal) == ("returned", PaymentAmountMismatch(DEPOSIT, arrived))
    assert room.state("s1") == ["pending"]
    assert room.state(payment.id) == ["refunding"]
    room.work_off()
    assert room.state(payment.id) == ["refunded"]
    assert room.hear(room.pay(payment, arrived, "ref-1")).outcome == "repeated"
    assert room.hear(room.pay(payment, DEPOSIT, "ref-2")).outcome == "received"


def test_a_second_payment_of_the_same_goes_back(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    room.hear(room.pay(payment, DEPOSIT, "ref-1"))

    heard = room.hear(room.pay(payment, DEPOSIT, "ref-2"))

    assert (heard.outcome, heard.refusal) == ("returned", PaymentAlreadyMade())
    assert room.state("s1") == ["received"]
    room.work_off()
    assert room.state(payment.id) == ["refunded"]
