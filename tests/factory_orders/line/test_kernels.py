"""The law of the kernels: what a move says it will change is what counting from scratch finds afterwards."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factory_orders.line.model import LineProblem
from factory_orders.line.scoring import score_order
from factory_orders.line.search import cars_in_order
from factory_orders.line.state import (
    BY_OPTIONS,
    BY_PAINT,
    PAINT_WEIGHT,
    Line,
    State,
    open_state,
    prepare,
    weighted_score,
)
from factory_orders.line.stretches import (
    EARLIER,
    LATER,
    REFLECT,
    rearrange,
    stretch_keeps_runs,
    stretch_paint_change,
    stretch_ratio_change,
)
from factory_orders.line.swaps import swap, swap_keeps_runs, swap_paint_change, swap_ratio_change
from tests.factory_orders.line.problems import problems


def counted(problem: LineProblem, line: Line, state: State) -> int:
    return score_order(problem, cars_in_order(line, state.classes)).weighted(problem)


def known(line: Line, state: State) -> int:
    rules = line.rules
    first = 0 if state.paints[0] >= 0 else int(rules.limits[PAINT_WEIGHT])
    return weighted_score(rules.ratios, rules.limits, state.paints, state.counts) - first


def beyond_run(problem: LineProblem, line: Line, state: State) -> int:
    return score_order(problem, cars_in_order(line, state.classes)).beyond_run


def assert_like_new(line: Line, state: State) -> None:
    """Compare what was kept up to date with what counting afresh gives."""
    fresh = open_state(line, state.classes)
    for name in ("options", "paints", "counts", "marks"):
        np.testing.assert_array_equal(getattr(state, name), getattr(fresh, name), err_msg=name)
    frozen, n = int(line.rules.limits[3]), len(state.classes)
    for row in (BY_PAINT, BY_OPTIONS):
        for place in range(frozen, n):
            entry = int(state.listed_at[row, place])
            kind = int(line.rules.kind_of[row, state.classes[place]])
            assert state.listed[row, entry] == place
            assert line.rules.kinds_from[row, kind] <= entry < line.rules.kinds_from[row, kind + 1]


@given(problems(most=14, run_max=True))
def test_a_prepared_line_scores_as_from_scratch(problem: LineProblem) -> None:
    line = prepare(problem)

    state = open_state(line, line.classes)

    assert known(line, state) == counted(problem, line, state)
    assert_like_new(line, state)


@given(problems(most=14, run_max=True), st.data())
def test_swaps_change_the_score_by_what_they_say(problem: LineProblem, data: st.DataObject) -> None:
    line = prepare(problem)
    rules, state = line.rules, open_state(line, line.classes)
    free = st.integers(problem.frozen, len(problem.cars) - 1)
    for _ in range(6 if len(problem.cars) - problem.frozen >= 2 else 0):
        first, second = sorted((data.draw(free), data.draw(free)))
        if first == second:
            continue
        before = counted(problem, line, state)
        held = beyond_run(problem, line, state) == 0
        keeps = swap_keeps_runs(rules.limits, state.paints, first, second)

        change = int(rules.limits[PAINT_WEIGHT]) * swap_paint_change(state.paints, first, second)
        change += swap_ratio_change(rules.ratios, state.options, state.marks, first, second)
        swap(rules.ratios, *state, first, second)

        assert counted(problem, line, state) == known(line, state) == before + change
        if held:
            assert keeps == (beyond_run(problem, line, state) == 0)
        assert_like_new(line, state)


@given(problems(most=20, run_max=True), st.data())
def test_rearranged_stretches_change_the_score_by_what_they_say(problem: LineProblem, data: st.DataObject) -> None:
    line = prepare(problem)
    rules, state = line.rules, open_state(line, line.classes)
    scratch = np.zeros(len(problem.cars), np.int32)
    free = st.integers(problem.frozen, len(problem.cars) - 1)
    for _ in range(6 if len(problem.cars) - problem.frozen >= 3 else 0):
        first, last = sorted((data.draw(free), data.draw(free)))
        if last - first < 2:
            continue
        kind = data.draw(st.sampled_from((REFLECT, LATER, EARLIER)))
        before = counted(problem, line, state)
        held = beyond_run(problem, line, state) == 0
        keeps = stretch_keeps_runs(rules.limits, state.paints, kind, first, last, scratch)

        change = int(rules.limits[PAINT_WEIGHT]) * stretch_paint_change(state.paints, kind, first, last)
        change += stretch_ratio_change(rules.ratios, state.options, state.counts, kind, first, last)
        rearrange(rules.ratios, *state, rules.options_of, rules.kind_of, kind, first, last, scratch)

        assert counted(problem, line, state) == known(line, state) == before + change
        if held:
            assert keeps == (beyond_run(problem, line, state) == 0)
        assert_like_new(line, state)
