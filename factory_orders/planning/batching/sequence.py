"""Makes a sequence of batches cheaper, whichever classes share one: search by steps until none helps.

A batch is how many orders of each queue it takes; which ones follows from the batches before it, so that no step
overtakes anybody of a queue. A run of batches moves elsewhere, two become one, one becomes two, orders of a queue move
to another batch, two batches swap as many of one queue for another's. No chance is involved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import Cut, Part

SHIFTS: Final = (1, 4, 16)
"""How many orders move to another batch, beside all of a queue and as many as there is room for."""
REACH: Final = 40
"""How far a batch moves or looks for one to join, in one step."""
NEAR: Final = 6
"""How far orders move, or are swapped."""
PIECES: Final = 8
"""In how many places a batch may come apart, beside those between its queues."""

Takes = tuple[tuple[int, int], ...]
"""How many orders a batch takes of each queue: (queue, number) in the order of the queues."""


@dataclass(frozen=True, slots=True)
class Built:
    """A sequence of batches, with when the line is free and what it has cost before each of them and at the end."""

    cuts: tuple[Cut, ...]
    ends: tuple[int, ...]
    sums: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return what all of it costs."""
        return self.sums[-1]


def build_all(costs: Costs, cuts: Sequence[Cut]) -> Built:
    """Return a sequence with its costs."""
    ends, sums, before = [0], [0], 0
    for cut in cuts:
        end, more = costs.build(cut, ends[-1], before)
        ends.append(end)
        sums.append(sums[-1] + more)
        before = costs.look_at(cut).made_of
    return Built(tuple(cuts), tuple(ends), tuple(sums))


def improve(costs: Costs, cuts: Sequence[Cut], *, evaluations_max: int) -> Built:
    """Go round the sequence, taking each batch's best step, until a round brings nothing or the budget ends."""
    budget = costs.evaluations + evaluations_max
    current = _Current.of(build_all(costs, cuts))
    index = idle = 0
    while idle < len(current.takes) and costs.evaluations < budget:
        index %= len(current.takes)
        best, least = None, current.built.total
        for steps in _steps(costs, current.takes, index):
            total = _total(costs, current, steps, least)
            if total < least:
                best, least = steps, total
        idle = idle + 1 if best is None else 0
        current = current if best is None else _Current.of(build_all(costs, lay_out(best)))
        index += 1
    return current.built


@dataclass(frozen=True, slots=True)
class _Current:
    """A sequence, what each of its batches takes, and how many of each queue the batches before each of them took."""

    built: Built
    takes: list[Takes]
    taken: list[dict[int, int]]

    @classmethod
    def of(cls, built: Built) -> _Current:
        taken: list[dict[int, int]] = [{}]
        for cut in built.cuts:
            taken.append(taken[-1] | {queue: stop for queue, _, stop in cut})
        return cls(built, [takes_of(cut) for cut in built.cuts], taken)


def takes_of(cut: Cut) -> Takes:
    """Return how many orders of each queue a batch takes."""
    return tuple((queue, stop - start) for queue, start, stop in cut)


def lay_out(batches: Sequence[Takes]) -> list[Cut]:
    """Return which orders the batches take: of each queue the next ones."""
    taken: dict[int, int] = {}
    return [_next(taken, takes) for takes in batches]


def _next(taken: dict[int, int], takes: Takes) -> Cut:
    cut = []
    for queue, number in takes:
        start = taken.get(queue, 0)
        taken[queue] = start + number
        cut.append(Part(queue, start, start + number))
    return tuple(cut)


def _total(costs: Costs, current: _Current, steps: list[Takes], most: int) -> int:
    """Return what a sequence costs, counted only where it differs from the current; `most` or more if that is all."""
    old, built = current.takes, current.built
    shorter = min(len(old), len(steps))
    same = tail = 0
    while same < shorter and old[same] == steps[same]:
        same += 1
    # Both take all there is, so that batches at the end that take as many take the same.
    while tail < shorter - same and old[-1 - tail] == steps[-1 - tail]:
        tail += 1
    end, total, taken = built.ends[same], built.sums[same], dict(current.taken[same])
    before = costs.look_at(built.cuts[same - 1]).made_of if same else 0
    for at in range(same, len(steps)):
        there = at - len(steps) + len(old)
        if at < len(steps) - tail:
            cut = _next(taken, steps[at])
        else:
            cut = built.cuts[there]
            if there and end == built.ends[there]:
                # From here on all is as it was but for the change to the first of them.
                own, other = costs.look_at(cut).made_of, costs.look_at(built.cuts[there - 1]).made_of
                change = costs.changeover(before, own) - costs.changeover(other, own)
                return total + change + built.total - built.sums[there]
        end, more = costs.build(cut, end, before)
        total += more
        if total >= most:
            return total
        before = costs.look_at(cut).made_of
    return total


