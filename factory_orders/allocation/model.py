"""Cars and the places they may go to, as flat arrays: what each way costs, and what each further car costs a place.

A place is whatever takes cars: a store, an order that waits for one, the yard where a car stays. What a place's cars
cost together may only rise faster with each one (its steps never get cheaper), which is what makes a flow of least cost
the optimum in whole cars, and its prices a proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Whole: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class Ways:
    """Where each car may go: those of car i are `place[first[i]:first[i + 1]]`, at `cost` (any whole number)."""

    first: Whole
    place: Indices
    cost: Whole

    @property
    def cars(self) -> int:
        """Return how many cars there are."""
        return len(self.first) - 1

    def owner(self) -> Indices:
        """Return the car that each way belongs to."""
        return np.repeat(np.arange(self.cars, dtype=np.int32), np.diff(self.first))


@dataclass(frozen=True, slots=True)
class Steps:
    """What cars cost a place: those of place j are `first[j]:first[j + 1]`; a step takes `width` cars at `cost` each.

    Costs never fall within a place; behind the last step nothing more can go there.
    """

    first: Whole
    width: Whole
    cost: Whole

    def __post_init__(self) -> None:
        inside = np.ones(max(len(self.cost) - 1, 0), np.bool_)
        inside[self.first[1:-1][(self.first[1:-1] > 0) & (self.first[1:-1] < len(self.cost))] - 1] = False
        assert not (np.diff(self.cost) < 0)[inside].any(), "a place's next car is never cheaper than its last"
        assert (self.width >= 0).all(), "a step takes no fewer than no cars"

    @property
    def places(self) -> int:
        """Return how many places there are."""
        return len(self.first) - 1

    def room(self) -> Whole:
        """Return how many cars each place can take."""
        return np.diff(np.concatenate(([0], np.cumsum(self.width)))[self.first])


@dataclass(frozen=True, slots=True)
class AllocationProblem:
    """Each car goes to exactly one of its places; every car has one where there is always room, if only to wait."""

    ways: Ways
    steps: Steps


@dataclass(frozen=True, slots=True)
class Allocation:
    """The place of each car, what all cost, and the places' prices, which prove that nothing costs less.

    `prices[j]` is what one more car at place j would have to save elsewhere; `bound` is what the prices alone say that
    no allocation can go below.
    """

    place: Indices
    prices: Whole
    cost: int
    bound: int

    @property
    def gap(self) -> int:
        """Return by how much it may lie above the optimum at most; 0 is proven optimal."""
        return self.cost - self.bound


def ways_of(rows: Sequence[Sequence[tuple[int, int]]]) -> Ways:
    """Build ways from (place, cost) by car."""
    sizes = np.array([len(row) for row in rows], np.int64)
    flat = [pair for row in rows for pair in row]
    return Ways(
        np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
        np.array([place for place, _ in flat], np.int32),
        np.array([cost for _, cost in flat], np.int64),
    )


def steps_of(rows: Sequence[Sequence[tuple[int, int]]]) -> Steps:
    """Build steps from (width, cost) by place."""
    sizes = np.array([len(row) for row in rows], np.int64)
    flat = [pair for row in rows for pair in row]
    return Steps(
        np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
        np.array([width for width, _ in flat], np.int64),
        np.array([cost for _, cost in flat], np.int64),
    )
