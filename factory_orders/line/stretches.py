"""Stretches of the line rearranged: turned round, or one car put to the other end, and what that would change."""

from __future__ import annotations

import numpy as np

from factory_orders.line.compiled import kernel, lowest_one
from factory_orders.line.state import (
    BY_OPTIONS,
    BY_PAINT,
    WEIGHT,
    WINDOWS_FROM,
    P,
    Places,
    Q,
    Words,
    put_in,
    take_out,
)
from factory_orders.line.swaps import keeps_run

REFLECT, LATER, EARLIER = range(3)
"""A stretch turned round; its first car put behind it; its last car put before it."""


@kernel
def source(kind: int, first: int, last: int, place: int) -> int:
    """Return from which place of the stretch the car comes that a move puts at `place`."""
    if kind == REFLECT:
        return first + last - place
    if kind == LATER:
        return first if place == last else place + 1
    return last if place == first else place - 1


@kernel
def stretch_paint_change(paints: Places, kind: int, first: int, last: int) -> int:
    """Return by how much the paint changes grow when a stretch is rearranged."""
    before, head, end, behind = paints[first], paints[first + 1], paints[last + 1], paints[last + 2]
    if kind == REFLECT:
        was = np.int64(before != head) + np.int64(end != behind)
        return int(np.int64(before != end) + np.int64(head != behind) - was)
    if kind == LATER:
        second = paints[first + 2]
        was = np.int64(before != head) + np.int64(head != second) + np.int64(end != behind)
        return int(np.int64(before != second) + np.int64(end != head) + np.int64(head != behind) - was)
    second = paints[last]
    was = np.int64(before != head) + np.int64(second != end) + np.int64(end != behind)
    return int(np.int64(before != end) + np.int64(end != head) + np.int64(second != behind) - was)


@kernel
def stretch_ratio_change(ratios: Words, options: Words, counts: Places, kind: int, first: int, last: int) -> int:
    """Return by how much the weighted ratio excess grows when a stretch is rearranged.

    Windows inside the stretch are the same ones afterwards, turned round or one place on, so that only those over
    its ends have to be looked at, unless the stretch is shorter than a window.
    """
    grow = np.int64(0)
    for ratio in range(len(ratios)):
        q = ratios[ratio, Q]
        if last - first < q:
            change = _short_change(ratios, options, counts, ratio, kind, first, last)
        elif kind == REFLECT:
            change = _reflect_change(ratios, options, counts, ratio, first, last)
        elif kind == LATER:
            change = _later_change(ratios, options, counts, ratio, first, last)
        else:
            change = _earlier_change(ratios, options, counts, ratio, first, last)
        grow += ratios[ratio, WEIGHT] * change
    return int(grow)


@kernel
def _short_change(ratios: Words, options: Words, counts: Places, ratio: int, kind: int, first: int, last: int) -> int:
    p, q, base = ratios[ratio, P], ratios[ratio, Q], ratios[ratio, WINDOWS_FROM]
    shift, change = np.int64(0), np.int64(0)
    for window in range(first, last + q):
        if window <= last:
            new = options[source(kind, first, last, window)]
            shift += ((new >> ratio) & 1) - ((options[window] >> ratio) & 1)
        out = window - q
        if out >= first:
            new = options[source(kind, first, last, out)]
            shift -= ((new >> ratio) & 1) - ((options[out] >> ratio) & 1)
        over = counts[base + window] - p
        change += max(over + shift, 0) - max(over, 0)
    return int(change)


@kernel
def _reflect_change(ratios: Words, options: Words, counts: Places, ratio: int, first: int, last: int) -> int:
    p, q, base = ratios[ratio, P], ratios[ratio, Q], ratios[ratio, WINDOWS_FROM]
    shift, change = np.int64(0), np.int64(0)
    for step in range(q - 1):
        shift += ((options[last - step] >> ratio) & 1) - ((options[first + step] >> ratio) & 1)
        over = counts[base + first + step] - p
        change += max(over + shift, 0) - max(over, 0)
        over = counts[base + last + q - 1 - step] - p
        change += max(over - shift, 0) - max(over, 0)
    return int(change)


