"""Joins at the door of one process, many in flight, and the same statements in the same batches without our code.

What the service sends for groups is written down and sent once more to a fresh copy of the database: by pgbench, which
spends next to nothing of its own, and by the bare driver, with statements prepared as the service has them.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import make_url

from demand.service import Placed, PreOrderRequest, place_pre_orders
from kernel.actor import system
from kernel.errors import TooBusy
from kernel.group import Group
from kernel.ids import BrandId
from kernel.work import Work
from muster.doors import pre_order_door
from muster.garbage import collecting_rarely
from muster.wiring import Runtime

STUCK_SECONDS: Final = 300
WARM_UP_GROUPS: Final = 2


@dataclass(frozen=True, slots=True)
class Joined:
    """What many callers at the door saw, and the CPU milliseconds of one join: ours and the database's.

    `sent_away` is how often somebody was told to come back later; whoever was waited from the first time on.
    """

    acknowledged: tuple[str, ...]
    refused: Counter[str]
    sent_away: int
    seconds: float
    p50_ms: float
    p99_ms: float
    service_ms: float
    database_ms: float

    @property
    def per_second(self) -> float:
        """Return joins a second."""
        return len(self.acknowledged) / self.seconds


def join_many(
    runtime: Runtime, requests: Sequence[PreOrderRequest], *, in_flight: int, database_cpu: Callable[[], float]
) -> Joined:
    """Let requests come in by the door, so many in flight at any time, and return when all have their outcome.

    Garbage is looked for as seldom as in a server's process.
    """
    door = pre_order_door(runtime.works, runtime.providers)
    callers = _Callers(door, requests)
    process, database, started = time.process_time(), database_cpu(), time.perf_counter()
    with collecting_rarely():
        callers.run(in_flight)
    seconds = time.perf_counter() - started
    spent = time.process_time() - process, database_cpu() - database
    door.close()
    took = sorted(callers.took)
    count = len(callers.acknowledged)
    return Joined(
        tuple(callers.acknowledged),
        callers.refused,
        callers.sent_away,
        seconds,
        1000 * took[len(took) // 2],
        1000 * took[int(0.99 * len(took))],
        1000 * spent[0] / count,
        1000 * spent[1] / count,
    )


class _Callers:
    """Callers without threads of their own: each sends its next request where it hears of its last one."""

    def __init__(self, door: Group[PreOrderRequest, Placed], requests: Sequence[PreOrderRequest]) -> None:
        self._door = door
        self._left = iter(requests)
        self._lock = threading.Lock()
        self._busy = 0
        self._over = threading.Event()
        self.acknowledged: list[str] = []
        self.refused: Counter[str] = Counter()
        self.took: list[float] = []
        self.sent_away = 0

    def run(self, in_flight: int) -> None:
        self._busy = in_flight
        for _ in range(in_flight):
            self._send()
        assert self._over.wait(STUCK_SECONDS), "the door does not answer"

    def _send(self) -> None:
        with self._lock:
            request = next(self._left, None)
            if request is None:
                self._busy -= 1
                if not self._busy:
                    self._over.set()
                return
        self._ask(request, time.perf_counter())

    def _ask(self, request: PreOrderRequest, since: float) -> None:
        """Ask at the door; who is told to come back later does so then, as a program that calls the API would."""
        try:
            waiting = self._door.submit(request)
        except TooBusy as busy:
            self.sent_away += 1
            later = threading.Timer(busy.retry_after_seconds, self._ask, (request, since))
            later.daemon = True
            later.start()
            return
        waiting.add_done_callback(partial(self._hear, since))

    def _hear(self, asked_at: float, future: Future[Placed]) -> None:
        self.took.append(time.perf_counter() - asked_at)
        error = future.exception()
        if error is None:
            self.acknowledged.append(future.result().pre_order_id)
        else:
            self.refused[type(error).__name__] += 1
        self._send()


# --- the same statements without our code ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batch:
    """One group's statements in order, with their parameters."""

    joins: int
    statements: tuple[tuple[str, Any], ...]


def capture(runtime: Runtime, brand_id: BrandId, groups: Sequence[Sequence[PreOrderRequest]]) -> list[Batch]:
    """Place groups one after the other and return what was sent for each."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        sent.extend((statement, one) for one in (parameters if many else [parameters]))

    def place(group: Sequence[PreOrderRequest], work: Work) -> None:
        outcomes = place_pre_orders(work.acting(system(brand_id)), runtime.providers, group)
        assert all(isinstance(one, Placed) for one in outcomes), outcomes

    event.listen(runtime.works.engine, "before_cursor_execute", note)
    batches = []
    for group in groups:
        runtime.works.run(system(brand_id), partial(place, group))
        batches.append(Batch(len(group), tuple(sent)))
        sent.clear()
    event.remove(runtime.works.engine, "before_cursor_execute", note)
    return batches


def pgbench_per_second(programs: Path, url: str, batches: Sequence[Batch], folder: Path) -> float:
    """Return the joins a second that pgbench reaches with one connection, every value written out in the statement."""
    script = folder / "batches.sql"
    with psycopg.connect(url) as connection:
        cursor = psycopg.ClientCursor(connection)
        text = "".join(
            "BEGIN;\n" + "".join(f"{cursor.mogrify(*one)};\n" for one in batch.statements) + "COMMIT;\n"
            for batch in batches
        )
    script.write_text(text, encoding="utf-8")
    parts = make_url(url)
    where = ["-h", str(parts.query["host"]), "-U", str(parts.username), str(parts.database)]
    words = [str(programs / "pgbench"), "-n", "-c", "1", "-t", "1", "-f", str(script), *where]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=STUCK_SECONDS)
    milliseconds = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    assert milliseconds is not None and "number of failed transactions: 0" in done.stdout, done.stdout
    return sum(batch.joins for batch in batches) / (float(milliseconds.group(1)) / 1000)


def driver_per_second(url: str, batches: Sequence[Batch]) -> float:
    """Return the joins a second of a bare loop over the driver, statements prepared, one connection."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.prepare_threshold = 0
        cursor = connection.cursor()

        def send(batch: Batch) -> None:
            cursor.execute("BEGIN")
            for statement, parameters in batch.statements:
                cursor.execute(statement, parameters)
                if cursor.description is not None:
                    cursor.fetchall()
            cursor.execute("COMMIT")

        for batch in batches[:WARM_UP_GROUPS]:
            send(batch)
        started = time.perf_counter()
        for batch in batches[WARM_UP_GROUPS:]:
            send(batch)
        return sum(batch.joins for batch in batches[WARM_UP_GROUPS:]) / (time.perf_counter() - started)
