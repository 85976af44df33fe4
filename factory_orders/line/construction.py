"""The first order: place by place the class that breaks least, and among those the one hardest to place later."""

from __future__ import annotations

import numpy as np

from factory_orders.line.compiled import kernel
from factory_orders.line.state import (
    BY_PAINT,
    CARRIED_RUN,
    FROZEN,
    PAINT_WEIGHT,
    RUN_MAX,
    WEIGHT,
    Line,
    P,
    Places,
    Q,
    Words,
)


def construct(line: Line) -> Places:
    """Build an order whose paint runs keep the limit wherever some order does; the frozen cars stay in front."""
    classes = line.classes.copy()
    longest = int(line.rules.ratios[:, Q].max(initial=1))
    tail = line.tail_options[-(longest - 1) :] if longest > 1 else line.tail_options[:0]
    ratios, limits, options_of, kind_of, _ = line.rules
    _construct(ratios, limits, options_of, kind_of, classes, tail, line.tail_paint)
    return classes


@kernel
def _construct(
    ratios: Words, limits: Words, options_of: Words, kind_of: Places, classes: Places, tail: Words, tail_paint: int
) -> None:
    n, kinds = len(classes), len(options_of)
    left = np.zeros(kinds, np.int64)
    paints_left = np.zeros(kind_of[BY_PAINT].max() + 1, np.int64)
    demand = np.zeros(len(ratios), np.int64)
    line = np.zeros(len(tail) + n, np.int64)
    line[: len(tail)] = tail
    last_paint, run = tail_paint, limits[CARRIED_RUN]
    for place in range(n):
        kind = classes[place]
        left[kind] += 1
        paints_left[kind_of[BY_PAINT, kind]] += 1
        for ratio in range(len(ratios)):
            demand[ratio] += (options_of[kind] >> ratio) & 1
    exceeds = np.zeros(len(ratios), np.int64)
    for place in range(n):
        end = len(tail) + place
        for ratio in range(len(ratios)):
            held = 0
            for other in range(max(end - ratios[ratio, Q] + 1, 0), end):
                held += (line[other] >> ratio) & 1
            exceeds[ratio] = max(held + 1 - ratios[ratio, P], 0)
        kind = classes[place]
        if place >= limits[FROZEN]:
            kind = _next_kind(
                ratios, limits, options_of, kind_of, left, paints_left, demand, exceeds, last_paint, run, n - place
            )
        classes[place] = kind
        line[end] = options_of[kind]
        left[kind] -= 1
        paint = kind_of[BY_PAINT, kind]
        paints_left[paint] -= 1
        run = run + 1 if paint == last_paint else 1
        last_paint = paint
        for ratio in range(len(ratios)):
            demand[ratio] -= (line[end] >> ratio) & 1


@kernel
def _next_kind(
    ratios: Words,
    limits: Words,
    options_of: Words,
    kind_of: Places,
    left: Words,
    paints_left: Words,
    demand: Words,
    exceeds: Words,
    paint: int,
    run: int,
    total: int,
) -> int:
    chosen, least, hardest = -1, np.int64(0), 0.0
    for kind in range(len(left)):
        if left[kind] == 0:
            continue
        own = kind_of[BY_PAINT, kind]
        cost, hard = limits[PAINT_WEIGHT] * np.int64(own != paint), 0.0
        run_after = run + 1 if own == paint else 1
        if run_after > limits[RUN_MAX] or _strands(paints_left, own, run_after, total, limits[RUN_MAX]):
            cost += np.int64(1) << 50
        for ratio in range(len(exceeds)):
            if (options_of[kind] >> ratio) & 1:
                cost += ratios[ratio, WEIGHT] * exceeds[ratio]
                hard += ratios[ratio, WEIGHT] * demand[ratio] * ratios[ratio, Q] / (ratios[ratio, P] * total)
        if chosen < 0 or cost < least or (cost == least and hard > hardest):
            chosen, least, hardest = kind, cost, hard
    return chosen


@kernel
def _strands(paints_left: Words, own: int, run_after: int, total: int, run_max: int) -> bool:
    """Say whether taking this paint now leaves some paint with more cars than the others can separate."""
    for other in range(len(paints_left)):
        after = paints_left[other] - np.int64(other == own)
        gaps = total - 1 - after
        first = max(run_max - run_after, 0) if other == own else run_max
        if after > run_max * gaps + first:
            return True
    return False
