"""One change: one transaction, one instant, one id maker; its rows, its ledger entries and its news commit together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine

from kernel import db, outbox
from kernel.actor import Actor
from kernel.clock import Clock, SystemClock
from kernel.events import Event
from kernel.ids import IdMaker, RandomIds


@dataclass(slots=True)
class Work:
    """What a use case is handed. It never commits; whoever opened it does, once."""

    connection: Connection
    now: datetime
    ids: IdMaker
    actor: Actor
    news: list[Event] = field(default_factory=list)

    def new_id(self) -> str:
        """Return a fresh time-ordered id."""
        return self.ids.new(self.now)

    def record(self, *happened: Event) -> None:
        """Note what happened; it goes into the outbox with this commit."""
        self.news.extend(happened)

    def acting(self, actor: Actor) -> Work:
        """Return this same change seen by another actor: a group, a subscriber. News goes to the same list."""
        return Work(self.connection, self.now, self.ids, actor, self.news)


class Works:
    """Opens changes and reads on one database."""

    def __init__(self, engine: Engine, *, clock: Clock | None = None, ids: IdMaker | None = None) -> None:
        self.engine = engine
        self.clock: Clock = clock or SystemClock()
        self.ids: IdMaker = ids or RandomIds()
        self._writer = engine.execution_options(**{db.WRITE: True})

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Work]:
        """Open a transaction that commits at the end, with its news; any exception rolls everything back."""
        with self._writer.begin() as connection:
            work = Work(connection, self.clock.now(), self.ids, actor)
            yield work
            outbox.post(connection, work.news, now=work.now, ids=work.ids)

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Work]:
        """Open a transaction for reading; news recorded here would be lost, so there is none."""
        with self.engine.connect() as connection:
            work = Work(connection, self.clock.now(), self.ids, actor)
            yield work
            assert not work.news, "a read has no news"
