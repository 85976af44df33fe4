"""The allocation of least cost by min-cost flow, and the places' prices that prove it.

The flow comes from ortools (cost scaling), which keeps its prices to itself; they are found anew as shortest ways in
the graph of what could still be moved. A negative circle there would be an improvement, so finding none is the proof;
the bound that the prices give is counted from scratch besides. Only the worker and the command line import ortools.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Protocol

import numpy as np

from factory_orders.allocation.model import Allocation, AllocationProblem, Indices, Whole
from factory_orders.allocation.proof import bound_of, cost_of

NO_STEP: Final = 1 << 60
"""What stands for a step that is not there: far beyond all costs, and far from an overflow."""
PLAIN_WAYS_MAX: Final = 1_000
"""With so few ways the search for prices is over before the compiler is loaded, which takes half a second and more."""


def allocate(problem: AllocationProblem) -> Allocation:
    """Return the allocation of least cost with its proof.

    Asserts that every car has a place; the caller gives each one a place to wait.
    """
    place = _flow(problem)
    return proven(problem, place, prices_of(problem, place))


def proven(problem: AllocationProblem, place: Indices, prices: Whole) -> Allocation:
    """Count an allocation and its bound from scratch; asserts that the prices prove it optimal."""
    found = Allocation(place, prices, cost_of(problem, place), bound_of(problem, prices))
    assert found.gap == 0, "a flow of least cost is proven by its prices"
    return found


def prices_of(problem: AllocationProblem, place: Indices, *, plain_ways_max: int = PLAIN_WAYS_MAX) -> Whole:
    """Return prices under which an optimal allocation is everybody's own choice; asserts that it is optimal.

    With more than `plain_ways_max` ways they are looked for by compiled code.
    """
    ways, steps = problem.ways, problem.steps
    count = np.bincount(place, minlength=steps.places).astype(np.int64)
    next_cost, last_cost = marginal_costs(problem, count)
    search = _far if len(ways.place) <= plain_ways_max else _compiled()
    far, settled = search(ways.first, ways.place, ways.cost, place, next_cost, last_cost)
    assert settled, "what can still be moved has no negative circle"
    return np.asarray(far[-1] - far[:-1], np.int64)


def marginal_costs(problem: AllocationProblem, count: Whole) -> tuple[Whole, Whole]:
    """Return what one more car costs each place, and what its last one cost; NO_STEP and its negative for none."""
    steps = problem.steps
    next_cost = np.full(steps.places, NO_STEP, np.int64)
    last_cost = np.full(steps.places, -NO_STEP, np.int64)
    before = np.concatenate(([0], np.cumsum(steps.width)))
    of_place = np.repeat(np.arange(steps.places), np.diff(steps.first))
    filled = count[of_place] - (before[:-1] - before[steps.first[of_place]])
    np.minimum.at(next_cost, of_place, np.where((filled < steps.width) & (steps.width > 0), steps.cost, NO_STEP))
    np.maximum.at(last_cost, of_place, np.where((filled > 0) & (steps.width > 0), steps.cost, -NO_STEP))
    return next_cost, last_cost


def _flow(problem: AllocationProblem) -> Indices:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    ways, steps = problem.ways, problem.steps
    cars, places = ways.cars, steps.places
    if not cars:
        return np.zeros(0, np.int32)
    graph = SimpleMinCostFlow()
    arcs = graph.add_arcs_with_capacity_and_unit_cost(
        ways.owner(), ways.place + np.int32(cars), np.ones(len(ways.place), np.int64), ways.cost
    )
    of_place = np.repeat(np.arange(places, dtype=np.int32), np.diff(steps.first))
    end = cars + places
    graph.add_arcs_with_capacity_and_unit_cost(
        of_place + np.int32(cars), np.full(len(of_place), end, np.int32), steps.width, steps.cost
    )
    supplies = np.concatenate((np.ones(cars, np.int64), np.zeros(places, np.int64), [-cars]))
    graph.set_nodes_supplies(np.arange(end + 1, dtype=np.int32), supplies)
    status = graph.solve()
    assert status == SimpleMinCostFlow.OPTIMAL, f"every car has a place to wait: {status}"
    chosen = graph.flows(arcs) > 0
    return np.asarray(ways.place[chosen], np.int32)


class _Search(Protocol):
    def __call__(
        self, first: Whole, to: Indices, cost: Whole, place: Indices, next_cost: Whole, last_cost: Whole, /
    ) -> tuple[Whole, bool]: ...


@lru_cache
def _compiled() -> _Search:
    from factory_orders.line.compiled import kernel

    return kernel(_far)


def _far(
    first: Whole, to: Indices, cost: Whole, place: Indices, next_cost: Whole, last_cost: Whole
) -> tuple[Whole, bool]:
    """Find how far each place is from anywhere (Bellman and Ford); the last entry is the end behind all places.

    A car that moves from its place leads to each of its others, a place with room to the end, and the end to each
    place whose last car could be left out. More rounds than places mean a circle that pays.
    """
    places = len(next_cost)
    far = np.zeros(places + 1, np.int64)
    for _ in range(places + 2):
        changed = False
        for car in range(len(place)):
            own = place[car]
            paid = NO_STEP
            for way in range(first[car], first[car + 1]):
                if to[way] == own and cost[way] < paid:
                    paid = cost[way]
            begin = far[own] - paid
            for way in range(first[car], first[car + 1]):
                if begin + cost[way] < far[to[way]]:
                    far[to[way]] = begin + cost[way]
                    changed = True
        for one in range(places):
            if next_cost[one] < NO_STEP and far[one] + next_cost[one] < far[places]:
                far[places] = far[one] + next_cost[one]
                changed = True
        for one in range(places):
            if last_cost[one] > -(NO_STEP) and far[places] - last_cost[one] < far[one]:
                far[one] = far[places] - last_cost[one]
                changed = True
        if not changed:
            return far, True
    return far, False
