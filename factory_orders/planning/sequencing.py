"""The order of cars on one day's line: a greedy build under a longest paint run and ratio limits, then a search.

Hard limit: no run of one paint is longer than the line allows wherever the day's cars permit it. Soft: at most p cars
with an option in any q in a row, then few paint changes. What could not be kept is counted, never hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from factory_orders.line import model as line_model
from factory_orders.line.bounds import lower_bound
from factory_orders.line.errors import PaintRunImpossible
from factory_orders.line.scoring import score_order

SEARCH_MOVES: Final = 100_000
SEARCH_SECONDS: Final = 10
"""A search ends by its moves, so that the same day gets the same order; the seconds only keep a slow machine going."""
WINDOW_MAX: Final = 1_000
"""Longer windows are held by the greedy build alone."""


@dataclass(frozen=True, slots=True)
class LineCar:
    """A car for the line; `options` are those with a ratio limit."""

    id: str
    paint: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class LineRules:
    """The longest run of one paint, and (p, q) by option: at most p in any q in a row."""

    paint_run_max: int
    ratios: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LineScore:
    """How good a line order is: cars beyond the paint run, cars beyond a ratio, paint changes."""

    run_violations: int
    ratio_violations: int
    paint_changes: int


@dataclass(frozen=True, slots=True)
class LineJudgement:
    """An order by the objective of decision 017, and what no order of these cars and this tail can go below.

    `excess` is the sum over all windows of what is beyond their ratio. Ratios with very long windows are not counted.
    """

    excess: int
    excess_bound: int
    paint_changes_bound: int


@dataclass(frozen=True, slots=True)
class LineOrder:
    """Cars in their order with the score, counted anew from the result; without a judgement where no order is good."""

    cars: tuple[LineCar, ...]
    score: LineScore
    judgement: LineJudgement | None = None


def sequence_line(cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar] = ()) -> LineOrder:
    """Order a day's cars; `before` is the tail of the day before, whose runs and windows go on."""
    kinds: dict[tuple[str, frozenset[str]], list[LineCar]] = {}
    for car in sorted(cars, key=lambda car: car.id):
        kinds.setdefault((car.paint, car.options), []).append(car)
    line = list(before)
    left = Counter(car.paint for car in cars)
    demand = Counter(option for car in cars for option in car.options)
    for _ in cars:
        kind = _next_kind(kinds, line, left, demand, rules)
        car = kinds[kind].pop(0)
        if not kinds[kind]:
            del kinds[kind]
        line.append(car)
        left[car.paint] -= 1
        demand.subtract(car.options)
    ordered = tuple(line[len(before) :])
    return LineOrder(ordered, score_line(ordered, rules, before=before))


def search_line(cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar] = ()) -> LineOrder:
    """Order a day's cars as `sequence_line` does, then search for a better order: ratios first, then paint changes.

    The search judges by the objective of decision 017, with the cars before as the day's tail. What it finds is taken
    only where it is no worse by that; where no order keeps the paint run the greedy one, which breaks it least, stays.
    """
    greedy = sequence_line(cars, rules, before=before)
    problem = line_problem(greedy.cars, rules, before=before)
    if not cars or problem is None or greedy.score.run_violations:
        return greedy
    order = _searched(problem) if len(cars) > 1 else problem.cars
    by_id = {car.id: car for car in cars}
    found = tuple(by_id[car.id] for car in order)
    return LineOrder(found, score_line(found, rules, before=before), judge_line(problem, order))


def judge_day(cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar] = ()) -> LineOrder:
    """Count a day's order as it stands, from scratch, with the tail before it; no judgement where a run is too long."""
    score = score_line(cars, rules, before=before)
    problem = None if score.run_violations or not cars else line_problem(cars, rules, before=before)
    return LineOrder(tuple(cars), score, None if problem is None else judge_line(problem, problem.cars))


def mend_order(
    cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar], frozen: int, moved_max: int
) -> tuple[tuple[LineCar, ...], int]:
    """Mend a day's order with few moves behind its frozen head; returns it with how many cars changed places.

    Refuses PaintRunImpossible. Where the order is proven best, or has more limits than are searched, it stays.
    """
    problem = line_problem(cars, rules, before=before, frozen=frozen)
    if problem is None or _is_best(problem):
        return tuple(cars), 0
    # The kernels are loaded where a line is mended, and nowhere else.
    from factory_orders.line.resequencing import resequence

    mended = resequence(problem, moved_max=moved_max)
    by_id = {car.id: car for car in cars}
    return tuple(by_id[car.id] for car in mended.order), mended.moved