def _steps(costs: Costs, batches: list[Takes], index: int) -> Iterator[list[Takes]]:
    """Yield the sequences that differ in where the batch at `index` stands or in what it takes."""
    run = index + 1
    own = {queue for queue, _ in batches[index]}
    while run < len(batches) and own & {queue for queue, _ in batches[run]}:
        run += 1
    for stop in {index + 1, run}:
        yield from _moves(batches, index, stop)
    yield from _parted(costs, batches, index)
    yield from _joined(costs, batches, index)
    for other in range(max(0, index - NEAR), min(len(batches), index + NEAR + 1)):
        if other != index:
            yield from _shifted(costs, batches, index, other)
            yield from _swapped(batches, index, other)


def _moves(batches: list[Takes], start: int, stop: int) -> Iterator[list[Takes]]:
    block, rest = batches[start:stop], batches[:start] + batches[stop:]
    for to in range(max(0, start - REACH), min(len(rest), start + REACH) + 1):
        if to != start:
            yield [*rest[:to], *block, *rest[to:]]


def _parted(costs: Costs, batches: list[Takes], index: int) -> Iterator[list[Takes]]:
    """Yield the batch in two, either of them first."""
    own = batches[index]
    size = sum(number for _, number in own)
    borders = set(range(costs.smallest, size - costs.smallest + 1, max(1, size // PIECES)))
    at = 0
    for _, number in own[:-1]:
        at += number
        borders.add(at)
    for border in sorted(borders):
        if costs.smallest <= border <= size - costs.smallest:
            first, second = _split(own, border)
            yield [*batches[:index], first, second, *batches[index + 1 :]]
            yield [*batches[:index], second, first, *batches[index + 1 :]]


def _split(takes: Takes, border: int) -> tuple[Takes, Takes]:
    first, second = [], []
    for queue, number in takes:
        here = min(number, border)
        border -= here
        if here:
            first.append((queue, here))
        if number > here:
            second.append((queue, number - here))
    return tuple(first), tuple(second)


def _joined(costs: Costs, batches: list[Takes], index: int) -> Iterator[list[Takes]]:
    """Yield the batch as one with a later one, in the place of either."""
    size = sum(number for _, number in batches[index])
    for other in range(index + 1, min(len(batches), index + REACH)):
        if size + sum(number for _, number in batches[other]) <= costs.largest:
            both = _plus(batches[index], batches[other])
            between = batches[index + 1 : other]
            yield [*batches[:index], both, *between, *batches[other + 1 :]]
            if between:
                yield [*batches[:index], *between, both, *batches[other + 1 :]]


def _shifted(costs: Costs, batches: list[Takes], index: int, other: int) -> Iterator[list[Takes]]:
    """Yield some orders of a queue in another batch."""
    spare = sum(number for _, number in batches[index]) - costs.smallest
    room = costs.largest - sum(number for _, number in batches[other])
    for queue, number in batches[index]:
        most = min(number, spare, room)
        for moved in {most, *(shift for shift in SHIFTS if shift < most)}:
            if moved > 0:
                changed = list(batches)
                changed[index] = _plus(batches[index], ((queue, -moved),))
                changed[other] = _plus(batches[other], ((queue, moved),))
                yield changed


def _swapped(batches: list[Takes], index: int, other: int) -> Iterator[list[Takes]]:
    """Yield as many orders of a queue as can be for those of another one in the other batch."""
    here, there = dict(batches[index]), dict(batches[other])
    for queue in here.keys() - there.keys():
        for back in there.keys() - here.keys():
            moved = min(here[queue], there[back])
            changed = list(batches)
            changed[index] = _plus(batches[index], ((queue, -moved), (back, moved)))
            changed[other] = _plus(batches[other], ((queue, moved), (back, -moved)))
            yield changed


def _plus(takes: Takes, more: Takes) -> Takes:
    found = dict(takes)
    for queue, number in more:
        found[queue] = found.get(queue, 0) + number
    return tuple(sorted((queue, number) for queue, number in found.items() if number))
