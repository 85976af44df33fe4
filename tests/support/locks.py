"""Watches changes wait for each other's locks on PostgreSQL, for tests of what two do at the same moment."""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import Engine, text

SECONDS_MAX: Final = 20
WAITING: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def count_waiting(engine: Engine) -> int:
    """Return how many changes wait for a lock."""
    with engine.connect() as connection:
        return int(connection.execute(WAITING).scalar_one())


def wait_until_waiting(engine: Engine, number: int) -> None:
    """Return once so many changes wait for a lock."""
    for _ in range(SECONDS_MAX * 100):
        if count_waiting(engine) >= number:
            return
        time.sleep(0.01)
    raise AssertionError(f"{number} changes do not wait")
