"""The benchmarks of the line and of days for orders say what was to be reached beside what was, and judge it right."""

from __future__ import annotations

import pytest

from benchmarks import slotting
from benchmarks.line import CHALLENGE_SECONDS, Best, challenge_row
from benchmarks.targets import cells_of, every
from factory_orders.line.search import LineSolution, solve_line
from tests.factory_orders.line.problems import car, problem


def test_what_a_run_cannot_tell_is_neither_reached_nor_missed() -> None:
    assert cells_of("≤ 2 s", True) == "≤ 2 s | yes"
    assert cells_of("≤ 2 s", False) == "≤ 2 s | **no**"
    assert (every(True, True), every(True, None), every(None, False)) == (True, None, False)


def solved() -> LineSolution:
    return solve_line(problem([car(1), car(2, "BLUE"), car(3)]), seconds=0.1, moves_max=10)


@pytest.mark.parametrize(
    ("score", "seconds", "above", "reached"),
    [
        (990, CHALLENGE_SECONDS, "-1.00%", True),
        (1_010, CHALLENGE_SECONDS, "1.00%", True),
        (1_011, CHALLENGE_SECONDS, "1.10%", False),
        (1_011, 3.0, "1.10%", None),
    ],
)
def test_a_line_is_held_against_the_table_as_it_was_kept(
    score: int, seconds: float, above: str, reached: bool | None
) -> None:
    kept = Best("one", 1_000, "2026-11-27", 3.0, 1)

    row, judged = challenge_row(solved(), Best("one", score, "2026-12-01", seconds, 2), kept, cpu=1.0)

    assert judged is reached
    assert f"| 1,000 | 2026-11-27, seed 1, 3 s | {above} |" in row


def test_an_instance_that_the_table_does_not_have_is_not_judged() -> None:
    row, judged = challenge_row(solved(), Best("one", 5, "2026-12-01", 60.0, 2), None, cpu=1.0)

    assert judged is None
    assert row.count("|") == 12


def judged(*, orders: int = 100_000, bound: int = 995, seconds: float = 60, without: int = 3) -> list[bool | None]:
    found = slotting.judge(orders=orders, cost=1_000, bound=bound, seconds=seconds, without=without, without_at_least=3)
    return list(found)


def test_days_are_judged_by_gap_time_and_who_could_have_had_one() -> None:
    assert judged() == [True, True, True]
    assert judged(bound=994) == [False, True, True]
    assert judged(seconds=60.1) == [True, False, True]
    assert judged(without=4) == [True, True, False]
    assert judged(orders=1_000, bound=0) == [None, None, True]


def test_a_small_run_prints_what_was_to_be_reached_and_does_not_judge_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert slotting.main(["--orders", "300", "--moves", "20"]) == 0

    heading, _, row = capsys.readouterr().out.splitlines()[-3:]
    assert heading.endswith("| to reach | reached |")
    assert heading.count("|") == row.count("|")
    assert row.endswith("| gap ≤ 0.5 %, ≤ 60 CPU s, none avoidably without a day | not judged |")
