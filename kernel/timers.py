"""What is due at a moment: a row per timer, set in the change that needs it, fired by the worker at least once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    dialect = sqlite if db.is_sqlite(work.connection) else postgresql
    setting = dialect.insert(timers)
    # One statement a row: between two of them a worker could take away the row that it is firing.
    moved = {"due_at": setting.excluded.due_at, "payload": setting.excluded.payload, "attempts": 0}
    work.connection.execute(setting.on_conflict_do_update(index_elements=["kind", "key"], set_=moved), rows)


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


def fire_due(works: Works, handlers: Mapping[str, Handler], *, timers_max: int = 50) -> int:
    """Fire due timers, each in a change of its own; returns how many fired.

    A handler that fails is rolled back and tried again after a pause that doubles up to an hour.
    """
    fired = 0
    while fired < timers_max and _fire_one(works, handlers):
        fired += 1
    return fired


def _fire_one(works: Works, handlers: Mapping[str, Handler]) -> bool:
    firing: Row[Any] | None = None
    try:
        with works.change(system(BrandId("platform"))) as work:
            row = work.connection.execute(
                select(timers)
                .where(timers.c.due_at <= work.now, db.among(timers.c.kind, handlers))
                .order_by(timers.c.due_at, timers.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return False
            firing = row
            work.connection.execute(delete(timers).where(timers.c.id == row.id))
            handlers[row.kind](work.acting(system(BrandId(row.brand_id))), row.key, row.payload)
    except Exception as error:  # A timer's bug must not stop the others; it is logged and tried again.
        if firing is None:
            raise
        _postpone(works, firing, error)
    return True


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
