"""A car that is changed after it has taken its parts: the old one's go back, and it takes those of the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from configurator.catalogue_files import read_catalogue
from configurator.service import publish_catalogue
from factory_orders import service
from factory_orders.agreements.errors import AmendmentNotPossible
from factory_orders.agreements.events import BuildOrderAmended
from factory_orders.events import BuildStageReported
from factory_orders.model import Stage
from factory_orders.parts.service import on_amended, on_parts_ready
from factory_orders.parts.store import move_stock
from kernel.clock import FixedClock
from kernel.money import Money
from kernel.outbox import Letter
from kernel.sandbox import Sandbox
from kernel.soundness import examine
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, copied_folder, found_brand, found_stores
from tests.factory_orders.test_parts import CHECKS, count, hear, leave, stock
from tests.factory_orders.trade import NORTH_PLANT, SECRET, SYSTEM, Trade, buyer

HEATED: Final = (*PLAIN_CAR, "HEAT")
BODY: Final = "FIR-BODY-A"
SEATS: Final = "FIR-HEAT"


@pytest.fixture
def begun(works: Works, clock: FixedClock, tmp_path: Path) -> tuple[Trade, str]:
    """Return a brand whose extras may change while the parts stand ready, and an order whose parts do."""
    folder = copied_folder(tmp_path / "catalogue")
    for path in folder.glob("*.*"):
        path.write_text(path.read_text(encoding="utf-8").replace("Extras", "Exterior"), encoding="utf-8")
    with (folder / "parts.csv").open("a", encoding="utf-8") as file:
        file.write(f"HEAT,{SEATS},2,fir_body,90,,\n")
    found_brand(works)
    found_stores(works)
    with works.change(PLANNER) as work:
        version_id = publish_catalogue(work, read_catalogue(folder))
    trade = Trade(works, clock, Sandbox(works.engine, SECRET, clock=clock), version_id)
    (order_id,) = trade.lock(1)
    count(trade, 5)
    count(trade, 9, SEATS)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)
    return trade, order_id


def amend(trade: Trade, order_id: str, options: tuple[str, ...]) -> None:
    with trade.works.change(buyer()) as work:
        price = Money(service.preview_amendment(work, order_id, options).price_minor)
        service.amend_order(work, order_id, options, price=price)


def tell_of_change(trade: Trade, order_id: str) -> None:
    """Let the news of a change be heard now, be it again."""
    built = trade.build_order_of(order_id)
    told = BuildOrderAmended(BRAND, built.id, order_id, NORTH_PLANT, built.day)
    with trade.works.change(SYSTEM) as work:
        on_amended(work, [Letter("x" * 32, trade.clock.now(), told)])


def test_a_changed_car_exchanges_its_parts_once_for_each_change(begun: tuple[Trade, str]) -> None:
    trade, order_id = begun
    hear(trade)
    held = [stock(trade)]

    for options in (HEATED, PLAIN_CAR, HEATED):
        amend(trade, order_id, options)
        hear(trade)
        tell_of_change(trade, order_id)
        held.append(stock(trade))

    assert held == [{BODY: 4, SEATS: number} for number in (9, 7, 9, 7)]
    assert trade.unsound() == []


def test_a_change_that_is_heard_of_before_the_parts_were_taken_takes_the_new_ones(begun: tuple[Trade, str]) -> None:
    trade, order_id = begun
    amend(trade, order_id, HEATED)

    tell_of_change(trade, order_id)
    before = stock(trade)
    built, now = trade.build_order_of(order_id), trade.clock.now()
    told = BuildStageReported(BRAND, built.id, order_id, "1" * 32, NORTH_PLANT, Stage.PARTS_READY.value, now)
    with trade.works.change(SYSTEM) as work:
        on_parts_ready(work, [Letter("y" * 32, now, told)])
    hear(trade)

    assert (before, stock(trade)) == ({BODY: 5, SEATS: 9}, {BODY: 4, SEATS: 7})
    assert trade.unsound() == []


@pytest.mark.parametrize("heard", [True, False])
def test_a_changed_car_that_leaves_gives_back_what_it_holds(begun: tuple[Trade, str], heard: bool) -> None:
    trade, order_id = begun
    hear(trade)
    amend(trade, order_id, HEATED)
    if heard:
        hear(trade)

    leave(trade, order_id)
    hear(trade)

    assert stock(trade) == {BODY: 5, SEATS: 9}
    assert trade.unsound() == []


def test_a_car_takes_no_more_than_the_plant_counted_and_gives_no_more_back(begun: tuple[Trade, str]) -> None:
    trade, order_id = begun
    hear(trade)
    amend(trade, order_id, HEATED)
    count(trade, 1, SEATS)

    hear(trade)
    taken = stock(trade)
    amend(trade, order_id, PLAIN_CAR)
    hear(trade)

    assert (taken, stock(trade)) == ({BODY: 4, SEATS: 0}, {BODY: 4, SEATS: 1})
    assert trade.unsound() == []


def test_once_its_parts_stand_ready_a_car_can_have_what_its_plant_has_there(begun: tuple[Trade, str]) -> None:
    trade, order_id = begun
    hear(trade)
    count(trade, 1, SEATS)

    with pytest.raises(AmendmentNotPossible, match="parts stand ready"):
        amend(trade, order_id, HEATED)
    count(trade, 2, SEATS)
    amend(trade, order_id, HEATED)
    hear(trade)

    assert stock(trade) == {BODY: 4, SEATS: 0}
    assert trade.unsound() == []


def test_an_audit_finds_a_car_that_gave_back_more_than_it_had_taken(begun: tuple[Trade, str]) -> None:
    trade, order_id = begun
    hear(trade)
    build_order_id = trade.build_order_of(order_id).id
    with trade.works.change(SYSTEM) as work:
        move_stock(work, NORTH_PLANT, {SEATS: 1}, kind="exchanged", reference=build_order_id)

    with trade.works.read(SYSTEM) as work:
        found = [line for one in examine(work, CHECKS) for line in one.violations]

    assert found == [f"build order {build_order_id} exchanged more {SEATS} than it had taken"]
