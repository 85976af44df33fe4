"""A plant's book planned anew: no week is moved by it, what if is answered, and conflicts are named."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from factory_orders import queries
from factory_orders.planning.weekly.model import NOTHING_ELSE, PlanOutlook, WhatIf
from factory_orders.planning.weekly.service import plan_outlook
from factory_orders.slotting.conflict import find_conflict
from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem
from kernel.errors import Forbidden, InvalidInput
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import Trade, buyer

CARS = 6


def look(trade: Trade, what_if: WhatIf = NOTHING_ELSE) -> PlanOutlook:
    with trade.works.read(PLANNER) as work:
        return plan_outlook(work, "fir_north", what_if=what_if)


def first_week(trade: Trade) -> date:
    return min(one.week for one in trade.build_orders())


def test_weeks_that_are_the_best_already_are_left_alone(trade: Trade) -> None:
    orders = trade.lock(CARS)
    before = trade.build_orders()

    found = look(trade)

    assert (found.orders, found.unslotted, found.conflict) == (CARS, (), None)
    assert found.cost_minor == found.bound_minor == found.now_minor
    assert {order: weeks[0] == weeks[1] for order, weeks in found.weeks.items()} == dict.fromkeys(orders, True)
    assert trade.build_orders() == before


def test_weeks_stay_the_best_as_days_go_by_since_their_parts_were_asked_for_long_ago(trade: Trade) -> None:
    trade.lock(CARS)
    trade.clock.advance(timedelta(days=4))

    found = look(trade)

    assert found.cost_minor == found.bound_minor == found.now_minor
    assert found.moved == 0


def test_a_plant_that_stands_still_builds_a_week_later(trade: Trade) -> None:
    trade.lock(CARS)
    week = first_week(trade)

    found = look(trade, WhatIf({}, {}, (week,)))

    assert {new for _, new in found.weeks.values()} == {week + timedelta(days=7)}
    assert found.now_minor is None
    # With room for one car, one waits seven days less: no more than that, though there is no room at all.
    assert [(one.week, one.resource, one.worth_minor) for one in found.worth] == [(week, "slot", 7 * 6_000)]
    one_car = look(trade, WhatIf({(week, "slot"): 1}, {}, ()))
    assert found.cost_minor - one_car.cost_minor == 7 * 6_000


def test_less_room_moves_the_cars_beyond_it_and_says_what_one_more_is_worth(trade: Trade) -> None:
    trade.lock(CARS)
    week = first_week(trade)

    found = look(trade, WhatIf({(week, "slot"): 4}, {}, ()))

    assert sorted(new == week for _, new in found.weeks.values()) == [False] * 2 + [True] * 4
    waiting = next(one for one in found.worth if (one.week, one.resource) == (week, "slot"))
    # One more car in that week is one that waits seven days less, at 60 yuan a day.
    assert waiting.worth_minor == 7 * 6_000


def test_a_part_that_comes_late_holds_up_the_cars_that_need_it(trade: Trade) -> None:
    orders = trade.lock(CARS)

    found = look(trade, WhatIf({}, {"A1": 3}, ()))

    assert {found.weeks[order][1] for order in orders} == {first_week(trade) + timedelta(weeks=3)}


def test_a_car_that_has_begun_keeps_its_week(trade: Trade) -> None:
    orders = trade.lock(2)
    trade.build(orders[0])

    assert set(look(trade).weeks) == {orders[1]}


def test_only_who_reads_batches_may_look_and_unknown_weeks_are_refused(trade: Trade) -> None:
    trade.lock(1)

    with trade.works.read(buyer()) as work, pytest.raises(Forbidden):
        plan_outlook(work, "fir_north")
    with pytest.raises(InvalidInput, match="weeks are planned from"):
        look(trade, WhatIf({(date(2020, 1, 6), "slot"): 4}, {}, ()))
    with trade.works.read(PLANNER) as work:
        assert queries.waiting_count(work, trade.build_orders()[0].plant_id) == 0


def crowded(*, roofs: int) -> SlotProblem:
    """Return six orders, four of them with a roof, for two days that take three cars each."""
    needs = np.array([(True, number < 4, number < 2) for number in range(6)], np.bool_)
    zero = np.zeros(6, np.int64)
    capacity = np.array([[3, 3], [roofs, roofs], [6, 6]], np.int64)
    limits = SlotLimits(("slot", "ROOF", "HOOK"), capacity, (), np.zeros((0, 2), np.int64))
    return SlotProblem(SlotOrders(needs, np.zeros((6, 0), np.bool_), zero, zero, zero), limits, SlotCosts())


def test_the_fewest_limits_in_conflict_are_named() -> None:
    conflict = find_conflict(crowded(roofs=1))

    assert conflict is not None
    assert (conflict.limits, conflict.days, conflict.short, conflict.short_in_all) == (("ROOF",), (0, 1), 2, 2)


def test_where_all_find_a_day_nothing_is_in_conflict() -> None:
    assert find_conflict(crowded(roofs=2)) is None
