"""Makes a plan that keeps every limit: each order on its cheapest day under the prices, then moved, swapped, ejected.

The search walks from plan to plan and never breaks a limit. A move takes an order to another of its good days; where
that is full somebody there changes places with it, or gives way to a day of its own (an ejection). Worse plans are
taken as long as it is warm (simulated annealing), the best one is kept.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from factory_orders.line.annealing import draw
from factory_orders.line.compiled import kernel
from factory_orders.slotting.model import UNSLOTTED, SlotPrices, SlotProblem, Whole

Words: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]
Table: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Small: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]
Limits: TypeAlias = tuple[Table, Table, Words]
"""What is free of each limit and day, of each part up to each day, and by day a bit for each limit that is full."""
Book: TypeAlias = tuple[Words, Words, Whole, Whole, Small]
"""By order: a bit for each limit and for each part it needs, its ready and its due day, and its good days."""
Days: TypeAlias = tuple[Indices, Small, Indices, Indices]
"""The day of each order; the orders of each day (the last row: of none), how many, and where each stands among them."""

GOOD_DAYS: Final = 16
ORDERS_AT_ONCE: Final = 4_096
TRIES: Final = 12
WARM, COLD = 1.5, 0.02
"""Temperatures in days of waiting."""
TURNS: Final = 40


def search(problem: SlotProblem, prices: SlotPrices, *, moves: int, seed: int) -> Whole:
    """Return the day of each order; the same seed and moves give the same."""
    orders, limits = problem.orders, problem.limits
    number, days = orders.number, limits.days
    if not number or not days:
        return np.full(number, UNSLOTTED, np.int64)
    bits = np.uint64(1) << np.arange(62, dtype=np.uint64)
    needs = (orders.needs * bits[: len(limits.names)]).sum(axis=1, dtype=np.uint64)
    parts = (orders.parts * bits[: len(limits.part_names)]).sum(axis=1, dtype=np.uint64)
    good, dear = _good_days(problem, prices)
    book = needs, parts, orders.ready, orders.due, good
    full = ((limits.capacity <= 0) * bits[: len(limits.names), None]).sum(axis=0, dtype=np.uint64)
    free = limits.capacity.copy(), limits.supply.copy(), full
    plan = (
        np.full(number, days, np.int32),
        np.zeros((days + 1, number), np.int32),
        np.zeros(days + 1, np.int32),
        np.zeros(number, np.int32),
    )
    plan[1][days], plan[2][days], plan[3][:] = np.arange(number), number, np.arange(number)
    costs = np.array([problem.costs.wait_day, problem.costs.late_day, problem.costs.unslotted], np.int64)
    dice = np.random.default_rng(seed)
    # Who takes the most of what is dear goes first, as long as there is room; chance parts equals.
    sequence = np.lexsort((dice.random(number), -dear))
    _place(sequence, book, free, plan)
    chance = np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64)], np.uint64)
    offset = orders.since * costs[0]
    best, cost = plan[0].copy(), np.zeros(2, np.int64)
    for turn in range(TURNS):
        heat = problem.costs.wait_day * WARM * (COLD / WARM) ** (turn / (TURNS - 1))
        _walk(book, free, plan, costs, offset, chance, max(moves // TURNS, 1), heat, best, cost)
    _walk(book, free, plan, costs, offset, chance, max(moves // TURNS, 1), 0.0, best, cost)
    return np.where(best == days, UNSLOTTED, best).astype(np.int64)


def _good_days(problem: SlotProblem, prices: SlotPrices) -> tuple[Small, Whole]:
    """Return each order's cheapest days under the prices, the cheapest first (-1 behind the last), and what it pays."""
    orders, limits, costs = problem.orders, problem.limits, problem.costs
    part_day = np.cumsum(prices.parts[:, ::-1], axis=1)[:, ::-1].astype(np.float64)
    days, wide = np.arange(limits.days), min(GOOD_DAYS, limits.days)
    good, dear = np.full((orders.number, GOOD_DAYS), -1, np.int32), np.zeros(orders.number, np.int64)
    for start in range(0, orders.number, ORDERS_AT_ONCE):
        these = slice(start, start + ORDERS_AT_ONCE)
        asked = orders.needs[these].astype(np.float64) @ prices.limits.astype(np.float64)
        asked += orders.parts[these].astype(np.float64) @ part_day
        paid = asked + days * costs.wait_day + np.maximum(days - orders.due[these, None], 0) * costs.late_day
        paid = np.where(days >= orders.ready[these, None], paid, np.inf)
        chosen = np.argsort(paid, axis=1, kind="stable")[:, :wide]
        good[these, :wide] = np.where(np.isfinite(np.take_along_axis(paid, chosen, 1)), chosen, -1)
        dear[these] = np.take_along_axis(asked, chosen[:, :1], 1)[:, 0]
    return good, dear


@kernel
def _draw(chance: Words, below: int) -> int:
    """Return a number from 0 to `below` − 1, with a sign: numba makes fractions of those with and without."""
    return np.int64(draw(chance, below))  # type: ignore[return-value]


@kernel
def _cost(order: int, day: int, days: int, book: Book, costs: Whole, offset: Whole) -> int:
    """Return what an order costs on a day; the row behind the last day is none."""
    if day == days:
        return int(costs[2])
    return int(costs[0] * day - offset[order] + costs[1] * max(day - book[3][order], 0))


