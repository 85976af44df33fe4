"""The search itself: very many cheap moves, taken when they do not cost more than the temperature lets them.

A temperature of zero walks only down and along plateaus.
"""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from factory_orders.line.compiled import kernel
from factory_orders.line.model import WEIGHTS
from factory_orders.line.state import (
    BY_OPTIONS,
    BY_PAINT,
    FROZEN,
    PAINT_WEIGHT,
    Places,
    Rules,
    State,
    Words,
)
from factory_orders.line.stretches import (
    LATER,
    REFLECT,
    rearrange,
    stretch_keeps_runs,
    stretch_paint_change,
    stretch_ratio_change,
)
from factory_orders.line.swaps import swap, swap_keeps_runs, swap_paint_change, swap_ratio_change

Chance = NDArray[np.uint64]
ANY, NEAR, SAME_PAINT, SAME_OPTIONS, TURN, PUT = range(6)
"""The kinds of moves, in the order of their shares."""
SHARES: Final = 1024
HOPELESS: Final = 14
"""A move that costs so many temperatures is taken less than once in a million times."""
FIRST_WEIGHT: Final = WEIGHTS[0]
STRETCH_MAX: Final = 48
NEAR_MAX: Final = 20
NEVER: Final = 1 << 60
"""A cost that no temperature takes."""
NOW, BEST = range(2)
"""The entries of `scores`."""


@kernel
def draw(chance: Chance, below: int) -> int:
    """Return a number from 0 to `below` − 1 by xorshift64* (Vigna 2016)."""
    word = chance[0]
    word ^= word >> np.uint64(12)
    word ^= word << np.uint64(25)
    word ^= word >> np.uint64(27)
    chance[0] = word
    high = (word * np.uint64(2685821657736338717)) >> np.uint64(32)
    return int((high * np.uint64(below)) >> np.uint64(32))


@kernel
def anneal(
    rules: Rules,
    state: State,
    chance: Chance,
    shares: Places,
    moves: int,
    temperature: float,
    scores: Words,
    best: Places,
    scratch: Places,
    tally: Words,
) -> None:
    """Try that many moves; `scores` holds the score now and the best one, whose classes are in `best`.

    `shares` are running sums up to SHARES; `tally[0]` counts the moves tried, `tally[1]` those taken. Ends early when
    the best score is 0.
    """
    ratios, limits, options_of, kind_of, kinds_from = rules
    classes, options, paints, counts, marks, listed, listed_at = state
    frozen, n = limits[FROZEN], len(classes)
    score, best_score, tried = scores[NOW], scores[BEST], np.int64(0)
    while tried < moves and best_score > 0:
        tried += 1
        dice = draw(chance, SHARES)
        first = frozen + draw(chance, n - frozen)
        if dice < shares[SAME_OPTIONS]:
            second = partner(chance, shares, dice, first, frozen, classes, kind_of, kinds_from, listed)
            first, second = min(first, second), max(first, second)
            cost = swap_cost(ratios, limits, classes, options, paints, marks, first, second, temperature)
            if not takes(chance, cost, temperature) or not swap_keeps_runs(limits, paints, first, second):
                continue
            swap(ratios, classes, options, paints, counts, marks, listed, listed_at, first, second)
        else:
            last = min(first + 2 + draw(chance, STRETCH_MAX), n - 1)
            kind = REFLECT if dice < shares[TURN] else LATER + (dice & 1)
            cost = stretch_cost(ratios, limits, options, paints, counts, kind, first, last, temperature)
            if not takes(chance, cost, temperature):
                continue
            if not stretch_keeps_runs(limits, paints, kind, first, last, scratch):
                continue
            rearrange(
                ratios,
                classes, options, paints, counts, marks, listed, listed_at,
                options_of, kind_of, kind, first, last, scratch,
            )  # fmt: skip
        tally[1] += 1
        score += cost
        if score < best_score:
            best_score = score
            best[frozen:] = classes[frozen:]
    scores[NOW], scores[BEST] = score, best_score
    tally[0] += tried


@kernel
def swap_cost(
    ratios: Words,
    limits: Words,
    classes: Places,
    options: Words,
    paints: Places,
    marks: Words,
    first: int,
    second: int,
    temperature: float,
) -> int:
    """Return what a swap costs, or NEVER where nothing would change or paint alone forbids it."""
    if classes[first] == classes[second]:
        return NEVER
    cost = limits[PAINT_WEIGHT] * swap_paint_change(paints, first, second)
    if limits[PAINT_WEIGHT] == FIRST_WEIGHT and cost > HOPELESS * temperature:
        return NEVER
    return int(cost + swap_ratio_change(ratios, options, marks, first, second))


@kernel
def stretch_cost(
    ratios: Words,
    limits: Words,
    options: Words,
    paints: Places,
    counts: Places,
    kind: int,
    first: int,
    last: int,
    temperature: float,
) -> int:
    """Return what it costs to rearrange a stretch, or NEVER for one of two cars or where paint alone forbids it."""
    if last - first < 2:
        return NEVER
    cost = limits[PAINT_WEIGHT] * stretch_paint_change(paints, kind, first, last)
    if limits[PAINT_WEIGHT] == FIRST_WEIGHT and cost > HOPELESS * temperature:
        return NEVER
    return int(cost + stretch_ratio_change(ratios, options, counts, kind, first, last))


@kernel
def takes(chance: Chance, cost: int, temperature: float) -> bool:
    """Say whether a move of that cost is taken (Metropolis)."""
    if cost <= 0:
        return True
    if cost > HOPELESS * temperature:
        return False
    return cost < -temperature * log((draw(chance, 1 << 30) + 1) / (1 << 30))


@kernel
def partner(
    chance: Chance,
    shares: Places,
    dice: int,
    first: int,
    frozen: int,
    classes: Places,
    kind_of: Places,
    kinds_from: Places,
    listed: Places,
) -> int:
    """Choose with whom the car at a place might change: with any, one near, one in its paint, one with its options."""
    n = len(classes)
    if dice < shares[ANY]:
        return frozen + draw(chance, n - frozen)
    if dice < shares[NEAR]:
        return min(first + 1 + draw(chance, NEAR_MAX), n - 1)
    row = BY_PAINT if dice < shares[SAME_PAINT] else BY_OPTIONS
    kind = kind_of[row, classes[first]]
    begin = kinds_from[row, kind]
    return int(listed[row, begin + draw(chance, kinds_from[row, kind + 1] - begin)])
