"""kill -9 of server and worker under load: nothing acknowledged is lost, nobody is charged twice, all holds."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import psutil
import psycopg
import pytest
from sqlalchemy import func, select

from benchmarks.processes import Running, serving
from demand.pools.tables import pre_orders
from kernel import db, reconciliation
from kernel.actor import system
from kernel.clock import FixedClock, SystemClock
from kernel.ledger import ledger_transfers
from kernel.news import outbox
from kernel.payments.tables import payments
from kernel.work import Works
from muster.settings import read_settings
from muster.wiring import Runtime, wire
from muster.worker import run_until_idle
from tests.support.buying import Crowd
from tests.support.databases import Database, make_schema, postgres_database
from tests.support.launch import prepare_launch
from tests.support.postgres import postgres_server
from tests.support.site import Site, each, family, go, kill, mark_migrated, surroundings, unsound, wire_here

CALLERS: Final = 16
BUYERS_PER_KILL: Final = 40
SEED: Final = 20_261_123
WAIT_SECONDS_MAX: Final = 240.0
EVERYTHING: Final = "everything"
WORKER: Final = "worker"
THE_DATABASE: Final = "the database"
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(slots=True)
class Mishaps:
    """Servers one after the other: each is killed when so many answers have come, and another one is started."""

    environment: dict[str, str]
    stack: ExitStack
    running: Running
    chance: random.Random
    runtime: Runtime
    killed: Counter[str] = field(default_factory=Counter)
    audits: list[list[str]] = field(default_factory=list)
    """What the audit found after each death of everything, before anybody tidied up."""

    async def strike(self, site: Site, count: Callable[[], int], moments: list[tuple[int, str]]) -> None:
        """Kill at the given numbers of acknowledged pre-orders, a little later, while requests are on their way."""
        for moment, victim in moments:
            while count() < moment:  # noqa: ASYNC110 - a count is waited for, which grows in many places
                await asyncio.sleep(0.002)
            await asyncio.sleep(self.chance.random() * 0.02)
            await asyncio.to_thread(self._kill, victim)
            if victim == EVERYTHING:
                self.running = await asyncio.to_thread(self._start)
                site.port = self.running.port

    def _kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == THE_DATABASE:
            kill_a_backend(self.environment["MUSTER_DATABASE_URL"])
            self.killed["processes"] += 1
            return
        processes = family(self.running)
        workers = [one for one in processes if _is_worker(one)]
        kill(processes if victim == EVERYTHING else workers)
        if victim == EVERYTHING:
            self.audits.append(unsound(self.runtime))
        self.killed["processes"] += len(processes if victim == EVERYTHING else workers)

    def _start(self) -> Running:
        return self.stack.enter_context(serving(self.environment, wait_seconds=WAIT_SECONDS_MAX))


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "worker" in process.cmdline()
    except psutil.Error:
        return False


def kill_a_backend(url: str) -> None:
    """Kill one process of PostgreSQL: the whole server drops every connection and recovers from its log.

    It may still be about to drop those of the blow before, this one too: then it is asked again.
    """
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute(BACKENDS).fetchall()
            os.kill(found[0][0], 9)
            return
        except (psycopg.OperationalError, IndexError, ProcessLookupError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def plan(kills: int, buyers: int, victims: Sequence[str]) -> list[tuple[int, str]]:
    """Say after how many answers what is killed, one victim after the other, and never at the very end."""
    chance = random.Random(SEED)
    moments = sorted(chance.sample(range(1, buyers - BUYERS_PER_KILL // 2), kills))
    return [(moment, victims[number % len(victims)]) for number, moment in enumerate(moments)]


def settle(database: Database, environment: dict[str, str]) -> Runtime:
    """Let a worker do two hours later what the killed ones had begun: their leases have run out by then."""
    later = FixedClock(SystemClock().now() + timedelta(hours=2))
    runtime = wire(read_settings(environment), works=Works(database.engine, clock=later))
    run_until_idle(runtime.works, runtime.chores)
    return runtime


def kill_under_load(
    database: Database,
    *,
    kills: int,
    victims: Sequence[str] = (EVERYTHING, WORKER, EVERYTHING),
    processes: int = 1,
) -> None:
    """Play the whole: buyers, kills, the same keys once more, and what must be true afterwards."""
    mark_migrated(database.engine)
    environment = surroundings(database.url, processes=processes)
    runtime = wire_here(database.url, database.engine)
    buyers = BUYERS_PER_KILL * (kills + 1)
    launch = prepare_launch(runtime, buyers=buyers, capacity=max(buyers, 60))
    crowd = Crowd(launch, runtime.sandbox, forgives=THE_DATABASE in victims)

    with ExitStack() as stack:
        mishaps = Mishaps(
            environment,
            stack,
            stack.enter_context(serving(environment, wait_seconds=WAIT_SECONDS_MAX)),
            random.Random(SEED),
            runtime,
        )

        async def launch_day(site: Site) -> None:
            buying = each(range(buyers), lambda number: crowd.buy(site, number), callers=CALLERS)
            striking = mishaps.strike(site, lambda: len(crowd.notes.acknowledged), plan(kills, buyers, victims))
            await asyncio.gather(buying, striking)
            await each(range(buyers), lambda number: crowd.buy(site, number), callers=CALLERS)

        go(launch_day, port=mishaps.running.port, callers=CALLERS)

    assert sum(mishaps.killed[victim] for victim in set(victims)) == kills
    assert mishaps.killed["processes"] >= kills
    assert mishaps.audits == [[]] * mishaps.killed[EVERYTHING]
    assert crowd.notes.complaints == []
    assert len(crowd.notes.acknowledged) == buyers
    check_what_is_left(settle(database, environment), crowd)


def check_what_is_left(runtime: Runtime, crowd: Crowd) -> None:
    """Hold the database against what the buyers were told and against the provider's own books."""
    brand_id = crowd.launch.brand.id
    withdrawn = len(crowd.notes.withdrawn)
    with runtime.works.read(system(brand_id)) as work:
        connection = work.connection

        def count(table: Any, *where: Any) -> int:
            return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

        stored = {row.quote_id: row.id for row in connection.execute(select(pre_orders.c.quote_id, pre_orders.c.id))}
        assert stored == crowd.notes.acknowledged
        assert count(pre_orders, pre_orders.c.state == "pooled") == len(stored) - withdrawn
        assert count(payments, payments.c.provider_reference.isnot(None)) == len(stored)
        assert count(ledger_transfers, ledger_transfers.c.kind == "deposit_held") == len(stored)
        assert count(payments, payments.c.state == "refunded") == withdrawn
        assert count(outbox, outbox.c.due_at.isnot(None)) == 0
    now = runtime.works.clock.now()
    since, until = now - timedelta(days=1), now + timedelta(days=1)
    report = reconciliation.reconcile(runtime.works, system(brand_id), runtime.sandbox, since=since, until=until)
    assert (report.differences, report.in_flight) == (0, 0)
    assert unsound(runtime) == []


def test_nothing_acknowledged_is_lost_and_nobody_is_charged_twice(database: Database) -> None:
    kill_under_load(database, kills=3)


@pytest.mark.prove
def test_after_each_of_fifty_deaths_of_everything_and_some_of_the_worker_the_books_are_sound(
    database: Database,
) -> None:
    kill_under_load(database, kills=76, processes=2 if database.engine.dialect.name == "postgresql" else 1)


@pytest.mark.prove
@pytest.mark.postgres
def test_a_database_that_is_killed_itself_keeps_what_was_acknowledged() -> None:
    with postgres_server() as address, postgres_database(address, "muster_killed") as url:
        make_schema(url)
        engine = db.open_engine(url)
        kill_under_load(Database(url, engine), kills=6, victims=(THE_DATABASE,))
        engine.dispose()
