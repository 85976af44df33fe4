"""A day's line after a disturbance: cars close up where one leaves, figures are counted at once, and few cars move."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.line.errors import LineDayFixed, PaintRunImpossible
from factory_orders.model import BuildOrder, LineDayFigures, Stage
from factory_orders.plant.store import line_of_day
from kernel import news, outbox, policy
from kernel.actor import Actor
from kernel.clock import FixedClock
from kernel.errors import Forbidden, NotFound
from kernel.ids import BrandId
from kernel.money import Money
from kernel.work import Works
from tests.configurator.small_brand import PLAIN_CAR, PLANNER
from tests.factory_orders.test_capacity import ADMIN, change_policy
from tests.factory_orders.trade import BUILD, NORTH_PLANT, SYSTEM, Trade, buyer, open_trade

BLUE_CAR = ("BLUE", *PLAIN_CAR[1:])
MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)


@pytest.fixture
def trade(works: Works, clock: FixedClock) -> Trade:
    """Return the small brand, whose line takes two cars of a paint in a row and lets every queued car be moved."""
    trade = open_trade(works, clock)
    change_policy(trade, line={"paint_run_max": 2, "mend_frozen_next": 0})
    return trade


def fill(trade: Trade, *, red: int, blue: int) -> None:
    """Lock so many cars of each paint for each of the week's five days."""
    trade.lock(red * 5)
    if blue:
        trade.lock(blue * 5, pool_id="8" * 32, options=BLUE_CAR, first_buyer=60)


def line(trade: Trade, day: date = MONDAY) -> list[BuildOrder]:
    """Return a day's cars on the line in their order."""
    with trade.works.read(SYSTEM) as work:
        return line_of_day(work, NORTH_PLANT, day)


def paints(trade: Trade, day: date = MONDAY) -> str:
    return "".join("R" if "RED" in car.options else "B" for car in line(trade, day))


def figures(trade: Trade, day: date = MONDAY) -> LineDayFigures | None:
    with trade.works.read(PLANNER) as work:
        return next(iter(queries.line_of_days(work, NORTH_PLANT, first=day, days=1)), None)


def leave(trade: Trade, car: BuildOrder) -> None:
    """End a car's order, as money that never came does."""
    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, car.order_id)


def leave_blue(trade: Trade, count: int, day: date = MONDAY) -> None:
    """Let the first blue cars of a day leave."""
    for car in [car for car in line(trade, day) if "BLUE" in car.options][:count]:
        leave(trade, car)


def mend(trade: Trade, *, late: Sequence[str] = (), actor: Actor = PLANNER) -> service.MendedDay:
    with trade.works.change(actor) as work:
        return service.mend_line_day(work, NORTH_PLANT, MONDAY, late=late)


def work_off(trade: Trade) -> None:
    """Let the worker hear what has happened."""
    while outbox.deliver(trade.works, service.SUBSCRIPTIONS):
        pass


def disturbed(trade: Trade) -> list[str]:
    """Return the days that were told to be disturbed."""
    told = select(news.outbox.c.payload).where(news.outbox.c.kind == "factory_orders.line_day_disturbed")
    with trade.works.read(SYSTEM) as work:
        return [payload["day"] for payload in work.connection.execute(told.order_by(news.outbox.c.id)).scalars()]


def test_where_a_car_leaves_the_others_close_up_and_the_day_is_counted_anew(trade: Trade) -> None:
    fill(trade, red=4, blue=2)
    before = line(trade)

    leave(trade, before[1])

    assert [(car.id, car.position) for car in line(trade)] == [
        (car.id, place) for place, car in enumerate([before[0], *before[2:]], start=1)
    ]
    after = figures(trade)
    assert after is not None
    assert after.cars == 5
    assert trade.unsound() == []


def test_a_run_that_a_leaving_car_has_joined_is_counted_at_once_and_mended_by_the_worker(trade: Trade) -> None:
    fill(trade, red=5, blue=2)
    work_off(trade)
    leave_blue(trade, 1)
    leave(trade, line(trade)[-1])
    closed, counted = line(trade), figures(trade)

    work_off(trade)

    assert counted is not None
    assert (counted.cars, counted.run_violations, counted.excess) == (5, 2, None)
    mended = figures(trade)
    assert mended is not None
    assert (mended.cars, mended.run_violations, mended.excess) == (5, 0, 0)
    assert paints(trade) == "RRBRR"
    assert sum(one.id != other.id for one, other in zip(closed, line(trade), strict=True)) == 2
    assert trade.unsound() == []


