"""Released demand as files: what planners see, once in each kind of file, and nothing beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from demand.cubes.model import EVERYBODY, ORDERED
from demand.model import CubeName
from demand.queries import CellFilter, expected_parts, read_cube
from demand.service import forecast_released
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.work import Works
from muster.cli_demand import app
from muster.demand_files import expected_tables, released_tables, write_table
from tests.configurator.small_brand import BRAND, PLANNER, consumer, open_small_brand
from tests.demand.released_room import publish
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
    assert "parts" in shown.output


def test_what_is_expected_is_in_files_of_its_own(works: Works, tmp_path: Path) -> None:
    open_small_brand(works)
    publish(works, {EVERYBODY: [80] * 10, ORDERED: [40] * 10})
    forecast_released(works)
    with works.read(PLANNER) as work:
        forecasts, parts = expected_tables(work)
        bodies = [call for call in expected_parts(work).calls if call.need.part == "FIR-BODY-A"]

    write_table(tmp_path, parts, "csv")

    assert [(row["model"], row["option"]) for row in forecasts.rows] == [("A1", ORDERED)] * 8
    with (tmp_path / "expected_parts.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["part"], row["call_off_by"], float(row["p50"])) for row in rows] == [
        ("FIR-BODY-A", call.need.call_off_by.isoformat(), call.pieces.p50) for call in bodies
    ]
    assert len(rows) == 8


def test_before_a_forecast_the_files_of_what_is_expected_are_empty(works: Works, clock: FixedClock) -> None:
    released(works, clock)

    with works.read(PLANNER) as work:
        assert [list(table.rows) for table in expected_tables(work)] == [[], []]
