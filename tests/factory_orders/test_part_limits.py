"""Parts limit weeks: what a supplier brings late moves cars in a plan, and new cars wait for it everywhere."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configurator.model import PoolingClass, Promise
from configurator.service import class_of_car
from demand.service import PoolPlan
from factory_orders.parts.model import Coming, PartSupply
from factory_orders.planning.service import option_weeks, promise
from factory_orders.planning.weekly import apart
from factory_orders.planning.weekly.model import (
    NOTHING_ELSE,
    BookOrder,
    PlanOutlook,
    Shortfall,
    UnitWorth,
    WeekBook,
    WeekCosts,
    WhatIf,
    cost_of_weeks,
)
from factory_orders.planning.weekly.part_limits import PartLimit, TakenParts, part_limits
from factory_orders.planning.weekly.service import plan_outlook, shortfall_text, worth_text
from factory_orders.planning.weekly.solving import first_fit, solve_book
from factory_orders.pools_service import open_pool
from kernel.errors import InvalidInput
from tests.configurator.small_brand import EAST_STORE, PLAIN_CAR, PLANNER
from tests.demand.pool_room import TIERS
from tests.factory_orders.test_parts import BODY, MONDAY, WEEK, answer, call_off, count, supplier
from tests.factory_orders.trade import SYSTEM, Trade

PART: Final = f"part:{BODY}"
COSTS: Final = WeekCosts(wait=42_000, late=1_050_000, without=500_000_000)


def look(trade: Trade, what_if: WhatIf = NOTHING_ELSE) -> PlanOutlook:
    with trade.works.read(PLANNER) as work:
        return plan_outlook(work, "fir_north", what_if=what_if)


def new_weeks(found: PlanOutlook) -> list[date | None]:
    return sorted((new for _, new in found.weeks.values()), key=lambda week: week or date.max)


def promised(trade: Trade) -> Promise:
    day = trade.clock.now().date()
    with trade.works.read(SYSTEM) as work:
        found = promise(
            work,
            PoolingClass("fir", "fir_north", "PT_SMALL", (), "TR_BASE"),
            model="A1",
            options=PLAIN_CAR,
            store_id=EAST_STORE,
            day=day,
            version_id=trade.version_id,
        )
    assert found is not None
    return found


def be_late(trade: Trade, day: date) -> None:
    """Let the bodies that the planned cars need come on another day than their week's Monday."""
    (one,) = call_off(trade).made
    answer(trade, supplier(trade), one, day)