@kernel
def _later_change(ratios: Words, options: Words, counts: Places, ratio: int, first: int, last: int) -> int:
    p, q, base = ratios[ratio, P], ratios[ratio, Q], ratios[ratio, WINDOWS_FROM]
    moved = (options[first] >> ratio) & 1
    change = -max(counts[base + first + q - 1] - p, np.int64(0)) + max(counts[base + last] - p, np.int64(0))
    for step in range(q):
        over = counts[base + last + step] - p
        after = over - ((options[last + step - q + 1] >> ratio) & 1) + moved
        change += max(after, 0) - max(over, 0)
    for step in range(q - 1):
        over = counts[base + first + step] - p
        after = over + ((options[first + step + 1] >> ratio) & 1) - moved
        change += max(after, 0) - max(over, 0)
    return int(change)


@kernel
def _earlier_change(ratios: Words, options: Words, counts: Places, ratio: int, first: int, last: int) -> int:
    p, q, base = ratios[ratio, P], ratios[ratio, Q], ratios[ratio, WINDOWS_FROM]
    moved = (options[last] >> ratio) & 1
    change = -max(counts[base + last] - p, np.int64(0)) + max(counts[base + first + q - 1] - p, np.int64(0))
    for step in range(q):
        over = counts[base + first + step] - p
        after = over - ((options[first + step] >> ratio) & 1) + moved
        change += max(after, 0) - max(over, 0)
    for step in range(1, q):
        over = counts[base + last + step] - p
        after = over + ((options[last + step - q] >> ratio) & 1) - moved
        change += max(after, 0) - max(over, 0)
    return int(change)


@kernel
def stretch_keeps_runs(limits: Words, paints: Places, kind: int, first: int, last: int, scratch: Places) -> bool:
    """Say whether no paint run is too long once a stretch is rearranged."""
    for place in range(first, last + 1):
        scratch[place] = paints[place + 1]
    for place in range(first, last + 1):
        paints[place + 1] = scratch[source(kind, first, last, place)]
    keeps = True
    for place in (first - 1, first, first + 1, last - 1, last, last + 1):
        if 0 <= place < len(paints) - 2:
            keeps = keeps and keeps_run(limits, paints, place)
    for place in range(first, last + 1):
        paints[place + 1] = scratch[place]
    return keeps


@kernel
def rearrange(
    ratios: Words,
    classes: Places,
    options: Words,
    paints: Places,
    counts: Places,
    marks: Words,
    listed: Places,
    listed_at: Places,
    options_of: Words,
    kind_of: Places,
    kind: int,
    first: int,
    last: int,
    scratch: Places,
) -> None:
    """Rearrange a stretch; `scratch` holds as many entries as the line has places."""
    for place in range(first, last + 1):
        scratch[place] = classes[source(kind, first, last, place)]
    for place in range(first, last + 1):
        new = scratch[place]
        wanted = options_of[new]
        differ = options[place] ^ wanted
        while differ:
            ratio = lowest_one(differ)
            differ &= differ - 1
            if (wanted >> ratio) & 1:
                put_in(ratios, counts, marks, ratio, place, place + ratios[ratio, Q] - 1)
            else:
                take_out(ratios, counts, marks, ratio, place, place + ratios[ratio, Q] - 1)
        options[place], paints[place + 1], classes[place] = wanted, kind_of[BY_PAINT, new], new
    for row in (BY_PAINT, BY_OPTIONS):
        for place in range(first, last + 1):
            scratch[place] = listed_at[row, source(kind, first, last, place)]
        for place in range(first, last + 1):
            listed_at[row, place] = scratch[place]
            listed[row, scratch[place]] = place
