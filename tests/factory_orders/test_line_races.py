"""A day's line and somebody else at the same moment: no place is given twice, none stays empty."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from functools import partial

import pytest
from sqlalchemy import select

from factory_orders import service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.line.errors import LineDayFixed
from factory_orders.model import BuildOrder, PlantReport, Stage
from factory_orders.planning import audit_service
from factory_orders.planning.line_days.service import sequence_days
from factory_orders.planning.tables import capacity_weeks
from factory_orders.plant.store import hold_line, line_of_day
from factory_orders.plant.tables import build_orders
from kernel import work as kernel_work
from kernel.errors import Refusal
from kernel.soundness import examine
from kernel.work import Work
from tests.configurator.small_brand import PLAIN_CAR, PLANNER
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_line_days import spoil
from tests.factory_orders.trade import (
    NORTH_PLANT,
    PLANT_MACHINE,
    SYSTEM,
    Trade,
)
from tests.support.locks import SECONDS_MAX, wait_until_waiting

pytestmark = pytest.mark.postgres
BLUE_CAR = ("BLUE", *PLAIN_CAR[1:])
MONDAY = date(2026, 12, 7)


@pytest.fixture
def trade(postgres_trade: Trade) -> Trade:
    """Return the small brand on PostgreSQL, where changes wait for each other row by row."""
    return postgres_trade


def monday(trade: Trade) -> list[BuildOrder]:
    """Return the cars of Monday's line in their order."""
    with trade.works.read(SYSTEM) as work:
        return line_of_day(work, NORTH_PLANT, MONDAY)


def mendable(trade: Trade) -> list[BuildOrder]:
    """Let Monday have two cars too many in a row, which one swap mends; returns its cars."""
    change_policy(trade, line={"paint_run_max": 2, "mend_frozen_next": 0})
    spoil(trade)
    return monday(trade)


def mend(work: Work) -> service.MendedDay:
    return service.mend_line_day(work, NORTH_PLANT, MONDAY)


def line_is_sound(trade: Trade) -> bool:
    with trade.works.read(SYSTEM) as work:
        return not any(one.violations for one in examine(work, audit_service.CHECKS))


def test_two_that_order_a_days_line_at_once_give_no_place_away_twice(trade: Trade) -> None:
    trade.lock(5)
    trade.lock(5, pool_id="8" * 32, options=BLUE_CAR, first_buyer=11)
    first = monday(trade)[0]

    def order_anew(work: Work) -> None:
        sequence_days(work, NORTH_PLANT, [MONDAY])

    with ThreadPoolExecutor(2) as threads:
        with trade.works.change(SYSTEM) as work:
            own = select(build_orders.c.id).where(build_orders.c.id == first.id)
            work.connection.execute(own.with_for_update())
            locking = threads.submit(partial(trade.lock, 1, pool_id="7" * 32, first_buyer=21))
            wait_until_waiting(trade.works.engine, 1)
            ordering = threads.submit(trade.works.run, SYSTEM, order_anew)
            wait_until_waiting(trade.works.engine, 2)
        locking.result(SECONDS_MAX)
        ordering.result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2, 3]


def test_two_planners_that_mend_a_day_at_once_mend_it_once(trade: Trade) -> None:
    mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANNER) as work:
            first = mend(work)
            second = other.submit(trade.works.run, PLANNER, mend)
            wait_until_waiting(trade.works.engine, 1)
        again = second.result(SECONDS_MAX)

    assert (first.moved, again.moved, again.before) == (2, 0, first.after)
    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5]
    assert line_is_sound(trade)


def test_a_car_that_is_begun_at_this_moment_keeps_its_place(trade: Trade) -> None:
    cars = mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANT_MACHINE) as work:
            for car in cars[:4]:
                ready = PlantReport(f"ready-{car.id}", Stage.PARTS_READY, trade.clock.now())
                service.report_plant_event(work, car.id, ready)
            mending = other.submit(trade.works.run, PLANNER, mend)
            wait_until_waiting(trade.works.engine, 1)
        with pytest.raises(LineDayFixed) as refused:
            mending.result(SECONDS_MAX)

    assert refused.value == LineDayFixed(MONDAY, 5, 4)
    assert [car.id for car in monday(trade)] == [car.id for car in cars]
    assert line_is_sound(trade)


def test_a_report_waits_for_a_day_that_is_being_mended_and_is_taken(trade: Trade) -> None:
    cars = mendable(trade)

    with ThreadPoolExecutor(1) as other:
        with trade.works.change(PLANNER) as work:
            mend(work)
            reporting = other.submit(trade.report, cars[0].id, Stage.PARTS_READY)
            wait_until_waiting(trade.works.engine, 1)
        assert reporting.result(SECONDS_MAX).order.stage is Stage.PARTS_READY

    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5]
    assert line_is_sound(trade)


def test_many_that_leave_a_day_at_once_leave_no_hole_and_none_is_undone(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = mendable(trade)
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)

    with ThreadPoolExecutor(4) as others:
        with trade.works.change(SYSTEM) as work:
            hold_line(work, NORTH_PLANT)
            leaving: list[Future[object]] = [
                others.submit(trade.works.run, SYSTEM, partial(lose_earnest, order_id=car.order_id)) for car in cars[:3]
            ]
            leaving.append(others.submit(trade.works.run, PLANNER, mend))
            wait_until_waiting(trade.works.engine, 4)
        for one in leaving[:3]:
            one.result(SECONDS_MAX)
        with suppress(Refusal):
            leaving[3].result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2]
    assert line_is_sound(trade)


def test_who_leaves_while_others_come_to_the_day_waits_for_them_and_neither_is_undone(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = mendable(trade)
    monkeypatch.setattr(kernel_work, "ATTEMPTS_MAX", 1)

    with ThreadPoolExecutor(2) as others:
        with trade.works.change(SYSTEM) as work:
            work.connection.execute(select(capacity_weeks).with_for_update())
            coming = others.submit(partial(trade.lock, 5, pool_id="7" * 32, first_buyer=90))
            wait_until_waiting(trade.works.engine, 1)
            leaving = others.submit(trade.works.run, SYSTEM, partial(lose_earnest, order_id=cars[0].order_id))
            wait_until_waiting(trade.works.engine, 2)
        coming.result(SECONDS_MAX)
        leaving.result(SECONDS_MAX)

    assert [car.position for car in monday(trade)] == [1, 2, 3, 4, 5, 6, 7]
    assert line_is_sound(trade)
