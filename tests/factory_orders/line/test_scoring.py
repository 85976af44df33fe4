"""The score as the challenge defines it, on lines small enough to count by hand."""

from __future__ import annotations

import pytest

from factory_orders.line.model import LineScore, Objective, Ratio
from factory_orders.line.scoring import is_order_of, score_order
from tests.factory_orders.line.problems import car, problem

HALF = Ratio("ROOF", 1, 2)
THIRD = Ratio("ROOF", 1, 3)


def test_each_window_counts_by_how_much_it_exceeds() -> None:
    line = problem([car(number, "RED", "ROOF") for number in range(3)], THIRD)

    # Windows ending at places 0 to 4 hold 1, 2, 3, 2 and 1 of them.
    assert score_order(line, line.cars).high == 0 + 1 + 2 + 1 + 0


def test_windows_that_begin_in_the_day_before_count_what_stood_there() -> None:
    line = problem([car(1, "RED", "ROOF"), car(2)], THIRD, tail=(car(8, "RED", "ROOF"), car(9)))

    assert score_order(line, line.cars).high == 1


def test_windows_that_lie_in_the_day_before_do_not_count() -> None:
    line = problem([car(1), car(2)], HALF, tail=(car(7, "RED", "ROOF"), car(8, "RED", "ROOF"), car(9)))

    assert score_order(line, line.cars).high == 0


def test_shortened_windows_at_the_end_count_unless_only_whole_ones_do() -> None:
    cars = [car(1), car(2), car(3, "RED", "ROOF"), car(4, "RED", "ROOF")]

    assert score_order(problem(cars, THIRD), cars).high == 2
    assert score_order(problem(cars, THIRD, whole=True), cars).high == 1


def test_priorities_are_counted_apart() -> None:
    cars = [car(number, "RED", "ROOF", "HOOK") for number in range(2)]

    score = score_order(problem(cars, HALF, Ratio("HOOK", 1, 2, high=False)), cars)

    assert (score.high, score.low) == (1, 1)


def test_a_change_of_paint_from_the_day_before_counts() -> None:
    cars = [car(1, "BLUE"), car(2, "RED")]

    assert score_order(problem(cars), cars).paint_changes == 1
    assert score_order(problem(cars, tail=(car(9, "RED"),)), cars).paint_changes == 2


def test_a_paint_run_goes_on_from_the_day_before() -> None:
    cars = [car(1), car(2), car(3)]

    assert score_order(problem(cars, run_max=3), cars).beyond_run == 0
    assert score_order(problem(cars, run_max=3, tail=(car(8, "BLUE"), car(9))), cars).beyond_run == 1


@pytest.mark.parametrize(
    ("order", "weighted"),
    [
        ((Objective.HIGH, Objective.PAINT, Objective.LOW), 2_003_005),
        ((Objective.PAINT, Objective.HIGH, Objective.LOW), 3_002_005),
        ((Objective.HIGH, Objective.LOW, Objective.PAINT), 2_005_003),
        ((Objective.PAINT, Objective.HIGH), 3_002_000),
    ],
)
def test_objectives_weigh_by_their_order(order: tuple[Objective, ...], weighted: int) -> None:
    assert LineScore(high=2, low=5, paint_changes=3).weighted(problem([], objectives=order)) == weighted


def test_an_order_has_each_car_once_and_the_frozen_ones_in_place() -> None:
    first, second, third = car(1), car(2), car(3)
    line = problem([first, second, third], frozen=1)

    assert is_order_of(line, [first, third, second])
    assert not is_order_of(line, [second, first, third])
    assert not is_order_of(line, [first, second])
    assert not is_order_of(line, [first, second, second])
