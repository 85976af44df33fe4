"""What cubes cost at ten million pre-orders: a planner's read, making all internal cubes anew, one release; CPU time.

`python3 dev.py bench demand` fills SQLite files with 10 thousand and 10 million rows (one a person and week), rebuilds
the cubes, releases them, and reads as a planner does, at both sizes in turn; pandas (and DuckDB, where `dev.py extras`
has put it) add up the same rows beside it. `--quick` takes 10 and 100 thousand. Each size has its own process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.demand_catalogue import BRAND, CATEGORIES, MENU, MODELS, OPTIONS, PLANNER, REGIONS, keep_rules, publish
from configurator.implied_service import tied_options
from demand.cubes.model import Audience, CubeName, TableKey
from demand.cubes.policy import CubePolicy
from demand.cubes.publishing import audiences
from demand.cubes.publishing import publish as publish_table
from demand.cubes.queries import CellFilter, read_cube
from demand.cubes.rebuild_service import mend_blocks
from demand.cubes.release_store import load_menus, moves_of_release, read_move
from demand.cubes.service import release_cubes
from demand.cubes.setting_out import Snapshot
from kernel import db
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.work import Work, Works
from muster.migrate import upgrade

Array: TypeAlias = np.ndarray[Any, Any]
SIZES: Final = (10_000, 10_000_000)
QUICK_SIZES: Final = (10_000, 100_000)
WEEKS: Final = 26
FIRST_WEEK: Final = date(2026, 5, 25)
NOW: Final = datetime(2026, 11, 27, 2, tzinfo=UTC)
REGION_SHARES: Final = (0.34, 0.2, 0.2, 0.12, 0.1, 0.04)
READS: Final = 300
SERIES: Final = 9
"""So many series of reads are made at each size in turn; of each figure the median over them counts."""
CELLS: Final = 500
READ_TO_REACH_MS: Final = 50.0
REBUILD_TO_REACH_S: Final = 60.0
MEMORY_TO_REACH_MB: Final = 2_048.0
ROWS_AT_ONCE: Final = 100_000
BITS: Final = len(OPTIONS)
READS_WITHIN: Final = 1.2
"""The p99 of a read at the larger size and at the smaller one are no further apart than this."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one size took. Times in CPU seconds, memory as the largest the process had been by then.

    `rules_s` is what of the release goes into asking the engine what the rules say, `hiding_s` what into hiding by it.
    """

    rows: int
    load_s: float
    rebuild_s: float
    rebuild_mb: float
    release_s: float
    rules_s: float
    hiding_s: float
    cells: int
    pandas_s: float
    duckdb_s: float | None


@dataclass(frozen=True, slots=True)
class Reads:
    """A planner's reads at one size in milliseconds: of each figure the median over the series."""

    p50_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p99_ms: float


def fill(path: Path, rows: int, version_id: str, chance: np.random.Generator) -> None:
    """Write options, offerings and one voice a row, week after week."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("DROP INDEX ix_demand_voices_person")
    connection.executemany(
        "INSERT INTO cube_options VALUES (?, ?, ?)", [(BRAND, code, bit) for bit, code in enumerate(OPTIONS)]
    )
    places = [(week, model, region) for week in range(WEEKS) for model in MODELS for region in REGIONS]
    connection.executemany(
        "INSERT INTO cube_offerings (brand_id, number, version_id, model, region, week, options)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (BRAND, number, version_id, model, region, f"{_monday(week)}", json.dumps(MENU))
            for number, (week, model, region) in enumerate(places)
        ],
    )
    connection.execute("INSERT INTO cube_books VALUES (?, ?, ?)", (BRAND, len(OPTIONS), len(places)))
    for batch in _voices(rows, chance):
        connection.executemany("INSERT INTO demand_voices VALUES (?, ?, ?, ?, ?, ?, ?)", batch)
    connection.commit()
    connection.close()


def _monday(week: int) -> date:
    return FIRST_WEEK + timedelta(weeks=week)


def _voices(rows: int, chance: np.random.Generator) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Yield batches of rows in the order of the primary key; popularity of options falls as one over the rank."""
    person = 0
    for week in range(WEEKS):
        left = rows // WEEKS + (week < rows % WEEKS)
        monday = f"{_monday(week)}"
        while left:
            size = min(left, ROWS_AT_ONCE)
            left -= size
            models = chance.integers(0, len(MODELS), size)
            regions = chance.choice(len(REGIONS), size, p=REGION_SHARES)
            offerings = ((week * len(MODELS) + models) * len(REGIONS) + regions).tolist()
            packed = np.packbits(_choices(size, chance), axis=1, bitorder="little")
            width, raw = packed.shape[1], packed.tobytes()
            yield (
                (BRAND, monday, f"{person + one:032x}", 1, 1, offerings[one], raw[one * width : (one + 1) * width])
                for one in range(size)
            )
            person += size


