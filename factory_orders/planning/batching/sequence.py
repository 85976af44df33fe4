"""In which order a plant builds the batches of several queues: search over the sequence, cutting queues anew too.

A step is taken when it makes the whole sequence cheaper: a run of batches moves elsewhere, two batches of a queue share
their orders otherwise or become one, one becomes two. Within a queue nobody is overtaken. No chance is involved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import Part

EVALUATIONS_MAX: Final = 300_000
"""How many batches each of the two searches costs at most: one or two seconds."""
SHIFTS: Final = (1, 2, 4, 8, 16, 32, 64)
REACH: Final = 40
"""How far a batch moves in one step."""


@dataclass(frozen=True, slots=True)
class Built:
    """A sequence of parts, with when the line is free and what it has cost before each of them and at the end."""

    parts: tuple[Part, ...]
    ends: tuple[int, ...]
    costs: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return what all of it costs."""
        return self.costs[-1]

    def rebuilt(self, costs: Costs, parts: Sequence[Part], *, most: int | None) -> Built | None:
        """Return another sequence, counted from where it begins to differ; None unless it costs less than `most`."""
        same = 0
        for old, new in zip(self.parts, parts, strict=False):
            if old != new:
                break
            same += 1
        ends, sums = list(self.ends[: same + 1]), list(self.costs[: same + 1])
        before = parts[same - 1] if same else None
        for part in parts[same:]:
            end, more = costs.build(part, ends[-1], before)
            ends.append(end)
            sums.append(sums[-1] + more)
            if most is not None and sums[-1] >= most:
                return None
            before = part
        return Built(tuple(parts), tuple(ends), tuple(sums))


def best_sequence(costs: Costs, queues: Mapping[int, Sequence[Part]]) -> list[Part]:
    """Return the cheaper of two searches: from the batches by age, and from the queues one after the other."""
    found = [_improve(costs, start) for start in (_by_age(costs, queues), _by_kind(costs, queues))]
    return list(min(found, key=lambda one: one.total).parts)


def _by_age(costs: Costs, queues: Mapping[int, Sequence[Part]]) -> list[Part]:
    """Return all batches, the one whose parts are there and whose orders have waited longest first."""

    def age(part: Part) -> tuple[int, float, int]:
        orders = costs.queues[part.queue][part.start : part.stop]
        return max(order.ready for order in orders), sum(order.since for order in orders) / len(orders), part.queue

    left = {queue: list(parts) for queue, parts in queues.items()}
    found = []
    while left:
        queue = min(left, key=lambda one: age(left[one][0]))
        found.append(left[queue].pop(0))
        if not left[queue]:
            del left[queue]
    return found


def _by_kind(costs: Costs, queues: Mapping[int, Sequence[Part]]) -> list[Part]:
    """Return the queues one after the other, each time the one that is cheapest to go on with."""
    left = dict(queues)
    found: list[Part] = []
    end = 0
    while left:
        before = found[-1] if found else None
        queue = min(left, key=lambda one: (costs.build(left[one][0], end, before)[1], one))
        for part in left.pop(queue):
            end, _ = costs.build(part, end, found[-1] if found else None)
            found.append(part)
    return found


def _improve(costs: Costs, parts: list[Part]) -> Built:
    """Go round the sequence, taking each batch's best step, until a round brings nothing or the budget ends."""
    budget = costs.evaluations + EVALUATIONS_MAX
    current = Built((), (0,), (0,)).rebuilt(costs, parts, most=None)
    assert current is not None
    index = idle = 0
    while idle < len(current.parts) and costs.evaluations < budget:
        index %= len(current.parts)
        better = current
        for changed in _steps(costs, current.parts, index):
            better = current.rebuilt(costs, changed, most=better.total) or better
        idle = idle + 1 if better is current else 0
        current = better
        index += 1
    return current


def _steps(costs: Costs, parts: Sequence[Part], index: int) -> Iterator[list[Part]]:
    """Yield the sequences that differ in where the batch at `index` stands or in how it is cut."""
    run = index + 1
    while run < len(parts) and parts[run].queue == parts[index].queue:
        run += 1
    for stop in {index + 1, run}:
        yield from _moves(parts, index, stop)
    yield from _cuts(costs, parts, index)


def _moves(parts: Sequence[Part], start: int, stop: int) -> Iterator[list[Part]]:
    """Yield the block elsewhere, as far as it overtakes nobody of its queue."""
    block, queue = list(parts[start:stop]), parts[start].queue
    for to in range(start - 1, max(-1, start - REACH), -1):
        if parts[to].queue == queue:
            break
        yield [*parts[:to], *block, *parts[to:start], *parts[stop:]]
    for to in range(stop, min(len(parts), stop + REACH)):
        if parts[to].queue == queue:
            break
        yield [*parts[:start], *parts[stop : to + 1], *block, *parts[to + 1 :]]


def _cuts(costs: Costs, parts: Sequence[Part], index: int) -> Iterator[list[Part]]:
    """Yield the batch in two, and the batch and the next one of its queue with another border or as one."""
    own = parts[index]
    for at in range(own.start + costs.smallest, own.stop - costs.smallest + 1, max(1, (own.stop - own.start) // 8)):
        yield [*parts[:index], Part(own.queue, own.start, at), Part(own.queue, at, own.stop), *parts[index + 1 :]]
    other = next((at for at in range(index + 1, len(parts)) if parts[at].queue == own.queue), None)
    if other is None:
        return
    nextone = parts[other]
    if nextone.stop - own.start <= costs.largest:
        whole = Part(own.queue, own.start, nextone.stop)
        yield [*parts[:index], whole, *parts[index + 1 : other], *parts[other + 1 :]]
        yield [*parts[:index], *parts[index + 1 : other], whole, *parts[other + 1 :]]
    for shift in (*SHIFTS, *(-one for one in SHIFTS)):
        border = own.stop + shift
        sizes = border - own.start, nextone.stop - border
        if costs.smallest <= min(sizes) and max(sizes) <= costs.largest:
            first, second = Part(own.queue, own.start, border), Part(own.queue, border, nextone.stop)
            yield [*parts[:index], first, *parts[index + 1 : other], second, *parts[other + 1 :]]
