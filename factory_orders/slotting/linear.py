"""The linear programme of a plan, solved exactly by HiGHS: orders of one kind together, columns as they are needed.

A kind's orders need the same and are ready and late on the same days. A column says how many of a kind are built on a
day; only those that pay under the duals are ever written down (column generation: Gilmore and Gomory, 1961), so that
few of all are held and none is missed: when it ends, no column that is left out is cheaper than what its kind pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import highspy
import numpy as np
from highspy._core import _Highs

from factory_orders.slotting.model import Grid, SlotPrices, SlotProblem, Whole

Real: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Row: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Mask: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.bool_]]

COLUMNS_AT_ONCE: Final = 4
"""So many of a kind's best columns are written at a time."""
NEAR: Final = 1e-6
"""Below it a reduced cost is nothing and a number is whole; costs are counted in days of waiting."""
DUAL, PRIMAL = 1, 4
"""HiGHS's numbers of the two simplex methods: the one after a limit has changed, the other after columns came."""
NODES_MAX: Final = 500
"""So many branches are looked at for a proof in whole orders."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Orders that agree, by kind: what they need, what each day costs them in fen, the first day, and their number.

    What an order costs besides, on whichever day (it has waited, or is late already), is its offset: `fixed` is the sum
    of all. Orders of a kind that differ in it differ in what it costs to leave them out: `left` has by such group its
    kind, its number of orders, and that cost less the offset.
    """

    needs: Real
    parts: Real
    cost: Grid
    ready: Whole
    number: Whole
    left: tuple[Whole, Whole, Whole]
    fixed: int


def kinds_of(problem: SlotProblem) -> Kinds:
    """Return the kinds of a problem's orders."""
    orders, costs, days = problem.orders, problem.costs, problem.limits.days
    ready = np.clip(orders.ready, 0, days)
    due = np.clip(orders.due, ready, days)
    offset = costs.late_day * np.maximum(ready - orders.due, 0) - costs.wait_day * orders.since
    columns = np.concatenate((orders.needs, orders.parts, ready[:, None], due[:, None]), axis=1).astype(np.int64)
    rows, kind, number = np.unique(columns, axis=0, return_inverse=True, return_counts=True)
    groups, sizes = np.unique(np.stack((kind.ravel(), offset), axis=1), axis=0, return_counts=True)
    limits, both = orders.needs.shape[1], orders.needs.shape[1] + orders.parts.shape[1]
    day = np.arange(days)
    return Kinds(
        needs=rows[:, :limits].astype(np.float64),
        parts=rows[:, limits:both].astype(np.float64),
        cost=day * costs.wait_day + np.maximum(day - rows[:, both + 1, None], 0) * costs.late_day,
        ready=rows[:, both],
        number=number.astype(np.int64),
        left=(groups[:, 0], sizes.astype(np.int64), costs.unslotted - groups[:, 1]),
        fixed=int(offset.sum()),
    )


