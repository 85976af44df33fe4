"""Mends a line order after a disturbance with few moves: the best single swap again and again, each moving two cars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from factory_orders.line.bounds import lower_bound
from factory_orders.line.compiled import kernel
from factory_orders.line.model import LineCar, LineProblem, LineScore
from factory_orders.line.scoring import score_order
from factory_orders.line.state import CARRIED_RUN, FROZEN, PAINT_WEIGHT, RUN_MAX, Places, Words, open_state, prepare
from factory_orders.line.swaps import (
    swap,
    swap_keeps_runs,
    swap_paint_change,
    swap_ratio_change,
)

RUN_WEIGHT: Final = 1 << 40
"""What it is worth to break up a paint run that is too long: more than any objective."""


@dataclass(frozen=True, slots=True)
class MendedOrder:
    """The order after mending, how many cars changed places, and the scores before and after."""

    order: tuple[LineCar, ...]
    moved: int
    before: LineScore
    score: LineScore
    bound: LineScore


def resequence(problem: LineProblem, *, moved_max: int) -> MendedOrder:
    """Mend the order that the problem's cars stand in; at most that many of them change places, no frozen one does.

    Runs that are too long are broken up first, then the weighted score falls with every swap; it ends where no swap
    helps. Refuses PaintRunImpossible.
    """
    bound = lower_bound(problem)
    line = prepare(problem)
    rules, state = line.rules, open_state(line, line.classes)
    cars, moved = list(problem.cars), np.zeros(len(problem.cars), np.bool_)
    while int(moved.sum()) < moved_max:
        left = moved_max - int(moved.sum())
        cost, first, second = _best_swap(
            rules.ratios, rules.limits, state.classes, state.options, state.paints, state.marks, moved, left
        )
        if cost >= 0:
            break
        swap(rules.ratios, *state, first, second)
        cars[first], cars[second] = cars[second], cars[first]
        moved[[first, second]] = True
    order = tuple(cars)
    changed = sum(old is not new for old, new in zip(problem.cars, order, strict=True))
    return MendedOrder(order, changed, score_order(problem, problem.cars), score_order(problem, order), bound)


@kernel
def _best_swap(
    ratios: Words,
    limits: Words,
    classes: Places,
    options: Words,
    paints: Places,
    marks: Words,
    moved: np.ndarray[tuple[int], np.dtype[np.bool_]],
    left: int,
) -> tuple[int, int, int]:
    """Look at every swap of free places that moves no more than `left` cars anew; returns its cost and its places."""
    n = len(classes)
    least, best_first, best_second = np.int64(0), 0, 0
    too_long = np.zeros(n, np.bool_)
    run = limits[CARRIED_RUN]
    for place in range(n):
        run = run + 1 if paints[place + 1] == paints[place] else 1
        # Another paint here cuts the run where it is just long enough.
        too_long[place] = run % (limits[RUN_MAX] + 1) == 0
    for first in range(limits[FROZEN], n):
        for second in range(first + 1, n):
            anew = np.int64(not moved[first]) + np.int64(not moved[second])
            if classes[first] == classes[second] or anew > left:
                continue
            cost = limits[PAINT_WEIGHT] * swap_paint_change(paints, first, second)
            if (too_long[first] or too_long[second]) and paints[first + 1] != paints[second + 1]:
                cost -= RUN_WEIGHT
            cost += swap_ratio_change(ratios, options, marks, first, second)
            if cost < least and swap_keeps_runs(limits, paints, first, second):
                least, best_first, best_second = cost, first, second
    return int(least), best_first, best_second
