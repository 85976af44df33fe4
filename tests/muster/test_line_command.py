"""`muster line …` as a person runs it: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from factory_orders.line.errors import InstanceBroken, LineDayFixed
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.work import Works
from muster.cli_line import app
from muster.terminal import FileTrouble
from tests.factory_orders.line.test_instance_files import CSPLIB, challenge, csplib
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_line_days import line, paints, spoil
from tests.factory_orders.trade import open_trade
from tests.support.databases import Database
from tests.support.site import mark_migrated, surroundings

RUNNER = CliRunner()


def test_a_solved_instance_shows_its_score_and_is_written(tmp_path: Path) -> None:
    folder, order = challenge(tmp_path / "made"), tmp_path / "order.csv"

    done = RUNNER.invoke(app, ["solve", str(folder), "--seconds", "0.2", "--out", str(order)])

    assert done.exit_code == 0, done.output
    assert order.read_text(encoding="utf-8").splitlines()[0] == "place;car;paint"
    assert sorted(row.split(";")[1] for row in order.read_text(encoding="utf-8").split()[1:]) == ["B", "C"]


def test_an_optimal_order_says_so_and_ends_early(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["solve", str(csplib(tmp_path, CSPLIB)), "--seconds", "60"])

    assert done.exit_code == 0, done.output
    assert "proven optimal" in done.output


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = csplib(tmp_path, CSPLIB.replace("1 1 0 1", "1 1 0 x"))

    done = RUNNER.invoke(app, ["solve", str(file)])

    assert isinstance(done.exception, InstanceBroken)
    assert f"{file}:6: " in str(done.exception)


def test_an_order_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = csplib(tmp_path, CSPLIB)

    done = RUNNER.invoke(app, ["solve", str(file), "--out", str(file)])

    assert isinstance(done.exception, FileExistsError)
    assert file.read_text(encoding="utf-8") == CSPLIB


def test_where_an_order_cannot_be_written_is_said_before_the_search(tmp_path: Path) -> None:
    nowhere = tmp_path / "no such folder" / "order.csv"

    done = RUNNER.invoke(app, ["solve", str(csplib(tmp_path, CSPLIB)), "--out", str(nowhere)])

    assert isinstance(done.exception, FileTrouble)
    assert str(done.exception) == f"{nowhere.parent}: there is no such folder; make it, or correct the path"
    assert "moves" not in done.output


def test_a_search_that_does_not_begin_leaves_no_file(tmp_path: Path) -> None:
    order = tmp_path / "order.csv"

    done = RUNNER.invoke(app, ["solve", str(csplib(tmp_path, CSPLIB)), "--frozen", "99", "--out", str(order)])

    assert done.exit_code != 0
    assert not order.exists()


@pytest.mark.parametrize("words", [["--seconds", "-1"], ["--frozen", "6"]])
def test_a_call_that_makes_no_sense_ends_with_two(tmp_path: Path, words: list[str]) -> None:
    done = RUNNER.invoke(app, ["solve", str(csplib(tmp_path, CSPLIB)), *words])

    assert done.exit_code == 2


def test_a_plants_day_is_mended_and_what_it_brought_is_said(
    works: Works, clock: FixedClock, database: Database
) -> None:
    trade = open_trade(works, clock)
    change_policy(trade, line={"paint_run_max": 2, "mend_frozen_next": 0})
    spoil(trade)
    late = line(trade)[0].id
    mark_migrated(works.engine)

    def mend(*words: str) -> Result:
        return RUNNER.invoke(app, ["mend", *words, "--brand", "fir"], env={**surroundings(database.url)})

    done = mend("fir_north", "2026-12-07")
    mended = paints(trade)
    again = mend("fir_north", "2026-12-07", "--late", late)

    assert done.exit_code == again.exit_code == 0, done.output
    assert "2026-12-07, 5 cars: 2 moved." in done.output
    assert "before: 2 beyond the longest paint run" in done.output
    assert "after: 0 over the ratios (not below 0), 2 paint changes (not below 2)" in done.output
    assert (mended, line(trade)[-1].id) == ("RRBRR", late)
    assert isinstance(mend("fir_north", "2026-12-05").exception, LineDayFixed)
    assert isinstance(mend("moon", "2026-12-07").exception, NotFound)
    assert mend("fir_north", "Monday").exit_code == 2
