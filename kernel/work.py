"""One change: one transaction, one instant, one id maker; its rows, its ledger entries and its news commit together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar, cast

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from kernel import db, news
from kernel.actor import Actor
from kernel.clock import Clock, ShiftedClock, SystemClock
from kernel.events import Event
from kernel.ids import IdMaker, RandomIds
from kernel.sending import sending

log = structlog.get_logger(__name__)
AnswerT = TypeVar("AnswerT")
ATTEMPTS_MAX: Final = 4
# What PostgreSQL calls a deadlock, and a change that others were quicker than.
_UNDONE: Final = frozenset({"40P01", "40001"})


def is_undone(error: BaseException) -> bool:
    """Say whether PostgreSQL ended a change for others to go on: nothing of it is left, and it may be tried again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _UNDONE


class NotAtHand(Exception):
    """A read from memory asks for more than that: it is done anew on a thread, with the database."""


class _NoConnection:
    """Stands where a read from memory has no connection: whoever asks the database ends that read."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> NoReturn:
        raise NotAtHand(name)


@dataclass(slots=True)
class Work:
    """What a use case is handed. It never commits; whoever opened it does, once."""

    connection: Connection
    now: datetime
    ids: IdMaker
    actor: Actor
    news: list[Event] = field(default_factory=list)
    read_once: dict[tuple[str, ...], Any] = field(default_factory=dict)
    is_recalled: bool = False
    """Whether this is a read from memory, without a connection."""
    opened: float = field(default_factory=time.monotonic)
    """When it was opened, in seconds of the process: nothing that it reads is as of before."""

    def new_id(self) -> str:
        """Return a fresh time-ordered id."""
        return self.ids.new(self.now)

    def new_ids(self, count: int) -> list[str]:
        """Return so many fresh ids in their order."""
        return self.ids.new_many(self.now, count)

    def record(self, *happened: Event) -> None:
        """Note what happened; it goes into the outbox with this commit."""
        self.news.extend(happened)

    def once(self, key: tuple[str, ...], load: Callable[[], AnswerT]) -> AnswerT:
        """Return what `load` reads, from the second time on without reading: one change sees one policy, one brand.

        For what hardly ever changes and is never locked; whoever writes it drops it with `forget`.
        """
        if key not in self.read_once:
            self.read_once[key] = load()
        found: AnswerT = self.read_once[key]
        return found

    def forget(self, key: tuple[str, ...]) -> None:
        """Read anew what `once` keeps under a key, as this change has written it."""
        self.read_once.pop(key, None)

    def take_time(self) -> None:
        """Say that what follows waits for others or takes long: a read from memory ends here (NotAtHand)."""
        if self.is_recalled:
            raise NotAtHand

    def acting(self, actor: Actor) -> Work:
        """Return this same change seen by another actor: a group, a subscriber. News goes to the same list."""
        return replace(self, actor=actor)


class Works:
    """Opens changes and reads on one database."""

    def __init__(self, engine: Engine, *, clock: Clock | None = None, ids: IdMaker | None = None) -> None:
        self.engine = engine
        self.clock: Clock = clock or SystemClock()
        self.ids: IdMaker = ids or RandomIds()
        self._writer = engine.execution_options(**{db.WRITE: True})

    @contextmanager
    def change(self, actor: Actor, *, ahead: bool = False) -> Iterator[Work]:
        """Open a transaction that commits at the end, with its news; any exception rolls everything back.

        `ahead` is for one that writes much; see `kernel.sending`.
        """
        with self._writer.begin() as connection, sending(connection, ahead=ahead):
            work = Work(connection, self.clock.now(), self.ids, actor)
            yield work
            news.post(connection, work.news, now=work.now, ids=work.ids)

    def run(self, actor: Actor, decide: Callable[[Work], AnswerT], *, ahead: bool = False) -> AnswerT:
        """Return what `decide` answers in a change of its own, once that has committed.

        A timer, a callback and a buyer may take the same rows in another order; PostgreSQL then undoes one of them,
        and it is decided anew, at most four times in all. `decide` therefore touches nothing but its `Work`.
        """
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                with self.change(actor, ahead=ahead) as work:
                    return decide(work)
            except DBAPIError as error:
                if not is_undone(error):
                    raise
                log.warning("change_repeated", sqlstate=getattr(error.orig, "sqlstate", None))
        with self.change(actor, ahead=ahead) as work:
            return decide(work)

    def recall(self, actor: Actor) -> Work:
        """Return a read that has nothing but what this process remembers, and so neither waits nor takes long.

        It raises NotAtHand as soon as it needs more, and so does this where even the time has to be asked for.
        """
        now = self.clock.at_hand() if isinstance(self.clock, ShiftedClock) else self.clock.now()
        if now is None:
            raise NotAtHand
        return Work(cast("Connection", _NoConnection(self.engine)), now, self.ids, actor, is_recalled=True)

    @contextmanager
    def read(self, actor: Actor) -> Iterator[Work]:
        """Open a transaction for reading; news recorded here would be lost, so there is none."""
        with self.engine.connect() as connection:
            work = Work(connection, self.clock.now(), self.ids, actor)
            yield work
            assert not work.news, "a read has no news"
