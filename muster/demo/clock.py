"""The demo's clock: the machine's, moved forward by an offset that every process of the demo reads from the database.

Weeks pass in a moment there; outside the demo nothing reads it. A process believes what it read for half a second; the
one that moves the time believes nothing until its move has long been committed.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Engine, Integer, Table, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from kernel import db
from kernel.belief import Belief
from kernel.clock import ShiftedClock, SystemClock
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

CACHE_SECONDS: Final = 0.5
SETTLING_SECONDS: Final = 10.0
"""So long after a move each look at the clock is one at the database: a move is told to others when it is committed."""
ADVANCE_MAX: Final = timedelta(days=120)

demo_clock = Table(
    "demo_clock",
    db.metadata,
    Column("id", Integer, primary_key=True),
    Column("offset_seconds", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("offset_seconds >= 0", name="forward_only"),
)


class DemoOffset:
    """Reads the offset at most four times a second per process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known = Belief(timedelta(0), float("-inf"))
        self._settled_at = float("-inf")

    def __call__(self) -> timedelta:
        with self._lock:
            if not self._known.is_young(CACHE_SECONDS):
                offset, now = self._read(), time.monotonic()
                self._known = Belief(offset, now if now > self._settled_at else float("-inf"))
            return self._known.value

    def remembered(self) -> timedelta | None:
        """Return the offset where it is believed just now, without waiting for anybody who reads it."""
        known = self._known
        return known.value if known.is_at_hand(CACHE_SECONDS) else None

    def unsettle(self) -> None:
        """Believe nothing of before, and nothing that is read while the move may still be on its way."""
        with self._lock:
            self._known = Belief(self._known.value, float("-inf"))
            self._settled_at = time.monotonic() + SETTLING_SECONDS

    def _read(self) -> timedelta:
        try:
            with self._engine.connect() as connection:
                seconds = connection.execute(select(demo_clock.c.offset_seconds)).scalar()
        except (OperationalError, ProgrammingError):
            # Before the first migration there is no table; and a database that is away for a moment turns no time back.
            return self._known.value
        return timedelta(seconds=seconds or 0)


class DemoClock(ShiftedClock):
    """The clock of a demo on a database, and the one place where its time is moved."""

    def __init__(self, engine: Engine) -> None:
        self._shift = DemoOffset(engine)
        super().__init__(self._shift, remembered=self._shift.remembered)

    def advance(self, work: Work, by: timedelta) -> datetime:
        """Move the demo's time forward, or not at all, and return the new now; refuses to go back or past 120 days.

        What is told follows from the row, so it is right in a process that had not heard of the last move yet.
        """
        if not timedelta(0) <= by <= ADVANCE_MAX:
            raise InvalidInput("hours", because("FORWARD_HOURS", most=ADVANCE_MAX // timedelta(hours=1)))
        seconds = int(by.total_seconds())
        if not db.insert_new(work.connection, demo_clock, [{"id": 1, "offset_seconds": seconds}], returning="id"):
            moved = demo_clock.update().values(offset_seconds=demo_clock.c.offset_seconds + seconds)
            work.connection.execute(moved.where(demo_clock.c.id == 1))
        self._shift.unsettle()
        offset: int = work.connection.execute(select(demo_clock.c.offset_seconds)).scalar_one()
        return SystemClock().now() + timedelta(seconds=offset)
