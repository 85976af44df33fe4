"""How fast and how small the API is: real servers, both databases, over loopback; prints a table in Markdown.

Whoever asks runs on the same cores and is counted apart. Every answer is checked, and every acknowledged pre-order is
looked for in the database afterwards.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import copyfile
from typing import Final

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.measuring import STUCK_SECONDS, AnswersFailed, Measured, Meters, measure, median_of, warm_up
from benchmarks.operations import Operation, operations
from benchmarks.processes import (
    Running,
    cpu_seconds,
    muster,
    postmaster_of,
    pss_mb,
    serving,
    wait_for_circuits,
)
from benchmarks.scene import Scene, opened, prepare_scene
from benchmarks.statements import GROUP, TRIES, WARM_UP, count_statements
from benchmarks.yardstick import pace_line, yardstick_ms
from muster.logs import set_up_logs
from tests.support.postgres import postgres_server

PSS_MB_MAX: Final = 220
"""With numba and its kernels, from which the configurator's engine answers."""
CIRCUITS_SECONDS: Final = 240
"""How long a server may take to compile its rules, beside other work, before it is measured all the same."""
PLACES_PER_SECOND_MIN: Final = 600
TARGET_CALLERS: Final = 16
LAUNCH_CALLERS: Final = 64
PRE_ORDERS: Final = {1: 100, 16: 350, 64: 800}
SQLITE: Final = "SQLite"
POSTGRES: Final = "PostgreSQL"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: databases, numbers of processes and callers, runs, and at most so many seconds a run."""

    databases: tuple[str, ...] = (SQLITE, POSTGRES)
    processes: tuple[int, ...] = (1, 2)
    callers: tuple[int, ...] = (1, TARGET_CALLERS, LAUNCH_CALLERS)
    runs: int = 3
    seconds: float = 0.9
    pre_orders: dict[int, int] = field(default_factory=lambda: dict(PRE_ORDERS))
    seconds_in_all: float = 350
    only: str = ""
    """The one operation to be measured; all without."""

    @property
    def buyers(self) -> int:
        """Return how many buyers one server meets, with those whose statements are counted."""
        return self.runs * sum(self.pre_orders[callers] for callers in self.callers) + WARM_UP + TRIES + GROUP


QUICK: Final = Plan(runs=1, seconds=0.3, pre_orders={1: 30, 16: 150, 64: 300}, seconds_in_all=65)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    operation: Operation
    callers: int
    measured: Measured
    statements: str
    load_average: float
    yardstick_ms: float


@dataclass(frozen=True, slots=True)
class Part:
    """The table of one server: its rows, its memory, and the rows for which no time was left."""

    database: str
    processes: int
    rows: tuple[Row, ...]
    pss_at_start_mb: float
    pss_at_end_mb: float
    acknowledged: int
    stored: int
    left_out: int
    from_circuits: bool = True
    """Whether the rules were compiled before anything was measured; SAT answers otherwise."""


# --- databases -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """A database server with a prepared database: `copy` makes a fresh one of it, `cpu` reads the server's CPU."""

    copy: Callable[[str], str]
    cpu: Callable[[], float]


@contextmanager
def staged(database: str, template: Path, folder: Path) -> Iterator[Stage]:
    """Bring the scene, prepared on SQLite, to a database server of our own."""
    if database == SQLITE:

        def copy_file(name: str) -> str:
            copyfile(template, folder / f"{name}.db")
            return f"sqlite:///{folder / f'{name}.db'}"

        yield Stage(copy_file, lambda: 0.0)
        return
    with postgres_server() as address:
        _fill_postgres(address, template, folder)

        def copy_database(name: str) -> str:
            _run_sql(address, f"CREATE DATABASE {name} TEMPLATE scene")
            return _named(address, name)

        yield Stage(copy_database, partial(cpu_seconds, postmaster_of(address)))