def _choices(size: int, chance: np.random.Generator) -> Array:
    chosen = np.zeros((size, BITS), dtype=np.uint8)
    start = 0
    for options in CATEGORIES.values():
        weights = 1 / np.arange(1, options + 1)
        picks = chance.choice(options, size, p=weights / weights.sum())
        chosen[np.arange(size), start + picks] = 1
        start += options
    keep_rules(chosen)
    return chosen


def measure(rows: int, path: Path) -> Figures:
    """Fill one file, rebuild, release; runs in a process of its own, so that its memory is its own."""
    works = _open(path)
    upgrade(works.engine)
    version_id = publish(works, path.with_suffix(".catalogue"))
    began = time.process_time()
    fill(path, rows, version_id, np.random.default_rng(1))
    loaded = time.process_time()
    with works.change(system(BRAND)) as work:
        mend_blocks(work)
    rebuilt = time.process_time()
    rebuild_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    # What was never released before is released as changed: each table's sayings stand in `cube_changes`.
    _say_all_is_new(path)
    before_rules = time.process_time()
    with works.read(system(BRAND)) as work:
        for model in MODELS:
            tied_options(work, version_id, model=model, places=[(region, FIRST_WEEK) for region in REGIONS])
    before_release = time.process_time()
    with works.change(system(BRAND)) as work:
        release_cubes(work)
    released = time.process_time()
    with works.read(system(BRAND)) as work:
        hiding_s, cells = _hiding(work)
    return Figures(
        rows=rows,
        load_s=loaded - began,
        rebuild_s=rebuilt - loaded,
        rebuild_mb=rebuild_mb,
        release_s=released - before_rules,
        rules_s=before_release - before_rules,
        hiding_s=hiding_s,
        cells=cells,
        pandas_s=_with_pandas(path),
        duckdb_s=_with_duckdb(path) if find_spec("duckdb") else None,
    )


def _open(path: Path) -> Works:
    return Works(db.open_engine(f"sqlite:///{path}"), clock=FixedClock(NOW))


def _hiding(work: Work) -> tuple[float, int]:
    """Return by how much CPU the release's tables take longer with what the rules say, and the cells for the maker."""
    took, cells = [0.0, 0.0], 0
    take: dict[TableKey, Snapshot] = {}
    for move in moves_of_release(work, 1):
        key = TableKey(move["cube"], move["week"], move["model"], move["version_id"])
        menus = load_menus(work, key) if key.cube == CubeName.TAKE_RATES else {}
        snapshot = read_move(key, move["counts"], menus).snapshot
        if key.cube == CubeName.TAKE_RATES:
            take[key] = snapshot
        beside = take.get(key._replace(cube=str(CubeName.TAKE_RATES)))
        for audience, rules in audiences(CubePolicy(), final=move["final"]):
            for place, ties in enumerate((None, frozenset[tuple[str, str]]())):
                own, other = (
                    one if one is None or ties is None else replace(one, ties=ties, ties_in={})
                    for one in (snapshot, beside)
                )
                assert own is not None
                began = time.process_time()
                shown = publish_table(own, rules, other)
                took[place] += time.process_time() - began
                cells += len(shown) if ties is None and audience is Audience.MAKER else 0
    return took[0] - took[1], cells


def _say_all_is_new(path: Path) -> None:
    """Note k persons of each table as new, which is all that a table's first release asks for."""
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO cube_changes (brand_id, cube, week, model, version_id, person, verified, before, after)"
        " WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20)"
        " SELECT DISTINCT brand_id, 'take_rates', week, model, version_id, printf('%032d', n), 1, '', 'east:00:o'"
        " FROM cube_offerings, numbers"
    )
    connection.commit()
    connection.close()


def read_in_turn(paths: Sequence[Path]) -> list[Reads]:
    """Read at all sizes in turn, one read after the other, so that what else goes on falls on all alike."""
    opened = [_open(path) for path in paths]
    series = [_read_series(opened, number) for number in range(SERIES)]
    return [
        Reads(*(statistics.median(one[place][figure] for one in series) for figure in range(4)))
        for place in range(len(paths))
    ]