def line_problem(
    cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar], frozen: int = 0
) -> line_model.LineProblem | None:
    """Return cars in their order as a problem of decision 017; None where they have more limits than are searched."""
    own = frozenset[str]().union(*(car.options for car in (*before, *cars)))
    # A limit on an option that no car has is kept by every order.
    ratios = {option: limit for option, limit in rules.ratios.items() if limit[1] <= WINDOW_MAX and option in own}
    if len(ratios) > line_model.OPTIONS_MAX:
        return None
    return line_model.LineProblem(
        "day",
        tuple(line_model.LineCar(car.id, car.paint, car.options & ratios.keys()) for car in cars),
        tuple(line_model.Ratio(option, p, q) for option, (p, q) in sorted(ratios.items())),
        (line_model.Objective.HIGH, line_model.Objective.PAINT),
        tail=tuple(line_model.LineCar(car.id, car.paint, car.options & ratios.keys()) for car in before),
        frozen=frozen,
        paint_run_max=rules.paint_run_max,
    )


def judge_line(problem: line_model.LineProblem, order: Sequence[line_model.LineCar]) -> LineJudgement | None:
    """Hold an order against what none can beat, both counted from scratch; None where no order keeps the paint run."""
    try:
        bound = lower_bound(problem)
    except PaintRunImpossible:
        return None
    score = score_order(problem, order)
    return LineJudgement(score.high, bound.high, bound.paint_changes)


def _is_best(problem: line_model.LineProblem) -> bool:
    """Say whether the cars stand in an order that keeps the paint run and that none can beat."""
    score = score_order(problem, problem.cars)
    return not score.beyond_run and score.weighted(problem) == lower_bound(problem).weighted(problem)


def _searched(problem: line_model.LineProblem) -> tuple[line_model.LineCar, ...]:
    try:
        if _is_best(problem):
            return problem.cars  # The greedy build is proven best: most days are done here, without the kernels.
    except PaintRunImpossible:
        return problem.cars
    # The kernels are loaded where a line is searched, and nowhere else.
    from factory_orders.line.search import solve_line

    solution = solve_line(problem, seconds=SEARCH_SECONDS, moves_max=SEARCH_MOVES)
    if solution.score.weighted(problem) > score_order(problem, problem.cars).weighted(problem):
        return problem.cars
    return solution.order


def _next_kind(
    kinds: Mapping[tuple[str, frozenset[str]], list[LineCar]],
    line: Sequence[LineCar],
    left: Counter[str],
    demand: Counter[str],
    rules: LineRules,
) -> tuple[str, frozenset[str]]:
    paint, run = _tail_run(line)
    total = sum(left.values())

    def rank(kind: tuple[str, frozenset[str]]) -> tuple[object, ...]:
        candidate, options = kind
        too_long = candidate == paint and run >= rules.paint_run_max
        strands = _strands(candidate, paint, run, left, total, rules.paint_run_max)
        beyond = sum(_exceeds(option, line, rules.ratios[option]) for option in options if option in rules.ratios)
        pressure = sum(
            demand[option] * rules.ratios[option][1] * 1000 // (rules.ratios[option][0] * total)
            for option in options
            if option in rules.ratios
        )
        return too_long, strands, beyond, candidate != paint, -pressure, kinds[kind][0].id

    return min(kinds, key=rank)


def _strands(candidate: str, paint: str, run: int, left: Counter[str], total: int, run_max: int) -> bool:
    """Say whether taking this paint now leaves some paint with more cars than the others can separate.

    After the choice, the paint on the line may go on for the rest of its run, every other needs a gap per run.
    """
    run_after = run + 1 if candidate == paint else 1
    for other, count in left.items():
        after = count - (other == candidate)
        gaps = total - 1 - after
        room = run_max * gaps + (max(run_max - run_after, 0) if other == candidate else run_max)
        if after > room:
            return True
    return False


def _tail_run(line: Sequence[LineCar]) -> tuple[str, int]:
    if not line:
        return "", 0
    paint, run = line[-1].paint, 0
    for car in reversed(line):
        if car.paint != paint:
            break
        run += 1
    return paint, run


def _exceeds(option: str, line: Sequence[LineCar], ratio: tuple[int, int]) -> bool:
    """Say whether one more car with the option breaks its window."""
    p, q = ratio
    window = line[-(q - 1) :] if q > 1 else []
    return sum(option in car.options for car in window) + 1 > p


def score_line(cars: Sequence[LineCar], rules: LineRules, *, before: Sequence[LineCar] = ()) -> LineScore:
    """Count what a line order breaks, car by car, from scratch."""
    line = list(before)
    runs = ratios = changes = 0
    for car in cars:
        paint, run = _tail_run(line)
        runs += car.paint == paint and run >= rules.paint_run_max
        changes += bool(line) and car.paint != paint
        ratios += sum(_exceeds(option, line, rules.ratios[option]) for option in car.options if option in rules.ratios)
        line.append(car)
    return LineScore(runs, ratios, changes)
