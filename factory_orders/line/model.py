"""A day's line as plain values: cars, ratio limits, paint, what comes before, and which objective counts how much.

The definition of every figure is in docs/decisions/017-line-objective.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

WEIGHTS: Final = (1_000_000, 1_000, 1)
"""What one unit of the first, second and third objective counts."""
OPTIONS_MAX: Final = 62
"""Options with a limit fit into one machine word, with room for a sign."""


class Objective(Enum):
    """What a line order is judged by; a problem names them in their order of importance."""

    HIGH = "high priority ratios"
    LOW = "low priority ratios"
    PAINT = "paint changes"


@dataclass(frozen=True, slots=True)
class Ratio:
    """At most `p` cars with the option in any `q` in a row; `high` is its priority."""

    option: str
    p: int
    q: int
    high: bool = True


@dataclass(frozen=True, slots=True)
class LineCar:
    """A car for the line; `options` are those with a ratio limit."""

    id: str
    paint: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """The cars of a day in the order given; `tail` was built before them, the first `frozen` of them stay in place.

    No more than `paint_run_max` cars of one paint may follow each other, the run that the tail ends with included;
    None is no limit. With `whole_windows_only` a window that reaches over either end of the line is not looked at.
    """

    name: str
    cars: tuple[LineCar, ...]
    ratios: tuple[Ratio, ...]
    objectives: tuple[Objective, ...]
    tail: tuple[LineCar, ...] = ()
    frozen: int = 0
    paint_run_max: int | None = None
    whole_windows_only: bool = False

    def __post_init__(self) -> None:
        assert 0 <= self.frozen <= len(self.cars), "only cars of the day are frozen"
        assert len(self.ratios) <= OPTIONS_MAX, "the options with a limit fit into one word"
        assert len(set(self.objectives)) == len(self.objectives) <= len(WEIGHTS), "each objective counts once"
        assert all(1 <= ratio.p <= ratio.q for ratio in self.ratios), "at most p in q"

    def weight(self, objective: Objective) -> int:
        """Return what one unit of an objective counts; one that is not named counts nothing."""
        return WEIGHTS[self.objectives.index(objective)] if objective in self.objectives else 0

    @property
    def carried_run(self) -> int:
        """Return how many cars of one paint the tail ends with."""
        run = 0
        for car in reversed(self.tail):
            if car.paint != self.tail[-1].paint:
                break
            run += 1
        return run


@dataclass(frozen=True, slots=True)
class LineScore:
    """What an order breaks: excess over the ratios by priority, paint changes, cars beyond the longest paint run."""

    high: int
    low: int
    paint_changes: int
    beyond_run: int = 0

    def of(self, objective: Objective) -> int:
        """Return one objective's figure."""
        match objective:
            case Objective.HIGH:
                return self.high
            case Objective.LOW:
                return self.low
            case Objective.PAINT:
                return self.paint_changes

    def weighted(self, problem: LineProblem) -> int:
        """Return the challenge's figure: 10⁶, 10³ and 1 times the objectives in the problem's order."""
        return sum(problem.weight(objective) * self.of(objective) for objective in problem.objectives)
