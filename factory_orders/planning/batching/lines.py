"""Cuts one line of orders into batches, exactly: a dynamic programme over how many of them are built.

A label is a way of having built the first orders: when the line is free again, and what it cost. A label that another
one beats in both is dropped, which loses nothing: whatever can follow the one can follow the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from factory_orders.planning.batching.costs import Costs
from factory_orders.planning.batching.model import Cut, Part


@dataclass(frozen=True, slots=True)
class Label:
    """One way to a state: the line is free at `end`; `cut` is the last batch and `earlier` leads back to the start.

    `net` is what it has cost so far, without idle slots. Who is free earlier may have to stand idle for longer, so they
    are counted at the end of the line only: there they are its slots without a car.
    """

    end: int
    net: int
    made_of: int
    cut: Cut
    earlier: Label | None

    def cuts(self) -> list[Cut]:
        """Return the batches from the first to the last."""
        found: list[Cut] = []
        label: Label | None = self
        while label is not None and label.cut:
            found.append(label.cut)
            label = label.earlier
        return found[::-1]


START = Label(0, 0, 0, (), None)


def is_beaten(labels: list[Label], end: int, net: int, made_of: int, worst: int) -> bool:
    """Say whether one of the labels is free no later, has cost no more, and what may follow it costs no more either.

    The change to what follows costs no more behind a batch that has all the other has; else `worst` more.
    """
    for one in labels:
        if one.end <= end and one.net <= net and (one.net + worst <= net or not made_of & ~one.made_of):
            return True
    return False


def keep(labels: list[Label], new: Label, worst: int) -> None:
    """Add a label that no other one beats, and drop those that it beats."""
    labels[:] = [one for one in labels if not is_beaten([new], one.end, one.net, one.made_of, worst)]
    labels.append(new)


def cut_line(costs: Costs, queue: int = 0) -> list[Cut]:
    """Return the cheapest batches of one queue that has the line for itself, its orders in the order they stand in.

    The queue must be one that batches can take whole. Takes n · largest steps for n orders.
    """
    count = len(costs.queues[queue])
    worst = costs.worst_changeover
    idle = costs.prices.idle_slot
    made, ready_at, own = costs.made_of[queue], costs.ready[queue], costs.own[queue]
    setup, wait_day, day_of = costs.prices.setup, costs.prices.wait_day, costs.line.day_of
    labels: list[list[Label]] = [[START], *([] for _ in range(count))]
    for stop in range(1, count + 1):
        into = labels[stop]
        made_of = ready = 0
        for start in range(stop - 1, max(0, stop - costs.largest) - 1, -1):
            made_of |= made[start]
            ready = max(ready, ready_at[start])
            size = stop - start
            if size < costs.smallest or not labels[start]:
                continue
            fixed = setup + costs.changes(made_of) + own[stop] - own[start]
            for label in labels[start]:
                end = max(label.end, ready) + size
                day = day_of(end - 1)
                late = costs.late_until(queue, day)
                net = label.net + fixed + wait_day * day * size + late[stop] - late[start]
                if is_beaten(into, end, net, made_of, worst):
                    continue
                net += costs.changeover(label.made_of, made_of)
                if not is_beaten(into, end, net, made_of, worst):
                    keep(into, Label(end, net, made_of, (Part(queue, start, stop),), label), worst)
    return min(labels[count], key=lambda label: label.net + idle * label.end).cuts()


def largest_fill(orders: int, *, smallest: int, largest: int) -> int:
    """Return the most orders, up to `orders`, that batches within the limits can take: k·smallest ≤ n ≤ k·largest."""
    return min(orders, orders // smallest * largest)
