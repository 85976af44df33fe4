"""Scores a line order from scratch, window by window, as the challenge defines it.

It shares nothing with the search's kernels, so that each result can be judged by somebody else than who made it.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory_orders.line.model import LineCar, LineProblem, LineScore, Ratio


def score_order(problem: LineProblem, order: Sequence[LineCar]) -> LineScore:
    """Count what an order of the problem's cars breaks; the order may be any sequence of cars."""
    high = sum(excess(problem, ratio, order) for ratio in problem.ratios if ratio.high)
    low = sum(excess(problem, ratio, order) for ratio in problem.ratios if not ratio.high)
    changes, beyond = _paint(problem, order)
    return LineScore(high, low, changes, beyond)


def excess(problem: LineProblem, ratio: Ratio, order: Sequence[LineCar]) -> int:
    """Return by how much the windows of one ratio exceed it, summed over all that touch the day."""
    line = [ratio.option in car.options for car in (*problem.tail, *order)]
    first = len(problem.tail)
    starts = range(first - ratio.q + 1, len(line))
    if problem.whole_windows_only:
        starts = range(max(first - ratio.q + 1, 0), len(line) - ratio.q + 1)
    return sum(max(sum(line[max(start, 0) : start + ratio.q]) - ratio.p, 0) for start in starts)


def _paint(problem: LineProblem, order: Sequence[LineCar]) -> tuple[int, int]:
    changes = beyond = 0
    paint = problem.tail[-1].paint if problem.tail else None
    run = problem.carried_run
    for car in order:
        changed = car.paint != paint
        changes += changed and paint is not None
        run = 1 if changed else run + 1
        beyond += problem.paint_run_max is not None and run > problem.paint_run_max
        paint = car.paint
    return changes, beyond


def is_order_of(problem: LineProblem, order: Sequence[LineCar]) -> bool:
    """Say whether an order has exactly the problem's cars, and the frozen ones where they were."""
    if sorted(car.id for car in order) != sorted(car.id for car in problem.cars):
        return False
    return tuple(order[: problem.frozen]) == problem.cars[: problem.frozen]
