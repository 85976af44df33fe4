"""The public instances, read in place: what can be solved is solved, every order is feasible and scored anew."""

from __future__ import annotations

import time
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from benchmarks.line import Best, challenge_folders, keep_better, read_best, solve_checked
from benchmarks.public_data import public_data
from factory_orders.line.instance_files import read_problem
from factory_orders.line.scoring import is_order_of, score_order
from factory_orders.line.search import LineSolution, solve_line, warm_up


@pytest.fixture
def folder() -> Path:
    """Return the folder of instances; without it the test passes over and says so above the last line."""
    data = public_data()
    if data is None:
        pytest.skip("NOT RUN: no public instances; MUSTER_DATA names the folder")
    return data


def counted_by_windows(solution: LineSolution) -> tuple[int, int, int]:
    """Count an order once more, window by window from the definition, in other code than the project's own."""
    problem = solution.problem
    assert sorted(car.id for car in solution.order) == sorted(car.id for car in problem.cars)
    line, behind = (*problem.tail, *solution.order), len(problem.tail)
    paints = [car.paint for car in line[max(behind - 1, 0) :]]
    # Yesterday's runs are over, but for the one that the tail ends with.
    runs = [len(list(run)) for _, run in groupby(car.paint for car in line[behind - problem.carried_run :])]
    assert problem.paint_run_max is None or max(runs) <= problem.paint_run_max
    excess = {True: 0, False: 0}
    for ratio in problem.ratios:
        for first in range(behind - ratio.q + 1, len(line)):
            if not problem.whole_windows_only or (first >= 0 and first + ratio.q <= len(line)):
                window = line[max(first, 0) : first + ratio.q]
                excess[ratio.high] += max(0, sum(ratio.option in car.options for car in window) - ratio.p)
    return excess[True], excess[False], sum(one != other for one, other in pairwise(paints))


def test_easy_instances_are_solved_in_few_moves(folder: Path) -> None:
    warm_up()

    left = []
    for file in sorted((folder / "sequencing" / "csplib" / "easy").glob("p*.txt")):
        problem = read_problem(file)
        solution = solve_line(problem, seconds=60, seed=1, moves_max=200_000, clock=time.process_time)
        assert is_order_of(problem, solution.order)
        assert score_order(problem, solution.order) == solution.score
        assert counted_by_windows(solution)[0] == solution.score.high
        left += [file.name] if solution.score.high else []

    assert left == []


@pytest.mark.parametrize(("name", "seed", "moves_max"), [("pb_300_07", 2, 30_000_000), ("pb_400_05", 3, 10_000_000)])
def test_hard_instances_that_have_an_order_without_violation_are_solved_in_few_moves(
    folder: Path, name: str, seed: int, moves_max: int
) -> None:
    warm_up()
    problem = read_problem(folder / "sequencing" / "csplib" / "hard" / f"{name}.txt")

    # By swaps alone a violation or more is left after all of them.
    solution = solve_line(problem, seconds=60, seed=seed, moves_max=moves_max, clock=time.process_time)

    assert solution.score.high == 0


@pytest.mark.prove
def test_every_instance_of_the_challenge_gets_a_feasible_order_near_the_best_known(folder: Path) -> None:
    best = read_best()

    for instance in challenge_folders(folder):
        solution = solve_checked(instance, seconds=5, seed=1)

        assert counted_by_windows(solution) == (solution.score.high, solution.score.low, solution.score.paint_changes)
        # Five CPU seconds are a small part of what the table was made with; a wrong search is off by far more.
        assert solution.bound.weighted(solution.problem) <= solution.score.weighted(solution.problem)
        if instance.name in best:
            assert solution.score.weighted(solution.problem) <= 1.5 * best[instance.name].score + 1_000_000


def test_the_table_of_best_scores_only_improves(tmp_path: Path) -> None:
    table = tmp_path / "best.csv"

    first = keep_better([Best("A", 10, "2026-11-01", 5, 1), Best("B", 7, "2026-11-01", 5, 1)], table)
    second = keep_better([Best("A", 11, "2026-11-02", 5, 2), Best("B", 6, "2026-11-02", 5, 2)], table)

    assert (first, second) == (2, 1)
    assert {name: one.score for name, one in read_best(table).items()} == {"A": 10, "B": 6}
