"""Exact counts and uniform draws from a circuit, in whole numbers of any size.

Branches exclude each other and children share nothing: counts add over a node's branches and multiply along a branch,
and each class that a branch leaves free doubles it.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from configurator.engine import circuit as at
from configurator.engine import workspace as of
from configurator.engine.circuit import Circuit

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """By live node its live branches and how many cars each has, added up; the last sum is the node's."""

    circuit: Circuit
    closed: NDArray[np.int8]
    branches: dict[int, list[int]]
    sums: dict[int, list[int]]

    @property
    def total(self) -> int:
        """Return how many cars there are."""
        return self.sums[0][-1]

    def draw(self, chance: random.Random, chosen: NDArray[np.int8]) -> None:
        """Mark in `chosen` the codes of one car, each car as likely as any other."""
        child_first, child = self.circuit.section(at.CHILD_FIRST), self.circuit.section(at.CHILD)
        asserted, free = self.circuit.section(at.ASSERTED), self.circuit.section(at.FREE)
        code_first, code = self.circuit.section(at.CODE_FIRST), self.circuit.section(at.CODE)
        chosen[:] = 0
        waiting = [0]
        while waiting:
            sums = self.sums[node := waiting.pop()]
            branch = self.branches[node][bisect_right(sums, chance.randrange(sums[-1]))]
            if (group := asserted[branch]) >= 0:
                chosen[code[code_first[group] : code_first[group + 1]]] = 1
            if (group := free[branch]) >= 0:
                self._toss(code[code_first[group] : code_first[group + 1]], chance, chosen)
            waiting += child[child_first[branch] : child_first[branch + 1]].tolist()

    def _toss(self, codes: NDArray[np.int32], chance: random.Random, chosen: NDArray[np.int8]) -> None:
        """Choose a side for each free class, where both are open by the toss of a coin."""
        bits = chance.getrandbits(len(codes))
        for place, code in enumerate(codes.tolist()):
            side = bits >> place & 1
            if self.closed[code + side]:
                side ^= 1
            chosen[code + side] = 1


def count_cars(circuit: Circuit, work: NDArray[np.int32]) -> Counts:
    """Count the cars at the workspace's decisions."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    dead, closed = flags[: circuit.size(at.BRANCHES)], flags[circuit.size(at.BRANCHES) :].copy()
    owner, free = circuit.section(at.OWNER), circuit.section(at.FREE)
    child_first, child = circuit.section(at.CHILD_FIRST).tolist(), circuit.section(at.CHILD).tolist()
    doublings = _doublings(circuit, closed)
    branches: dict[int, list[int]] = {}
    counts: dict[int, list[int]] = {}
    sums: dict[int, list[int]] = {}
    totals: dict[int, int] = {}
    alive = np.nonzero(dead == 0)[0][::-1]
    rows = zip(alive.tolist(), owner[alive].tolist(), free[alive].tolist(), strict=True)
    for branch, node, group in rows:
        cars = 1 << doublings[group] if group >= 0 else 1
        for index in range(child_first[branch], child_first[branch + 1]):
            cars *= totals[child[index]]
        branches.setdefault(node, []).append(branch)
        counts.setdefault(node, []).append(cars)
        totals[node] = totals.get(node, 0) + cars
    for node, cars_of in counts.items():
        sums[node] = list(accumulate(cars_of))
    return Counts(circuit, closed, branches, sums)


def _doublings(circuit: Circuit, closed: NDArray[np.int8]) -> list[int]:
    """Return by group how many of its classes are open on both sides; for those that assert it means nothing."""
    codes, first = circuit.section(at.CODE), circuit.section(at.CODE_FIRST)
    open_codes = (closed[codes] == 0) & (closed[codes ^ 1] == 0)
    before = np.concatenate(([0], np.cumsum(open_codes)))
    doublings: list[int] = (before[first[1:]] - before[first[:-1]]).tolist()
    return doublings
