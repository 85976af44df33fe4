"""`muster stock` orders cars for a store and says what there is and what comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import typer
from sqlalchemy import update
from typer.testing import CliRunner

from factory_orders.stock_orders.errors import LightStockFull
from kernel import registry
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.work import Works
from muster import terminal
from muster.cli_stock import add_to
from tests.configurator.small_brand import PLAIN_CAR
from tests.factory_orders.test_stock_orders import order
from tests.factory_orders.trade import SYSTEM, open_trade
from tests.support.databases import Database
from tests.support.site import surroundings

COMMANDS = typer.Typer()
add_to(COMMANDS)


def test_a_planner_orders_stock_by_hand_and_sees_it(
    database: Database, works: Works, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = open_trade(works, clock)
    clock.advance(timedelta(hours=21))
    order(trade)  # at seven in the morning in Shanghai
    for name, value in (surroundings(database.url) | {"MUSTER_BRAND": "fir"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal.out, "width", 160)
    ask = CliRunner().invoke

    made = ask(COMMANDS, ["stock", "order", "east", "A1", *PLAIN_CAR, "--cars", "2"])
    nowhere = ask(COMMANDS, ["stock", "order", "nowhere", "A1", *PLAIN_CAR])
    too_many = ask(COMMANDS, ["stock", "order", "east", "A1", *PLAIN_CAR, "--cars", "20"])
    orders = ask(COMMANDS, ["stock", "orders"])
    levels = ask(COMMANDS, ["stock", "levels"])

    assert "2 of the A1 ordered for east: 3 of 3 there or to come" in made.output
    assert isinstance(nowhere.exception, NotFound)
    assert isinstance(too_many.exception, LightStockFull)
    assert "2 planned" in orders.output
    assert "2026-11-24" in orders.output
    assert levels.exit_code == 0


def test_the_levels_of_stores_are_readable_on_eighty_places(
    database: Database, works: Works, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = open_trade(works, clock)
    clock.advance(timedelta(hours=21))
    order(trade)
    with works.change(SYSTEM) as work:
        work.connection.execute(
            update(registry.stores).where(registry.stores.c.code == "east").values(code="suzhou-industrial-park")
        )
    for name, value in (surroundings(database.url) | {"MUSTER_BRAND": "fir"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal.out, "width", 80)

    lines = CliRunner().invoke(COMMANDS, ["stock", "levels"]).output.splitlines()

    assert max(map(len, lines)) <= 80
    head, row = [" ".join(one.split()) for one in lines if "there" in one or "suzhou-industrial-park" in one][:2]
    assert head == "store model stock most there held way order play demo wanted"
    assert row.startswith("suzhou-industrial-park A1 ")
    assert len(row.split()) == len(head.split())
