"""A simulated year from pre-orders to handovers, with mishaps, bad messages and kill -9, and what it came to.

`python3 dev.py bench year` lives it in a process of its own that is killed now and then and goes on where it was; after
each kill and in the end every invariant is audited, and the table shows what became of pools, cars and promises.
`--database postgresql` lives it on a server of its own. `--write` puts table and chart into docs/. The aim: 87 to 95 of
a hundred promises kept, and an audit that finds nothing.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.yardstick import pace_line
from benchmarks.year_account import audit_now, look_back
from benchmarks.year_page import calibration_table, table_of, write_page
from benchmarks.year_plot import BEGINS_AT, PLOTS, YEAR, Plot
from benchmarks.year_story import live, read_state
from tests.support.databases import postgres_database
from tests.support.postgres import postgres_server

KILLS: Final = 12
KILLED_WITHIN_SECONDS: Final = 3.0
LOOKS_EVERY_SECONDS: Final = 0.05


class YearFailed(Exception):
    """The story ended by itself before its last day, or a kill left something unsound."""


def live_and_kill(folder: Path, plot: Plot, *, name: str, kills: int, seed: int = 1, url: str = "") -> int:
    """Live a plot in a process that is killed so often, once in each equal part of it, at a moment that chance takes.

    Whatever the moment was: the audit of what it left finds nothing. Returns how often it was killed.
    """
    live(folder, replace(plot, days=0), url=url)
    chance = random.Random(seed)
    command = [sys.executable, "-m", "benchmarks.year_story", str(folder), "--plot", name, "--url", url]
    command += ["--days", str(plot.days)]
    killed = 0
    for part in range(kills):
        at = BEGINS_AT + timedelta(days=plot.days * (part + chance.random()) / kills)
        with subprocess.Popen(command) as process:
            if _wait(process, folder, at, seconds=chance.uniform(0, KILLED_WITHIN_SECONDS)):
                break
            process.kill()
            process.wait()
        killed += 1
        print(f"killed within {read_state(folder)['now']}", flush=True)
        _, found = audit_now(folder, url=url)
        if found:
            raise YearFailed(f"after kill {killed}: {found}")
    if subprocess.run(command, check=False).returncode:
        raise YearFailed("the story failed after the last kill")
    return killed


def _wait(process: subprocess.Popen[bytes], folder: Path, at: datetime, *, seconds: float) -> bool:
    """Wait until a story has come to a moment, and so many seconds more; says whether it has ended before."""
    while process.poll() is None and datetime.fromisoformat(read_state(folder)["now"]) < at:
        time.sleep(LOOKS_EVERY_SECONDS)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    if process.returncode:
        raise YearFailed(f"the story ended with {process.returncode}")
    return True


@contextmanager
def database_of(kind: str) -> Iterator[str]:
    """Yield the address of an empty database: of a server of its own, or "" for a file in the story's folder."""
    if kind == "sqlite":
        yield ""
        return
    with postgres_server() as address, postgres_database(address, "year") as url:
        yield url


def main() -> None:
    """Live, kill, audit, show; ends with 1 where the audit found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", choices=sorted(PLOTS), default="year", help="the year, or a sample of some months")
    parser.add_argument("--days", type=int, help="shorter than the plot, for a try")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often the process is killed")
    parser.add_argument("--seed", type=int, default=1, help="another seed kills at other moments")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    chosen = parser.parse_args()
    plot = PLOTS[chosen.plot]
    plot = replace(plot, days=chosen.days or plot.days)
    assert not chosen.write or plot == YEAR, "the page is about the whole year"
    pace, began = pace_line(), time.monotonic()
    print(pace, flush=True)
    with tempfile.TemporaryDirectory(prefix="muster-year-") as name, database_of(chosen.database) as url:
        folder = Path(name)
        killed = live_and_kill(folder, plot, name=chosen.plot, kills=chosen.kills, seed=chosen.seed, url=url)
        year = look_back(folder, plot, kills=killed, url=url)
    print(f"\n{table_of(year)}\n\n{calibration_table(year)}\n\n{time.monotonic() - began:.0f} s in all")
    for line in year.unsound:
        print(f"UNSOUND {line}")
    if chosen.write:
        write_page(year, pace, database={"sqlite": "SQLite", "postgresql": "PostgreSQL"}[chosen.database])
    sys.exit(1 if year.unsound else 0)


if __name__ == "__main__":
    main()
