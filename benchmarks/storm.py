"""The storm of a launch: how many join, how many pre-order, and how many look on, on this machine; prints a table.

Everything is real: servers, both databases, people with sessions and signed quotes. Whoever was told yes is looked for
in the database afterwards, and no pool holds more than its places; the benchmark ends with an error otherwise.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from shutil import copyfile
from typing import Final

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.processes import Running, cpu_seconds, postmaster_of, serving
from benchmarks.scene import opened
from benchmarks.storm_followers import follow_many
from benchmarks.storm_joins import Joined, capture, driver_per_second, join_many, pgbench_per_second
from benchmarks.storm_load import Crowded, Wish, crowd
from benchmarks.storm_scene import Storm, prepare_storm
from benchmarks.yardstick import pace_line
from kernel.group import GROUP_MAX
from muster.logs import set_up_logs
from muster.wiring import Runtime
from tests.support.postgres import find_programs, postgres_server

JOINS, SQLITE, HTTP, POOLS, FOLLOWERS = "joins", "sqlite", "http", "pools", "followers"
PARTS: Final = (JOINS, SQLITE, HTTP, POOLS, FOLLOWERS)
IN_FLIGHT: Final = (256, 32)
CALLERS: Final = 256
WARM_UP: Final = 256
CPU_MS_MAX: Final = 1.4
OPEN_FILES: Final = 16_384


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `a_second` is how many buyers are made for each second of pre-orders through HTTP."""

    parts: tuple[str, ...] = PARTS
    joins: int = 10_000
    seconds: int = 180
    a_second: int = 1_250
    processes: tuple[int, ...] = (1, 2)
    pools: int = 100
    buyers_each: int = 40
    followers: int = 2_000
    follower_joins: int = 10


