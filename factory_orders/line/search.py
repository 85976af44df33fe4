"""Finds a good order within some seconds: builds one, then anneals it objective by objective, the first one first.

The temperature stands at the weight of one objective at a time, so that more important ones are as good as fixed and
less important ones decide only between equals. The same seed and number of moves give the same order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factory_orders.line.annealing import BEST, NOW, SHARES, anneal
from factory_orders.line.bounds import lower_bound
from factory_orders.line.construction import construct
from factory_orders.line.model import LineCar, LineProblem, LineScore, Objective, Ratio
from factory_orders.line.scoring import is_order_of, score_order
from factory_orders.line.state import PAINT_WEIGHT, Line, Places, State, open_state, prepare, weighted_score

MOVES_AT_ONCE: Final = 50_000
HOT, COLD = 0.14, 0.09
"""Temperatures in units of an objective's weight, from the beginning of its turn to the end."""
SHORT_LINE, SHORT_LINE_HEAT = 100, 0.14
"""Up to so many cars a single objective is searched at one temperature, and each cycle begins afresh.

What has no violation is found within a second then, or seldom at all: a search that sits in a dead end goes on sitting.
"""
CYCLE_SECONDS, SHORT_CYCLE_SECONDS = 30.0, 2.0
"""How long a cycle of all objectives takes, and one of a single objective."""
FIRST_WALK, LAST_WALK = 0.12, 0.92
"""Until when the search only walks down, and from when it does again, as shares of the effort."""
SHARES_WITHOUT_PAINT: Final = (724, 200, 0, 0, 60, 40)
"""Mostly swaps, which are cheap. But to turn a good stretch round, or to shift it by a place, takes many of them, each
of which breaks it first: a tenth of the moves does that at once.
"""
SHARES_WITH_PAINT: Final = (300, 150, 300, 150, 74, 50)
WINDOWS_AT_FULL_SHARE: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How a search stands: seconds and moves so far, the best score, and what cannot be beaten, both weighted."""

    seconds: float
    moves: int
    best: int
    bound: int


@dataclass(frozen=True, slots=True)
class LineSolution:
    """An order with its score, counted from scratch, and the bound on each objective."""

    problem: LineProblem
    order: tuple[LineCar, ...]
    score: LineScore
    bound: LineScore
    moves: int
    seconds: float

    @property
    def gap(self) -> int:
        """Return by how much the weighted score may lie above the optimum at most."""
        return self.score.weighted(self.problem) - self.bound.weighted(self.problem)

    @property
    def gap_share(self) -> float:
        """Return the same as a share of the score; 0 is proven optimal."""
        return self.gap / self.score.weighted(self.problem) if self.gap else 0.0


def solve_line(
    problem: LineProblem,
    *,
    seconds: float,
    seed: int = 1,
    moves_max: int | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
    clock: Callable[[], float] = time.perf_counter,
) -> LineSolution:
    """Order a day's line in that many seconds or moves, whichever end first; refuses PaintRunImpossible.

    With `moves_max` the result does not depend on how fast the machine is, as long as the seconds suffice. `clock`
    says what a second is: with `time.process_time` a busy machine costs the search nothing.
    """
    bound = lower_bound(problem)
    line = prepare(problem)
    run = _Run(problem, line, bound, seconds, seed, moves_max, clock)
    best = run.search(construct(line), tell)
    order = cars_in_order(line, best)
    assert is_order_of(problem, order), "the search loses no car"
    score = score_order(problem, order)
    assert score.weighted(problem) == run.best, "the search counts as the evaluator does"
    held = score_order(problem, order[: problem.frozen])
    assert score.beyond_run == held.beyond_run, "only cars that stay in place may stand in too long a run"
    return LineSolution(problem, order, score, bound, run.moves, run.elapsed())


def cars_in_order(line: Line, classes: Sequence[int] | Places) -> tuple[LineCar, ...]:
    """Put cars in the places of their classes, those of one class in the order given."""
    waiting = [iter(members) for members in line.members]
    return tuple(next(waiting[kind]) for kind in classes)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A part of the effort in which one objective is annealed; without an objective the search only walks down."""

    begins: float
    ends: float
    objective: int | None
    is_steady: bool = False

    def temperature(self, weights: Sequence[int], share: float) -> float:
        """Return the temperature at a share of the whole effort."""
        if self.objective is None:
            return 0.0
        if self.is_steady:
            return float(weights[self.objective] * SHORT_LINE_HEAT)
        through = min((share - self.begins) / (self.ends - self.begins), 1.0)
        return float(weights[self.objective] * HOT * (COLD / HOT) ** through)


def _shares(problem: LineProblem) -> tuple[int, ...]:
    """Return the shares of the kinds of moves: stretches are tried the less often, the longer their windows take."""
    if Objective.PAINT not in problem.objectives:
        return SHARES_WITHOUT_PAINT
    *swaps, turns, puts = SHARES_WITH_PAINT
    windows = max(sum(ratio.q for ratio in problem.ratios), WINDOWS_AT_FULL_SHARE)
    turns, puts = turns * WINDOWS_AT_FULL_SHARE // windows, puts * WINDOWS_AT_FULL_SHARE // windows
    return (SHARES - sum(swaps[1:]) - turns - puts, *swaps[1:], turns, puts)


