"""Why some orders get no day: the smallest set of limits that cannot all be kept, and how many orders are short in all.

A set of limits is in conflict where they alone, with all the others lifted, leave somebody without a day. Single limits
are counted. Larger sets are found by implicit hitting sets (Ignatiev, Previti, Liffiton, Marques-Silva: Smallest MUS
Extraction with Minimal Hitting Set Dualization, 2015): whatever conflicts has a limit in common with each complement of
a set that can be kept. So the smallest set that meets all complements known so far is either in conflict, and then
nothing smaller is, or it can be kept, and gives a new complement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np
from highspy._core import _Highs

from factory_orders.slotting.linear import Programme
from factory_orders.slotting.model import SlotCosts, SlotLimits, SlotOrders, SlotProblem, Whole
from factory_orders.slotting.prices import find_prices

NOBODY_ELSE: Final = SlotCosts(wait_day=0, late_day=0, unslotted=1_000_000)
"""Only to have no day costs anything, and so much that prices in whole fen are fine enough."""
COLUMNS_MAX: Final = 200_000
WHOLE_COLUMNS_MAX: Final = 10_000
ITERATIONS_MAX: Final = 50_000
ITERATIONS_A_UNIT_MAX: Final = 1_000
SETS_MAX: Final = 100
"""So many complements are collected; where they do not suffice, a set is named of which none can be left out."""
SURE: Final = 1e-4
"""A linear optimum is at least a whole number of orders up to so small a part of one."""


@dataclass(frozen=True, slots=True)
class LimitConflict:
    """Limits (and parts) that cannot all be kept: because of them alone `short` orders get no day, whatever the plan.

    `days` are those on which one more unit of one of them leaves one order less without a day, as long as only they
    count. Because of all limits and parts together `short_in_all` get none. No limits are named where the orders
    without a day are ready only after the last one.
    """

    limits: tuple[str, ...]
    days: tuple[int, ...]
    short: int
    short_in_all: int


def find_conflict(problem: SlotProblem, *, seed: int = 1) -> LimitConflict | None:
    """Return a smallest set of limits in conflict; None where none is proven.

    Of single limits it is the one that leaves most without a day. Programmes beyond COLUMNS_MAX columns (kinds × days)
    are judged by the bound of prices found order by order, which may miss a conflict, but claims none.
    """
    late = int((problem.orders.ready >= problem.limits.days).sum())
    asked = _Question(problem, seed)
    every = range(asked.rows)
    in_all = asked.short(every) + late
    if not in_all:
        return None
    chosen = _smallest(asked, every) if in_all > late else ()
    names = (*problem.limits.names, *problem.limits.part_names)
    days = asked.days_that_help(chosen)
    return LimitConflict(tuple(names[row] for row in chosen), days, asked.short(chosen) or late, in_all)


class _Question:
    """Which limits, by number (the parts' behind them), leave how many orders without a day, if only they count."""

    def __init__(self, problem: SlotProblem, seed: int) -> None:
        orders, limits = problem.orders, problem.limits
        timely = orders.ready < limits.days
        both = np.concatenate((orders.needs, orders.parts), axis=1)[timely]
        self._needs, self._ready = both, np.maximum(orders.ready[timely], 0)
        self._limits, self._seed = limits, seed
        self.rows = both.shape[1]
        self._known: dict[tuple[int, ...], int] = {}

    def short(self, rows: Sequence[int]) -> int:
        """Return how many orders get no day at least because of these limits; exactly so where that is proven."""
        key = tuple(sorted(rows))
        if not key or not len(self._ready):
            return 0
        if key not in self._known:
            self._known[key] = self._count(key[0]) if len(key) == 1 else self._solve(key)
        return self._known[key]

    def days_that_help(self, rows: Sequence[int]) -> tuple[int, ...]:
        """Return the days on which one more unit of one of these limits leaves fewer without a day."""
        days = range(self._limits.days)
        if len(rows) == 1:
            return tuple(day for day in days if self._count(rows[0], more=day) < self.short(rows))
        if not rows:
            return ()
        programme, short = Programme(self._only(rows)), self.short(rows)
        if programme.size > COLUMNS_MAX or programme.solve(iterations_max=ITERATIONS_MAX) is None:
            return ()
        found = set()
        for row in range(len(rows)):
            for day in days:
                programme.change_room(row, day, 1)
                if (left := _orders_short(programme, ITERATIONS_A_UNIT_MAX)) is not None and left < short:
                    found.add(day)
                programme.change_room(row, day, 0)
        return tuple(sorted(found))

    def _count(self, row: int, *, more: int | None = None) -> int:
        """Return how many orders a single limit leaves without a day, with one more unit on a day.

        Whoever is ready on a day may have any later one, so those ready from some day on are too many or fit; of parts
        whatever has come by the last day may be used on it.
        """
        ready = self._ready[self._needs[:, row]]
        number = len(self._limits.names)
        if row >= number:
            supply = self._limits.supply[row - number]
            return max(len(ready) - int(supply[-1]) - (more is not None), 0)
        room = self._limits.capacity[row].copy()
        if more is not None:
            room[more] += 1
        beyond: Whole = np.cumsum((np.bincount(ready, minlength=len(room)) - room)[::-1])
        return max(int(beyond.max(initial=0)), 0)

    def _solve(self, rows: tuple[int, ...]) -> int:
        problem = self._only(rows)
        programme = Programme(problem)
        found = None if programme.size > COLUMNS_MAX else _orders_short(programme, ITERATIONS_MAX)
        if found is None:
            bound = find_prices(problem, seed=self._seed)[1]
            found = max(-(-bound // NOBODY_ELSE.unslotted), 0)
        return max(found, *(self._count(row) for row in rows))

    def _only(self, rows: Sequence[int]) -> SlotProblem:
        """Return the problem in which only these limits count, and only to have no day costs anything."""
        number = len(self._limits.names)
        own = [row for row in rows if row < number]
        parts = [row - number for row in rows if row >= number]
        names, part_names = self._limits.names, self._limits.part_names
        zero = np.zeros_like(self._ready)
        return SlotProblem(
            SlotOrders(
                self._needs[:, own],
                self._needs[:, [number + part for part in parts]],
                self._ready,
                zero + self._limits.days,
                zero,
            ),
            SlotLimits(
                tuple(names[row] for row in own),
                self._limits.capacity[own],
                tuple(part_names[part] for part in parts),
                self._limits.supply[parts],
            ),
            NOBODY_ELSE,
        )


def _orders_short(programme: Programme, iterations_max: int) -> int | None:
    """Return how many orders get no day at least, exactly where the programme is small; None if nothing is found."""
    value = programme.solve(iterations_max=iterations_max)
    if value is None:
        return None
    least = int(np.ceil(value / NOBODY_ELSE.unslotted - SURE))
    if programme.whole_cost() is not None or programme.size > WHOLE_COLUMNS_MAX:
        return least
    whole = programme.solve_whole()
    return least if whole is None else whole // NOBODY_ELSE.unslotted


def _smallest(asked: _Question, every: Sequence[int]) -> tuple[int, ...]:
    """Return a smallest set of limits in conflict; all of them are."""
    worst = max(every, key=lambda row: asked.short([row]))
    if asked.short([worst]):
        return (worst,)
    complements: list[tuple[int, ...]] = []
    while len(complements) < SETS_MAX:
        chosen = _hitting_set(len(every), complements)
        if asked.short(chosen):
            return chosen
        complements.append(_complement(asked, every, chosen))
    return _irreducible(asked, every)


def _complement(asked: _Question, every: Sequence[int], kept: tuple[int, ...]) -> tuple[int, ...]:
    """Return what is left of all limits beside a largest set (none can be added) round one that can be kept."""
    grown = list(kept)
    for row in every:
        if row not in kept and not asked.short([*grown, row]):
            grown.append(row)
    return tuple(row for row in every if row not in grown)


def _irreducible(asked: _Question, every: Sequence[int]) -> tuple[int, ...]:
    """Return limits in conflict of which none can be left out."""
    kept = list(every)
    for row in every:
        without = [one for one in kept if one != row]
        if asked.short(without):
            kept = without
    return tuple(kept)


def _hitting_set(number: int, sets: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return a smallest set of numbers that has one in common with each set, by integer programming."""
    model = _Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        model.setOptionValue(name, value)
    none, nothing = np.zeros(0, np.int32), np.zeros(0, np.float64)
    ones = np.ones(number)
    model.addCols(number, ones, np.zeros(number), ones, 0, np.zeros(number, np.int32), none, nothing)
    model.changeColsIntegrality(number, np.arange(number, dtype=np.int32), np.ones(number, np.uint8))
    for one in sets:
        model.addRow(1.0, highspy.kHighsInf, len(one), np.array(one, np.int32), np.ones(len(one)))
    model.run()
    assert model.getModelStatus() == highspy.HighsModelStatus.kOptimal, "all limits together meet every set"
    return tuple(int(row) for row in np.flatnonzero(np.array(model.getSolution().col_value) > 0.5))
