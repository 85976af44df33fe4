"""Finds prices for the limits, so that orders that pay them spread by themselves and prove a bound.

Orders come one by one in a random sequence and take their cheapest day; what they take gets dearer by a step, and all
limits get cheaper as fast as their capacity would be used up evenly. Small steps average out to the optimum of the
Lagrangian dual (stochastic subgradient ascent with averaging); a step is kept as long as it still raises the bound.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from factory_orders.line.compiled import kernel
from factory_orders.slotting.model import SlotPrices, SlotProblem, Whole
from factory_orders.slotting.scoring import bound_of

Real: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Row: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]
Orders: TypeAlias = tuple[Whole, Indices, Whole, Whole, Whole]
"""Where each order's needs begin, the limits it needs, its ready and its due day, and since when it waits."""
Costs: TypeAlias = Row
"""A day of waiting, a day late, no day at all."""

ROUNDS_A_STEP: Final = 4
ROUNDS_A_STEP_MAX: Final = 12
STEP_SHRINKS: Final = 0.35
LEAST_GAIN: Final = 2e-4
"""A step is made smaller where a turn of it raised the bound by a smaller share."""
ORDERS_A_DRIFT: Final = 100
DRIFTS_AT_LEAST: Final = 50
PARTS_PACE: Final = 4.0
ORDERS_A_ROUND_MIN: Final = 2_000
"""Few orders come several times in a round."""