QUICK: Final = Plan(joins=2_560, seconds=10, a_second=800, processes=(2,), pools=20, buyers_each=64, followers=400)
SMALLEST: Final = Plan(
    joins=300, seconds=1, a_second=300, processes=(1,), pools=2, buyers_each=70, followers=20, follower_joins=2
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    showed: str
    to_reach: str = ""
    reached: bool | None = None


class NotSound(Exception):
    """Somebody was told yes and is not there, or a pool holds more than its places."""


# --- databases -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server of our own: `fresh` makes a copy of a prepared database."""

    address: str

    def named(self, name: str) -> str:
        """Return the address of one of its databases."""
        return make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def run(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def prepare(self, name: str, make: Callable[[Runtime], Storm]) -> Storm:
        """Make a prepared database, with the statistics that a running one has."""
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        with opened(self.named(name)) as runtime:
            storm = make(runtime)
        with psycopg.connect(self.named(name), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return storm

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """Yield the address of a copy, gone afterwards."""
        copy = f"{name}_copy"
        self.run(f"CREATE DATABASE {copy} TEMPLATE {name}")
        try:
            yield self.named(copy)
        finally:
            self.run(f"DROP DATABASE {copy} WITH (FORCE)")

    @property
    def cpu(self) -> Callable[[], float]:
        """Return what reads the CPU seconds of the whole server."""
        return partial(cpu_seconds, postmaster_of(self.address))


def check_sound(url: str, acknowledged: Sequence[str]) -> None:
    """Look for everybody who was told yes, and at every pool's places; raises NotSound."""
    with opened(url) as runtime, runtime.works.engine.connect() as connection:
        stored = set(connection.execute(text("SELECT id FROM pre_orders")).scalars())
        missing = set(acknowledged) - stored
        if missing or len(set(acknowledged)) < len(acknowledged):
            raise NotSound(f"{len(missing)} of {len(acknowledged)} acknowledged pre-orders are not stored")
        sold = """SELECT p.id FROM pools p WHERE p.members > p.member_limit OR p.members <>
                  (SELECT count(*) FROM pre_orders o WHERE o.pool_id = p.id AND o.state = 'pooled')"""
        oversold = connection.execute(text(sold)).scalars().all()
        if oversold:
            raise NotSound(f"pools {oversold} hold more than their places, or count others than they hold")


# --- joins -----------------------------------------------------------------------------------------------------------


def joins(plan: Plan, server: Server, folder: Path) -> Iterator[Line]:
    """Joins of one pool on PostgreSQL, beside the same statements without our code."""
    places = plan.joins
    make = partial(prepare_storm, places=places, buyers=places + places // 20, pools=0, buyers_each=0)
    storm = server.prepare("joins", make)
    for in_flight in IN_FLIGHT:
        size = min(in_flight, GROUP_MAX)
        bare, driver = _bare(server, storm, folder, size=size, joins=min(places, 40 * size))
        shown = _joined(server, storm, in_flight)
        share = shown.per_second / bare
        yield Line(
            f"joins of one pool, PostgreSQL, {in_flight} in flight",
            f"{_joins(shown)}; pgbench {bare:,.0f}/s, bare driver {driver:,.0f}/s in batches of {size}: {share:.0%}",
            "≥ 80 % of pgbench, ≥ 5,000/s, p99 ≤ 50 ms" if in_flight == IN_FLIGHT[0] else "",
            share >= 0.8 and shown.per_second >= 5_000 and shown.p99_ms <= 50 if in_flight == IN_FLIGHT[0] else None,
        )


def _joined(server: Server, storm: Storm, in_flight: int) -> Joined:
    requests = [one.request(pool_id=storm.hot.pool_id) for one in storm.hot.buyers]
    places = len(requests) * 20 // 21
    with server.fresh("joins") as url:
        with opened(url) as runtime:
            shown = join_many(runtime, requests, in_flight=in_flight, database_cpu=server.cpu)
        check_sound(url, shown.acknowledged)
    if len(shown.acknowledged) != places or set(shown.refused) != {"PoolFull"}:
        raise NotSound(f"{len(shown.acknowledged)} joined a pool of {places} places; refused: {shown.refused}")
    return shown


def _bare(server: Server, storm: Storm, folder: Path, *, size: int, joins: int) -> tuple[float, float]:
    """Return what pgbench and the bare driver reach with the statements of the first so many joins."""
    requests = [one.request(pool_id=storm.hot.pool_id) for one in storm.hot.buyers[:joins]]
    groups = [requests[start : start + size] for start in range(0, joins, size)]
    with server.fresh("joins") as url, opened(url) as runtime:
        batches = capture(runtime, storm.brand.id, groups)
    with server.fresh("joins") as url:
        bare = pgbench_per_second(find_programs(), url, batches, folder)
    with server.fresh("joins") as url:
        return bare, driver_per_second(url, batches)


def _joins(shown: Joined) -> str:
    return (
        f"{shown.per_second:,.0f}/s, p50 {shown.p50_ms:.0f} ms, p99 {shown.p99_ms:.0f} ms, "
        f"CPU {shown.service_ms:.2f} + {shown.database_ms:.2f} ms"
        + (f", {shown.sent_away:,} times told to come back later" if shown.sent_away else "")
    )


def sqlite_joins(plan: Plan, folder: Path) -> Iterator[Line]:
    """Joins of one pool on SQLite with full durability."""
    path = folder / "storm.db"
    places = plan.joins
    with opened(f"sqlite:///{path}") as runtime:
        storm = prepare_storm(runtime, places=places, buyers=places + places // 20, pools=0, buyers_each=0)
    requests = [one.request(pool_id=storm.hot.pool_id) for one in storm.hot.buyers]
    for in_flight, count in ((IN_FLIGHT[0], len(requests)), (1, min(200, len(requests) // 2))):
        url = f"sqlite:///{copyfile(path, folder / f'storm{in_flight}.db')}"
        with opened(url) as runtime:
            shown = join_many(runtime, requests[:count], in_flight=in_flight, database_cpu=lambda: 0.0)
        check_sound(url, shown.acknowledged)
        target = in_flight == IN_FLIGHT[0]
        yield Line(
            f"the same on SQLite, full durability, {in_flight} in flight",
            _joins(shown),
            "≥ 8,000/s grouped" if target else "",
            shown.per_second >= 8_000 if target else None,
        )


def many_pools(plan: Plan, server: Server) -> Iterator[Line]:
    """One pool that everybody wants, against the same number of orders spread over many."""
    count = plan.pools * plan.buyers_each
    make = partial(prepare_storm, places=count, buyers=count, pools=plan.pools, buyers_each=plan.buyers_each)
    storm = server.prepare("pools", make)
    spread = [[one.request(pool_id=hall.pool_id) for one in hall.buyers] for hall in storm.spread]
    hot = [one.request(pool_id=storm.hot.pool_id) for one in storm.hot.buyers]
    mixed = [one for one in chain.from_iterable(zip_longest(*spread)) if one is not None]
    shown = []
    for requests in (hot[: len(mixed)], mixed):
        with server.fresh("pools") as url:
            with opened(url) as runtime:
                shown.append(join_many(runtime, requests, in_flight=IN_FLIGHT[0], database_cpu=server.cpu))
            check_sound(url, shown[-1].acknowledged)
    share = shown[0].per_second / shown[1].per_second
    yield Line(
        f"one hot pool against orders spread over {len(spread)} pools",
        f"hot {_joins(shown[0])}; spread {_joins(shown[1])}: {share:.2f} ×",
        "≥ 0.8 ×",
        share >= 0.8,
    )


# --- through HTTP ----------------------------------------------------------------------------------------------------


@contextmanager
def storm_server(url: str, processes: int, folder: Path) -> Iterator[Running]:
    """Start a server as for a launch, without a worker, and wait until it has nothing to do."""
    environment = {
        "MUSTER_DATABASE_URL": url,
        "MUSTER_DEMO": "1",
        "MUSTER_PROCESSES": str(processes),
        "MUSTER_LOG_LEVEL": "WARNING",
        "MUSTER_COMPILE_SECONDS": "0",
        "MUSTER_CIRCUITS_FOLDER": str(folder / "circuits"),
    }
    with serving(environment, "--no-worker", log=folder / "server.log") as running:
        before = cpu_seconds(running.process.pid)
        for _ in range(30):
            time.sleep(1)
            now = cpu_seconds(running.process.pid)
            if now - before < 0.05:
                break
            before = now
        yield running


def pre_orders(plan: Plan, server: Server, folder: Path) -> Iterator[Line]:
    """Pre-orders through GraphQL over HTTP: everything that the product does for one."""
    count = WARM_UP + plan.seconds * plan.a_second
    storm = server.prepare("http", partial(prepare_storm, places=count, buyers=count, pools=0, buyers_each=0))
    wishes = [Wish(one, storm.hot.pool_id) for one in storm.hot.buyers]
    for processes in plan.processes:
        with server.fresh("http") as url:
            with storm_server(url, processes, folder) as running:
                warm = crowd(running.port, wishes[:WARM_UP], callers=32, seconds=30, folder=folder)
                cpu: tuple[Callable[[], float], ...] = (partial(cpu_seconds, running.process.pid), server.cpu)
                before = [read() for read in cpu]
                shown = crowd(running.port, wishes[WARM_UP:], callers=CALLERS, seconds=plan.seconds, folder=folder)
                if shown.others:
                    raise NotSound(f"{len(shown.others)} were answered otherwise: {shown.others[0]}")
                if not shown.acknowledged:
                    raise NotSound(f"nothing was acknowledged within {plan.seconds} s: the machine is too busy")
                spent = [
                    1000 * (read() - then) / len(shown.acknowledged) for read, then in zip(cpu, before, strict=True)
                ]
            check_sound(url, [*warm.acknowledged, *shown.acknowledged])
        yield _pre_order_line(shown, processes, server=spent[0], database=spent[1])


def _pre_order_line(shown: Crowded, processes: int, *, server: float, database: float) -> Line:
    reached = shown.per_second >= 1_111 and shown.p99_ms <= 500 and server + database <= CPU_MS_MAX
    return Line(
        f"pre-orders through GraphQL over HTTP, {processes} process{'es' if processes > 1 else ''}, {CALLERS} callers",
        f"{len(shown.acknowledged):,} in {shown.seconds:.0f} s, {shown.per_second:,.0f}/s, p50 {shown.p50_ms:.0f} ms, "
        f"p99 {shown.p99_ms:.0f} ms, CPU {server:.2f} + {database:.2f} = {server + database:.2f} ms; "
        f"{shown.generator} apart {1000 * shown.generator_cpu / len(shown.acknowledged):.2f} ms",
        "≥ 1,111/s for 180 s, p99 ≤ 500 ms, ≤ 1.4 CPU-ms",
        reached and shown.seconds >= 179,
    )


def followers(plan: Plan, server: Server, folder: Path) -> Iterator[Line]:
    """Those who follow one pool on one process."""
    count = plan.followers + plan.follower_joins + 2
    storm = server.prepare("followers", partial(prepare_storm, places=count, buyers=count, pools=0, buyers_each=0))
    wishes = [Wish(one, storm.hot.pool_id) for one in storm.hot.buyers]
    with server.fresh("followers") as url, storm_server(url, 1, folder) as running:
        shown = follow_many(running, wishes, followers=plan.followers, joins=plan.follower_joins)
    latest = "never" if math.isinf(shown.max_ms) else f"{shown.max_ms:.0f} ms"
    yield Line(
        f"{shown.followers:,} live followers of one pool on one process",
        f"{shown.kib_each:.1f} KiB each; a join is seen after p50 {shown.p50_ms:.0f} ms, p99 {shown.p99_ms:.0f} ms, "
        f"latest {latest}; {shown.missed} missed",
        "the latest state within 1 s, ≤ 25 KiB each",
        shown.max_ms <= 1000 and shown.kib_each <= 25 and not shown.missed,
    )


# --- the whole -------------------------------------------------------------------------------------------------------


def run_benchmark(plan: Plan, *, say: Callable[[str], None]) -> Iterator[Line]:
    """Measure the parts of a plan one after the other; all that was started has ended then."""
    with tempfile.TemporaryDirectory(prefix="muster-storm-") as name, ExitStack() as stack:
        needs_server = set(plan.parts) != {SQLITE}
        folder, server = Path(name), Server(stack.enter_context(postgres_server()) if needs_server else "")
        parts: dict[str, Callable[[], Iterator[Line]]] = {
            JOINS: partial(joins, plan, server, folder),
            SQLITE: partial(sqlite_joins, plan, folder),
            HTTP: partial(pre_orders, plan, server, folder),
            POOLS: partial(many_pools, plan, server),
            FOLLOWERS: partial(followers, plan, server, folder),
        }
        for part in plan.parts:
            say(part)
            for line in parts[part]():
                say(f"  {line.what}: {line.showed}")
                yield replace(line, showed=f"{line.showed}; load {os.getloadavg()[0]:.1f}")


def table_of(lines: Sequence[Line]) -> str:
    """Write the lines as Markdown."""
    marks = {True: ": reached", False: ": **missed**", None: ""}
    rows = [f"| {one.what} | {one.showed} | {one.to_reach}{marks[one.reached]} |" for one in lines]
    return "\n".join(["| | showed | to reach |", "|---|---|---|", *rows])


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where somebody who was told yes is missing."""
    parser = argparse.ArgumentParser(prog="dev.py bench storm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run of each")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be given several times")
    parser.add_argument("--seconds", type=int, help="how long pre-orders come in through HTTP")
    parser.add_argument("--processes", type=int, help="only a server of so many processes through HTTP")
    chosen = parser.parse_args(words)
    plan = QUICK if chosen.quick else Plan()
    plan = replace(plan, parts=tuple(chosen.only or PARTS), seconds=chosen.seconds or plan.seconds)
    plan = replace(plan, processes=(chosen.processes,) if chosen.processes else plan.processes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    set_up_logs("ERROR")
    _raise_open_files()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(pace_line())
    if shutil.which("wrk") is None:
        print("wrk is not installed: the callers are written in Python and take more of the cores under test.")
    try:
        print(table_of(list(run_benchmark(plan, say=_say))))
    except NotSound as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is left running", file=sys.stderr)
        return 130
    return 0


def _raise_open_files() -> None:
    """Let this process and those it starts have a file for each follower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
