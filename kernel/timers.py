"""What is due at a moment: a row per timer, set in the change that needs it, fired by the worker at least once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Column, Index, Integer, Row, String, Table, UniqueConstraint, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kernel import db
from kernel.actor import system
from kernel.db import Id, Instant, Json, metadata
from kernel.ids import BrandId
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
Handler = Callable[[Work, str, Any], None]
RETRY_MAX: Final = timedelta(hours=1)

timers = Table(
    "timers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("key", String(80), nullable=False),
    Column("payload", Json),
    Column("due_at", Instant, nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", String(200)),
    UniqueConstraint("kind", "key"),
)
Index("ix_timers_due_at", timers.c.due_at, timers.c.id)


def set_timer(work: Work, kind: str, key: str, due_at: datetime, payload: Any = None) -> None:
    """Set, or move, the timer of this kind and key; one that fires at this moment is set anew once it has fired."""
    set_timers(work, kind, {key: due_at}, payload)


def set_timers(work: Work, kind: str, due_at_by_key: Mapping[str, datetime], payload: Any = None) -> None:
    """Set, or move, the timers of one kind, as `set_timer` does, in one go."""
    rows = [
        {
            "id": work.new_id(),
            "brand_id": work.actor.brand_id,
            "kind": kind,
            "key": key,
            "payload": payload,
            "due_at": due_at,
        }
        # Sorted, so that two changes never wait for each other in a circle.
        for key, due_at in sorted(due_at_by_key.items())
    ]
    if not rows:
        return
    # One statement a row: between two of them a worker could take away the row that it is firing.
    work.connection.execute(_SET_ON_SQLITE if db.is_sqlite(work.connection) else _SET_ON_POSTGRESQL, rows)


def _setting(insert: Any) -> Any:
    """Write a statement that sets a timer or moves it: once, since every hold of a promise sets two."""
    setting = insert(timers)
    moved = {"due_at": setting.excluded.due_at, "payload": setting.excluded.payload, "attempts": 0}
    return setting.on_conflict_do_update(index_elements=["kind", "key"], set_=moved)


_SET_ON_SQLITE: Final = _setting(sqlite.insert)
_SET_ON_POSTGRESQL: Final = _setting(postgresql.insert)


def set_new_timers(work: Work, kind: str, due_at_by_key: Mapping[str, datetime]) -> None:
    """Set timers of one kind that nobody has set before, in one statement."""
    db.insert_many(
        work.connection,
        timers,
        [
            {"id": work.new_id(), "brand_id": work.actor.brand_id, "kind": kind, "key": key, "due_at": due_at}
            for key, due_at in due_at_by_key.items()
        ],
    )


def cancel_timer(work: Work, kind: str, key: str) -> None:
    """Take a timer away; nothing happens if there is none."""
    cancel_timers(work, [kind], [key])


def cancel_timers(work: Work, kinds: Sequence[str], keys: Sequence[str]) -> None:
    """Take away the timers of each of these kinds and keys."""
    for kind in kinds if keys else ():
        work.connection.execute(delete(timers).where(timers.c.kind == kind, db.among(timers.c.key, keys)))


def count_overdue(work: Work, *, count_max: int = 1_000) -> int:
    """Count timers that should have fired by now, up to a ceiling; for a gauge."""
    due = select(timers.c.id).where(timers.c.due_at <= work.now).limit(count_max).subquery()
    return int(work.connection.execute(select(func.count()).select_from(due)).scalar_one())


@dataclass(frozen=True, slots=True)
class Together:
    """A handler for what is due of one kind and brand at once, given by the keys: for timers that are many and alike.

    Where it fails, they are fired one by one, so that one that cannot be holds up no other.
    """

    handle: Callable[[Work, Sequence[str]], None]

    def __call__(self, work: Work, key: str, _payload: Any = None) -> None:
        """Fire one by itself."""
        self.handle(work, [key])


def fire_due(works: Works, handlers: Mapping[str, Handler], *, timers_max: int = 50) -> int:
    """Fire due timers, each in a change of its own or those of a kind `Together`; returns how many fired.

    A handler that fails is rolled back and tried again after a pause that doubles up to an hour; one that waits in a
    circle with somebody else at once (`Works.run`).
    """
    fired = 0
    while fired < timers_max and (count := _fire(works, handlers, most=timers_max - fired)):
        fired += count
    return fired


def _fire(works: Works, handlers: Mapping[str, Handler], *, most: int) -> int:
    firing: Sequence[Row[Any]] = ()

    def fire(work: Work) -> None:
        nonlocal firing
        firing = _claim(work, handlers, most=most)
        if not firing:
            return
        work.connection.execute(delete(timers).where(db.among(timers.c.id, [row.id for row in firing])))
        first, own = firing[0], work.acting(system(BrandId(firing[0].brand_id)))
        handler = handlers[first.kind]
        if isinstance(handler, Together):
            handler.handle(own, [row.key for row in firing])
        else:
            handler(own, first.key, first.payload)

    try:
        works.run(system(BrandId("platform")), fire)
    except Exception as error:
        if not firing:
            raise
        # A timer's bug must not stop the others: of several each is fired alone, and which fails alone comes again.
        if len(firing) > 1:
            return sum(_fire(works, handlers, most=1) for _ in firing)
        _postpone(works, firing[0], error)
    return len(firing)


def _claim(work: Work, handlers: Mapping[str, Handler], *, most: int) -> Sequence[Row[Any]]:
    """Take the timer that has been due the longest, and with it those that are fired together with it."""
    kind = db.beside(timers.c.kind)
    due = select(timers).where(timers.c.due_at <= work.now).order_by(timers.c.due_at, timers.c.id)
    due = due.with_for_update(skip_locked=True)
    first = work.connection.execute(due.where(db.among(kind, handlers)).limit(1)).first()
    if first is None:
        return []
    if most == 1 or not isinstance(handlers[first.kind], Together):
        return [first]
    alike = due.where(kind == first.kind, timers.c.brand_id == first.brand_id, timers.c.id != first.id)
    return [first, *work.connection.execute(alike.limit(most - 1))]


def _postpone(works: Works, fired: Row[Any], error: Exception) -> None:
    """Let a timer whose handler failed come again after a pause, unless somebody has moved it in between."""
    attempts = fired.attempts + 1
    log.error("timer_failed", timer_id=fired.id, kind=fired.kind, attempts=attempts, exc_info=error)
    pause = min(timedelta(seconds=2.0 ** min(attempts, 12)), RETRY_MAX)
    with works.change(system(BrandId("platform"))) as work:
        work.connection.execute(
            update(timers)
            .where(timers.c.id == fired.id, timers.c.due_at == fired.due_at)
            .values(due_at=work.now + pause, attempts=attempts, last_error=type(error).__name__[:200])
        )
