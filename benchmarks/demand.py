"""What cubes cost at ten million pre-orders: a planner's read, making all internal cubes anew, one release; CPU time.

`python3 dev.py bench demand` fills SQLite files with 10 thousand and 10 million rows (one a person and week), rebuilds
the cubes, releases them, and reads as a planner does, at both sizes in the same run; pandas (and DuckDB, where `dev.py
extras` has put it) add up the same rows beside it. `--quick` takes 10 and 100 thousand. Each size has its own process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from demand.cubes.model import CubeName
from demand.cubes.queries import CellFilter, read_cube
from demand.cubes.rebuild_service import mend_blocks
from demand.cubes.service import release_cubes
from kernel import db, registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import AccountId, BrandId
from kernel.work import Works
from muster.migrate import upgrade

Array: TypeAlias = np.ndarray[Any, Any]
BRAND: Final = BrandId("b" * 32)
PLANNER: Final = Actor(BRAND, frozenset({Role.PLANNER}), AccountId("a" * 32))
SIZES: Final = (10_000, 10_000_000)
QUICK_SIZES: Final = (10_000, 100_000)
WEEKS: Final = 26
FIRST_WEEK: Final = date(2026, 5, 25)
NOW: Final = datetime(2026, 11, 27, 2, tzinfo=UTC)
MODELS: Final = ("L5", "S6", "M7")
REGIONS: Final = ("east", "north", "south", "west", "central", "northeast")
REGION_SHARES: Final = (0.34, 0.2, 0.2, 0.12, 0.1, 0.04)
CATEGORIES: Final = {
    "paint": 9,
    "wheels": 8,
    "interior": 7,
    "seating": 6,
    "powertrain": 7,
    "trim": 8,
    "assistance": 4,
    "lights": 4,
    "grille": 5,
    "audio": 3,
}
READS: Final = 300
CELLS: Final = 500
READ_TO_REACH_MS: Final = 50.0
REBUILD_TO_REACH_S: Final = 60.0
MEMORY_TO_REACH_MB: Final = 2_048.0
ROWS_AT_ONCE: Final = 100_000
BITS: Final = sum(CATEGORIES.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """What one size took. Times in CPU seconds or milliseconds, memory as the largest the process had been by then."""

    rows: int
    load_s: float
    rebuild_s: float
    rebuild_mb: float
    release_s: float
    cells: int
    read_p50_ms: float
    read_p99_ms: float
    read_cpu_p50_ms: float
    read_cpu_p99_ms: float
    pandas_s: float
    duckdb_s: float | None


def fill(path: Path, rows: int, chance: np.random.Generator) -> None:
    """Write brand, options, offerings and one voice a row, week after week."""
    options = [f"{name.upper()}_{place}" for name, size in CATEGORIES.items() for place in range(size)]
    menu = {name: [one for one in options if one.startswith(f"{name.upper()}_")] for name in CATEGORIES}
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("DROP INDEX ix_demand_voices_person")
    connection.executemany(
        "INSERT INTO cube_options VALUES (?, ?, ?)", [(BRAND, code, bit) for bit, code in enumerate(options)]
    )
    places = [(week, model, region) for week in range(WEEKS) for model in MODELS for region in REGIONS]
    connection.executemany(
        "INSERT INTO cube_offerings (brand_id, number, version_id, model, region, week, options)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (BRAND, number, "v" * 32, model, region, f"{_monday(week)}", json.dumps(menu))
            for number, (week, model, region) in enumerate(places)
        ],
    )
    connection.execute("INSERT INTO cube_books VALUES (?, ?, ?)", (BRAND, len(options), len(places)))
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
    return chosen


def measure(rows: int) -> Figures:
    """Fill one file, rebuild, release, read; runs in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory(prefix="muster-bench-") as folder:
        path = Path(folder) / "demand.db"
        engine = db.open_engine(f"sqlite:///{path}")
        upgrade(engine)
        works = Works(engine, clock=FixedClock(NOW))
        with works.change(Actor(BRAND)) as work:
            registry.add_brand(work, registry.Brand(BRAND, "fir", {"zh-CN": "冷杉", "en": "Fir"}, "LZZ"), [])
        began = time.process_time()
        fill(path, rows, np.random.default_rng(1))
        loaded = time.process_time()
        with works.change(system(BRAND)) as work:
            mend_blocks(work)
        rebuilt = time.process_time()
        rebuild_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        # What was never released before is released as changed: each table's sayings stand in `cube_changes`.
        _say_all_is_new(path)
        before_release = time.process_time()
        with works.change(system(BRAND)) as work:
            release_cubes(work)
        released = time.process_time()
        times, cpu, cells = _read(works)
        return Figures(
            rows=rows,
            load_s=loaded - began,
            rebuild_s=rebuilt - loaded,
            rebuild_mb=rebuild_mb,
            release_s=released - before_release,
            cells=cells,
            read_p50_ms=times[len(times) // 2],
            read_p99_ms=times[len(times) * 99 // 100],
            read_cpu_p50_ms=cpu[len(cpu) // 2],
            read_cpu_p99_ms=cpu[len(cpu) * 99 // 100],
            pandas_s=_with_pandas(path),
            duckdb_s=_with_duckdb(path) if find_spec("duckdb") else None,
        )


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


def _read(works: Works) -> tuple[list[float], list[float], int]:
    """Read as a planner's page does: all of a quarter, one option over time, the pairs of a model."""
    wanted = [
        (CubeName.TAKE_RATES, CellFilter(first_week=_monday(WEEKS - 13))),
        (CubeName.TAKE_RATES, CellFilter(options=("PAINT_0",), regions=("*",))),
        (CubeName.PAIRS, CellFilter(models=("L5",), first_week=_monday(WEEKS - 4))),
    ]
    times: list[float] = []
    cpu: list[float] = []
    most = 0
    for number in range(READS):
        cube, cells = wanted[number % len(wanted)]
        began, began_cpu = time.perf_counter(), time.process_time()
        with works.read(PLANNER) as work:
            found = read_cube(work, cube, cells, cells_max=CELLS)
        times.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - began_cpu) * 1000)
        most = max(most, len(found.cells))
    return sorted(times[len(wanted) :]), sorted(cpu[len(wanted) :]), most


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


def table_of(all_figures: Sequence[Figures]) -> str:
    """Return the table."""
    lines = [
        "| rows | load | rebuild | memory | release | read p50, p99 | of it CPU | pandas, take rates alone | DuckDB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in all_figures:
        duck = "not there" if one.duckdb_s is None else f"{one.duckdb_s:.1f} s"
        cells = (
            f"{one.rows:,}",
            f"{one.load_s:.1f} s",
            f"{one.rebuild_s:.1f} s",
            f"{one.rebuild_mb:,.0f} MB",
            f"{one.release_s:.1f} s",
            f"{one.read_p50_ms:.1f}, {one.read_p99_ms:.1f} ms",
            f"{one.read_cpu_p50_ms:.1f}, {one.read_cpu_p99_ms:.1f} ms",
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
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = [pool.apply(measure, (rows,)) for rows in (QUICK_SIZES if given.quick else SIZES)]
    print(table_of(found))
    if given.json:
        print(json.dumps([asdict(one) for one in found]))
    large = found[-1]
    reached = large.read_p99_ms <= READ_TO_REACH_MS and large.rebuild_s <= REBUILD_TO_REACH_S
    return 0 if reached and large.rebuild_mb <= MEMORY_TO_REACH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
