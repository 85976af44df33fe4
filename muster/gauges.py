"""What an operator watches beside requests: news and timers that wait, how many pre-orders share a commit, statements.

What is read from the database is read by one scrape at a time and at most every few seconds: a database that is slow
or away costs one thread, and its figures are left out rather than shown as they once were.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from kernel import outbox, timers
from kernel.actor import system
from kernel.group import Group
from kernel.ids import BrandId
from kernel.work import Works

log = structlog.get_logger(__name__)
REFRESH_SECONDS: Final = 5.0
GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waited when it was last looked at."""

    outbox_lag_seconds: float
    timers_overdue: int


class BacklogReader(Collector):
    """Reads the backlog for `/metrics`; a scrape that comes while another one reads is told what was read before."""

    def __init__(self, works: Works, *, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self._works = works
        self._refresh_seconds = refresh_seconds
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._backlog: Backlog | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; none where the database could not be read."""
        backlog = self._newest()
        if backlog is None:
            return
        yield GaugeMetricFamily(
            "muster_outbox_lag_seconds",
            "Seconds since the oldest letter in the outbox was due; 0 where none waits.",
            value=backlog.outbox_lag_seconds,
        )
        yield GaugeMetricFamily(
            "muster_timers_overdue", "Timers that should have fired, at most 1,000.", value=backlog.timers_overdue
        )

    def _newest(self) -> Backlog | None:
        if time.monotonic() - self._read_at >= self._refresh_seconds and self._reading.acquire(blocking=False):
            try:
                self._backlog = self._read()
                self._read_at = time.monotonic()
            finally:
                self._reading.release()
        return self._backlog

    def _read(self) -> Backlog | None:
        try:
            with self._works.read(system(BrandId("platform"))) as work:
                oldest = outbox.oldest_due(work)
                lag = 0.0 if oldest is None else (work.now - oldest).total_seconds()
                return Backlog(lag, timers.count_overdue(work))
        except SQLAlchemyError as error:
            log.warning("backlog_unreadable", error=type(error).__name__)
            return None


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is counted as it happens."""

    group_sizes: Histogram
    statements: Counter


class DoorReader(Collector):
    """Shows how full the door of pre-orders is."""

    def __init__(self, door: Group[Any, Any]) -> None:
        self._door = door

    def collect(self) -> Iterator[Metric]:
        """Yield what waits and how many were sent away."""
        yield GaugeMetricFamily(
            "muster_pre_orders_waiting", "Pre-orders that wait for their group.", value=self._door.waiting
        )
        yield CounterMetricFamily(
            "muster_pre_orders_sent_away", "Pre-orders told to come back later.", value=self._door.refused
        )


def add_gauges(registry: CollectorRegistry, works: Works, *, refresh_seconds: float = REFRESH_SECONDS) -> Gauges:
    """Register everything on a process's registry and begin to count the statements of its database engine."""
    gauges = Gauges(
        group_sizes=Histogram(
            "muster_pre_order_group_size",
            "Pre-orders decided in one commit.",
            buckets=GROUP_SIZES,
            registry=registry,
        ),
        statements=Counter(
            "muster_sql_statements", "Statements sent to the database, without begin and end.", registry=registry
        ),
    )
    registry.register(BacklogReader(works, refresh_seconds=refresh_seconds))

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            gauges.statements.inc()

    event.listen(works.engine, "before_cursor_execute", count)
    return gauges
