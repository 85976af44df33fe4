"""A plan keeps every limit, its bound lies below every plan, and small ones are as good as trying everything."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.slotting.model import (
    UNSLOTTED,
    SlotCosts,
    SlotLimits,
    SlotOrders,
    SlotPrices,
    SlotProblem,
)
from factory_orders.slotting.scoring import bound_of, cost_of
from factory_orders.slotting.solve import plan_slots

DAYS, LIMITS, PARTS = 3, 2, 1
COSTS = SlotCosts(wait_day=100, late_day=1_000, unslotted=100_000)
counts = st.integers(0, 2)


@st.composite
def problems(draw: st.DrawFn, orders_max: int = 5) -> SlotProblem:
    """Draw orders that all take the slot, perhaps an option and a part, and three days."""
    number = draw(st.integers(0, orders_max))
    rows = [
        (draw(st.booleans()), draw(st.booleans()), draw(st.integers(-1, DAYS)), draw(st.integers(-2, DAYS + 1)))
        for _ in range(number)
    ]
    ready = np.array([row[2] for row in rows], np.int64)
    capacity = np.array([[draw(counts) for _ in range(DAYS)] for _ in range(LIMITS)], np.int64)
    supply = np.cumsum([[draw(counts) for _ in range(DAYS)] for _ in range(PARTS)], axis=1).astype(np.int64)
    return SlotProblem(
        SlotOrders(
            np.array([(True, row[0]) for row in rows], np.bool_).reshape(number, LIMITS),
            np.array([(row[1],) for row in rows], np.bool_).reshape(number, PARTS),
            np.maximum(ready, 0),
            np.array([row[3] for row in rows], np.int64),
            ready - 2,
        ),
        SlotLimits(("slot", "ROOF"), capacity, ("battery",), supply),
        COSTS,
    )


def cheapest(problem: SlotProblem) -> int:
    """Try every plan."""
    best = problem.orders.number * COSTS.unslotted
    for days in product(range(UNSLOTTED, DAYS), repeat=problem.orders.number):
        try:
            best = min(best, cost_of(problem, np.array(days, np.int64)))
        except AssertionError:
            continue
    return best


@settings(max_examples=25, deadline=None)
@given(problems())
def test_small_plans_are_as_good_as_any_and_no_plan_beats_the_bound(problem: SlotProblem) -> None:
    plan = plan_slots(problem, moves=20_000)

    assert plan.bound <= cheapest(problem) == plan.cost == cost_of(problem, plan.day)


@given(problems(4), st.lists(st.integers(0, 120_000), min_size=DAYS * 3, max_size=DAYS * 3))
def test_no_prices_whatever_claim_more_than_the_optimum(problem: SlotProblem, prices: list[int]) -> None:
    grid = np.array(prices, np.int64).reshape(3, DAYS)

    assert bound_of(problem, SlotPrices(grid[:LIMITS], grid[LIMITS:])) <= cheapest(problem)


def crowd(number: int, slots: int) -> SlotProblem:
    """Return orders that all want the first day, a third of them with an option that one car a day can have."""
    needs = np.ones((number, 2), np.bool_)
    needs[:, 1] = np.arange(number) % 3 == 0
    zero = np.zeros(number, np.int64)
    days = number // slots + 2
    capacity = np.array([[slots] * days, [max(slots // 2, 1)] * days], np.int64)
    return SlotProblem(
        SlotOrders(needs, np.zeros((number, 0), np.bool_), zero, zero + 2, zero),
        SlotLimits(("slot", "ROOF"), capacity, (), np.zeros((0, days), np.int64)),
        COSTS,
    )


def test_who_has_room_somewhere_is_planned_and_the_bound_is_near() -> None:
    plan = plan_slots(crowd(600, 20))

    assert plan.unslotted == 0
    assert plan.gap <= 0.01


def test_a_price_says_what_one_more_slot_saves() -> None:
    problem = crowd(40, 4)
    more = problem.limits.capacity.copy()
    more[0, 0] += 1
    limits = SlotLimits(problem.limits.names, more, (), problem.limits.supply)

    before = plan_slots(problem)
    after = plan_slots(SlotProblem(problem.orders, limits, COSTS))

    # One car of the last day is built on the first one: ten days less to wait, seven of them late.
    saved = before.cost - after.cost
    assert saved == 9 * COSTS.wait_day + 7 * COSTS.late_day
    assert abs(int(before.prices.limits[0, 0]) - saved) <= 0.15 * saved


def test_the_same_seed_gives_the_same_plan() -> None:
    first, second = (plan_slots(crowd(90, 5), moves=5_000, seed=4) for _ in range(2))

    assert first.day.tolist() == second.day.tolist()


def test_a_plan_that_breaks_a_limit_is_none() -> None:
    problem = crowd(6, 2)

    with pytest.raises(AssertionError, match="no day takes more"):
        cost_of(problem, np.zeros(6, np.int64))
    with pytest.raises(AssertionError, match="before they are ready"):
        cost_of(problem, np.full(6, -2, np.int64))


def test_without_a_single_day_nobody_gets_one() -> None:
    problem = crowd(3, 1)
    none = np.zeros((2, 0), np.int64)

    plan = plan_slots(SlotProblem(problem.orders, SlotLimits(("slot", "ROOF"), none, (), none[:0]), COSTS))

    assert (plan.unslotted, plan.cost, plan.bound) == (3, 3 * COSTS.unslotted, 3 * COSTS.unslotted)