def _fill_postgres(address: str, template: Path, folder: Path) -> None:
    archive = folder / "scene.backup"
    if not archive.exists():
        muster("backup", str(archive), environment=_environment(f"sqlite:///{template}"))
    _run_sql(address, "CREATE DATABASE scene TEMPLATE template0 ENCODING 'UTF8'")
    muster("restore", str(archive), environment=_environment(_named(address, "scene")))
    _run_sql(_named(address, "scene"), "ANALYZE")


def _named(address: str, name: str) -> str:
    return make_url(address).set(database=name).render_as_string(hide_password=False)


def _run_sql(address: str, statement: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


def _environment(url: str, *, processes: int = 1) -> dict[str, str]:
    return {"MUSTER_DATABASE_URL": url, "MUSTER_DEMO": "1", "MUSTER_PROCESSES": str(processes)}


# --- measuring -------------------------------------------------------------------------------------------------------


def run_benchmark(plan: Plan, *, say: Callable[[str], None]) -> list[Part]:
    """Measure everything of a plan and return it; all that was started has ended then."""
    until = time.monotonic() + plan.seconds_in_all
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as name:
        folder = Path(name)
        template = folder / "scene.db"
        say(f"making {plan.buyers:,} buyers with quotes, a pool and twelve models")
        scene = prepare_scene(f"sqlite:///{template}", folder / "brand", buyers=plan.buyers)
        parts = []
        for database in plan.databases:
            with staged(database, template, folder) as stage:
                statements = _counted(stage, scene)
                for processes in plan.processes:
                    say(f"{database}, {processes} process{'es' if processes > 1 else ''}")
                    url = stage.copy(f"run{processes}")
                    server = Server(database, processes, url, folder / "server.log", stage.cpu)
                    parts.append(_measure_server(server, scene, plan, statements, until=until))
        return parts


def _chosen(scene: Scene, plan: Plan) -> tuple[Operation, ...]:
    return tuple(one for one in operations(scene) if plan.only in ("", one.name))


def _counted(stage: Stage, scene: Scene) -> dict[str, str]:
    with opened(stage.copy("counted")) as runtime:
        return count_statements(runtime, operations(scene))


@dataclass(frozen=True, slots=True)
class Server:
    """What is to be started for one part of the table."""

    database: str
    processes: int
    url: str
    log: Path
    database_cpu: Callable[[], float]


def _measure_server(server: Server, scene: Scene, plan: Plan, statements: dict[str, str], *, until: float) -> Part:
    environment = _environment(server.url, processes=server.processes)
    acknowledged = 0
    rows: list[Row] = []
    with serving(environment, "--no-worker", log=server.log) as running:
        serves = wait_for_circuits(running, processes=server.processes, seconds_max=CIRCUITS_SECONDS)
        at_start = _pss(running)
        meters = Meters(partial(cpu_seconds, running.process.pid), server.database_cpu, time.process_time)
        for one in _chosen(scene, plan):
            warm_up(running.port, one)
            for callers in plan.callers:
                most = plan.pre_orders[callers] if one.is_scarce else None
                seconds = plan.seconds if most is None else STUCK_SECONDS
                runs: list[Measured] = []
                while len(runs) < plan.runs and time.monotonic() < until:
                    run, count = measure(running.port, one, meters, callers=callers, seconds=seconds, requests_max=most)
                    acknowledged += count if one.is_scarce else 0
                    runs.append(run)
                if runs:
                    pace = yardstick_ms()
                    load = os.getloadavg()[0]
                    rows.append(Row(one, callers, median_of(runs), statements[one.name], load, pace))
        at_end = _pss(running)
    stored = _stored_pre_orders(server.url)
    left_out = len(_chosen(scene, plan)) * len(plan.callers) - len(rows)
    return Part(
        server.database, server.processes, tuple(rows), at_start, at_end, acknowledged, stored, left_out, serves
    )


def _pss(running: Running) -> float:
    """Return the memory of the largest answering process, in MB."""
    return max(pss_mb(process_id) for process_id in running.answering())


def _stored_pre_orders(url: str) -> int:
    with opened(url) as runtime, runtime.works.engine.connect() as connection:
        count: int = connection.execute(text("SELECT count(*) FROM pre_orders WHERE state = 'pooled'")).scalar_one()
        return count


# --- the table -------------------------------------------------------------------------------------------------------

HEAD: Final = (
    "| operation | callers | requests/s | p50 ms | p99 ms | server CPU ms | database CPU ms | together | to reach "
    "| SQL statements | load | yardstick ms |\n|---|--:|--:|--:|--:|--:|--:|--:|---|---|--:|--:|"
)


def table_of(parts: Sequence[Part]) -> str:
    """Write the whole as Markdown."""
    return "\n".join(line for part in parts for line in _part_lines(part))


def _part_lines(part: Part) -> Iterator[str]:
    yield f"\n### {part.database}, {part.processes} process{'es' if part.processes > 1 else ''}\n"
    yield HEAD
    for row in part.rows:
        figures = row.measured
        yield (
            f"| {row.operation.name} | {row.callers} | {figures.per_second:,.0f} | {figures.p50_ms:.1f} "
            f"| {figures.p99_ms:.1f} | {figures.server_ms:.2f} | {figures.database_ms:.2f} | {figures.cpu_ms:.2f} "
            f"| {_verdict(part, row)} | {row.statements} | {row.load_average:.1f} | {row.yardstick_ms:.1f} |"
        )
    verdict = _mark(part.pss_at_end_mb <= PSS_MB_MAX)
    yield (
        f"\nMemory of a server process (PSS): {part.pss_at_start_mb:.0f} MB when its rules were compiled, "
        f"{part.pss_at_end_mb:.0f} MB after all of this (≤ {PSS_MB_MAX}: {verdict}). "
        f"Pre-orders acknowledged {part.acknowledged:,}, stored {part.stored:,}."
    )
    if not part.from_circuits:
        yield f"\n**The rules were not compiled after {CIRCUITS_SECONDS} s, so SAT answered some of this.**"
    if part.left_out:
        yield f"\n**{part.left_out} rows were left out: the time for the whole was over.**"


def _verdict(part: Part, row: Row) -> str:
    """Say what was to be reached in this row and whether it was; the targets are for PostgreSQL."""
    if part.database != POSTGRES:
        return ""
    if row.callers == TARGET_CALLERS and row.operation.cpu_ms_max is not None:
        return f"≤ {row.operation.cpu_ms_max:g} ms: {_mark(row.measured.cpu_ms <= row.operation.cpu_ms_max)}"
    if row.callers == LAUNCH_CALLERS and row.operation.is_scarce:
        return f"≥ {PLACES_PER_SECOND_MIN}/s: {_mark(row.measured.per_second >= PLACES_PER_SECOND_MIN)}"
    return ""


def _mark(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when answers were wrong or a pre-order is missing."""
    parser = argparse.ArgumentParser(prog="dev.py bench api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run of each instead of the median of three")
    parser.add_argument("--only", choices=(SQLITE, POSTGRES), help="only this database")
    parser.add_argument("--operation", default="", help="only the operation of this name, such as 'configuration step'")
    chosen = parser.parse_args(words)
    plan = replace(QUICK if chosen.quick else Plan(), only=chosen.operation)
    if chosen.only:
        plan = replace(plan, databases=(chosen.only,))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    set_up_logs("ERROR")
    started = time.monotonic()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(pace_line())
    try:
        parts = run_benchmark(plan, say=partial(_say, started))
    except AnswersFailed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing is left running", file=sys.stderr)
        return 130
    print(table_of(parts))
    print(f"\nThe median of {plan.runs} run{'s' if plan.runs > 1 else ''}; {time.monotonic() - started:.0f} s in all.")
    return int(any(part.acknowledged != part.stored for part in parts))


def _say(started: float, line: str) -> None:
    print(f"{time.monotonic() - started:5.0f} s  {line} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