def find_prices(problem: SlotProblem, *, seed: int) -> tuple[SlotPrices, int]:
    """Return good prices and the bound they prove; the same seed gives the same."""
    shape = (len(problem.limits.names) + len(problem.limits.part_names), problem.limits.days)
    zero = _whole(problem, np.zeros(shape))
    best = np.zeros(shape)
    if not problem.orders.number or not problem.limits.days:
        return zero, bound_of(problem, zero)
    walk = _Walk(problem, shape, seed)
    bound = walk.bound(best)
    first, last = _steps(problem)
    step = first
    while step > last:
        turn_began = bound
        for _ in range(ROUNDS_A_STEP_MAX // ROUNDS_A_STEP):
            found = walk.go(step, ROUNDS_A_STEP)
            reached = walk.bound(found)
            gained = reached - bound
            if gained > 0:
                best, bound = found, reached
            if gained <= LEAST_GAIN * abs(bound):
                break
        step *= STEP_SHRINKS if bound > turn_began or step < first else STEP_SHRINKS**2
    prices = _whole(problem, best)
    return prices, bound_of(problem, prices)


def _steps(problem: SlotProblem) -> tuple[float, float]:
    """Return the first and the last step: from a small part of the largest price there can be to a thousandth of it."""
    costs = problem.costs
    dearest = max(costs.unslotted, costs.late_day, costs.wait_day, 1)
    most = max(int(problem.limits.capacity.max(initial=0)), 1)
    return dearest / (4 + most / 20), max(costs.wait_day, 1) / (4 + most / 3)


def _whole(problem: SlotProblem, prices: Real) -> SlotPrices:
    """Round prices to whole fen; the end of the list are the parts'."""
    number = len(problem.limits.names)
    rounded = np.rint(prices).astype(np.int64)
    return SlotPrices(rounded[:number], rounded[number:])


class _Walk:
    """The prices as they stand, and the dice."""

    def __init__(self, problem: SlotProblem, shape: tuple[int, int], seed: int) -> None:
        orders, limits = problem.orders, problem.limits
        both = np.concatenate((orders.needs, orders.parts), axis=1)
        first = np.concatenate(([0], np.cumsum(both.sum(axis=1)))).astype(np.int64)
        self._orders = first, np.nonzero(both)[1].astype(np.int32), orders.ready, orders.due, orders.since
        self._costs = np.array([problem.costs.wait_day, problem.costs.late_day, problem.costs.unslotted], np.float64)
        self._capacity = np.concatenate((limits.capacity, limits.supply)).astype(np.float64)
        self._parts_from = len(limits.names)
        self._prices = np.zeros(shape)
        self._dice = np.random.default_rng(seed)
        self._times = max(1, -(-ORDERS_A_ROUND_MIN // orders.number))
        self._number = orders.number

    def go(self, step: float, rounds: int) -> Real:
        """Let all orders come that many times; returns the prices' average."""
        total, count = np.zeros_like(self._prices), 0
        for number in range(rounds):
            sequence = np.concatenate([self._dice.permutation(self._number) for _ in range(self._times)])
            if number == 1:
                total[:], count = 0, 0
            count += _come(
                sequence, self._orders, self._costs, self._prices, total, self._capacity, self._parts_from, step
            )
        return total / count

    def bound(self, prices: Real) -> float:
        """Return the bound that prices prove."""
        return _bound(self._orders, self._costs, prices, self._capacity, self._parts_from)


@kernel
def _come(
    sequence: Whole,
    orders: Orders,
    costs: Costs,
    prices: Real,
    total: Real,
    capacity: Real,
    parts_from: int,
    step: float,
) -> int:
    """Let orders come in a sequence, and add up the prices as they go; returns how often they were added."""
    limits, days = prices.shape
    first, needs, ready = orders[0], orders[1], orders[2]
    paid, dearer = np.zeros(days), np.zeros((limits, days))
    asked = prices.copy()
    _sum_up(asked, parts_from)
    # So few at once that a limit follows them by a unit or two, and not by all that a day takes.
    drift, count = max(min(ORDERS_A_DRIFT, len(ready) // DRIFTS_AT_LEAST), 1), 0
    for at in range(len(sequence)):
        order = sequence[at]
        chosen = _choose(order, orders, costs, asked, paid)
        if chosen >= 0:
            for place in range(first[order], first[order + 1]):
                dearer[needs[place], chosen] += 1
                if needs[place] < parts_from:
                    asked[needs[place], chosen] += step
        if at % drift == drift - 1:
            _follow(prices, dearer, capacity, parts_from, step, drift / len(ready))
            total += prices
            count += 1
            asked[:] = prices
            _sum_up(asked, parts_from)
    return count


@kernel
def _choose(order: int, orders: Orders, costs: Costs, asked: Real, paid: Row) -> int:
    """Return an order's cheapest day, -1 where none is cheaper than to have none; `paid` has what each day costs."""
    first, needs, ready, due, since = orders
    days = len(paid)
    for day in range(days):
        paid[day] = costs[0] * (day - since[order])
    for day in range(max(due[order] + 1, 0), days):
        paid[day] += costs[1] * (day - due[order])
    for place in range(first[order], first[order + 1]):
        row = asked[needs[place]]
        for day in range(days):
            paid[day] += row[day]
    least, chosen = costs[2], -1
    for day in range(max(ready[order], 0), days):
        if paid[day] < least:
            least, chosen = paid[day], day
    return chosen


@kernel
def _follow(prices: Real, dearer: Real, capacity: Real, parts_from: int, step: float, share: float) -> None:
    """Let prices rise with what was taken and fall with the capacity of the orders' share; none falls below nothing."""
    limits, days = prices.shape
    for limit in range(limits):
        used = 0.0
        # A part's price on a day bears on all days before; so many steps at once would overshoot.
        pace = step if limit < parts_from else PARTS_PACE * step / days
        for day in range(days):
            used = used + dearer[limit, day] if limit >= parts_from else dearer[limit, day]
            prices[limit, day] = max(prices[limit, day] + pace * (used - share * capacity[limit, day]), 0.0)
            dearer[limit, day] = 0.0


@kernel
def _bound(orders: Orders, costs: Costs, prices: Real, capacity: Real, parts_from: int) -> float:
    """Return the bound of prices, to the accuracy of a floating-point number."""
    asked, paid = prices.copy(), np.zeros(prices.shape[1])
    _sum_up(asked, parts_from)
    total = -(capacity * prices).sum()
    for order in range(len(orders[2])):
        chosen = _choose(order, orders, costs, asked, paid)
        total += paid[chosen] if chosen >= 0 else costs[2]
    return float(total)


@kernel
def _sum_up(asked: Real, parts_from: int) -> None:
    """Turn the prices of parts into what they cost on a day: who takes one then has taken it on every later day."""
    for limit in range(parts_from, asked.shape[0]):
        for day in range(asked.shape[1] - 2, -1, -1):
            asked[limit, day] += asked[limit, day + 1]
