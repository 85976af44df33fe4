"""Released demand as files: what planners see, once in each kind of file, and nothing beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from demand.model import CubeName
from demand.queries import CellFilter, read_cube
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.work import Works
from muster.cli_demand import app
from muster.demand_files import released_tables, write_table
from tests.configurator.small_brand import BRAND, PLANNER, consumer, open_small_brand
from tests.demand.wishing_room import end_week, release, save


def released(works: Works, clock: FixedClock) -> None:
    open_small_brand(works)
    for number in range(40):
        save(works, number, paint="RED" if number < 18 else "BLUE")
    end_week(clock)
    release(works)


def test_each_released_table_is_a_file_of_published_counts(works: Works, clock: FixedClock, tmp_path: Path) -> None:
    released(works, clock)
    with works.read(PLANNER) as work:
        tables = released_tables(work)
        cells = read_cube(work, tables_cube(tables[0].name), CellFilter()).cells

    paths = [write_table(tmp_path, table, form) for table in tables for form in ("csv", "xlsx")]

    assert [path.name for path in paths if path.suffix == ".csv"] == [
        "take_rates.csv",
        "pairs.csv",
        "funnel.csv",
        "caps.csv",
        "cancellations.csv",
    ]
    with (tmp_path / "take_rates.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cells)
    red = next(row for row in rows if (row["option"], row["region"]) == ("RED", "*"))
    assert (red["chosen"], red["offered"], red["take_rate"]) == ("20", "40", "0.5")
    sheet = load_workbook(tmp_path / "take_rates.xlsx").active
    assert sheet.max_row == len(rows) + 1
    assert sheet.cell(1, 1).value == "week"


def tables_cube(name: str) -> CubeName:
    return CubeName(name)


def test_only_who_may_read_demand_gets_files(works: Works, clock: FixedClock) -> None:
    released(works, clock)

    with pytest.raises(Forbidden), works.read(consumer()) as work:
        released_tables(work)
    with works.read(system(BRAND)) as work:
        assert released_tables(work)


def test_the_commands_are_there() -> None:
    shown = CliRunner().invoke(app, ["--help"])

    assert shown.exit_code == 0
    assert "export" in shown.output
    assert "rebuild" in shown.output
