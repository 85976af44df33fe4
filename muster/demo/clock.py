"""The demo's clock: the machine's, moved forward by an offset that every process of the demo reads from the database.

Weeks pass in a moment there; outside the demo nothing reads it.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Engine, Integer, Table, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from kernel import db
from kernel.clock import ShiftedClock
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

CACHE_SECONDS: Final = 0.5
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
    """Reads the offset at most twice a second per process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._read_at = float("-inf")

    def __call__(self) -> timedelta:
        with self._lock:
            if time.monotonic() - self._read_at > CACHE_SECONDS:
                self._offset = self._read()
                self._read_at = time.monotonic()
            return self._offset

    def forget(self) -> None:
        """Read anew at the next call."""
        with self._lock:
            self._read_at = float("-inf")

    def _read(self) -> timedelta:
        try:
            with self._engine.connect() as connection:
                seconds = connection.execute(select(demo_clock.c.offset_seconds)).scalar()
        except (OperationalError, ProgrammingError):  # Before the first migration there is no table.
            return timedelta(0)
        return timedelta(seconds=seconds or 0)


def demo_clock_of(engine: Engine) -> ShiftedClock:
    """Return the clock of a demo on this database."""
    return ShiftedClock(DemoOffset(engine))


def advance(work: Work, by: timedelta) -> datetime:
    """Move the demo's time forward, or not at all, and return the new now; refuses to go back or past 120 days."""
    if not timedelta(0) <= by <= ADVANCE_MAX:
        raise InvalidInput("by", because("FORWARD_MOST", most=ADVANCE_MAX.days))
    seconds = int(by.total_seconds())
    if not db.insert_new(work.connection, demo_clock, [{"id": 1, "offset_seconds": seconds}], returning="id"):
        work.connection.execute(
            demo_clock.update().values(offset_seconds=demo_clock.c.offset_seconds + seconds).where(demo_clock.c.id == 1)
        )
    return work.now + by
