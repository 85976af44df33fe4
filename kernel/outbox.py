"""News that leaves in the same transaction as the rows it tells of, and reaches every subscriber at least once.

Every subscriber has its own row in `outbox_seen`, so what reached it once does not reach it again, also after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Integer, RowMapping, bindparam, delete, select, update

from kernel import db
from kernel.actor import system
from kernel.events import Event, decode
from kernel.ids import BrandId
from kernel.news import outbox, outbox_seen
from kernel.work import Work, Works, is_undone

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 200
IDS_MAX: Final = 500
RETRY_MAX: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Letter:
    """An event with the id it has in the outbox: what a subscriber receives."""

    event_id: str
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber's stable name, the kinds of news it takes, and its use case, which takes letters of one brand."""

    name: str
    kinds: frozenset[str]
    handle: Callable[[Work, Sequence[Letter]], None]


def deliver(works: Works, subscriptions: Sequence[Subscription], *, batch_max: int = BATCH_MAX) -> int:
    """Hand due news to its subscribers; returns how many letters were settled.

    One transaction holds the batch: claimed rows, what subscribers did, and the seen rows commit together, so a
    crash anywhere means that nothing of the batch happened. A subscriber that fails on a batch gets its letters one
    by one; the letter it fails on is rolled back to its savepoint and tried again later with a growing pause.
    A batch that waits in a circle with somebody else is let go whole and handed over anew (`Works.run`): a savepoint
    would keep the locks that the other one waits for.
    """
    return works.run(system(BrandId("platform")), lambda work: _deliver(work, subscriptions, batch_max))


def _deliver(work: Work, subscriptions: Sequence[Subscription], batch_max: int) -> int:
    rows = _claim(work, batch_max)
    failed: dict[str, str] = {}
    letters = _read(rows, failed)
    for subscription in subscriptions:
        for brand_id, own in _by_brand(letters, subscription).items():
            failed |= _hand_over(work.acting(system(brand_id)), subscription, own)
    _mark(work, rows, failed)
    return len(rows) - len(failed)


# Written once: an idle worker asks this several times a second, and writing it took longer than answering it.
_DUE: Final = (
    select(outbox)
    .where(outbox.c.due_at <= bindparam("now", type_=db.Instant))
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)


def _claim(work: Work, batch_max: int) -> Sequence[RowMapping]:
    return work.connection.execute(_DUE, {"now": work.now, "most": batch_max}).mappings().all()


def _read(rows: Sequence[RowMapping], failed: dict[str, str]) -> list[Letter]:
    """Read what this version of the code understands; the rest waits and holds nobody up."""
    letters = []
    for row in rows:
        try:
            letters.append(Letter(row["id"], row["at"], decode(row["kind"], row["payload"])))
        except (KeyError, TypeError, ValueError) as error:
            log.error("letter_unreadable", event_id=row["id"], kind=row["kind"], exc_info=error)
            failed[row["id"]] = f"unreadable: {type(error).__name__}"
    return letters


def _by_brand(letters: Sequence[Letter], subscription: Subscription) -> dict[BrandId, list[Letter]]:
    own: dict[BrandId, list[Letter]] = {}
    for letter in letters:
        if letter.event.kind in subscription.kinds:
            own.setdefault(BrandId(letter.event.brand_id), []).append(letter)
    return own


def _hand_over(work: Work, subscription: Subscription, letters: Sequence[Letter]) -> dict[str, str]:
    """Let one subscriber act inside a savepoint; returns what went wrong by event id."""
    news_before = len(work.news)
    try:
        with work.connection.begin_nested():
            seen_rows = [{"event_id": letter.event_id, "subscriber": subscription.name} for letter in letters]
            new = db.insert_new(work.connection, outbox_seen, seen_rows, returning="event_id")
            if new:
                subscription.handle(work, [letter for letter in letters if letter.event_id in new])
    except Exception as error:  # A subscriber's bug must not hold up the others; it is logged and tried again.
        if is_undone(error):
            raise
        del work.news[news_before:]
        if len(letters) > 1:
            one_by_one = [_hand_over(work, subscription, [letter]) for letter in letters]
            return {event_id: what for failure in one_by_one for event_id, what in failure.items()}
        log.error("subscriber_failed", subscriber=subscription.name, event_id=letters[0].event_id, exc_info=error)
        return {letters[0].event_id: f"{subscription.name}: {type(error).__name__}"[:200]}
    return {}


def _mark(work: Work, rows: Sequence[RowMapping], failed: Mapping[str, str]) -> None:
    """Settle what went well; what failed is due again after a pause that doubles up to an hour."""
    settled = [row["id"] for row in rows if row["id"] not in failed]
    if settled:
        work.connection.execute(
            update(outbox)
            .where(db.among(outbox.c.id, settled))
            .values(due_at=None, attempts=outbox.c.attempts + 1, last_error=None)
        )
    values = []
    for row in rows:
        if row["id"] in failed:
            attempts = row["attempts"] + 1
            pause = min(timedelta(seconds=2.0 ** min(attempts, 12)), RETRY_MAX)
            values.append({"b_id": row["id"], "b_due": work.now + pause, "b_n": attempts, "b_what": failed[row["id"]]})
    if values:
        work.connection.execute(
            update(outbox)
            .where(outbox.c.id == bindparam("b_id"))
            .values(due_at=bindparam("b_due"), attempts=bindparam("b_n"), last_error=bindparam("b_what")),
            values,
        )


def oldest_due(work: Work) -> datetime | None:
    """Return when the letter that waits longest was due; None where none is; for a gauge."""
    oldest: datetime | None = work.connection.execute(
        select(outbox.c.due_at).where(outbox.c.due_at <= work.now).order_by(outbox.c.due_at).limit(1)
    ).scalar_one_or_none()
    return oldest


def sweep(work: Work, *, rows_max: int) -> int:
    """Delete settled letters and who saw them once they are thirty days old, at most `rows_max`; returns how many.

    A letter that somebody has still to get stays, however old it is.
    """
    # Ids grow with time, so the oldest letters are the first ones of the primary key.
    settled = (
        select(outbox.c.id)
        .where(outbox.c.due_at.is_(None), outbox.c.at < work.now - KEPT_FOR)
        .order_by(outbox.c.id)
        .limit(rows_max)
    )
    old = list(work.connection.execute(settled).scalars())
    for start in range(0, len(old), IDS_MAX):
        some = old[start : start + IDS_MAX]
        work.connection.execute(delete(outbox_seen).where(db.among(outbox_seen.c.event_id, some)))
        work.connection.execute(delete(outbox).where(db.among(outbox.c.id, some)))
    return len(old)
