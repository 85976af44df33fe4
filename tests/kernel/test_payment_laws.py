"""Whatever order payments, callbacks, refunds, repeats and crashes come in: no fen is lost, doubled or made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel import payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import BrandId
from kernel.ledger import ledger_transfers
from kernel.money import Money, yuan
from kernel.payments import Capture, Payment, PaymentState, ProviderUnavailable, StatementLine
from kernel.reconciliation import reconcile
from kernel.sandbox import DECLINED_PREFIX, Sandbox, SignedMessage
from kernel.work import Works
from tests.kernel.payment_room import USES, Room, make_room

DEPOSIT = yuan(5000)
AMOUNTS = {"exact": DEPOSIT, "short": yuan(4999), "over": yuan(6000), "dollars": Money(500_000, "USD")}
_examples = count(1)

step = st.one_of(
    st.tuples(st.just("ask")),
    st.tuples(st.just("authorise"), st.sampled_from(["exact", "short", "empty"])),
    st.tuples(st.just("pay"), st.integers(0, 4), st.sampled_from(["exact", "exact", "exact", *sorted(AMOUNTS)])),
    st.tuples(st.just("fail"), st.integers(0, 4)),
    st.tuples(st.just("pay"), st.integers(0, 4), st.just("exact")),
    st.tuples(st.just("hear"), st.integers(0, 9)),
    st.tuples(st.just("hear"), st.integers(0, 9)),
    st.tuples(st.just("charge back"), st.integers(0, 4)),
    st.tuples(st.just("close"), st.integers(0, 4)),
    st.tuples(st.just("give back"), st.integers(0, 4), st.sampled_from(["all", "part"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 20])),
    st.tuples(st.just("work"), st.sampled_from(["well", "unreachable", "answer lost", "dies before", "dies after"])),
)


class Dead(BaseException):
    """The worker was killed."""


@dataclass
class Unsteady:
    """The sandbox behind a bad line: refuses, loses answers, or takes the worker with it."""

    behind: Sandbox
    mood: str = "well"
    name: str = "sandbox"

    def __getattr__(self, name: str) -> object:
        return getattr(self.behind, name)

    def _trouble_before(self) -> None:
        if self.mood == "unreachable":
            raise ProviderUnavailable("no line")
        if self.mood == "dies before":
            raise Dead

    def _trouble_after(self) -> None:
        if self.mood == "answer lost":
            raise ProviderUnavailable("no answer")
        if self.mood == "dies after":
            raise Dead

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        self._trouble_before()
        declined = self.behind.capture(captures)
        self._trouble_after()
        return declined

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        self._trouble_before()
        self.behind.refund(refund_id, provider_reference, amount)
        self._trouble_after()


@dataclass
class Play:
    """One example: what was asked for, what the provider has sent so far."""

    room: Room
    prefix: str
    asked: list[Payment] = field(default_factory=list)
    sent: list[SignedMessage] = field(default_factory=list)
    references: count[int] = field(default_factory=lambda: count(1))

    def reference(self) -> str:
        return f"{self.prefix}-{next(self.references)}"

    def subject(self) -> str:
        return f"{self.prefix}s{len(self.asked)}"

    def run(self, chosen: tuple[str | int, ...]) -> None:
        match chosen:
            case ("ask",):
                self.asked.append(self.room.ask(self.subject(), DEPOSIT))
            case ("authorise", "exact"):
                self.asked.append(self.room.held(self.subject(), DEPOSIT, self.reference()))
            case ("authorise", "empty"):
                self.asked.append(self.room.held(self.subject(), DEPOSIT, DECLINED_PREFIX + self.reference()))
            case ("authorise", _):
                self.offer_too_little()
            case ("pay", int(index), str(kind)):
                self.sent.append(self.room.pay(self.asked[index % len(self.asked)], AMOUNTS[kind], self.reference()))
            case ("fail", int(index)):
                self.sent.append(self.room.fail(self.asked[index % len(self.asked)], self.reference()))
            case ("hear", int(index)) if self.sent:
                self.room.hear(self.room.sign_again(self.sent[index % len(self.sent)]))
            case (("charge back" | "close") as how, int(index)):
                self.charge_back(index) if how == "charge back" else self.close(index)
            case ("give back", int(index), how):
                self.give_back(index, how == "part")
            case ("wait", int(minutes)):
                self.room.clock.advance(timedelta(minutes=minutes))
            case ("work", str(mood)):
                self.work(mood)
            case _:
                pass

    def offer_too_little(self) -> None:
        request = self.room.request(self.subject(), DEPOSIT)
        (refused,) = self.room.receive_authorised([(request, self.room.authorisation(self.reference(), yuan(1)))])
        assert isinstance(refused, Refusal)

    def give_back(self, index: int, part: bool) -> None:
        asked = [payment for one in self.asked for payment in self.room.payments_of(one.subject_id)]
        held = [payment for payment in asked if payment.state is PaymentState.RECEIVED]
        if held:
            self.room.give_back(held[index % len(held)], yuan(3000) if part else None)

    def close(self, index: int) -> None:
        with self.room.works.change(system(self.room.brand)) as work:
            payments.close_payments(work, [self.asked[index % len(self.asked)].id])

    def charge_back(self, index: int) -> None:
        """Let the bank take back money that the provider has, also such as nobody has told of yet."""
        come = [line.provider_reference for line in self.room.statement() if line.kind == "capture"]
        if come:
            payment = self.asked[index % len(self.asked)]
            self.sent.append(self.room.charge_back(payment, come[index % len(come)]))

    def work(self, mood: str) -> None:
        provider = Unsteady(self.room.sandbox, mood)
        for loop in (partial(payments.capture_due, uses=USES), payments.carry_out_refunds):
            with suppress(Dead):
                loop(self.room.works, {"sandbox": provider})  # type: ignore[dict-item]


def balances(room: Room) -> dict[str, int]:
    """Return every account of the brand with credits minus debits."""
    table = ledger_transfers.c
    sums: dict[str, int] = {}
    with room.works.read(system(room.brand)) as work:
        found = select(table.debit_account, table.credit_account, table.amount_minor)
        for debit, credit, amount in work.connection.execute(found.where(table.brand_id == room.brand)):
            sums[debit] = sums.get(debit, 0) - amount
            sums[credit] = sums.get(credit, 0) + amount
    return sums


def net(lines: Sequence[StatementLine]) -> int:
    return sum(line.amount.minor * (1 if line.kind == "capture" else -1) for line in lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=8, max_size=40))
def test_the_books_stay_right_in_any_order_of_things(
    works: Works, clock: FixedClock, steps: list[tuple[str | int, ...]]
) -> None:
    number = next(_examples)
    room = make_room(works, clock, BrandId(f"{number:032x}"))
    play = Play(room, f"x{number}")
    for _ in range(2):
        play.run(("ask",))

    for chosen in steps:
        play.run(chosen)
        standing = balances(room)
        claims = ("provider:", "uncollected:")
        assert [name for name, minor in standing.items() if minor < 0 and not name.startswith(claims)] == []

    # Everything that was sent is heard in the end, and a steady worker finishes.
    for message in play.sent:
        room.hear(room.sign_again(message))
    for _ in range(3):
        room.clock.advance(timedelta(hours=2))
        room.work_off()
    standing = balances(room)
    end = clock.now() + timedelta(seconds=1)
    report = reconcile(works, system(room.brand), room.sandbox, since=end - timedelta(days=2), until=end)
    statement = room.sandbox.statement(room.brand, since=end - timedelta(days=2), until=end)

    kept = sum(minor for name, minor in standing.items() if name.startswith("deposit:"))
    provider = sum(minor for name, minor in standing.items() if name.startswith("provider:"))
    assert {minor for name, minor in standing.items() if name.startswith(("late:", "refund:"))} <= {0}
    owed = sum(minor for name, minor in standing.items() if name.startswith("uncollected:"))
    assert net(statement) == kept + owed == -provider
    assert (report.differences, report.in_flight) == (0, 0)
    room.clock.set(room.clock.now() + timedelta(days=5))


@pytest.mark.parametrize("mood", ["unreachable", "answer lost", "dies before", "dies after"])
def test_a_capture_that_went_wrong_is_made_once_in_the_end(works: Works, clock: FixedClock, mood: str) -> None:
    play = Play(make_room(works, clock), "x")
    play.run(("authorise", "exact"))

    play.work(mood)
    play.run(("wait", 1))
    play.work("well")

    assert [line.kind for line in play.room.statement()] == ["capture"]
