"""What no order can go below: a bound on each objective, and whether the longest paint run can be kept at all.

Each objective is bounded on its own, so their weighted sum bounds the score. Frozen cars count as built already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from factory_orders.line.errors import PaintRunImpossible
from factory_orders.line.model import LineCar, LineProblem, LineScore, Ratio
from factory_orders.line.scoring import score_order


@dataclass(frozen=True, slots=True)
class _Free:
    """The part of a problem that is still to be ordered: what stands before it, and its cars."""

    before: tuple[LineCar, ...]
    cars: tuple[LineCar, ...]


def lower_bound(problem: LineProblem) -> LineScore:
    """Return for each objective a figure that no order can beat; refuses PaintRunImpossible."""
    require_paint_runs(problem)
    free = _free(problem)
    high = sum(ratio_bound(problem, ratio) for ratio in problem.ratios if ratio.high)
    low = sum(ratio_bound(problem, ratio) for ratio in problem.ratios if not ratio.high)
    return LineScore(high, low, _frozen_changes(problem) + _paint_bound(problem, free))


def _free(problem: LineProblem) -> _Free:
    return _Free((*problem.tail, *problem.cars[: problem.frozen]), problem.cars[problem.frozen :])


def ratio_bound(problem: LineProblem, ratio: Ratio) -> int:
    """Bound the excess over one ratio.

    Every q-th window covers each place once, so that of the m cars with the option those beyond what these windows
    can hold are in excess; this holds for each of the q ways to begin. What earlier cars fill is taken off, and where
    they exceed already, that is certain. (The idea of Benoist, Soft car sequencing with colors, 2008.)
    """
    free = _free(problem)
    held = [ratio.option in car.options for car in free.before]
    wanted = sum(ratio.option in car.options for car in free.cars)
    n, before, tail = len(free.cars), len(held), len(problem.tail)
    room = [0] * ratio.q
    certain = 0
    for last in range(tail - before, n + ratio.q - 1):
        partial = last >= n or before + last < ratio.q - 1
        inside = max(min(last, n - 1) - max(last - ratio.q + 1, 0) + 1, 0)
        if partial and problem.whole_windows_only:
            room[last % ratio.q] += inside
            continue
        taken = sum(held[max(before + last - ratio.q + 1, 0) : max(before + last + 1, 0)])
        certain += max(taken - ratio.p, 0)
        room[last % ratio.q] += min(inside, max(ratio.p - taken, 0))
    return certain + sum(max(wanted - places, 0) for places in room)


def _frozen_changes(problem: LineProblem) -> int:
    return score_order(problem, problem.cars[: problem.frozen]).paint_changes


def _paint_bound(problem: LineProblem, free: _Free) -> int:
    """Bound the changes by the runs each paint needs, with the run before the free cars going on, and without."""
    if not free.cars:
        return 0
    counts = Counter(car.paint for car in free.cars)
    longest = problem.paint_run_max or len(free.cars) + len(free.before)
    afresh = _runs({paint: -(-cars // longest) for paint, cars in counts.items()})
    if not free.before:
        return afresh - 1
    paint, run = _last_run(free.before)
    room = longest - run
    if counts[paint] == 0 or room <= 0:
        return afresh
    needed = {other: -(-cars // longest) for other, cars in counts.items()}
    needed[paint] = 1 + max(-(-(counts[paint] - room) // longest), 0)
    return min(afresh, _runs(needed) - 1)


def _runs(needed: dict[str, int]) -> int:
    """Return how many runs there are at least: two of one paint never meet."""
    return max(sum(needed.values()), 2 * max(needed.values()) - 1)


def _last_run(cars: Sequence[LineCar]) -> tuple[str, int]:
    paint, run = cars[-1].paint, 0
    for car in reversed(cars):
        if car.paint != paint:
            break
        run += 1
    return paint, run


def require_paint_runs(problem: LineProblem) -> None:
    """Refuse PaintRunImpossible where some paint has more cars than the others can separate."""
    free = _free(problem)
    if problem.paint_run_max is None or not free.cars:
        return
    last, run = _last_run(free.before) if free.before else ("", 0)
    for paint, cars in sorted(Counter(car.paint for car in free.cars).items()):
        others = len(free.cars) - cars
        taken = run if paint == last else 0
        if cars > _room(problem.paint_run_max, others, taken):
            needed = problem.paint_run_max
            while cars > _room(needed, others, taken):
                needed += 1
            raise PaintRunImpossible(paint, cars, others, problem.paint_run_max, needed)


def _room(run_max: int, others: int, taken: int) -> int:
    """Return how many cars of a paint fit into runs between the others, the first run being begun already."""
    return run_max * others + max(run_max - taken, 0)