@kernel
def _fits(order: int, day: int, instead_of: int, book: Book, free: Limits, on: Indices) -> bool:
    """Say whether an order can be on a day; as if it and `instead_of` (-1: nobody) were taken out where they are."""
    needs, parts, ready, _, _ = book
    _, supply, full = free
    days = len(full)
    if day == days:
        return True
    if day < ready[order]:
        return False
    gives = np.uint64(0)
    if instead_of >= 0 and on[instead_of] == day:
        gives = needs[instead_of]
    if needs[order] & full[day] & ~gives:
        return False
    left = parts[order]
    part = 0
    while left:
        if left & np.uint64(1):
            for later in range(day, days):
                own = on[order] <= later
                other = (
                    instead_of >= 0
                    and on[instead_of] <= later
                    and (parts[instead_of] >> np.uint64(part)) & np.uint64(1)
                )
                if supply[part, later] + np.int64(own) + np.int64(other) < 1:
                    return False
        left >>= np.uint64(1)
        part += 1
    return True


@kernel
def _put(order: int, day: int, book: Book, free: Limits, plan: Days) -> None:
    """Take an order from its day to another."""
    needs, parts, _, _, _ = book
    limits, supply, full = free
    on, lists, number, place = plan
    days, old = len(full), on[order]
    number[old] -= 1
    last = lists[old, number[old]]
    lists[old, place[order]], place[last] = last, place[order]
    lists[day, number[day]], place[order] = order, number[day]
    number[day] += 1
    on[order] = day
    for limit in range(limits.shape[0]):
        bit = np.uint64(1) << np.uint64(limit)
        if needs[order] & bit:
            if old < days:
                limits[limit, old] += 1
                full[old] &= ~bit
            if day < days:
                limits[limit, day] -= 1
                if limits[limit, day] == 0:
                    full[day] |= bit
    for part in range(supply.shape[0]):
        if (parts[order] >> np.uint64(part)) & np.uint64(1):
            for later in range(old, days):
                supply[part, later] += 1
            for later in range(day, days):
                supply[part, later] -= 1


@kernel
def _place(sequence: Whole, book: Book, free: Limits, plan: Days) -> None:
    """Give each order the cheapest of its good days with room, else any day with room."""
    good, ready = book[4], book[2]
    days = len(free[2])
    for at in range(len(sequence)):
        order, done = int(sequence[at]), False
        for rank in range(good.shape[1]):
            day = int(good[order, rank])
            if day >= 0 and _fits(order, day, -1, book, free, plan[0]):
                _put(order, day, book, free, plan)
                done = True
                break
        if not done:
            for day in range(max(int(ready[order]), 0), days):
                if _fits(order, day, -1, book, free, plan[0]):
                    _put(order, day, book, free, plan)
                    break


@kernel
def _walk(
    book: Book,
    free: Limits,
    plan: Days,
    costs: Whole,
    offset: Whole,
    chance: Words,
    moves: int,
    heat: float,
    best: Indices,
    cost: Whole,
) -> None:
    """Try moves; `cost` has how far the plan lies above the one it began with, and the least of that so far."""
    good, ready = book[4], book[2]
    on, lists, number, _ = plan
    orders, days = len(on), len(free[2])
    for _ in range(moves):
        order = _draw(chance, orders)
        if number[days] and _draw(chance, 4) == 0:
            order = int(lists[days, _draw(chance, number[days])])
        old = on[order]
        day = good[order, _draw(chance, good.shape[1])]
        if day < 0 or _draw(chance, 8) == 0:
            day = max(ready[order], 0) + _draw(chance, max(days - max(ready[order], 0), 1))
        if day == old or day >= days:
            continue
        own = _cost(order, day, days, book, costs, offset) - _cost(order, old, days, book, costs, offset)
        # How much worse it may become is drawn beforehand, so that most tries end early.
        allowed = -heat * np.log((_draw(chance, 1 << 24) + 1) / (1 << 24))
        if _fits(order, day, -1, book, free, on):
            if own <= allowed:
                _put(order, day, book, free, plan)
                cost[0] += own
        else:
            _make_room(order, day, own, allowed, book, free, plan, costs, offset, chance, cost)
    if cost[0] <= cost[1]:
        cost[1] = cost[0]
        best[:] = on


@kernel
def _make_room(
    order: int,
    day: int,
    own: int,
    allowed: float,
    book: Book,
    free: Limits,
    plan: Days,
    costs: Whole,
    offset: Whole,
    chance: Words,
    cost: Whole,
) -> None:
    """Look for somebody on a full day who changes places with an order, or who has another good day with room."""
    needs, good = book[0], book[4]
    on, lists, number, _ = plan
    days, old = len(free[2]), on[order]
    lacking = needs[order] & free[2][day]
    for _ in range(min(TRIES, number[day])):
        other = int(lists[day, _draw(chance, number[day])])
        if lacking & ~needs[other] or not _fits(order, day, other, book, free, on):
            continue
        was = _cost(other, day, days, book, costs, offset)
        change = own + _cost(other, old, days, book, costs, offset) - was
        to = old
        if change > allowed or not _fits(other, old, order, book, free, on):
            to = good[other, _draw(chance, good.shape[1])]
            if to < 0 or to == day or to == old:  # noqa: SIM109 - numba finds nothing in tuples of two widths
                continue
            change = own + _cost(other, to, days, book, costs, offset) - was
            if change > allowed or not _fits(other, to, -1, book, free, on):
                continue
        _put(other, days, book, free, plan)
        _put(order, days, book, free, plan)
        if _fits(order, day, -1, book, free, on):
            _put(order, day, book, free, plan)
            if _fits(other, to, -1, book, free, on):
                _put(other, to, book, free, plan)
                cost[0] += change
                return
            _put(order, days, book, free, plan)
        # Parts that both need can be in each other's way: all as it was.
        _put(order, old, book, free, plan)
        _put(other, day, book, free, plan)
