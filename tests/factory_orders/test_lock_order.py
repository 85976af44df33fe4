"""Rows of one car are locked in one order (docs/decisions/027): who meets there waits, and nobody is undone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.conditions.model import HandOver
from factory_orders.deliveries.shipment_store import lock_shipment
from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.model import ShipmentState, Stage
from factory_orders.planning.order_store import lock_order
from factory_orders.planning.tables import capacity_weeks
from factory_orders.plant.store import hold_line
from factory_orders.service import Damage
from kernel import work as kernel_work
from kernel.paging import PageRequest
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_car_swaps import two_orders
from tests.factory_orders.test_conditions import LARGE, SCRATCH, close, look, seen
from tests.factory_orders.test_lost_cars import lose
from tests.factory_orders.test_scheduling_races import GOLD_CAR, WEEK, golden_order_without_a_week
from tests.factory_orders.trade import BUILD, LEGS, NORTH_PLANT, SYSTEM, Trade
from tests.support.locks import SECONDS_MAX, wait_until_waiting

pytestmark = pytest.mark.postgres
Step = tuple[str, Callable[[], object]]


@pytest.fixture
def trade(postgres_trade: Trade, monkeypatch: pytest.MonkeyPatch) -> Trade:
    """Return the small brand on PostgreSQL; a change that is undone there is not decided anew."""
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)
    return postgres_trade


def scrapped(trade: Trade) -> Step:
    (order_id,) = trade.lock()
    trade.build(order_id, stages=BUILD[:3])
    built = trade.build_order_of(order_id).id
    return order_id, lambda: trade.report(built, Stage.SCRAPPED)


def passed_though_reworked(trade: Trade) -> Step:
    (order_id,) = trade.lock()
    trade.build(order_id, stages=(*BUILD[:4], Stage.REWORK), repair_minor=LARGE)
    built = trade.build_order_of(order_id).id
    return order_id, lambda: trade.report(built, Stage.PASSED)


def lost(trade: Trade) -> Step:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id, legs=LEGS[:2])
    return order_id, lambda: lose(trade, order_id)


def damaged(trade: Trade) -> Step:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id)
    return order_id, lambda: trade.receive(order_id, damage=Damage("crash", LARGE))


def case_closed(trade: Trade) -> Step:
    (order_id,) = trade.lock()
    trade.build(order_id)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    return order_id, lambda: close(trade, LARGE)


def left_without_a_week(trade: Trade) -> Step:
    order_id, _ = golden_order_without_a_week(trade)
    return order_id, lambda: trade.works.run(SYSTEM, lambda work: lose_earnest(work, order_id))


@pytest.mark.parametrize("prepare", [scrapped, passed_though_reworked, lost, damaged, case_closed, left_without_a_week])
def test_whoever_changes_what_is_built_holds_the_line_before_the_order(
    trade: Trade, prepare: Callable[[Trade], Step]
) -> None:
    order_id, job = prepare(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            hold_line(work, NORTH_PLANT)
            going = other.submit(job)
            wait_until_waiting(trade.works.engine, 1)
            lock_order(work, order_id)
        going.result(SECONDS_MAX)


def test_cars_change_places_behind_their_carrier(trade: Trade) -> None:
    first, _ = two_orders(trade)
    trade.build(first)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(SYSTEM) as work:
            way = lock_shipment(work, trade.shipment_of(first).id)
            swapping = other.submit(swap_cars, trade.works, BRAND)
            wait_until_waiting(trade.works.engine, 1)
            service.report_shipment(work, way.id, ShipmentState.LOADED, occurred_at=work.now)
        assert swapping.result(SECONDS_MAX) == 0

    assert trade.shipment_of(first).state is ShipmentState.LOADED


def test_a_report_waits_for_no_batch_that_gives_weeks_to_others(trade: Trade) -> None:
    batch_id = two_golden_orders(trade)
    allow_gold(trade, 1)
    schedule = partial(service.schedule_batch, batch_id=batch_id)
    trade.works.run(PLANNER, schedule)
    allow_gold(trade, 2)
    (placed,) = trade.build_orders()

    with ThreadPoolExecutor(2) as others:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            scheduling = others.submit(trade.works.run, PLANNER, schedule)
            wait_until_waiting(trade.works.engine, 1)
            others.submit(trade.report, placed.id, Stage.PARTS_READY).result(SECONDS_MAX)
        assert scheduling.result(SECONDS_MAX) == 1


def two_golden_orders(trade: Trade) -> str:
    """Lock two golden cars while the plant has no gold; returns their batch."""
    change_policy(trade, capacity={"option_limits": [["GOLD", 0]]})
    trade.lock(2, options=GOLD_CAR)
    with trade.works.change(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
    return batch.id


def allow_gold(trade: Trade, cars: int) -> None:
    with trade.works.change(PLANNER) as work:
        service.change_capacity(work, "fir_north", week=WEEK, resource="GOLD", capacity=cars)
