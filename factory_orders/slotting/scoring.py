"""What a plan costs and what prices prove, each counted from scratch and from nothing but the problem."""

from __future__ import annotations

import numpy as np

from factory_orders.slotting.model import UNSLOTTED, Grid, SlotPrices, SlotProblem, Whole

ORDERS_AT_ONCE = 4_096


def cost_of(problem: SlotProblem, day: Whole) -> int:
    """Return what a plan costs; asserts that it keeps every limit and builds nobody before they are ready."""
    orders, limits, costs = problem.orders, problem.limits, problem.costs
    slotted = day != UNSLOTTED
    assert ((day >= orders.ready) | ~slotted).all(), "nobody is built before they are ready"
    assert (day < limits.days).all(), "no day is behind the plan"
    assert (used_of(problem, day)[0] <= limits.capacity).all(), "no day takes more than it can"
    assert (used_of(problem, day)[1] <= limits.supply).all(), "no part is used before it comes"
    waits = int(((day - orders.since) * slotted).sum())
    late = int((np.maximum(day - orders.due, 0) * slotted).sum())
    return waits * costs.wait_day + late * costs.late_day + int((~slotted).sum()) * costs.unslotted


def used_of(problem: SlotProblem, day: Whole) -> tuple[Grid, Grid]:
    """Return what a plan takes of each limit on each day, and of each part up to each day."""
    (limits, days), number = problem.limits.capacity.shape, len(problem.limits.supply)
    used = [np.bincount(day[need & (day >= 0)], minlength=days) for need in problem.orders.needs.T]
    parts = [np.cumsum(np.bincount(day[need & (day >= 0)], minlength=days)) for need in problem.orders.parts.T]
    return np.array(used, np.int64).reshape(limits, days), np.array(parts, np.int64).reshape(number, days)


def bound_of(problem: SlotProblem, prices: SlotPrices) -> int:
    """Return what no plan can cost less than, whatever the prices are (Lagrange's relaxation of all limits).

    Each order pays for what it takes and has its cheapest day, or none; the limits are paid for as if all were used. In
    whole numbers, so that nothing is rounded in the bound's favour; asserts that no price is below nothing.
    """
    orders, limits, costs = problem.orders, problem.limits, problem.costs
    assert (prices.limits >= 0).all() and (prices.parts >= 0).all(), "a limit is never worth less than nothing"
    # Whoever takes a part on a day has taken it on every later one.
    part_day = np.cumsum(prices.parts[:, ::-1], axis=1)[:, ::-1]
    days = np.arange(limits.days)
    total = -int((limits.capacity * prices.limits).sum()) - int((limits.supply * prices.parts).sum())
    for start in range(0, orders.number, ORDERS_AT_ONCE):
        these = slice(start, start + ORDERS_AT_ONCE)
        ready, due, since = (column[these, None] for column in (orders.ready, orders.due, orders.since))
        paid = orders.needs[these].astype(np.float64) @ prices.limits.astype(np.float64)
        paid += orders.parts[these].astype(np.float64) @ part_day.astype(np.float64)
        own = (days - since) * costs.wait_day + np.maximum(days - due, 0) * costs.late_day
        each = np.where(days >= ready, own + paid.astype(np.int64), costs.unslotted)
        total += int(np.minimum(each.min(axis=1, initial=costs.unslotted), costs.unslotted).sum())
    return total