class _Run:
    """One search: its clock, its dice and what it has found."""

    def __init__(
        self,
        problem: LineProblem,
        line: Line,
        bound: LineScore,
        seconds: float,
        seed: int,
        moves_max: int | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock, self._started = clock, clock()
        self._problem, self._line, self._bound = problem, line, bound
        self._seconds, self._moves_max = seconds, moves_max
        self._weights = [problem.weight(objective) for objective in problem.objectives]
        self._shares = np.cumsum(np.array(_shares(problem))).astype(np.int32)
        self._chance = np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64)], np.uint64)
        self._least = bound.weighted(problem)
        self._scores, self._tally = np.zeros(2, np.int64), np.zeros(2, np.int64)

    @property
    def moves(self) -> int:
        """Return how many moves were tried."""
        return int(self._tally[0])

    @property
    def best(self) -> int:
        """Return the best weighted score."""
        return int(self._scores[BEST])

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return self._clock() - self._started

    def _share(self) -> float:
        """Return how much of the effort is spent; 1 is the end."""
        spent = self.elapsed() / self._seconds if self._seconds > 0 else 1.0
        return spent if self._moves_max is None else max(self.moves / self._moves_max, float(spent >= 1))

    def search(self, classes: Places, tell: Callable[[Progress], None]) -> Places:
        """Walk down, anneal cycle by cycle, walk down again; returns the best classes."""
        state, best = open_state(self._line, classes), classes.copy()
        self._scores[:] = self._score(state)
        several = len(self._weights) > 1
        steady = not several and len(best) <= SHORT_LINE
        start, end = (FIRST_WALK, LAST_WALK) if several else (0.01, 0.99)
        state = self._take_turn(_Turn(0.0, start, None), state, best, tell)
        length = (CYCLE_SECONDS if several else SHORT_CYCLE_SECONDS) / max(self._seconds, 0.001)
        cycles = max(round((end - start) / length), 1)
        for cycle in range(cycles):
            begins, ends = (start + (end - start) * (cycle + more) / cycles for more in (0, 1))
            if steady and cycle:
                state = open_state(self._line, classes)
                self._scores[NOW] = self._score(state)
            open_ones = self._unsettled(best) if self._share() < ends and self.best > self._least else []
            for number, objective in enumerate(open_ones):
                first, last = (begins + (ends - begins) * (number + more) / len(open_ones) for more in (0, 1))
                state = self._take_turn(_Turn(first, last, objective, steady), state, best, tell)
        self._take_turn(_Turn(end, 1.0, None), state, best, tell)
        return best

    def _unsettled(self, best: Places) -> list[int]:
        """Return the objectives that may still get better: not those at their bounds that lead the order."""
        score = score_order(self._problem, cars_in_order(self._line, best))
        at_bound = [score.of(objective) == self._bound.of(objective) for objective in self._problem.objectives]
        return list(range(at_bound.index(False) if False in at_bound else 0, len(at_bound)))

    def _take_turn(self, turn: _Turn, state: State, best: Places, tell: Callable[[Progress], None]) -> State:
        rules = self._line.rules
        if self._is_behind(turn):
            state = open_state(self._line, best)
            self._scores[NOW] = self._scores[BEST]
        scratch = np.zeros(len(best), np.int32)
        while self.best > self._least and (share := self._share()) < turn.ends and len(best) - self._problem.frozen > 1:
            moves = MOVES_AT_ONCE if self._moves_max is None else min(MOVES_AT_ONCE, self._moves_max - self.moves)
            heat = turn.temperature(self._weights, share)
            anneal(rules, state, self._chance, self._shares, moves, heat, self._scores, best, scratch, self._tally)
            tell(Progress(self.elapsed(), self.moves, self.best, self._least))
        return state

    def _is_behind(self, turn: _Turn) -> bool:
        """Say whether the order now is worse than the best in what this turn does not anneal any more.

        A single objective goes on from where it is: its best order is often a dead end.
        """
        if len(self._weights) == 1:
            return False
        if turn.objective is None or turn.objective == 0:
            return True
        above = self._weights[turn.objective - 1]
        return int(self._scores[NOW]) // above > self.best // above

    def _score(self, state: State) -> int:
        rules = self._line.rules
        first = 0 if state.paints[0] >= 0 else int(rules.limits[PAINT_WEIGHT])
        return int(weighted_score(rules.ratios, rules.limits, state.paints, state.counts)) - first


def warm_up() -> None:
    """Load or compile the kernels, so that the first real order is as quick as the next."""
    cars = tuple(LineCar(str(number), "AB"[number % 2], frozenset("X" if number < 3 else "")) for number in range(6))
    problem = LineProblem("warm-up", cars, (Ratio("X", 1, 2),), (Objective.HIGH, Objective.PAINT), paint_run_max=3)
    line = prepare(replace(problem, frozen=1, tail=cars[:1]))
    run = _Run(problem, line, bound=LineScore(-1, 0, 0), seconds=60, seed=1, moves_max=200)
    run.search(construct(line), lambda _: None)
