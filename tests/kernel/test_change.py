"""One change: rows, ledger and news commit together or not at all; keys and letters survive whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from kernel import ledger, news, outbox
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import IdempotencyMismatch, InvalidInput
from kernel.events import Event, event
from kernel.idempotency import Fresh, Keyed, Replay, claim, claim_many, idempotency_keys, keep, release
from kernel.ids import BrandId
from kernel.ledger import AccountName, Transfer, account, ledger_transfers
from kernel.money import yuan
from kernel.outbox import Letter, Subscription
from kernel.work import Work, Works
from tests.support.databases import Database

BRAND, OTHER = BrandId("a" * 32), BrandId("b" * 32)
BUYER = "c" * 32


@event("test.joined")
@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Somebody joined."""

    number: int


def transfer(reference: str, *, kind: str = "held", debit: str = "provider:s", credit: str = "deposit:x") -> Transfer:
    return Transfer(kind, reference, AccountName(debit), AccountName(credit), yuan(1))


def count_of(works: Works, table: object) -> int:
    with works.read(system(BRAND)) as work:
        return int(work.connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


# --- work and ledger ---


@pytest.mark.parametrize("ahead", [False, True])
def test_a_change_that_fails_leaves_no_row_and_no_news(works: Works, ahead: bool) -> None:
    def fail(work: Work) -> None:
        ledger.book(work, transfer("r1"))
        work.record(Joined(BRAND, 1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), works.change(system(BRAND), ahead=ahead) as work:
        fail(work)

    assert (count_of(works, ledger_transfers), count_of(works, news.outbox)) == (0, 0)


def test_a_read_has_no_news(works: Works) -> None:
    with pytest.raises(AssertionError), works.read(system(BRAND)) as work:
        work.record(Joined(BRAND, 1))


def test_a_step_is_booked_once(works: Works) -> None:
    with works.change(system(BRAND)) as work:
        ledger.book(work, transfer("r1"))

    with pytest.raises(IntegrityError), works.change(system(BRAND)) as work:
        ledger.book(work, transfer("r2"), transfer("r1"))

    with works.read(system(BRAND)) as work:
        assert ledger.is_booked(work, "held", "r1")
        assert not ledger.is_booked(work, "held", "r2")
        assert ledger.balance(work, account("deposit", "x")) == 100


def test_what_is_sent_ahead_and_fails_leaves_nothing_and_is_never_acknowledged(works: Works) -> None:
    with works.change(system(BRAND), ahead=True) as work:
        ledger.book(work, transfer("r1"))

    def book_again(work: Work, *, reads_on: bool) -> None:
        ledger.book(work, transfer("r2"))
        ledger.book(work, transfer("r1"))
        if reads_on:
            work.connection.execute(select(news.outbox.c.id)).all()
        work.record(Joined(BRAND, 1))

    for reads_on in (False, True):
        with pytest.raises(IntegrityError):
            works.run(system(BRAND), partial(book_again, reads_on=reads_on), ahead=True)

    with works.change(system(BRAND), ahead=True) as work:
        assert not ledger.is_booked(work, "held", "r2")
        ledger.book(work, transfer("r3"))
        assert ledger.balance(work, account("deposit", "x")) == 200
    assert (count_of(works, ledger_transfers), count_of(works, news.outbox)) == (2, 0)


def test_an_error_of_ours_and_one_of_what_was_sent_ahead_keep_nothing_and_the_connection_serves_on(
    works: Works,
) -> None:
    with works.change(system(BRAND)) as work:
        ledger.book(work, transfer("r1"))

    def fail(work: Work) -> None:
        ledger.book(work, transfer("r1"))
        raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, IntegrityError)), works.change(system(BRAND), ahead=True) as work:
        fail(work)

    with works.change(system(BRAND), ahead=True) as work:
        ledger.book(work, transfer("r2"))
    assert count_of(works, ledger_transfers) == 2


@pytest.mark.parametrize("ahead", [False, True])
def test_a_connection_that_breaks_is_told_as_such_and_replaced(works: Works, ahead: bool) -> None:
    """A server that ends in the middle of a change; SQLite has none."""
    if works.engine.dialect.name == "sqlite":
        return

    def lose(work: Work) -> None:
        ledger.book(work, transfer("r1"))
        own = work.connection.execute(select(func.pg_backend_pid())).scalar_one()
        with works.engine.begin() as other:
            other.execute(select(func.pg_terminate_backend(own)))
        ledger.book(work, transfer("r2"))
        work.connection.execute(select(news.outbox.c.id)).all()

    with pytest.raises(OperationalError):
        works.run(system(BRAND), lose, ahead=ahead)

    with works.change(system(BRAND), ahead=ahead) as work:
        ledger.book(work, transfer("r3"))
    assert count_of(works, ledger_transfers) == 1