class Programme:
    """A plan's linear programme, to be solved anew whenever a limit has changed.

    Rows are the kinds, each limit's days, and each part's days, whose columns hand on what a day leaves over.
    """

    def __init__(self, problem: SlotProblem, *, start: SlotPrices | None = None) -> None:
        self.kinds = kinds_of(problem)
        self._unit = float(max(problem.costs.wait_day, 1))
        self._limits, self._days = problem.limits.capacity.shape
        self._parts = len(problem.limits.part_names)
        arrives = np.diff(problem.limits.supply, axis=1, prepend=0)
        self._room = np.concatenate((problem.limits.capacity, arrives)).astype(np.float64)
        # `Highs` greets on standard output as it is made, whatever one asks for; what it is made of does not.
        self._model = _Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0), ("random_seed", 0)):
            self._model.setOptionValue(name, value)
        self._model.setOptionValue("mip_max_nodes", NODES_MAX)
        self._have: Mask = np.arange(self._days) < self.kinds.ready[:, None]
        self._kind, self._day = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._iterations, self._too_hard = 0, False
        self._write_rows()
        self._first = self._write_leftovers()
        duals: Real = np.zeros((self._limits + self._parts, self._days))
        self._duals = duals
        if start is not None:
            ahead = np.cumsum(start.parts[:, ::-1], axis=1)[:, ::-1]
            duals = np.concatenate((start.limits, ahead)) / self._unit
        self._write_cheaper(duals, np.full(len(self.kinds.number), np.inf))

    @property
    def size(self) -> int:
        """Return how many columns there could be."""
        return self.kinds.cost.size

    @property
    def iterations(self) -> int:
        """Return how many steps of the simplex methods were taken so far."""
        return self._iterations

    def change_room(self, row: int, day: int, by: int) -> None:
        """Let a limit (or, behind them, what comes of a part) have so much more on a day than the problem says."""
        number = len(self.kinds.number) + row * self._days + day
        self._model.changeRowBounds(number, -highspy.kHighsInf, self._room[row, day] + by)

    def solve(self, *, iterations_max: int) -> float | None:
        """Return the optimum over all columns, in fen; None where so many steps do not reach it."""
        number, until = len(self.kinds.number), self._iterations + iterations_max
        strategy = DUAL
        while self._iterations < until:
            self._model.setOptionValue("simplex_strategy", strategy)
            self._model.setOptionValue("simplex_iteration_limit", until - self._iterations)
            self._model.run()
            self._iterations += max(int(self._model.getInfo().simplex_iteration_count), 1)
            if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return None
            dual = np.array(self._model.getSolution().row_dual)
            self._duals = np.maximum(-dual[number:], 0.0).reshape(self._room.shape)
            if not self._write_cheaper(self._duals, dual[:number]):
                return float(self._model.getInfo().objective_function_value) * self._unit + self.kinds.fixed
            strategy = PRIMAL
        return None

    def duals(self) -> Real:
        """Return the prices of the last optimum in fen, rows × days; a part's is for a unit that comes then."""
        duals: Real = self._duals * self._unit
        return duals

    def prices(self) -> SlotPrices:
        """Return the same as whole prices: a part's are by what one more unit up to a day is worth."""
        whole = np.rint(self.duals()).astype(np.int64)
        limits, parts = whole[: self._limits], whole[self._limits :]
        later = np.concatenate((parts[:, 1:], np.zeros((self._parts, 1), np.int64)), axis=1)
        return SlotPrices(limits, np.maximum(parts - later, 0))

    def whole_cost(self) -> int | None:
        """Return in whole fen what the last solution costs, None where it parts an order between days."""
        found = np.array(self._model.getSolution().col_value)
        rounded = np.rint(found).astype(np.int64)
        if np.abs(found - rounded).max(initial=0.0) > NEAR:
            return None
        left = self.kinds.left[2] @ rounded[: len(self.kinds.left[2])]
        return int(left + self.kinds.cost[self._kind, self._day] @ rounded[self._first :]) + self.kinds.fixed

    def solve_whole(self) -> int | None:
        """Return the optimum over all columns that parts no order, in fen; None without a proof, tried but once."""
        if self._too_hard:
            return None
        kind, day = np.nonzero(~self._have)
        self._write(kind, day)
        columns = np.arange(self._first + len(self._kind), dtype=np.int32)
        self._model.changeColsIntegrality(len(columns), columns, np.ones(len(columns), np.uint8))
        self._model.run()
        self._too_hard = self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal
        cost = None if self._too_hard else self.whole_cost()
        self._model.changeColsIntegrality(len(columns), columns, np.zeros(len(columns), np.uint8))
        return cost

    def _write_rows(self) -> None:
        own, room = self.kinds.number.astype(np.float64), self._room.ravel()
        lower = np.concatenate((own, np.full(len(room), -highspy.kHighsInf)))
        upper = np.concatenate((own, room))
        none, nothing = np.zeros(0, np.int32), np.zeros(0, np.float64)
        self._model.addRows(len(lower), lower, upper, 0, np.zeros(len(lower), np.int32), none, nothing)

    def _write_leftovers(self) -> int:
        """Write the columns of orders without a day, and of parts left for the next day; returns how many."""
        kind, number, cost = self.kinds.left
        self._add(cost / self._unit, number.astype(np.float64), np.arange(len(kind) + 1), kind, np.ones(len(kind)))
        start, days = len(self.kinds.number) + self._limits * self._days, self._days - 1
        for part in range(self._parts):
            rows = start + part * self._days + np.arange(days)
            indices, values = np.stack((rows, rows + 1), axis=1).ravel(), np.tile((1.0, -1.0), days)
            most = np.full(days, highspy.kHighsInf)
            self._add(np.zeros(days), most, np.arange(0, 2 * days + 1, 2), indices, values)
        return len(kind) + self._parts * days

    def _add(self, cost: Row, most: Row, starts: Whole, rows: Whole, values: Row) -> None:
        begin, indices = starts[:-1].astype(np.int32), rows.astype(np.int32)
        self._model.addCols(len(cost), cost, np.zeros(len(cost)), most, len(indices), begin, indices, values)

    def _write_cheaper(self, duals: Real, paid: Row) -> int:
        """Write each kind's best columns that are cheaper than what it pays; returns how many."""
        kinds = self.kinds
        asked = kinds.needs @ duals[: self._limits] + kinds.parts @ duals[self._limits :] + kinds.cost / self._unit
        asked[self._have] = np.inf
        wide = min(COLUMNS_AT_ONCE, self._days)
        best = np.argpartition(asked, wide - 1, axis=1)[:, :wide]
        good = np.take_along_axis(asked, best, 1) < paid[:, None] - NEAR
        kind = np.repeat(np.arange(len(paid)), good.sum(axis=1))
        self._write(kind, best[good])
        return len(kind)

    def _write(self, kind: Whole, day: Whole) -> None:
        if not len(kind):
            return
        kinds, first = self.kinds, len(self.kinds.number)
        takes = np.concatenate((kinds.needs[kind], kinds.parts[kind]), axis=1) > 0
        mask = np.concatenate((np.ones((len(kind), 1), np.bool_), takes), axis=1)
        rows = first + np.arange(takes.shape[1]) * self._days + day[:, None]
        indices = np.concatenate((kind[:, None], rows), axis=1)[mask]
        starts = np.concatenate(([0], np.cumsum(mask.sum(axis=1))))
        most = np.full(len(kind), highspy.kHighsInf)
        self._add(kinds.cost[kind, day] / self._unit, most, starts, indices, np.ones(len(indices)))
        self._have[kind, day] = True
        self._kind, self._day = np.concatenate((self._kind, kind)), np.concatenate((self._day, day))
