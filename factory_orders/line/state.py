"""What the search knows of a line: who stands where, and for each ratio which windows are full or exceeded.

Cars that agree in paint and options are one class: the search orders classes, and who is who is settled afterwards.
Windows are named by their last place, so those of the car at place i are i to i+q−1, and none is negative.

Kernels take the arrays one by one and never a view of one: a tuple or a view handed on is counted by reference at each
call, which made the search seven times slower.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory_orders.line.compiled import count_ones, kernel
from factory_orders.line.model import LineCar, LineProblem, Objective

Words = NDArray[np.int64]
Places = NDArray[np.int32]
NO_PAINT: Final = -1
WINDOW_LEFT_OUT: Final = -1_000_000
"""Added to the count of a window that is not looked at, so that it never fills."""

P, Q, WEIGHT, WINDOWS_FROM, WORDS_FROM = range(5)
"""The columns of `ratios`: at most p in q, what one too many weighs, where its counts and its words of bits begin."""
PAINT_WEIGHT, RUN_MAX, CARRIED_RUN, FROZEN = range(4)
"""The entries of `limits`."""
BY_PAINT, BY_OPTIONS = range(2)
"""The rows of `kind_of`, `kinds_from`, `listed` and `listed_at`."""


class Rules(NamedTuple):
    """What does not change while searching; `kind_of[row, class]` is a class's paint, or its set of options.

    The free places of each kind are listed one kind after the other; those of kind k begin at `kinds_from[row, k]`.
    """

    ratios: Words
    limits: Words
    options_of: Words
    kind_of: Places
    kinds_from: Places


class State(NamedTuple):
    """What changes: the class at each place, its options as bits, the paints, the windows, where each kind stands.

    `paints[i + 1]` is the paint at place i, with the tail's last paint before and none behind. `counts` says for each
    ratio and window how many cars with the option it holds. `marks` has two words for 64 windows each: in the first a
    bit is set where a window holds at least p cars, in the second where it holds more. `listed` has the free places by
    kind, `listed_at` the entry of a place in it.
    """

    classes: Places
    options: Words
    paints: Places
    counts: Places
    marks: Words
    listed: Places
    listed_at: Places


class Line(NamedTuple):
    """A problem made ready for the kernels; `members[c]` are the cars of class c in the order given."""

    rules: Rules
    members: tuple[tuple[LineCar, ...], ...]
    classes: Places
    tail_options: Words
    tail_paint: int
    whole_windows_only: bool


def prepare(problem: LineProblem) -> Line:
    """Turn a problem into arrays; the order of its cars is the first order."""
    paints = sorted({car.paint for car in (*problem.tail, *problem.cars)})
    number = {paint: index for index, paint in enumerate(paints)}
    bits = {ratio.option: 1 << index for index, ratio in enumerate(problem.ratios)}
    members: dict[tuple[int, int], list[LineCar]] = {}
    for car in problem.cars:
        members.setdefault((number[car.paint], _bits(car, bits)), []).append(car)
    index_of = {key: index for index, key in enumerate(members)}
    classes = np.array([index_of[number[car.paint], _bits(car, bits)] for car in problem.cars], np.int32)
    options_of = np.array([options for _, options in members], np.int64)
    _, groups = np.unique(options_of, return_inverse=True)
    kind_of = np.array([[paint for paint, _ in members], groups], np.int32)
    rules = Rules(
        ratios=_ratio_table(problem),
        limits=_limits(problem),
        options_of=options_of,
        kind_of=kind_of,
        kinds_from=_kinds_from(kind_of, classes[problem.frozen :]),
    )
    return Line(
        rules=rules,
        members=tuple(tuple(cars) for cars in members.values()),
        classes=classes,
        tail_options=np.array([_bits(car, bits) for car in problem.tail], np.int64),
        tail_paint=number[problem.tail[-1].paint] if problem.tail else NO_PAINT,
        whole_windows_only=problem.whole_windows_only,
    )


def _bits(car: LineCar, bits: dict[str, int]) -> int:
    return sum(bits[option] for option in car.options if option in bits)


def _ratio_table(problem: LineProblem) -> Words:
    table = np.zeros((len(problem.ratios), 5), np.int64)
    windows_from = words_from = 0
    for index, ratio in enumerate(problem.ratios):
        weight = problem.weight(Objective.HIGH if ratio.high else Objective.LOW)
        table[index] = ratio.p, ratio.q, weight, windows_from, words_from
        windows = len(problem.cars) + ratio.q - 1
        windows_from += windows
        words_from += 2 * (windows // 64 + 1)
    return table


def _limits(problem: LineProblem) -> Words:
    run_max = problem.paint_run_max or len(problem.cars) + len(problem.tail)
    return np.array([problem.weight(Objective.PAINT), run_max, problem.carried_run, problem.frozen], np.int64)


def _kinds_from(kind_of: Places, free: Places) -> Places:
    found = np.zeros((2, int(kind_of.max(initial=0)) + 2), np.int32)
    for row in (BY_PAINT, BY_OPTIONS):
        counted = np.bincount(kind_of[row, free], minlength=found.shape[1] - 1)
        found[row, 1:] = np.cumsum(counted)
    return found


def open_state(line: Line, classes: Places) -> State:
    """Count everything for one order of classes."""
    rules = line.rules
    n, ratios = len(classes), rules.ratios
    windows = int((n + ratios[:, Q] - 1).sum())
    words = int((2 * ((n + ratios[:, Q] - 1) // 64 + 1)).sum())
    paints = np.full(n + 2, NO_PAINT, np.int32)
    paints[0] = line.tail_paint
    paints[1 : n + 1] = rules.kind_of[BY_PAINT, classes]
    frozen = int(rules.limits[FROZEN])
    listed, listed_at = np.zeros((2, n), np.int32), np.full((2, n), -1, np.int32)
    for row in (BY_PAINT, BY_OPTIONS):
        places = frozen + np.argsort(rules.kind_of[row, classes[frozen:]], kind="stable")
        listed[row, : n - frozen] = places
        listed_at[row, places] = np.arange(n - frozen)
    state = State(
        classes=classes.copy(),
        options=rules.options_of[classes],
        paints=paints,
        counts=np.zeros(windows + 1, np.int32),
        marks=np.zeros(words + 1, np.int64),
        listed=listed,
        listed_at=listed_at,
    )
    _count(ratios, state.options, line.tail_options, line.whole_windows_only, state.counts, state.marks)
    return state


@kernel
def _count(ratios: Words, options: Words, tail: Words, whole_windows_only: bool, counts: Places, marks: Words) -> None:
    n, before = len(options), len(tail)
    for ratio in range(len(ratios)):
        q, base = ratios[ratio, Q], ratios[ratio, WINDOWS_FROM]
        for place in range(max(-before, 1 - q), n):
            word = options[place] if place >= 0 else tail[before + place]
            if (word >> ratio) & 1:
                for window in range(max(place, 0), place + q):
                    counts[base + window] += 1
        for window in range(n + q - 1):
            partial = window >= n or window + before < q - 1
            if partial and whole_windows_only:
                counts[base + window] += WINDOW_LEFT_OUT
            _mark(ratios, marks, ratio, window, counts[base + window])


@kernel
def _mark(ratios: Words, marks: Words, ratio: int, window: int, count: int) -> None:
    word = ratios[ratio, WORDS_FROM] + 2 * (window >> 6)
    bit = np.int64(1) << (window & 63)
    if count >= ratios[ratio, P]:
        marks[word] |= bit
    else:
        marks[word] &= ~bit
    if count > ratios[ratio, P]:
        marks[word + 1] |= bit
    else:
        marks[word + 1] &= ~bit


@kernel
def marked_between(marks: Words, base: int, first: int, last: int) -> int:
    """Count the marked windows from `first` to `last`, both included; `base` is the ratio's first word, or one on."""
    left, right = base + 2 * (first >> 6), base + 2 * (last >> 6)
    from_first = np.int64(-1) << (first & 63)
    to_last = ~((np.int64(-1) << (last & 63)) << 1)
    if left == right:
        return count_ones(marks[left] & from_first & to_last)
    total = count_ones(marks[left] & from_first) + count_ones(marks[right] & to_last)
    for index in range(left + 2, right, 2):
        total += count_ones(marks[index])
    return total


