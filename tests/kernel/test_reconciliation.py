"""Our books against the provider's: agreement is counted, every difference is named and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.pool import QueuePool

from kernel import ledger, payments
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.ids import AccountId
from kernel.ledger import AccountName, Transfer
from kernel.money import yuan
from kernel.payments import StatementLine
from kernel.reconciliation import AmountDiffers, Report, reconcile, reconciliation_runs
from kernel.sandbox import Sandbox, sandbox_entries
from kernel.work import Works
from tests.kernel.payment_room import BRAND, USES, Room, make_room

DEPOSIT = yuan(5000)


@pytest.fixture
def room(works: Works, clock: FixedClock) -> Room:
    return make_room(works, clock)


def run(room: Room, *, until: datetime | None = None) -> Report:
    end = until or room.clock.now() + timedelta(minutes=1)
    return reconcile(room.works, system(BRAND), room.sandbox, since=end - timedelta(days=1), until=end)


def test_books_that_agree_have_no_difference(room: Room) -> None:
    room.hear(room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1"))
    room.held("s2", DEPOSIT, "ref-2")
    back = room.held("s3", DEPOSIT, "ref-3")
    room.hear(room.pay(room.ask("s4", DEPOSIT), yuan(1), "ref-4"))
    room.give_back(back)
    room.work_off()

    report = run(room)

    assert (report.matched, report.differences, report.in_flight) == (6, 0, 0)
    assert report.ledger_minor == report.payments_minor == 1_000_000
    assert room.news("kernel.reconciliation_difference") == 0


def test_what_the_worker_has_not_confirmed_yet_is_in_flight_for_a_day(room: Room) -> None:
    room.held("s1", DEPOSIT, "ref-1")

    soon = run(room)
    room.clock.advance(timedelta(days=1))
    later = run(room, until=room.clock.now())

    assert (soon.in_flight, soon.differences) == (1, 0)
    assert later.missing_there == (("capture", "ref-1"),)


def test_money_that_only_the_provider_knows_of_is_named(room: Room) -> None:
    payment = room.ask("s1", DEPOSIT)
    room.pay(payment, DEPOSIT, "ref-1")

    report = run(room)

    assert report.missing_here == (("capture", "ref-1"),)
    assert report.differences == 1
    assert list(report.sentences()) == ["capture ref-1: the provider has it, it is missing here"]
    assert room.news("kernel.reconciliation_difference") == 1


def test_money_that_the_provider_does_not_know_of_is_named(room: Room) -> None:
    room.hear(room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1"))
    with room.works.change(system(BRAND)) as work:
        work.connection.execute(delete(sandbox_entries))

    report = run(room)

    assert report.missing_there == (("capture", "ref-1"),)
    assert list(report.sentences()) == ["capture ref-1: it is here, the provider does not have it"]


def test_another_amount_is_named_with_both(room: Room) -> None:
    room.hear(room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1"))
    with room.works.change(system(BRAND)) as work:
        work.connection.execute(update(sandbox_entries).values(amount_minor=499_999))

    report = run(room)

    assert report.amount_differs == (AmountDiffers(("capture", "ref-1"), DEPOSIT, yuan(4999, fen=99)),)
    assert list(report.sentences()) == ["capture ref-1: ¥5,000 here, ¥4,999.99 there"]


def test_a_booking_without_a_payment_shows_in_the_sum(room: Room) -> None:
    room.hear(room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1"))
    with room.works.change(system(BRAND)) as work:
        made_up = Transfer("made_up", "x", AccountName("provider:sandbox"), AccountName("deposit:x"), yuan(1))
        ledger.book(work, made_up)

    report = run(room)

    assert (report.ledger_minor, report.payments_minor, report.differences) == (500_100, 500_000, 1)
    assert list(report.sentences()) == ["ledger: ¥5,001 booked, by the payments it should be ¥5,000"]


def test_a_payment_at_the_edge_of_the_period_is_no_difference(room: Room) -> None:
    room.held("s1", DEPOSIT, "ref-1")
    room.clock.advance(timedelta(hours=2))
    payments.capture_due(room.works, room.providers, USES)
    midnight = room.clock.now() - timedelta(hours=1)

    before, after = run(room, until=midnight), run(room, until=midnight + timedelta(days=1))

    assert (before.matched, before.differences) == (1, 0)
    assert (after.matched, after.differences) == (1, 0)


def test_a_run_is_kept_with_its_lines(room: Room) -> None:
    room.pay(room.ask("s1", DEPOSIT), DEPOSIT, "ref-1")

    report = run(room)

    with room.works.read(system(BRAND)) as work:
        row = work.connection.execute(select(reconciliation_runs)).one()
    assert (row.id, row.differences, row.matched) == (report.run_id, 1, 0)
    assert row.report["missing_here"] == [["capture", "ref-1"]]


def test_a_consumer_reconciles_nothing(room: Room) -> None:
    consumer = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("c" * 32))
    now = room.clock.now()

    with pytest.raises(Forbidden):
        reconcile(room.works, consumer, room.sandbox, since=now - timedelta(days=1), until=now)


class WatchedSandbox(Sandbox):
    """Counts the connections that are in use while it is asked for a statement."""

    in_use: list[int]

    def statement(self, brand_id: str, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        pool = self._reader.pool
        assert isinstance(pool, QueuePool)
        self.in_use.append(pool.checkedout())
        return super().statement(brand_id, since=since, until=until)


def test_the_provider_is_asked_while_no_transaction_is_open(room: Room) -> None:
    room.held("s1", DEPOSIT, "ref-1")
    room.work_off()
    provider = WatchedSandbox(room.works.engine, b"any secret of thirty-two bytes here", clock=room.clock)
    provider.in_use = []
    end = room.clock.now() + timedelta(minutes=1)

    report = reconcile(room.works, system(BRAND), provider, since=end - timedelta(days=1), until=end)

    assert provider.in_use == [0]
    assert (report.matched, report.differences) == (1, 0)
