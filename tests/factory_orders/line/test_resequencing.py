"""Mending an order after a disturbance: few cars move, frozen ones never, and it does not get worse."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from factory_orders.line.errors import PaintRunImpossible
from factory_orders.line.model import LineProblem, Ratio
from factory_orders.line.resequencing import resequence
from factory_orders.line.scoring import is_order_of, score_order
from tests.factory_orders.line.problems import car, problem, problems


@given(problems(most=14, run_max=True), st.integers(0, 8))
def test_no_more_cars_move_than_allowed_and_the_score_never_rises(line: LineProblem, moved_max: int) -> None:
    try:
        mended = resequence(line, moved_max=moved_max)
    except PaintRunImpossible:
        return

    assert is_order_of(line, mended.order)
    assert mended.moved <= moved_max
    assert mended.score == score_order(line, mended.order)
    assert mended.score.beyond_run <= mended.before.beyond_run
    if mended.score.beyond_run == mended.before.beyond_run:
        assert mended.score.weighted(line) <= mended.before.weighted(line)


def test_one_swap_mends_what_one_swap_can_mend() -> None:
    cars = [car(number, "RED", *(["ROOF"] if number in (0, 1, 4) else [])) for number in range(8)]

    mended = resequence(problem(cars, Ratio("ROOF", 1, 2)), moved_max=2)

    assert (mended.before.high, mended.score.high, mended.moved) == (1, 0, 2)


def test_a_run_that_became_too_long_is_broken_up_first() -> None:
    cars = [car(number, "RED" if number < 5 else "BLUE") for number in range(8)]

    mended = resequence(problem(cars, run_max=3), moved_max=2)

    assert (mended.before.beyond_run, mended.score.beyond_run, mended.moved) == (2, 0, 2)
