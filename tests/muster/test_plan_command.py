"""`muster plan` as a planner types it: what it says of a plant's book, and what it does not take."""

from __future__ import annotations

import typer
from typer.testing import CliRunner, Result

from factory_orders.planning.weekly.service import plan_due_books
from kernel.clock import FixedClock
from kernel.errors import InvalidInput, NotFound
from kernel.work import Works
from muster import cli_plan
from tests.factory_orders.trade import open_trade
from tests.support.databases import Database
from tests.support.site import mark_migrated, surroundings


def plan(database: Database, *words: str) -> Result:
    root = typer.Typer()
    cli_plan.add_to(root)
    return CliRunner().invoke(root, [*words, "--brand", "fir"], env={**surroundings(database.url)})


def test_a_planner_reads_what_a_book_costs_and_what_was_kept_and_slips_are_refused(
    works: Works, clock: FixedClock, database: Database
) -> None:
    open_trade(works, clock).lock(2)
    mark_migrated(works.engine)

    before = plan(database, "fir_north", "--kept")
    plan_due_books(works)
    kept = plan(database, "fir_north", "--kept", "--language", "zh-CN")
    anew = plan(database, "fir_north")
    slips = [
        plan(database, "fir_north", *words)
        for words in (
            ["--capacity", "next week"],
            ["--capacity", "2026-12-07:slot:-1"],
            ["--still", "2026-13-01"],
            ["--late", "GOLD:2"],
            ["--language", "fr"],
        )
    ]

    assert before.exit_code == kept.exit_code == anew.exit_code == 0
    assert "No plan is kept" in before.output
    assert "2个订单尚未开工" in kept.output
    assert "2 orders have not begun" in anew.output
    assert "0 orders would have another week" in anew.output
    assert [type(one.exception) for one in slips] == [InvalidInput] * 5
    assert "write --capacity WEEK:RESOURCE:CARS as 2026-12-28:slot:500" in str(slips[0].exception)
    assert isinstance(plan(database, "moon").exception, NotFound)
