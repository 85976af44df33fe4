"""What is named as in conflict is, nothing smaller is, and so many orders are short: against every plan there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_orders.slotting import conflict as module
from factory_orders.slotting.conflict import LimitConflict, find_conflict
from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem

DAYS = 2


def problem_of(needs: list[list[bool]], ready: list[int], capacity: list[list[int]], supply: list[int]) -> SlotProblem:
    """Return orders with needs of limits and, last, of a part."""
    both, zero = np.array(needs, np.bool_).reshape(len(ready), len(capacity) + 1), np.zeros(len(ready), np.int64)
    return SlotProblem(
        SlotOrders(both[:, :-1], both[:, -1:], np.array(ready, np.int64), zero + 5, zero),
        SlotLimits(
            tuple("SABC"[: len(capacity)]),
            np.array(capacity, np.int64),
            ("part",),
            np.cumsum([supply], axis=1).astype(np.int64),
        ),
        SlotCosts(),
    )


@st.composite
def problems(draw: st.DrawFn) -> SlotProblem:
    """Draw orders that take some of three limits and a part, and two days."""
    number = draw(st.integers(0, 6))
    needs = draw(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=number, max_size=number))
    ready = draw(st.lists(st.integers(0, DAYS), min_size=number, max_size=number))
    room = st.lists(st.integers(0, 3), min_size=DAYS, max_size=DAYS)
    return problem_of(needs, ready, [draw(room) for _ in range(3)], draw(room))


def short(problem: SlotProblem, names: Iterable[str]) -> int:
    """Try every plan under these limits alone; whoever is ready after the last day is left out of it."""
    orders, limits = problem.orders, problem.limits
    rows = [row for row, name in enumerate(limits.names) if name in names]
    part = "part" in names
    start = (tuple(limits.capacity[row, day] for row in rows for day in range(DAYS)), tuple(limits.supply[0]))
    states: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {start: 0}
    for order in range(orders.number):
        after: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        for (room, supply), left in states.items():
            options = [(room, supply, left + (orders.ready[order] < DAYS))]
            for day in range(orders.ready[order], DAYS):
                taken = list(room)
                for place, row in enumerate(rows):
                    taken[place * DAYS + day] -= int(orders.needs[order, row])
                uses = int(part and orders.parts[order, 0])
                come = [has - uses * (later >= day) for later, has in enumerate(supply)]
                options.append((tuple(taken), tuple(come), left))
            for one, two, total in options:
                if min((*one, *two), default=0) >= 0:
                    after[one, two] = min(after.get((one, two), total), total)
        states = after
    return min(states.values())


@settings(max_examples=60, deadline=None)
@given(problems())
def test_what_is_named_is_a_smallest_set_in_conflict_and_so_many_are_short(problem: SlotProblem) -> None:
    names = (*problem.limits.names, *problem.limits.part_names)
    late = int((problem.orders.ready >= DAYS).sum())

    found = find_conflict(problem)

    in_all = short(problem, names) + late
    if found is None:
        assert in_all == 0
        return
    assert found.short_in_all == in_all
    smaller = [one for size in range(len(found.limits)) for one in combinations(names, size)]
    assert [short(problem, one) for one in smaller] == [0] * len(smaller)
    assert found.short == (short(problem, found.limits) if found.limits else late) > 0
    assert list(found.days) == [day for day in range(DAYS) if found.limits and helps(problem, found, day)]


def helps(problem: SlotProblem, found: LimitConflict, day: int) -> bool:
    """Say whether one more unit of one of the limits on a day leaves fewer without a day."""
    limits = problem.limits
    for row, name in enumerate((*limits.names, *limits.part_names)):
        capacity, supply = limits.capacity.copy(), limits.supply.copy()
        if name == "part":
            supply[0, day:] += 1
        else:
            capacity[row, day] += 1
        more = replace(problem, limits=replace(limits, capacity=capacity, supply=supply))
        if name in found.limits and short(more, found.limits) < found.short:
            return True
    return False


def bottleneck() -> SlotProblem:
    """Return ten orders for four slots; one of them needs A, which only the first day has, and B, of the last day."""
    needs = [[True, number == 0, number == 0, False] for number in range(10)]
    return problem_of(needs, [0] * 10, [[2, 2], [9, 0], [0, 9]], [0, 0])


def test_a_single_bottleneck_is_named_before_two_limits_of_one_order() -> None:
    assert find_conflict(bottleneck()) == LimitConflict(("S",), (0, 1), short=6, short_in_all=6)


def test_where_no_single_limit_is_to_blame_two_are() -> None:
    problem = bottleneck()
    capacity = problem.limits.capacity.copy()
    capacity[0] = 9

    found = find_conflict(replace(problem, limits=replace(problem.limits, capacity=capacity)))

    assert found == LimitConflict(("A", "B"), (0, 1), short=1, short_in_all=1)


def test_orders_that_are_ready_after_the_last_day_blame_no_limit() -> None:
    assert find_conflict(problem_of([[True, False]] * 2, [0, 2], [[1, 1]], [0, 0])) == LimitConflict((), (), 1, 1)
    assert find_conflict(problem_of([[True, False]] * 2, [0, 2], [[]], [])) == LimitConflict((), (), 2, 2)


def test_without_enough_rounds_a_set_is_named_of_which_none_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETS_MAX", 0)
    problem = bottleneck()
    capacity = problem.limits.capacity.copy()
    capacity[0] = 9

    found = find_conflict(replace(problem, limits=replace(problem.limits, capacity=capacity)))

    assert found is not None
    assert found.limits == ("A", "B")


def test_programmes_that_are_too_large_are_judged_by_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COLUMNS_MAX", 0)

    assert find_conflict(bottleneck()) == LimitConflict(("S",), (0, 1), short=6, short_in_all=6)
