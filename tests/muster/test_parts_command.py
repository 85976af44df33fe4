"""`muster parts` and `muster promises` say in tables what the API says."""

from __future__ import annotations

from datetime import date

import pytest
import typer
from typer.testing import CliRunner

from factory_orders.promises.calibration import Calibration
from factory_orders.promises.store import insert_calibration
from kernel.clock import FixedClock
from kernel.work import Works
from muster import terminal
from muster.cli_parts import add_to
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, open_trade
from tests.support.databases import Database
from tests.support.site import surroundings

COMMANDS = typer.Typer()
add_to(COMMANDS)


@pytest.fixture
def asked(database: Database, works: Works, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Return a runner beside a brand with three planned cars."""
    open_trade(works, clock).lock(3)
    for name, value in (surroundings(database.url) | {"MUSTER_BRAND": "fir"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal.out, "width", 160)
    return CliRunner()


def test_shortages_are_listed_and_called_off_once(asked: CliRunner) -> None:
    before = asked.invoke(COMMANDS, ["parts", "shortages", "fir_north"])
    made = asked.invoke(COMMANDS, ["parts", "ask", "fir_north"])
    again = asked.invoke(COMMANDS, ["parts", "ask", "fir_north"])
    after = asked.invoke(COMMANDS, ["parts", "shortages", "fir_north"])

    assert "FIR-BODY-A" in before.output
    assert "1 call-off made, 0 withdrawn" in made.output
    assert "0 call-offs made, 0 withdrawn" in again.output
    assert "FIR-BODY-A" not in after.output


def test_what_a_plant_lacks_is_readable_on_eighty_places(asked: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.out, "width", 80)

    lines = asked.invoke(COMMANDS, ["parts", "shortages", "fir_north"]).output.splitlines()

    rows = [one.split() for one in lines if "FIR-BODY-A" in one]
    assert max(map(len, lines)) <= 80
    assert rows and all(date.fromisoformat(row[0]) > date.fromisoformat(row[-1]) for row in rows)


def test_where_no_promise_fell_due_it_is_said_when_there_will_be_figures(asked: CliRunner) -> None:
    told = asked.invoke(COMMANDS, ["promises"])

    said = " ".join(told.output.split())
    assert (told.exit_code, "Promises that fell due" in said) == (0, False)
    assert said.startswith("Nothing is published yet.")
    assert "once they speak of 10 persons. Look again when the next month has begun" in said


def test_promises_that_fell_due_are_a_table(asked: CliRunner, works: Works) -> None:
    with works.change(SYSTEM) as work:
        insert_calibration(work, NORTH_PLANT, Calibration(date(2026, 10, 1), date(2026, 10, 31), 20, 10, 15))

    told = asked.invoke(COMMANDS, ["promises"])

    assert "Promises that fell due" in told.output
    (row,) = [line.split() for line in told.output.splitlines() if "2026-10-01" in line]
    assert [cell for cell in row if cell != "│"] == ["fir_north", "2026-10-01", "2026-10-31", "20", "50%", "75%"]
