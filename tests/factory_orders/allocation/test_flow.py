"""The allocation costs as little as trying everything finds, its prices prove it, and mending ends where anew would."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_orders.allocation.flow import allocate, prices_of
from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of
from factory_orders.allocation.proof import bound_of, cost_of
from factory_orders.allocation.repair import mend

ROOT: Final = Path(__file__).parents[3]
PLACES = 3
costs = st.integers(-20, 20)


@st.composite
def problems(draw: st.DrawFn, cars_max: int = 5) -> AllocationProblem:
    """Draw cars with some of three places each, and a fourth where everybody may wait at a cost of their own."""
    cars = draw(st.integers(0, cars_max))
    rows = []
    for _ in range(cars):
        open_ones = draw(st.sets(st.integers(0, PLACES - 1)))
        rows.append([(place, draw(costs)) for place in sorted(open_ones)] + [(PLACES, draw(costs))])
    steps = []
    for _ in range(PLACES):
        prices = sorted(draw(st.lists(costs, max_size=3)))
        steps.append([(draw(st.integers(0, 2)), price) for price in prices])
    return AllocationProblem(ways_of(rows), steps_of([*steps, [(cars + 1, 0)]]))


def cheapest(problem: AllocationProblem) -> int:
    """Try every allocation."""
    ways, steps = problem.ways, problem.steps
    rows = [range(ways.first[car], ways.first[car + 1]) for car in range(ways.cars)]
    best = None
    for chosen in product(*rows):
        count = np.bincount(ways.place[list(chosen)], minlength=steps.places)
        if (count > steps.room()).any():
            continue
        paid = sum(int(ways.cost[way]) for way in chosen)
        for place in range(steps.places):
            seats = [
                int(steps.cost[step])
                for step in range(steps.first[place], steps.first[place + 1])
                for _ in range(steps.width[step])
            ]
            paid += sum(sorted(seats)[: count[place]])
        best = paid if best is None else min(best, paid)
    assert best is not None
    return best


@given(problems())
def test_nothing_costs_less_than_the_flow_and_the_prices_prove_it(problem: AllocationProblem) -> None:
    found = allocate(problem)

    assert found.cost == found.bound == cheapest(problem)


@given(problems())
def test_compiled_code_finds_the_prices_of_plain_code(problem: AllocationProblem) -> None:
    found = allocate(problem)

    assert prices_of(problem, found.place, plain_ways_max=-1).tolist() == found.prices.tolist()


SMALL: Final = """
import sys
from factory_orders.allocation.flow import allocate
from factory_orders.allocation.model import AllocationProblem, steps_of, ways_of

ways, steps = [[(0, 5), (1, 7)], [(0, 1), (1, 2)]], [[(1, 0)], [(2, 0)]]
found = allocate(AllocationProblem(ways_of(ways), steps_of(steps)))
print(found.cost, found.bound, "numba" in sys.modules)
"""


def test_a_handful_of_cars_is_allocated_and_proven_without_a_compiler() -> None:
    told = subprocess.run([sys.executable, "-c", SMALL], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["7", "7", "False"]


@given(problems(), st.lists(st.integers(-30, 30), min_size=PLACES + 1, max_size=PLACES + 1))
def test_no_prices_whatever_claim_more_than_the_optimum(problem: AllocationProblem, prices: list[int]) -> None:
    assert bound_of(problem, np.array(prices, np.int64)) <= cheapest(problem)


@given(problems(8), problems(8), st.data())
def test_mending_from_any_places_and_prices_ends_at_the_optimum(
    before: AllocationProblem, after: AllocationProblem, data: st.DataObject
) -> None:
    old = allocate(before)
    places = data.draw(
        st.lists(st.integers(-1, PLACES), min_size=after.ways.cars, max_size=after.ways.cars), label="places"
    )

    mended = mend(after, np.array(places, np.int32), old.prices)

    assert mended.cost == mended.bound == allocate(after).cost


def test_an_allocation_that_could_be_better_has_no_prices() -> None:
    problem = AllocationProblem(ways_of([[(0, 1), (1, 5)], [(0, 5), (1, 1)]]), steps_of([[(1, 0)], [(1, 0)]]))

    assert cost_of(problem, np.array([0, 1], np.int32)) == 2
    with pytest.raises(AssertionError, match="negative circle"):
        prices_of(problem, np.array([1, 0], np.int32))


def test_a_place_that_is_full_or_not_a_cars_own_is_no_allocation() -> None:
    problem = AllocationProblem(ways_of([[(0, 1)], [(0, 1), (1, 2)]]), steps_of([[(1, 0)], [(1, 0)]]))

    with pytest.raises(AssertionError, match="more than it can"):
        cost_of(problem, np.array([0, 0], np.int32))
    with pytest.raises(AssertionError, match="one of its ways"):
        cost_of(problem, np.array([1, 0], np.int32))


def test_steps_that_get_cheaper_are_no_steps() -> None:
    with pytest.raises(AssertionError, match="never cheaper"):
        steps_of([[(1, 3), (1, 2)]])