def _read_series(opened: Sequence[Works], first: int) -> list[tuple[float, float, float, float]]:
    """Read as a planner's page does: all of a quarter, one option over time, the pairs of a model; p50 and p99."""
    wanted = [
        (CubeName.TAKE_RATES, CellFilter(first_week=_monday(WEEKS - 13))),
        (CubeName.TAKE_RATES, CellFilter(options=("PAINT_0",), regions=("*",))),
        (CubeName.PAIRS, CellFilter(models=("L5",), first_week=_monday(WEEKS - 4))),
    ]
    times: list[list[float]] = [[] for _ in opened]
    cpu: list[list[float]] = [[] for _ in opened]
    for number in range(-len(wanted), READS):
        cube, cells = wanted[number % len(wanted)]
        for place in range(len(opened)) if (number + first) % 2 else reversed(range(len(opened))):
            began, began_cpu = time.perf_counter(), time.process_time()
            with opened[place].read(PLANNER) as work:
                read_cube(work, cube, cells, cells_max=CELLS)
            # The first read of each kind opens connections and compiles the statement.
            if number >= 0:
                times[place].append((time.perf_counter() - began) * 1000)
                cpu[place].append((time.process_time() - began_cpu) * 1000)
    return [(*_percentiles(own), *_percentiles(own_cpu)) for own, own_cpu in zip(times, cpu, strict=True)]


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def _with_pandas(path: Path) -> float:
    """Add up take rates alone (no pairs) with plain pandas, from the same rows."""
    import pandas as pd

    began = time.process_time()
    connection = sqlite3.connect(path)
    total: Any = None
    for frame in pd.read_sql_query("SELECT offering, choice FROM demand_voices", connection, chunksize=ROWS_AT_ONCE):
        packed = np.frombuffer(b"".join(frame["choice"]), dtype=np.uint8).reshape(len(frame), -1)
        bits = pd.DataFrame(np.unpackbits(packed, axis=1, bitorder="little")[:, :BITS])
        part = bits.groupby(frame["offering"]).sum()
        total = part if total is None else total.add(part, fill_value=0)
    connection.close()
    assert int(total.to_numpy().sum()) > 0
    return time.process_time() - began


def _with_duckdb(path: Path) -> float:
    """Add up take rates alone (no pairs) with DuckDB over a frame of the same rows; reading them counts."""
    import duckdb
    import pandas as pd

    began = time.process_time()
    connection = sqlite3.connect(path)
    duck = duckdb.connect()
    duck.execute("SET threads = 1")
    duck.execute("CREATE TABLE voices (offering INTEGER, choice UBIGINT)")
    for frame in pd.read_sql_query("SELECT offering, choice FROM demand_voices", connection, chunksize=ROWS_AT_ONCE):
        packed = np.frombuffer(b"".join(frame["choice"]), dtype=np.uint8).reshape(len(frame), -1)
        part = pd.DataFrame(
            {
                "offering": frame["offering"],
                "choice": np.pad(packed, ((0, 0), (0, 8 - packed.shape[1]))).view("<u8")[:, 0],
            }
        )
        duck.register("part", part)
        duck.execute("INSERT INTO voices SELECT * FROM part")
    sums = ", ".join(f"sum((choice >> {bit}) & 1)" for bit in range(BITS))
    found = duck.execute(f"SELECT offering, {sums} FROM voices GROUP BY offering").fetchall()
    connection.close()
    assert found
    return time.process_time() - began


def table_of(all_figures: Sequence[Figures], all_reads: Sequence[Reads]) -> str:
    """Return the table."""
    lines = [
        "| rows | load | rebuild | memory | release | asking rules, hiding | read p50, p99 | CPU | pandas | DuckDB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one, reads in zip(all_figures, all_reads, strict=True):
        duck = "not there" if one.duckdb_s is None else f"{one.duckdb_s:.1f} s"
        cells = (
            f"{one.rows:,}",
            f"{one.load_s:.1f} s",
            f"{one.rebuild_s:.1f} s",
            f"{one.rebuild_mb:,.0f} MB",
            f"{one.release_s:.1f} s, {one.cells:,} cells",
            f"{one.rules_s:.2f}, {one.hiding_s:.1f} s",
            f"{reads.p50_ms:.1f}, {reads.p99_ms:.1f} ms",
            f"{reads.cpu_p50_ms:.1f}, {reads.cpu_p99_ms:.1f} ms",
            f"{one.pandas_s:.1f} s",
            duck,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return 0 where the aims are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 and 100 thousand rows")
    parser.add_argument("--json", action="store_true", help="figures as JSON too")
    given = parser.parse_args(arguments)
    sizes = QUICK_SIZES if given.quick else SIZES
    with (
        tempfile.TemporaryDirectory(prefix="muster-bench-") as folder,
        multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool,
    ):
        paths = [Path(folder) / f"demand-{rows}.db" for rows in sizes]
        found = [pool.apply(measure, one) for one in zip(sizes, paths, strict=True)]
        reads = pool.apply(read_in_turn, (paths,))
    print(table_of(found, reads))
    if given.json:
        print(json.dumps([asdict(one) | asdict(other) for one, other in zip(found, reads, strict=True)]))
    small, large = reads[0], reads[-1]
    alike = large.cpu_p99_ms <= READS_WITHIN * small.cpu_p99_ms and small.cpu_p99_ms <= READS_WITHIN * large.cpu_p99_ms
    reached = large.p99_ms <= READ_TO_REACH_MS and found[-1].rebuild_s <= REBUILD_TO_REACH_S and alike
    return 0 if reached and found[-1].rebuild_mb <= MEMORY_TO_REACH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
