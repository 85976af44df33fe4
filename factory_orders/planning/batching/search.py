"""Finds a cheap partition: exact for one class and for few orders, by search over the sequence of batches for more.

A label is a way of having built the first orders of each queue: when the line is free again, and what it cost. A label
that another one beats in both is dropped, which loses nothing: whatever can follow the one can follow the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import NOTHING, Features, Part
from factory_orders.planning.batching.sequence import best_sequence

EXACT_STATES_MAX: Final = 2_000
"""Up to so many ways of having taken orders from the queues, every partition is looked at."""


@dataclass(frozen=True, slots=True)
class Label:
    """One way to a state: the line is free at `end`, so far it costs `cost`; `earlier` leads back to the start."""

    end: int
    cost: int
    part: Part | None
    earlier: Label | None
    features: Features = NOTHING

    def parts(self) -> list[Part]:
        """Return the parts from the first to the last."""
        found: list[Part] = []
        label: Label | None = self
        while label is not None and label.part is not None:
            found.append(label.part)
            label = label.earlier
        return found[::-1]


def largest_fill(orders: int, *, smallest: int, largest: int) -> int:
    """Return the most orders, up to `orders`, that batches within the limits can take: k·smallest ≤ n ≤ k·largest."""
    return min(orders, orders // smallest * largest)


def is_exact(costs: Costs) -> bool:
    """Say whether `best_partition` looks at every partition: of one queue, and of several with few orders."""
    used = [queue for queue in costs.queues if queue]
    return len(used) <= 1 or prod(len(queue) + 1 for queue in costs.queues) <= EXACT_STATES_MAX


def best_partition(costs: Costs) -> list[Part]:
    """Return the parts in the order in which they are built; every queue must be one that batches can take whole."""
    used = [index for index, queue in enumerate(costs.queues) if queue]
    if not used:
        return []
    if len(used) == 1:
        return partition_queue(costs, used[0])
    if is_exact(costs):
        return _every_partition(costs)
    return best_sequence(costs, {index: partition_queue(costs, index) for index in used})


def partition_queue(costs: Costs, queue: int) -> list[Part]:
    """Return the best partition of one queue that has the line for itself: a dynamic programme over its order."""
    count = len(costs.queues[queue])
    worst = costs.worst_changeover(queue)
    labels: list[list[Label]] = [[] for _ in range(count + 1)]
    labels[0] = [Label(0, 0, None, None)]
    for stop in range(1, count + 1):
        for start in range(stop - costs.smallest, max(0, stop - costs.largest) - 1, -1):
            _extend(costs, labels[start], Part(queue, start, stop), labels[stop], worst)
    return min(labels[count], key=lambda label: label.cost).parts()


def _every_partition(costs: Costs) -> list[Part]:
    """Look at every sequence of parts of all queues, dropping what is beaten; exact."""
    full = tuple(len(queue) for queue in costs.queues)
    worst = costs.worst_changeover()
    labels: dict[tuple[int, ...], list[Label]] = {(0,) * len(full): [Label(0, 0, None, None)]}
    # A part only adds orders, so states in order of their numbers come after all that lead to them.
    for taken in product(*(range(count + 1) for count in full)):
        for part in _next_parts(taken, full, costs) if taken in labels else ():
            state = (*taken[: part.queue], part.stop, *taken[part.queue + 1 :])
            _extend(costs, labels[taken], part, labels.setdefault(state, []), worst)
    return min(labels[full], key=lambda label: label.cost).parts()


def _next_parts(taken: Sequence[int], full: Sequence[int], costs: Costs) -> Iterator[Part]:
    for queue, (start, count) in enumerate(zip(taken, full, strict=True)):
        for stop in range(start + costs.smallest, min(start + costs.largest, count) + 1):
            yield Part(queue, start, stop)


def _extend(costs: Costs, labels: Sequence[Label], part: Part, into: list[Label], worst: int) -> None:
    """Build a part behind every label and keep what is not beaten."""
    own, idle = costs.features(part), costs.prices.idle_slot
    for label in labels:
        end, cost = costs.build(part, label.end, label.part)
        new = Label(end, label.cost + cost, part, label, own)
        if any(_beats(one, new, worst, idle) for one in into):
            continue
        into[:] = [one for one in into if not _beats(new, one, worst, idle)]
        into.append(new)


def _beats(one: Label, other: Label, worst: int, idle: int) -> bool:
    """Say whether a label makes another one needless: no later, no dearer, and all that may follow costs no more.

    Who is free earlier may have to stand idle for longer, so idle slots are left out: in the end they are those of the
    line's end. The change to what follows costs no more behind a batch that has all the other has; else `worst` more.
    """
    ahead = (other.cost - idle * other.end) - (one.cost - idle * one.end)
    if one.end > other.end or ahead < 0:
        return False
    return worst <= ahead or one.features.contain(other.features)
