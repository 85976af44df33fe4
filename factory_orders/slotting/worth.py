"""What one more unit of a limit on a day would save: the optimum as it is, less the optimum with that unit.

A dual price is not yet that: where a day has no room, or just enough, many prices prove the same bound, and the least
of them is what the next unit saves (the right derivative). So the programme is solved again with one unit more, those
of the highest price first: none saves more than its price, so the dearest are found without looking at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factory_orders.slotting.linear import Programme
from factory_orders.slotting.model import SlotPlan, SlotProblem
from factory_orders.slotting.scoring import bound_of

COLUMNS_MAX: Final = 400_000
"""Larger programmes (kinds × days) are left to the prices found order by order."""
ITERATIONS_MAX: Final = 150_000
ITERATIONS_A_UNIT_MAX: Final = 5_000
WHOLE_COLUMNS_MAX: Final = 10_000
"""Where an optimum parts an order between days, smaller programmes than this are solved again in whole orders."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What one more unit saves, in fen: of a limit (or, behind the limits, a part that comes) by number, on a day."""

    row: int
    day: int
    saves: int


def price_exactly(problem: SlotProblem, plan: SlotPlan, *, most: int) -> tuple[SlotPlan, list[Worth]]:
    """Return a plan with the bound and the prices of the linear programme, and the units that save most.

    A programme that is too large, or takes too many steps, leaves the plan as it is, and nothing is said of units.
    What is said is the programme's; on small ones in which it parts orders between days, that of whole orders.
    """
    if not problem.orders.number or not problem.limits.days:
        return plan, []
    programme = Programme(problem, start=plan.prices)
    value = programme.solve(iterations_max=ITERATIONS_MAX) if programme.size <= COLUMNS_MAX else None
    if value is None:
        return plan, []
    prices = programme.prices()
    bound = bound_of(problem, prices)
    better = replace(plan, bound=max(bound, plan.bound), prices=prices if bound >= plan.bound else plan.prices)
    return better, _dearest(programme, value, plan.cost, most)


def _dearest(programme: Programme, value: float, cost: int, most: int) -> list[Worth]:
    """Return the units that save most, the most first; those that the steps do not suffice for are left out."""
    dual = programme.duals()
    now = _optimum(programme, value, cost)
    found: list[Worth] = []
    for place in np.argsort(-dual, axis=None, kind="stable"):
        row, day = (int(number) for number in np.unravel_index(place, dual.shape))
        price = float(dual[row, day])
        enough = len(found) >= most and sorted((one.saves for one in found), reverse=True)[most - 1] >= price
        if price < 1 or enough or programme.iterations > ITERATIONS_MAX:
            break
        programme.change_room(row, day, 1)
        after = programme.solve(iterations_max=ITERATIONS_A_UNIT_MAX)
        if after is not None:
            saves = round(now - _optimum(programme, after, None))
            found += [Worth(row, day, saves)] if saves > 0 else []
        programme.change_room(row, day, 0)
    return sorted(found, key=lambda one: (-one.saves, one.day, one.row))[:most]


def _optimum(programme: Programme, value: float, cost: int | None) -> float:
    """Return the optimum in whole orders where it is known or small enough to be found, else the programme's."""
    if cost is not None and cost - value < 0.5:
        return cost
    whole = programme.whole_cost()
    if whole is None and programme.size <= WHOLE_COLUMNS_MAX:
        whole = programme.solve_whole()
    return value if whole is None else whole
