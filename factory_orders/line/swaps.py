"""Swaps of two cars: what one would change of the weighted score, found in the windows it touches."""

from __future__ import annotations

import numpy as np

from factory_orders.line.compiled import kernel, lowest_one
from factory_orders.line.state import (
    BY_OPTIONS,
    BY_PAINT,
    CARRIED_RUN,
    RUN_MAX,
    WEIGHT,
    WORDS_FROM,
    Places,
    Q,
    Words,
    exchange_listed,
    marked_between,
    put_in,
    take_out,
)


@kernel
def swap_paint_change(paints: Places, first: int, second: int) -> int:
    """Return by how much the paint changes grow when two places exchange their cars; `first` is the smaller."""
    here, there = paints[first + 1], paints[second + 1]
    if here == there:
        return 0
    before, behind = paints[first], paints[second + 2]
    grow = np.int64(before != there) - np.int64(before != here) + np.int64(behind != here) - np.int64(behind != there)
    if second - first > 1:
        after_first, before_second = paints[first + 2], paints[second]
        grow += np.int64(after_first != there) - np.int64(after_first != here)
        grow += np.int64(before_second != here) - np.int64(before_second != there)
    return int(grow)


@kernel
def swap_ratio_change(ratios: Words, options: Words, marks: Words, first: int, second: int) -> int:
    """Return by how much the weighted ratio excess grows when two places exchange their cars."""
    here = options[first]
    differ = here ^ options[second]
    grow, apart = np.int64(0), second - first
    while differ:
        ratio = lowest_one(differ)
        differ &= differ - 1
        q, words = ratios[ratio, Q], ratios[ratio, WORDS_FROM]
        reach = min(q, apart)
        left, right = first + reach - 1, second + q - reach
        if (here >> ratio) & 1:
            change = marked_between(marks, words, right, second + q - 1)
            change -= marked_between(marks, words + 1, first, left)
        else:
            change = marked_between(marks, words, first, left)
            change -= marked_between(marks, words + 1, right, second + q - 1)
        grow += ratios[ratio, WEIGHT] * change
    return int(grow)


@kernel
def swap(
    ratios: Words,
    classes: Places,
    options: Words,
    paints: Places,
    counts: Places,
    marks: Words,
    listed: Places,
    listed_at: Places,
    first: int,
    second: int,
) -> None:
    """Exchange the cars of two places; `first` is the smaller."""
    here, there = options[first], options[second]
    differ, apart = here ^ there, second - first
    while differ:
        ratio = lowest_one(differ)
        differ &= differ - 1
        q = ratios[ratio, Q]
        reach = min(q, apart)
        left, right = first + reach - 1, second + q - reach
        if (here >> ratio) & 1:
            take_out(ratios, counts, marks, ratio, first, left)
            put_in(ratios, counts, marks, ratio, right, second + q - 1)
        else:
            put_in(ratios, counts, marks, ratio, first, left)
            take_out(ratios, counts, marks, ratio, right, second + q - 1)
    if here != there:
        options[first], options[second] = there, here
        exchange_listed(listed, listed_at, BY_OPTIONS, first, second)
    if paints[first + 1] != paints[second + 1]:
        paints[first + 1], paints[second + 1] = paints[second + 1], paints[first + 1]
        exchange_listed(listed, listed_at, BY_PAINT, first, second)
    classes[first], classes[second] = classes[second], classes[first]


@kernel
def keeps_run(limits: Words, paints: Places, place: int) -> bool:
    """Say whether the paint run at a place is within the limit, the tail's part of it included."""
    paint, longest = paints[place + 1], limits[RUN_MAX]
    run, left, right = np.int64(1), place, place + 2
    while run <= longest and left >= 0 and paints[left] == paint:
        left -= 1
        run += limits[CARRIED_RUN] if left < 0 else 1
    while run <= longest and right < len(paints) and paints[right] == paint:
        run += 1
        right += 1
    return bool(run <= longest)


@kernel
def swap_keeps_runs(limits: Words, paints: Places, first: int, second: int) -> bool:
    """Say whether no paint run is too long once two places have exchanged their paints."""
    here, there = paints[first + 1], paints[second + 1]
    if here == there:
        return True
    paints[first + 1], paints[second + 1] = there, here
    keeps = keeps_run(limits, paints, first) and keeps_run(limits, paints, second)
    paints[first + 1], paints[second + 1] = here, there
    return keeps