def test_a_part_that_is_taken_back_takes_what_it_sent_ahead_with_it(works: Works) -> None:
    with works.change(system(BRAND), ahead=True) as work:
        ledger.book(work, transfer("r1"))
        with suppress(ZeroDivisionError), work.connection.begin_nested():
            ledger.book(work, transfer("r2"))
            raise ZeroDivisionError
        ledger.book(work, transfer("r3"))

    with works.read(system(BRAND)) as work:
        assert [ledger.is_booked(work, "held", one) for one in ("r1", "r2", "r3")] == [True, False, True]


def test_balances_are_ones_own_brands_and_a_name_is_not_a_pattern(works: Works) -> None:
    with works.change(system(BRAND)) as work:
        ledger.book(work, transfer("r1", credit="pre_order:1"), transfer("r2", credit="preXorder:1"))
        ledger.book_for(work, [(OTHER, transfer("r3", credit="pre_order:1"))])

    with works.read(system(BRAND)) as work:
        names = [AccountName(name) for name in ("pre_order:1", "provider:s", "deposit:none")]
        assert ledger.balances(work, names) == {"pre_order:1": 100, "provider:s": -200, "deposit:none": 0}


@pytest.mark.parametrize("change", ["UPDATE ledger_transfers SET amount_minor = 2", "DELETE FROM ledger_transfers"])
def test_the_database_refuses_to_change_the_ledger(works: Works, change: str) -> None:
    with works.change(system(BRAND)) as work:
        ledger.book(work, transfer("r1"))

    with pytest.raises(DatabaseError, match="never changed"), works.change(system(BRAND)) as work:
        work.connection.execute(text(change))

    assert count_of(works, ledger_transfers) == 1


def test_postgres_refuses_to_truncate_the_ledger(works: Works, database: Database) -> None:
    if database.engine.dialect.name == "postgresql":
        with pytest.raises(DatabaseError, match="never changed"), works.change(system(BRAND)) as work:
            work.connection.execute(text("TRUNCATE ledger_transfers"))


# --- outbox ---


class Diary:
    """A subscriber that writes a ledger row per letter, and fails when and as it is told."""

    def __init__(self, name: str, troubles: Sequence[str] = ()) -> None:
        self.troubles = list(troubles)
        self.subscription = Subscription(name, frozenset({"test.joined"}), self.handle)

    def handle(self, work: Work, letters: Sequence[Letter]) -> None:
        trouble = self.troubles.pop(0) if self.troubles else "none"
        if trouble == "before":
            raise RuntimeError(trouble)
        for letter in letters:
            assert isinstance(letter.event, Joined)
            name = self.subscription.name
            ledger.book(work, transfer(f"{letter.event.number}", kind=name, credit=f"{name}:1"))
            if trouble == "between":
                raise RuntimeError(trouble)
            if trouble == "database":
                ledger.book(work, transfer(f"{letter.event.number}", kind=name))
            if trouble == "killed":
                raise KeyboardInterrupt


def send(works: Works, *numbers: int) -> None:
    with works.change(system(BRAND)) as work:
        work.record(*(Joined(BRAND, number) for number in numbers))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    troubles=st.lists(st.sampled_from(["none", "before", "between", "database", "killed"]), max_size=8),
    letters=st.integers(1, 4),
)
def test_each_letter_takes_effect_once_wherever_a_subscriber_fails(
    works: Works, clock: FixedClock, troubles: list[str], letters: int
) -> None:
    base = count_of(works, news.outbox)
    numbers = [base + number for number in range(letters)]
    send(works, *numbers)
    shaky, steady = Diary("shaky", troubles), Diary("steady")

    for _ in range(len(troubles) + 2):
        # The log is kept aside: a traceback in colour takes longer than all the rest.
        with suppress(KeyboardInterrupt), structlog.testing.capture_logs():
            outbox.deliver(works, [shaky.subscription, steady.subscription])
        clock.advance(timedelta(hours=1))

    with works.read(system(BRAND)) as work:
        for name in ("shaky", "steady"):
            found = select(ledger_transfers.c.reference).where(ledger_transfers.c.kind == name)
            booked = list(work.connection.execute(found).scalars())
            assert sorted(map(int, booked)) == list(range(base + letters))
        left = select(func.count()).where(news.outbox.c.due_at.isnot(None))
        assert work.connection.execute(left).scalar_one() == 0


