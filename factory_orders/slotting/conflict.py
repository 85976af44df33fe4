"""Why some orders get no day: the fewest limits that already conflict, found by leaving out one after the other.

A limit is left out for good where the others alone leave somebody without a day. That they do is proven by a bound in
which only having no day costs anything, so what is named is in conflict for certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotProblem
from factory_orders.slotting.prices import find_prices

NOBODY_ELSE: Final = SlotCosts(wait_day=0, late_day=0, unslotted=1_000_000)


@dataclass(frozen=True, slots=True)
class LimitConflict:
    """Limits (and parts) that cannot all be kept: at least `short` orders get no day, whatever the plan.

    `days` are those on which one more unit of one of them would help.
    """

    limits: tuple[str, ...]
    days: tuple[int, ...]
    short: int


def find_conflict(problem: SlotProblem, *, seed: int = 1) -> LimitConflict | None:
    """Return limits in conflict, none of which could be left out; None where no conflict is proven."""
    kept = problem.limits
    short, days = _short(problem, kept, seed)
    if not short:
        return None
    involved = []
    for name in (*kept.names, *kept.part_names):
        without = _without(kept, name, problem.orders.number)
        still, still_days = _short(problem, without, seed)
        if still:
            kept, short, days = without, still, still_days
        else:
            involved.append(name)
    return LimitConflict(tuple(involved), days, short)


def _short(problem: SlotProblem, limits: SlotLimits, seed: int) -> tuple[int, tuple[int, ...]]:
    """Return how many orders get no day at least, and the days whose limits have a price."""
    prices, bound = find_prices(replace(problem, limits=limits, costs=NOBODY_ELSE), seed=seed)
    dear = prices.limits.max(axis=0, initial=0) + prices.parts.max(axis=0, initial=0)
    # A bound says so for certain only where it is above nothing; who is counted is a whole person.
    short = -(-bound // NOBODY_ELSE.unslotted)
    return max(short, 0), tuple(int(day) for day in np.flatnonzero(dear > NOBODY_ELSE.unslotted // 10))


def _without(limits: SlotLimits, name: str, orders: int) -> SlotLimits:
    """Return the limits with one that takes everybody."""
    capacity, supply = limits.capacity.copy(), limits.supply.copy()
    for number, one in enumerate(limits.names):
        if one == name:
            capacity[number] = orders
    for number, one in enumerate(limits.part_names):
        if one == name:
            supply[number] = orders
    return SlotLimits(limits.names, capacity, limits.part_names, supply)
