"""`muster store` and `muster cars` as they are typed: a look changes nothing, and what it showed is what is done."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner, Result

from factory_orders.queries import order_code
from kernel.clock import FixedClock
from kernel.errors import NotFound
from kernel.work import Works
from muster import cli_cars, cli_store, terminal
from tests.factory_orders.test_car_swaps import state_of, two_orders
from tests.factory_orders.test_early_cars import offers, wait_long
from tests.factory_orders.test_stock import free_car
from tests.factory_orders.trade import Trade, open_trade
from tests.support.databases import Database
from tests.support.site import surroundings

ROOT = typer.Typer()
cli_store.add_to(ROOT)
cli_cars.add_to(ROOT)


@pytest.fixture
def trade(works: Works, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Trade:
    monkeypatch.setattr(terminal.out, "width", 160)
    return open_trade(works, clock)


def ask(database: Database, *words: str, says: str | None = None) -> Result:
    environment = surroundings(database.url) | {"MUSTER_BRAND": "fir"}
    return CliRunner().invoke(ROOT, list(words), env=environment, input=says)


def test_a_store_with_a_buyers_car_stays_open_and_what_it_brought_is_shown(trade: Trade, database: Database) -> None:
    (order_id,) = trade.lock()
    vin = trade.bring_to_store(order_id)

    blocked = ask(database, "store", "close", "east", "--dry-run")
    trade.hand_over(order_id)
    shares = ask(database, "store", "share", "east")
    others = ask(database, "store", "share", "north")
    nowhere = ask(database, "store", "share", "nowhere")

    assert blocked.exit_code == 1
    assert "1 car that has a buyer" in blocked.output
    assert order_code(order_id) in shares.output
    assert vin in shares.output
    assert vin not in others.output
    assert isinstance(nowhere.exception, NotFound)


def test_a_store_is_closed_only_with_a_yes_and_once(trade: Trade, database: Database) -> None:
    trade.lock()

    looked = ask(database, "store", "close", "east", "--dry-run")
    refused = ask(database, "store", "close", "east", says="n\n")
    still = ask(database, "store", "list")
    done = ask(database, "store", "close", "east", says="y\n")
    again = ask(database, "store", "close", "east", "--yes")
    closed = ask(database, "store", "list")

    assert (looked.exit_code, refused.exit_code, done.exit_code, again.exit_code) == (0, 1, 0, 0)
    assert "1 buyer whose car would go there picks another store" in looked.output
    assert "1 buyer is told to pick another store" in done.output
    assert "is closed since" in again.output
    assert (still.output.count("2026-"), closed.output.count("2026-")) == (0, 1)


def test_equal_cars_change_places_when_one_says_so_and_not_by_looking(trade: Trade, database: Database) -> None:
    first, second = two_orders(trade)
    vin = trade.build(first)

    looked = ask(database, "cars", "swap", "--dry-run")
    before = state_of(trade, second)
    done = ask(database, "cars", "swap")
    again = ask(database, "cars", "swap")
    listed = ask(database, "cars", "swaps")

    assert "2 orders would change their cars" in looked.output
    assert before[0] == "scheduled"
    assert "2 orders have changed their cars" in done.output
    assert state_of(trade, second) == ("built", vin)
    assert "No exchange of equal cars" in again.output
    assert order_code(second) in listed.output


def test_a_free_car_is_offered_when_one_says_so_and_not_by_looking(trade: Trade, database: Database) -> None:
    nothing = ask(database, "cars", "offer")
    vin = free_car(trade)
    wait_long(trade)

    looked = ask(database, "cars", "offer", "--dry-run")
    before = offers(trade)
    done = ask(database, "cars", "offer")

    assert "No free car" in nothing.output
    assert vin in looked.output
    assert "1 car would be offered" in looked.output
    assert before == []
    assert "1 car is offered" in done.output
    assert [one.vin for one in offers(trade)] == [vin]
