"""What one more unit is said to save is what the optimum loses by it, against every plan, also without room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from factory_orders.slotting.linear import Programme
from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem
from factory_orders.slotting.solve import plan_slots
from factory_orders.slotting.worth import Worth, price_exactly
from tests.factory_orders.slotting.test_slotting import COSTS, cheapest, crowd, problems

EVERY = 1_000


def with_one_more(problem: SlotProblem, one: Worth) -> SlotProblem:
    """Return the problem with one more unit of a limit on a day, or of a part that comes then."""
    limits = problem.limits
    capacity, supply = limits.capacity.copy(), limits.supply.copy()
    if one.row < len(limits.names):
        capacity[one.row, one.day] += 1
    else:
        supply[one.row - len(limits.names), one.day :] += 1
    return replace(problem, limits=replace(limits, capacity=capacity, supply=supply))


@settings(max_examples=40, deadline=None)
@given(problems())
def test_a_unit_saves_what_trying_every_plan_says(problem: SlotProblem) -> None:
    plan = plan_slots(problem, moves=2_000)

    priced, worths = price_exactly(problem, plan, most=EVERY)

    optimum = cheapest(problem)
    assert plan.bound <= priced.bound <= optimum
    assert [one.saves for one in worths] == [optimum - cheapest(with_one_more(problem, one)) for one in worths]
    assert all(one.saves > 0 for one in worths)


def still(number: int, room: list[int]) -> SlotProblem:
    """Return orders that all want the first day; each day has room for so many cars."""
    zero = np.zeros(number, np.int64)
    none = np.zeros((number, 0), np.bool_)
    return SlotProblem(
        SlotOrders(np.ones((number, 1), np.bool_), none, zero, zero + 9, zero),
        SlotLimits(("slot",), np.array([room], np.int64), (), np.zeros((0, len(room)), np.int64)),
        COSTS,
    )


def test_a_day_without_room_is_worth_what_one_car_saves_by_it_and_no_more() -> None:
    problem = still(6, [0, 3, 3, 3])

    priced, worths = price_exactly(problem, plan_slots(problem, moves=2_000), most=EVERY)

    # One car comes forward by two days: from the last day that is used to the first.
    assert priced.gap == 0
    assert worths == [Worth(0, 0, 2 * COSTS.wait_day), Worth(0, 1, COSTS.wait_day)]


def test_of_the_units_the_dearest_are_kept() -> None:
    problem = crowd(40, 4)

    every = price_exactly(problem, plan_slots(problem), most=EVERY)[1]
    dearest = price_exactly(problem, plan_slots(problem), most=3)[1]

    # One car of the last day is built on the first one: nine days less to wait, seven of them late.
    assert every[0] == Worth(0, 0, 9 * COSTS.wait_day + 7 * COSTS.late_day)
    assert [one.saves for one in dearest] == [one.saves for one in every[:3]]


@pytest.mark.parametrize("orders", [0, 3])
def test_without_days_or_orders_nothing_is_worth_anything(orders: int) -> None:
    problem = still(orders, [] if orders else [0])
    plan = plan_slots(problem)

    assert price_exactly(problem, plan, most=EVERY) == (plan, [])


def test_a_programme_that_takes_too_many_steps_says_nothing() -> None:
    assert Programme(crowd(90, 5)).solve(iterations_max=1) is None


def test_orders_that_differ_in_their_waiting_alone_are_one_kind() -> None:
    one = still(3, [2])
    since = np.array([0, -5, -2], np.int64)
    problem = replace(one, orders=replace(one.orders, since=since), costs=SlotCosts(100, 1_000, 5_000))
    programme = Programme(problem)

    assert programme.kinds.number.tolist() == [3]
    # To have no day costs everybody the same, so it is the one who has waited longest whose waiting is saved.
    assert programme.solve(iterations_max=100) == programme.whole_cost() == 0 + 200 + 5_000