def test_where_cars_wait_that_others_have_overtaken_the_day_behind_theirs_is_counted_anew_as_well(trade: Trade) -> None:
    fill(trade, red=2, blue=2)
    work_off(trade)
    tuesday = paints(trade, TUESDAY)
    for car in line(trade, TUESDAY)[2:]:
        trade.report(car.id, Stage.PARTS_READY)
    assert trade.unsound() == []

    leave(trade, line(trade)[0])

    assert tuesday[2:] + tuesday[:2] == paints(trade, TUESDAY)
    assert tuesday[1] != tuesday[3]
    assert trade.unsound() == []


def test_a_day_whose_last_car_leaves_is_no_day_of_the_line_any_more(trade: Trade) -> None:
    trade.lock(2)
    (first,) = line(trade)

    leave(trade, first)

    assert figures(trade) is None
    assert figures(trade, TUESDAY) is not None
    assert trade.unsound() == []


def test_the_next_day_is_judged_by_the_tail_that_is_left(trade: Trade) -> None:
    trade.lock(5)
    trade.lock(5, pool_id="8" * 32, options=BLUE_CAR, first_buyer=60)
    before = figures(trade, TUESDAY)
    work_off(trade)

    for car in line(trade):
        leave(trade, car)

    after = figures(trade, TUESDAY)
    assert before is not None
    assert after == replace(before, paint_changes=1, paint_changes_bound=1)
    assert trade.unsound() == []


def test_cars_that_have_begun_stay_where_they_are(trade: Trade) -> None:
    fill(trade, red=4, blue=2)
    begun = line(trade)[:3]
    for car in begun:
        trade.report(car.id, Stage.PARTS_READY)

    leave(trade, line(trade)[3])
    work_off(trade)

    assert [(car.id, car.position) for car in line(trade)[:3]] == [(car.id, car.position) for car in begun]
    assert trade.unsound() == []


def test_a_car_that_was_spoilt_on_the_line_keeps_the_place_it_had_there(trade: Trade) -> None:
    fill(trade, red=2, blue=0)
    spoilt = line(trade)[0]
    for stage in (*BUILD[:2], Stage.SCRAPPED):
        trade.report(spoilt.id, stage)

    after = figures(trade)

    assert [(car.position, car.stage) for car in line(trade)] == [
        (1, Stage.WITHDRAWN),
        (2, Stage.QUEUED),
        (3, Stage.QUEUED),  # The one that is built in its place.
    ]
    assert after is not None
    assert after.cars == 3
    assert trade.unsound() == []


def test_another_paint_is_counted_at_once_and_moves_few_cars_later(trade: Trade) -> None:
    fill(trade, red=4, blue=2)
    work_off(trade)
    (changed, *_) = [car for car in line(trade) if "BLUE" in car.options]
    before = line(trade)
    with trade.works.read(SYSTEM) as work:
        actor = buyer(queries.orders_by_id(work, [changed.order_id])[changed.order_id].terms.place)
    with trade.works.read(actor) as work:
        price = service.preview_amendment(work, changed.order_id, PLAIN_CAR).price_minor

    with trade.works.change(actor) as work:
        service.amend_order(work, changed.order_id, PLAIN_CAR, price=Money(price))

    now = figures(trade)
    assert [car.id for car in line(trade)] == [car.id for car in before]
    assert now is not None
    assert now.run_violations > 0
    assert MONDAY.isoformat() in disturbed(trade)
    assert trade.unsound() == []


def test_cars_that_come_to_a_day_that_has_begun_go_to_its_end(trade: Trade) -> None:
    fill(trade, red=2, blue=1)
    before = line(trade)
    trade.report(before[0].id, Stage.PARTS_READY)

    trade.lock(5, pool_id="7" * 32, options=BLUE_CAR, first_buyer=90)

    assert [car.id for car in line(trade)][:3] == [car.id for car in before]
    assert disturbed(trade)[-1:] == [MONDAY.isoformat()]
    assert trade.unsound() == []


# --- on a planner's word ---------------------------------------------------------------------------------------------


def spoil(trade: Trade) -> None:
    """Let a day have two cars too many in a row, which one swap mends."""
    fill(trade, red=5, blue=2)
    leave_blue(trade, 1)
    leave(trade, line(trade)[-1])


