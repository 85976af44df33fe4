"""The search: bounds that hold, runs that are kept, the optimum on lines small enough to try every order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.line.bounds import lower_bound, ratio_bound
from factory_orders.line.errors import PaintRunImpossible
from factory_orders.line.model import LineProblem, Objective, Ratio
from factory_orders.line.scoring import excess, is_order_of, score_order
from factory_orders.line.search import Progress, solve_line
from tests.factory_orders.line.problems import car, problem, problems

MOVES = 20_000


def every_score(line: LineProblem) -> list[tuple[int, int]]:
    """Return cars beyond the run and the weighted score of every order."""
    head = line.cars[: line.frozen]
    scores = (score_order(line, (*head, *rest)) for rest in permutations(line.cars[line.frozen :]))
    return [(score.beyond_run, score.weighted(line)) for score in scores]


@settings(max_examples=40)
@given(problems(most=5, run_max=True))
def test_the_search_finds_what_trying_every_order_finds(line: LineProblem) -> None:
    held = score_order(line, line.cars[: line.frozen]).beyond_run
    allowed = [weighted for beyond, weighted in every_score(line) if beyond == held]

    try:
        solution = solve_line(line, seconds=30, moves_max=MOVES)
    except PaintRunImpossible:
        assert not allowed
        return

    assert solution.score.weighted(line) == min(allowed)
    assert solution.gap >= 0


@settings(max_examples=40)
@given(problems(most=6))
def test_no_order_beats_the_bound_of_any_objective(line: LineProblem) -> None:
    bound = lower_bound(line)

    head = line.cars[: line.frozen]
    orders = [(*head, *rest) for rest in permutations(line.cars[line.frozen :])]
    for objective in Objective:
        assert bound.of(objective) <= min(score_order(line, order).of(objective) for order in orders)
    for ratio in line.ratios:
        assert ratio_bound(line, ratio) <= min(excess(line, ratio, order) for order in orders)


def test_the_bound_of_one_ratio_is_reached_where_it_is_alone() -> None:
    cars = [car(number, "RED", *(["ROOF"] if number < 7 else [])) for number in range(10)]

    solution = solve_line(problem(cars, Ratio("ROOF", 1, 2)), seconds=30, moves_max=MOVES)

    assert solution.score.high == solution.bound.high == 3
    assert solution.gap_share == 0


def test_the_same_seed_and_moves_give_the_same_order() -> None:
    cars = [car(number, "RED" if number % 3 else "BLUE", *(["ROOF"] if number % 2 else [])) for number in range(40)]
    line = problem(cars, Ratio("ROOF", 1, 3), run_max=4)

    first, second = (solve_line(line, seconds=30, seed=7, moves_max=MOVES) for _ in range(2))

    assert first.order == second.order


def test_frozen_cars_stay_and_nobody_is_lost() -> None:
    cars = [car(number, "RED", *(["ROOF"] if number < 20 else [])) for number in range(40)]
    line = problem(cars, Ratio("ROOF", 1, 2), frozen=5)

    solution = solve_line(line, seconds=30, moves_max=MOVES)

    assert is_order_of(line, solution.order)
    # The five frozen cars exceed four times; the fifteen others find twenty places of which every second is free.
    assert solution.score.high == 4


@given(st.lists(st.sampled_from(("RED", "BLUE", "GOLD")), min_size=1, max_size=30), st.integers(1, 5))
def test_paint_runs_are_kept_or_the_paint_that_cannot_is_named(paints: list[str], run_max: int) -> None:
    line = problem([car(number, paint) for number, paint in enumerate(paints)], run_max=run_max)

    try:
        solution = solve_line(line, seconds=30, moves_max=1_000)
    except PaintRunImpossible as refusal:
        named = refusal
    else:
        assert solution.score.beyond_run == 0
        return
    assert paints.count(named.paint) == named.cars > run_max * (named.others + 1)
    assert named.cars <= named.run_needed * (named.others + 1)


def test_a_run_that_the_day_before_filled_is_refused_with_what_it_needs() -> None:
    line = problem([car(1), car(2)], tail=(car(8), car(9)), run_max=2)

    with pytest.raises(PaintRunImpossible) as refused:
        solve_line(line, seconds=1)

    assert refused.value == PaintRunImpossible("RED", cars=2, others=0, run_max=2, run_needed=4)


def test_progress_is_told_and_never_gets_worse() -> None:
    cars = [
        car(number, "RED", *(["ROOF"] if number % 2 else []), *(["HOOK"] if number % 3 else [])) for number in range(60)
    ]
    told: list[Progress] = []

    solve_line(problem(cars, Ratio("ROOF", 1, 2), Ratio("HOOK", 2, 3)), seconds=30, moves_max=400_000, tell=told.append)

    assert [one.best for one in told] == sorted((one.best for one in told), reverse=True)
    assert all(one.best >= one.bound for one in told)
