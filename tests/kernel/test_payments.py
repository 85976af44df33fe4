"""Payments as a room meets them: asked for, authorised, told of by callbacks in any order, and sent back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from kernel import payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Conflict, NotFound
from kernel.ids import BrandId
from kernel.money import Money, yuan
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    Capture,
    Payment,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
    PaymentState,
    ProviderUnavailable,
)
from kernel.payments.captures import AWAY_AFTER
from kernel.payments.tables import payments as payments_table
from kernel.sandbox import Sandbox, SignedMessage
from kernel.work import Works
from tests.kernel.payment_room import BRAND, BUYER, USES, Room, make_room

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


# --- refunds ---


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


class LostAnswers:
    """A provider whose answer to a refund is lost after it was carried out, as often as told."""

    name = "sandbox"

    def __init__(self, behind: Sandbox, lost: int) -> None:
        self._behind = behind
        self._lost = lost

    def __getattr__(self, name: str) -> object:
        return getattr(self._behind, name)

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        self._behind.refund(refund_id, provider_reference, amount)
        if self._lost:
            self._lost -= 1
            raise ProviderUnavailable("the line is dead")


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


class Breaks(LostAnswers):
    """Makes a mistake of its own over one payment."""

    def __init__(self, behind: Sandbox, *, over: str) -> None:
        super().__init__(behind, lost=0)
        self._over = over
        self.name = behind.name

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        assert all(one.provider_reference != self._over for one in captures), "a provider's own mistake"
        return self._behind.capture(captures)

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        assert provider_reference != self._over, "a provider's own mistake"
        super().refund(refund_id, provider_reference, amount)


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


@dataclass
class Choosy:
    """The sandbox in front of banks of which some are away; counts how often it was asked."""

    behind: Sandbox
    away: set[str]
    asked: int = 0
    name: str = "sandbox"

    def __getattr__(self, name: str) -> object:
        return getattr(self.behind, name)

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        self.asked += 1
        if any(one.provider_reference in self.away for one in captures):
            raise ProviderUnavailable("this bank is away")
        return self.behind.capture(captures)


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
