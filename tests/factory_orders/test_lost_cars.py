"""A car that is scrapped on the line or lost on its way is gone, and its order gets another one."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.errors import PlantEventOutOfOrder, ShipmentOutOfOrder
from factory_orders.model import ScheduledOrder, ShipmentState, Stage, VehicleState
from factory_orders.planning.model import SLOT
from factory_orders.vehicles.tables import vehicles
from kernel import news
from kernel.actor import Actor, Role
from kernel.errors import NotFound
from kernel.ids import AccountId
from kernel.soundness import examine
from muster.audit import CHECKS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import BUILD, CARRIER, LEGS, NORTH_PLANT, SYSTEM, Trade

ABOUT_CARS = tuple(check for check in CHECKS if check.rule in (2, 3, 4))


def violations(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        return [line for one in examine(work, ABOUT_CARS) for line in one.violations]


def used(trade: Trade) -> int:
    with trade.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=trade.clock.now().date(), weeks=30)
    return sum(week.used for week in weeks if week.resource == SLOT)


def told_of(trade: Trade, kind: str) -> list[dict[str, object]]:
    with trade.works.read(SYSTEM) as work:
        found = select(news.outbox.c.payload).where(news.outbox.c.kind == f"factory_orders.{kind}")
        return [row.payload for row in work.connection.execute(found)]


def lose(trade: Trade, order_id: str, *, carrier: Actor = CARRIER) -> None:
    shipment = trade.shipment_of(order_id)
    with trade.works.change(carrier) as work:
        service.report_shipment(work, shipment.id, ShipmentState.LOST, occurred_at=work.now)


@pytest.mark.parametrize("legs", [LEGS[:1], LEGS[:2]])
def test_a_car_lost_on_its_way_is_built_again_and_delivered(trade: Trade, legs: tuple[ShipmentState, ...]) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    trade.ship(order_id, legs=legs)

    lose(trade, order_id)
    lose(trade, order_id)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
        assert queries.vehicles_by_vin(work, [vin])[vin].state is VehicleState.GONE
        assert queries.passport(work, vin).entries[-1].kind == "lost"
    (again,) = told_of(trade, "order_built_again")
    assert again["vin"] == vin
    assert violations(trade) == []
    other = trade.bring_to_store(order_id)
    trade.hand_over(order_id)
    assert other != vin
    assert violations(trade) == []


def test_a_car_that_waits_for_its_carrier_or_has_arrived_is_not_lost_on_its_way(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    with pytest.raises(ShipmentOutOfOrder):
        lose(trade, order_id)

    trade.ship(order_id)

    with pytest.raises(ShipmentOutOfOrder):
        lose(trade, order_id)


def test_another_carrier_cannot_say_that_a_car_is_lost(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id, legs=LEGS[:2])

    with pytest.raises(NotFound):
        lose(trade, order_id, carrier=Actor(BRAND, frozenset({Role.CARRIER}), AccountId("9" * 32)))

    assert trade.shipment_of(order_id).state is ShipmentState.IN_TRANSIT


@pytest.mark.parametrize("stages", [BUILD[:2], BUILD[:3], BUILD[:4], (*BUILD[:4], Stage.REWORK)])
def test_a_car_scrapped_on_the_line_took_its_week_and_is_built_again(trade: Trade, stages: tuple[Stage, ...]) -> None:
    (order_id,) = trade.lock()
    first = trade.build_order_of(order_id)
    for stage in stages:
        trade.report(first.id, stage)

    reported = trade.report(first.id, Stage.SCRAPPED)

    second = trade.build_order_of(order_id)
    assert (second.id != first.id, second.stage, second.options) == (True, Stage.QUEUED, first.options)
    assert used(trade) == 2
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
        assert set(work.connection.execute(select(vehicles.c.state)).scalars()) <= {"gone"}
    (again,) = told_of(trade, "order_built_again")
    assert again["vin"] == reported.vin
    assert violations(trade) == []
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)
    assert violations(trade) == []


@pytest.mark.parametrize("stages", [(), BUILD[:1], BUILD])
def test_only_what_is_on_the_line_can_be_scrapped(trade: Trade, stages: tuple[Stage, ...]) -> None:
    (order_id,) = trade.lock()
    build_order_id = trade.build_order_of(order_id).id
    for stage in stages:
        trade.report(build_order_id, stage)

    with pytest.raises(PlantEventOutOfOrder):
        trade.report(build_order_id, Stage.SCRAPPED)
