"""A book as the arrays of the slotting core, and what the core says of it in the book's words; loads numpy."""

from __future__ import annotations

from typing import Final

import numpy as np

from factory_orders.planning.weekly.model import WORTH_KEPT, Conflict, UnitWorth, WeekBook, WeekPlan
from factory_orders.slotting.conflict import find_conflict
from factory_orders.slotting.model import UNSLOTTED, SlotCosts, SlotLimits, SlotOrders, SlotPlan, SlotProblem
from factory_orders.slotting.solve import MOVES_AN_ORDER, plan_slots

MOVES_MIN: Final = 2_000_000
"""A fifth of a second: on a book of 1,500 orders they leave 0.2 % where a tenth of them leaves 2 %."""


def search_book(book: WeekBook, *, seed: int = 1) -> WeekPlan:
    """Plan a book with prices and the search; names the limits in conflict where somebody finds no week."""
    problem = as_problem(book)
    plan = plan_slots(problem, moves=max(MOVES_MIN, MOVES_AN_ORDER * len(book.orders)), seed=seed)
    conflict = find_conflict(problem, seed=seed) if plan.unslotted else None
    return WeekPlan(
        week=tuple(int(day) if day != UNSLOTTED else None for day in plan.day),
        cost_minor=plan.cost,
        bound_minor=max(plan.bound, 0),
        worth=_worth(book, problem, plan),
        conflict=None
        if conflict is None
        else Conflict(conflict.limits, tuple(book.weeks[day] for day in conflict.days), conflict.short),
    )


def as_problem(book: WeekBook) -> SlotProblem:
    """Return a book as arrays."""
    number, weeks, limits = len(book.orders), len(book.weeks), len(book.resources)
    needs = np.array([[name in order.needs for name in book.resources] for order in book.orders], np.bool_)
    ready = np.array([max(order.ready, 0) for order in book.orders], np.int64)
    orders = SlotOrders(
        needs.reshape(number, limits),
        np.zeros((number, 0), np.bool_),
        ready,
        np.array([order.due for order in book.orders], np.int64),
        np.minimum(np.array([order.since for order in book.orders], np.int64), ready),
    )
    room = np.array(book.room, np.int64).reshape(limits, weeks)
    costs = SlotCosts(wait_day=book.costs.wait, late_day=book.costs.late, unslotted=book.costs.without)
    return SlotProblem(orders, SlotLimits(book.resources, room, (), np.zeros((0, weeks), np.int64)), costs)


def _worth(book: WeekBook, problem: SlotProblem, plan: SlotPlan) -> tuple[UnitWorth, ...]:
    """Return the dearest units; what is worth less than a tenth of a week's waiting is the prices' own trembling."""
    found = [
        UnitWorth(book.weeks[day], name, int(plan.prices.limits[number, day]))
        for number, name in enumerate(problem.limits.names)
        for day in range(problem.limits.days)
        if plan.prices.limits[number, day] >= problem.costs.wait_day // 10 > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.worth_minor, one.week, one.resource))[:WORTH_KEPT])