def test_news_that_nobody_here_can_read_waits_and_holds_nobody_up(works: Works, clock: FixedClock) -> None:
    send(works, 1, 2)
    with works.change(system(BRAND)) as work:
        first = select(func.min(news.outbox.c.id)).scalar_subquery()
        work.connection.execute(update(news.outbox).where(news.outbox.c.id == first).values(kind="test.unknown"))
    diary = Diary("diary")

    settled = outbox.deliver(works, [diary.subscription])
    again = outbox.deliver(works, [diary.subscription])

    assert (settled, again) == (1, 0)
    with works.change(system(BRAND)) as work:
        assert ledger.is_booked(work, "diary", "2")
        work.connection.execute(update(news.outbox).values(kind="test.joined"))
    clock.advance(timedelta(minutes=1))
    assert outbox.deliver(works, [diary.subscription]) == 1


def test_letters_come_in_the_order_they_were_written(works: Works) -> None:
    seen: list[int] = []

    def note(_work: Work, letters: Sequence[Letter]) -> None:
        seen.extend(letter.event.number for letter in letters if isinstance(letter.event, Joined))

    send(works, *range(300))
    while outbox.deliver(works, [Subscription("note", frozenset({"test.joined"}), note)]):
        pass

    assert seen == list(range(300))


def test_two_workers_at_once_deliver_each_letter_once(works: Works) -> None:
    send(works, *range(40))
    diary = Diary("diary")

    def run() -> None:
        while outbox.deliver(works, [diary.subscription], batch_max=5):
            pass

    workers = [threading.Thread(target=run) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert count_of(works, ledger_transfers) == 40


# --- idempotency ---


def keyed(key: str = "key-00000001", **body: int) -> Keyed:
    return Keyed(BUYER, key, body)


def carry_out(works: Works, request: Keyed, outcome: str) -> object:
    with works.change(system(BRAND)) as work:
        claimed = claim(work, request)
        if isinstance(claimed, Replay):
            return claimed.outcome
        keep(work, claimed, outcome)
        return outcome


def test_the_same_key_brings_the_same_outcome(works: Works) -> None:
    assert [carry_out(works, keyed(a=1, b=2), outcome) for outcome in ("first", "second")] == ["first", "first"]
    assert carry_out(works, keyed(b=2, a=1), "third") == "first"
    assert carry_out(works, Keyed("d" * 32, "key-00000001", {"a": 1}), "another's") == "another's"


def test_the_same_key_with_another_body_is_refused(works: Works) -> None:
    carry_out(works, keyed(a=1), "first")

    with pytest.raises(IdempotencyMismatch):
        carry_out(works, keyed(a=2), "second")

    assert carry_out(works, keyed(a=1), "third") == "first"


@pytest.mark.parametrize("key", ["", "short", "x" * 81, "key-0000\x00", "key-0000\n", "钥匙钥匙钥匙钥匙", "\ud800" * 9])
def test_a_key_that_no_database_could_keep_is_refused(works: Works, key: str) -> None:
    with pytest.raises(InvalidInput):
        carry_out(works, keyed(key, a=1), "never")

    assert count_of(works, idempotency_keys) == 0


def test_a_key_whose_change_failed_or_was_refused_is_free_again(works: Works) -> None:
    def fail(work: Work) -> None:
        claim(work, keyed(a=1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), works.change(system(BRAND)) as work:
        fail(work)
    with works.change(system(BRAND)) as work:
        claimed = claim(work, keyed(a=1))
        assert isinstance(claimed, Fresh)
        release(work, [claimed])

    assert carry_out(works, keyed(a=2), "now") == "now"


def test_keys_of_a_group_are_claimed_together_each_with_its_own_answer(works: Works) -> None:
    carry_out(works, keyed("used-0001", a=1), "kept")

    with works.change(system(BRAND)) as work:
        requests = [keyed("used-0001", a=1), keyed("fresh-001", a=1), keyed("used-0001", a=2), keyed("no", a=1)]
        first, fresh, other, bad = claim_many(work, [requests[0], requests[1]]) + claim_many(work, requests[2:])

    assert first == Replay("kept")
    assert isinstance(fresh, Fresh)
    assert (other, type(bad)) == (IdempotencyMismatch(), InvalidInput)


def test_of_two_at_once_with_one_key_one_acts_and_the_other_gets_its_answer(works: Works) -> None:
    first_has_key = threading.Event()
    answers: list[object] = []

    def first() -> None:
        with works.change(system(BRAND)) as work:
            claimed = claim(work, keyed(a=1))
            assert isinstance(claimed, Fresh)
            first_has_key.set()
            second_started.wait(10)
            keep(work, claimed, "first")

    def second() -> None:
        first_has_key.wait(10)
        second_started.set()
        answers.append(carry_out(works, keyed(a=1), "second"))

    second_started = threading.Event()
    both = [threading.Thread(target=first), threading.Thread(target=second)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert answers == ["first"]


def test_many_at_once_with_one_key_act_once(works: Works) -> None:
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda name=f"n{number}": answers.append(carry_out(works, keyed(a=1), name)))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 6
    assert len(set(answers)) == 1