def test_a_planner_mends_a_day_and_reads_how_many_cars_moved_and_what_it_brought(trade: Trade) -> None:
    spoil(trade)
    before = figures(trade)

    mended = mend(trade)

    assert mended.before == before
    assert mended.after == figures(trade)
    assert (mended.day, mended.moved, mended.after.run_violations, paints(trade)) == (MONDAY, 2, 0, "RRBRR")
    assert trade.unsound() == []


def test_a_day_that_no_swap_makes_better_stays_as_it_is(trade: Trade) -> None:
    fill(trade, red=2, blue=2)
    before = line(trade)

    mended = mend(trade)

    assert (mended.moved, mended.before) == (0, mended.after)
    assert line(trade) == before


def test_the_next_cars_of_the_line_are_not_moved(trade: Trade) -> None:
    spoil(trade)
    trade.clock.advance(timedelta(seconds=1))
    with trade.works.change(ADMIN) as work:
        policy.change_policy(work, base_version=1, changes={"line": {"mend_frozen_next": 4}}, reason="a longer head")
    before = line(trade)

    with pytest.raises(LineDayFixed) as refused:
        mend(trade)

    assert refused.value == LineDayFixed(MONDAY, 5, 4)
    assert line(trade) == before


def test_no_day_is_mended_whose_paint_has_too_many_cars(trade: Trade) -> None:
    fill(trade, red=4, blue=1)
    leave_blue(trade, 1)
    before = line(trade)

    with pytest.raises(PaintRunImpossible) as refused:
        mend(trade)

    assert refused.value == PaintRunImpossible("RED", 4, 0, 2, 4)
    assert line(trade) == before
    work_off(trade)
    assert line(trade) == before


def test_cars_whose_parts_come_late_go_to_the_end(trade: Trade) -> None:
    fill(trade, red=2, blue=2)
    late, *others = line(trade)

    mended = mend(trade, late=[late.id])

    assert line(trade)[-1].id == late.id
    assert {car.id for car in line(trade)[:-1]} == {car.id for car in others}
    assert mended.moved >= 1
    assert trade.unsound() == []


def test_a_late_car_that_has_begun_or_is_not_there_is_not_found(trade: Trade) -> None:
    fill(trade, red=2, blue=2)
    begun = line(trade)[0]
    trade.report(begun.id, Stage.PARTS_READY)
    before = line(trade)

    for one in (begun.id, line(trade, TUESDAY)[0].id, "0" * 32):
        with pytest.raises(NotFound):
            mend(trade, late=[one])

    assert line(trade) == before


def test_only_who_plans_a_plant_mends_its_days(trade: Trade) -> None:
    spoil(trade)
    before = line(trade)

    with pytest.raises(Forbidden):
        mend(trade, actor=buyer())
    with pytest.raises(NotFound):
        mend(trade, actor=replace(PLANNER, brand_id=BrandId("c" * 32)))

    assert line(trade) == before


def test_a_day_without_cars_cannot_be_mended(trade: Trade) -> None:
    with pytest.raises(LineDayFixed):
        mend(trade)


# --- laws ------------------------------------------------------------------------------------------------------------

STEP = st.tuples(st.sampled_from(("leave", "begin", "mend", "late", "work off")), st.integers(0, 9))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_whatever_happens_no_hole_is_left_and_no_begun_car_moves(filled: Trade, steps: list[tuple[str, int]]) -> None:
    for what, number in steps:
        queued = [car for car in line(filled) if car.stage is Stage.QUEUED]
        begun = {car.id: car.position for car in line(filled) if car.stage is not Stage.QUEUED}
        one = queued[number % len(queued)] if queued else None
        with suppress(LineDayFixed, PaintRunImpossible):
            if what == "work off":
                work_off(filled)
            elif what == "mend":
                mend(filled)
            elif one is not None and what == "leave":
                leave(filled, one)
            elif one is not None and what == "begin":
                filled.report(one.id, Stage.PARTS_READY)
            elif one is not None:
                mend(filled, late=[one.id])

        assert filled.unsound() == []
        assert begun.items() <= {car.id: car.position for car in line(filled)}.items()


@pytest.fixture
def filled(trade: Trade) -> Trade:
    """Return the brand with two days' worth of cars, of which each example disturbs what the last one left."""
    fill(trade, red=9, blue=7)
    return trade
