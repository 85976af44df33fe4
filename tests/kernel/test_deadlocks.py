"""Who waits in a circle on PostgreSQL is undone and decided anew: news and timers act once, and without an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from sqlalchemy import func, select

from kernel import db, ledger, news, outbox
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId
from kernel.ledger import ledger_transfers
from kernel.outbox import Subscription
from kernel.timers import fire_due, set_timer, timers
from kernel.work import Work, Works
from tests.kernel.test_change import Joined, transfer
from tests.support.locks import SECONDS_MAX, wait_until_waiting

pytestmark = pytest.mark.postgres
BRAND: Final = BrandId("a" * 32)


@pytest.fixture
def works(postgres_url: str, clock: FixedClock) -> Iterator[Works]:
    """Return a fresh database of PostgreSQL."""
    engine = db.open_engine(postgres_url)
    yield Works(engine, clock=clock)
    engine.dispose()


class Meeting:
    """A handler that takes one thing and then another, which somebody holds who then takes the first."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.attempts = 0

    def handle(self, work: Work, *_: object) -> None:
        """Act, holding both; the first time the other one is there in the middle."""
        self.attempts += 1
        ledger.book(work, transfer("met"))
        db.take_turns(work.connection, "first")
        db.take_turns(work.connection, "second")

    def with_another(self, job: Callable[[], int]) -> int:
        """Return what a job answers that meets another change; PostgreSQL undoes the job: it waits longer."""
        with ThreadPoolExecutor(1) as threads:
            with self.works.change(system(BRAND)) as work:
                db.take_turns(work.connection, "second")
                doing = threads.submit(job)
                wait_until_waiting(self.works.engine, 1)
                db.take_turns(work.connection, "first")
            return doing.result(SECONDS_MAX)

    def acted(self) -> int:
        """Count what stands of all attempts."""
        with self.works.read(system(BRAND)) as work:
            return int(work.connection.execute(select(func.count()).select_from(ledger_transfers)).scalar_one())


def test_news_whose_subscriber_is_undone_is_handed_over_anew_at_once(works: Works) -> None:
    meeting = Meeting(works)
    kinds = frozenset({Joined.kind})
    before: list[int] = []
    subscriptions = [
        Subscription("test.before", kinds, lambda _work, letters: before.append(len(letters))),
        Subscription("test.meeting", kinds, meeting.handle),
    ]
    with works.change(system(BRAND)) as work:
        work.record(Joined(BRAND, 1), Joined(BRAND, 2))

    settled = meeting.with_another(lambda: outbox.deliver(works, subscriptions))

    assert (settled, meeting.attempts, meeting.acted()) == (2, 2, 1)
    # Whoever acted in the change that was undone acts again in the next one.
    assert before == [2, 2]
    with works.read(system(BRAND)) as work:
        rows = work.connection.execute(select(news.outbox.c.attempts, news.outbox.c.last_error, news.outbox.c.due_at))
        assert [tuple(row) for row in rows] == [(1, None, None)] * 2
    assert outbox.deliver(works, subscriptions) == 0


def test_a_timer_that_is_undone_fires_anew_at_once(works: Works, clock: FixedClock) -> None:
    meeting = Meeting(works)
    with works.change(system(BRAND)) as work:
        set_timer(work, "test.meeting", "one", clock.now())

    fired = meeting.with_another(lambda: fire_due(works, {"test.meeting": meeting.handle}))

    assert (fired, meeting.attempts, meeting.acted()) == (1, 2, 1)
    with works.read(system(BRAND)) as work:
        assert work.connection.execute(select(timers)).all() == []
