"""What an allocation costs and what its prices prove, each counted from scratch and from nothing but the problem."""

from __future__ import annotations

import numpy as np

from factory_orders.allocation.model import AllocationProblem, Indices, Steps, Whole


def cost_of(problem: AllocationProblem, place: Indices) -> int:
    """Return what an allocation costs; asserts that each car goes one of its ways and no place takes too many."""
    ways, steps = problem.ways, problem.steps
    taken = ways.place == place[ways.owner()]
    # Where two ways of a car lead to one place the cheaper one is meant.
    far = np.iinfo(np.int64).max
    least = (
        np.minimum.reduceat(np.where(taken, ways.cost, far), ways.first[:-1]) if ways.cars else np.zeros(0, np.int64)
    )
    assert (least < far).all(), "each car goes one of its ways"
    count = np.bincount(place, minlength=steps.places)
    assert (count <= steps.room()).all(), "no place takes more than it can"
    return int(least.sum()) + _cost_of_counts(steps, count)


def bound_of(problem: AllocationProblem, prices: Whole) -> int:
    """Return what no allocation can cost less than, whatever the prices are (Lagrange's relaxation of the places).

    Each car pays its place's price and takes its cheapest way; each place earns the price of every car and takes as
    many as that is worth. The two need not agree, so no allocation is cheaper than their sum.
    """
    ways, steps = problem.ways, problem.steps
    paid = ways.cost + prices[ways.place]
    cars = int(np.minimum.reduceat(paid, ways.first[:-1]).sum()) if ways.cars else 0
    of_place = np.repeat(np.arange(steps.places), np.diff(steps.first))
    worth = np.minimum(steps.cost - prices[of_place], 0) * steps.width
    return cars + int(worth.sum())


def _cost_of_counts(steps: Steps, count: Whole) -> int:
    """Return what their cars cost the places, the cheapest steps first."""
    before = np.concatenate(([0], np.cumsum(steps.width)))
    of_place = np.repeat(np.arange(steps.places), np.diff(steps.first))
    filled = np.clip(count[of_place] - (before[:-1] - before[steps.first[of_place]]), 0, steps.width)
    return int((filled * steps.cost).sum())