def test_a_part_that_its_supplier_brings_late_moves_the_cars_in_the_plan_and_is_named(trade: Trade) -> None:
    trade.lock(3)
    before = look(trade)

    be_late(trade, MONDAY + 2 * WEEK)
    late = look(trade)
    count(trade, 1)
    one_there = look(trade)

    assert (new_weeks(before), before.shortfalls) == ([MONDAY] * 3, ())
    assert late.now_minor is None
    assert late.shortfalls == (Shortfall(MONDAY, PART, taken=3, capacity=0),)
    assert new_weeks(late) == [MONDAY + 2 * WEEK] * 3
    assert late.cost_minor == late.bound_minor > before.cost_minor
    # What is there goes to one of them.
    assert new_weeks(one_there) == [MONDAY] + [MONDAY + 2 * WEEK] * 2
    assert one_there.shortfalls == (Shortfall(MONDAY, PART, taken=3, capacity=1),)
    assert UnitWorth(MONDAY, PART, (late.cost_minor - before.cost_minor) // 3) in one_there.worth


def test_new_cars_wait_for_a_late_part_in_a_promise_as_in_a_plan(trade: Trade) -> None:
    trade.lock(1)
    before = promised(trade)

    be_late(trade, MONDAY + 5 * WEEK - timedelta(days=2))
    after = promised(trade)
    with trade.works.read(SYSTEM) as work:
        day = trade.clock.now().date()
        weeks = option_weeks(work, "fir_north", model="A1", day=day, version_id=trade.version_id)
    (order_id,) = trade.lock(1, pool_id="9" * 32, first_buyer=9)

    assert trade.build_order_of(order_id).week == MONDAY + 5 * WEEK
    assert after.p50 - before.p50 == after.p90 - before.p90 == 5 * WEEK
    first_free = weeks.weeks["A1"] & -weeks.weeks["A1"]
    assert weeks.first_week + WEEK * (first_free.bit_length() - 1) == MONDAY + 5 * WEEK


def test_a_pool_whose_class_waits_for_a_late_part_is_opened_for_the_weeks_behind_it(trade: Trade) -> None:
    trade.lock(1)
    with trade.works.read(PLANNER) as work:
        cls = class_of_car(work, model="A1", options=PLAIN_CAR, region="east")
    plan = PoolPlan(cls, 8, minimum=3, tiers=TIERS)
    be_late(trade, MONDAY + 8 * WEEK - timedelta(days=2))

    with pytest.raises(InvalidInput, match=str(MONDAY + 8 * WEEK)), trade.works.change(PLANNER) as work:
        open_pool(work, plan, first_week=MONDAY + 4 * WEEK)
    with trade.works.change(PLANNER) as work:
        opened = open_pool(work, plan)

    # Its deadline is three weeks off, and the bodies' lead time of 14 days would end long before they come.
    assert opened.reserved.first_week == MONDAY + 8 * WEEK
    assert opened.pool.head.deadline.date() < MONDAY + 3 * WEEK


def test_what_if_a_part_comes_weeks_late_counts_what_is_there(trade: Trade) -> None:
    trade.lock(3)
    call_off(trade)
    count(trade, 2)

    found = look(trade, WhatIf({}, {BODY: 3}, ()))

    assert new_weeks(found) == [MONDAY, MONDAY, MONDAY + 3 * WEEK]
    assert found.shortfalls == (Shortfall(MONDAY, PART, taken=3, capacity=2),)
    with pytest.raises(InvalidInput, match="NO_SUCH"):
        look(trade, WhatIf({}, {"NO_SUCH": 1}, ()))


def test_what_if_of_a_part_that_nobody_counts_or_called_off_holds_up_every_car_that_takes_it(trade: Trade) -> None:
    trade.lock(2)

    found = look(trade, WhatIf({}, {BODY: 3}, ()))

    assert new_weeks(found) == [MONDAY + 3 * WEEK] * 2


def test_a_part_that_comes_in_time_limits_nothing(trade: Trade) -> None:
    trade.lock(3)
    be_late(trade, MONDAY)

    assert look(trade).now_minor == look(trade).cost_minor
    assert look(trade).shortfalls == ()


def test_a_car_that_takes_four_of_a_part_needs_four_of_them() -> None:
    weeks = [MONDAY + WEEK * number for number in range(4)]
    supply = PartSupply(-2, (Coming(MONDAY, 7), Coming(MONDAY + timedelta(days=8), 4)))
    cars = [TakenParts(f"o{number}", MONDAY, {"WHEEL": 4}) for number in range(3)]
    opens = {"WHEEL": MONDAY + 3 * WEEK}

    (limit,) = part_limits(cars, {"WHEEL": supply}, weeks, opens=opens, late_weeks={})

    assert limit.by_week(weeks) == (1, 1, 2, 5)
    assert limit.lacking(weeks) == [Shortfall(MONDAY, "part:WHEEL", taken=3, capacity=1)]
    assert part_limits(cars[:1], {"WHEEL": supply}, weeks, opens=opens, late_weeks={}) == []
    postponed = PartLimit("WHEEL", supply, 4, MONDAY, [], 7)
    assert postponed.by_week(weeks[:3]) == (0, 1, 1)


supplies = st.lists(st.integers(0, 2), min_size=3, max_size=3).map(lambda some: tuple(sorted(some)))
books = st.builds(
    lambda cars, slots, supply: WeekBook(
        tuple(MONDAY + WEEK * number for number in range(3)),
        ("slot",),
        (tuple(slots),),
        tuple(
            BookOrder(f"o{number}", ("slot",), ready, due, min(ready, 0), None, (PART,) if takes else ())
            for number, (takes, ready, due) in enumerate(cars)
        ),
        COSTS,
        parts=(PART,),
        supply=(supply,),
    ),
    st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 2)), max_size=4),
    st.lists(st.integers(0, 2), min_size=3, max_size=3),
    supplies,
)


@settings(max_examples=8, deadline=None)
@given(books)
def test_a_plan_with_parts_costs_what_brute_force_finds(book: WeekBook) -> None:
    found = solve_book(book)

    every = product([None, *range(3)], repeat=len(book.orders))
    costs = [cost for weeks in every if (cost := cost_of_weeks(book, weeks)) is not None]
    assert cost_of_weeks(book, found.week) == found.cost_minor
    assert found.bound_minor <= min(costs) == found.cost_minor


@settings(max_examples=50, deadline=None)
@given(books)
def test_first_fit_keeps_what_has_come_and_a_book_with_parts_comes_back_from_json(book: WeekBook) -> None:
    assert cost_of_weeks(book, first_fit(book)) is not None
    assert apart.read_book(apart.as_json(book)) == book


def test_what_is_said_of_parts_stands_in_both_languages() -> None:
    worth, lacks = UnitWorth(MONDAY, PART, 420_000), Shortfall(MONDAY, PART, 9, 4)

    assert worth_text(worth, "en") == (
        "part FIR-BODY-A for one more car by the week of 2026-12-07 would save ¥4,200 of waiting and lateness."
    )
    assert worth_text(worth, "zh-CN").startswith("2026-12-07当周前如零件FIR-BODY-A多到一辆车的用量")
    assert shortfall_text(lacks, "en") == (
        "By the week of 2026-12-07 9 cars that have their weeks need part FIR-BODY-A, and it has come for 4: "
        "5 cars lack it."
    )
    assert shortfall_text(lacks, "zh-CN") == ("截至2026-12-07当周，已排产的9辆车需要零件FIR-BODY-A，到货只够4辆，缺5。")
