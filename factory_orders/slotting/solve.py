"""Plans orders into days: prices, a plan that they guide, and both counted from scratch."""

from __future__ import annotations

from typing import Final

from factory_orders.slotting.model import SlotPlan, SlotProblem
from factory_orders.slotting.prices import find_prices
from factory_orders.slotting.scoring import cost_of
from factory_orders.slotting.search import search

MOVES_AN_ORDER: Final = 120
MOVES_MIN: Final = 40_000


def plan_slots(problem: SlotProblem, *, moves: int | None = None, seed: int = 1) -> SlotPlan:
    """Return a plan with its cost and its bound; the same seed and number of moves give the same plan."""
    prices, bound = find_prices(problem, seed=seed)
    tries = max(MOVES_MIN, MOVES_AN_ORDER * problem.orders.number) if moves is None else moves
    day = search(problem, prices, moves=tries, seed=seed)
    return SlotPlan(day, cost_of(problem, day), bound, prices)