@kernel
def put_in(ratios: Words, counts: Places, marks: Words, ratio: int, first: int, last: int) -> None:
    """Count one car more in the windows of a ratio from `first` to `last`."""
    p, base, words = ratios[ratio, P], ratios[ratio, WINDOWS_FROM], ratios[ratio, WORDS_FROM]
    for window in range(first, last + 1):
        count = counts[base + window] + 1
        counts[base + window] = count
        if count == p:
            marks[words + 2 * (window >> 6)] |= np.int64(1) << (window & 63)
        elif count == p + 1:
            marks[words + 2 * (window >> 6) + 1] |= np.int64(1) << (window & 63)


@kernel
def take_out(ratios: Words, counts: Places, marks: Words, ratio: int, first: int, last: int) -> None:
    """Count one car less in the windows of a ratio from `first` to `last`."""
    p, base, words = ratios[ratio, P], ratios[ratio, WINDOWS_FROM], ratios[ratio, WORDS_FROM]
    for window in range(first, last + 1):
        count = counts[base + window] - 1
        counts[base + window] = count
        if count == p - 1:
            marks[words + 2 * (window >> 6)] &= ~(np.int64(1) << (window & 63))
        elif count == p:
            marks[words + 2 * (window >> 6) + 1] &= ~(np.int64(1) << (window & 63))


@kernel
def exchange_listed(listed: Places, listed_at: Places, row: int, first: int, second: int) -> None:
    """Let two places, whose kinds have been exchanged, exchange their entries as well."""
    entry, other = listed_at[row, first], listed_at[row, second]
    listed[row, entry], listed[row, other] = second, first
    listed_at[row, first], listed_at[row, second] = other, entry


@kernel
def weighted_score(ratios: Words, limits: Words, paints: Places, counts: Places) -> int:
    """Return the weighted score as the counts say it; the first car of a line without a tail counts as a change."""
    total, n = np.int64(0), len(paints) - 2
    for ratio in range(len(ratios)):
        p, base = ratios[ratio, P], ratios[ratio, WINDOWS_FROM]
        for window in range(n + ratios[ratio, Q] - 1):
            total += ratios[ratio, WEIGHT] * max(counts[base + window] - p, 0)
    for place in range(1, n + 1):
        total += limits[PAINT_WEIGHT] * np.int64(paints[place] != paints[place - 1])
    return int(total)
