"""A plant's orders that have not begun, its weeks and their room, and what planning them anew says: plain values.

Weeks are counted from the book's first one, amounts are in fen; nothing here needs more than whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Final

PART: Final = "part:"
"""What stands before a part's code where limits are named; all others are slots and options."""
WORTH_KEPT: Final = 100
"""So many of the dearest units are kept with a plan."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Other capacities by (week, resource), parts that come weeks later, and weeks without a car.

    A part is named by its code, or by the feature that takes it.
    """

    capacity: Mapping[tuple[date, str], int]
    late_weeks: Mapping[str, int]
    still: tuple[date, ...]


NOTHING_ELSE: Final = WhatIf({}, {}, ())


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order for planning: what it takes, the first week its parts are there, the last in which it is not late.

    `since` is the week from which it waits (it may lie before the book), `week` the one in force, None without one.
    `parts` are those of the book that it takes.
    """

    id: str
    needs: tuple[str, ...]
    ready: int
    due: int
    since: int
    week: int | None = None
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.since <= max(self.ready, 0), "nobody is ready before they wait"


@dataclass(frozen=True, slots=True)
class WeekCosts:
    """A week of waiting, a week late, and no week at all, which costs more than the latest one."""

    wait: int
    late: int
    without: int


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A week that is asked to take fewer cars of a resource than have begun in it or are held for pools.

    Of a part it is a week by which cars need it that have their weeks, and for how many of them it has come by then.
    """

    week: date
    resource: str
    taken: int
    capacity: int


@dataclass(frozen=True, slots=True)
class WeekBook:
    """Orders, weeks, by resource the room that each week has for these orders, by part for how many it comes by then.

    `left_out` are resources beyond what the search can hold at once, those with most room to spare.
    """

    weeks: tuple[date, ...]
    resources: tuple[str, ...]
    room: tuple[tuple[int, ...], ...]
    orders: tuple[BookOrder, ...]
    costs: WeekCosts
    shortfalls: tuple[Shortfall, ...] = ()
    left_out: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    supply: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        assert (len(self.resources), len(self.parts)) == (len(self.room), len(self.supply)), "one row a resource"
        assert all(len(row) == len(self.weeks) for row in (*self.room, *self.supply)), "one column a week"


@dataclass(frozen=True, slots=True)
class UnitWorth:
    """What one more unit of a resource in a week would save."""

    week: date
    resource: str
    worth_minor: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The smallest set of limits that cannot all be kept: because of them alone `short` orders find no week at least.

    One more unit of one of them in one of `weeks` leaves one less, as long as only they count. Because of all limits
    together it is `short_in_all` at least. No resources are named where parts come only after the last week.
    """

    resources: tuple[str, ...]
    weeks: tuple[date, ...]
    short: int
    short_in_all: int


@dataclass(frozen=True, slots=True)
class WeekPlan:
    """The week of each order of a book (None: no week), what that costs, and what nothing can cost less than."""

    week: tuple[int | None, ...]
    cost_minor: int
    bound_minor: int
    worth: tuple[UnitWorth, ...]
    conflict: Conflict | None


@dataclass(frozen=True, slots=True)
class PlanOutlook:
    """A book planned anew and held against the weeks in force, whose cost is None where they break a limit.

    `worth` are the dearest units first; `weeks` has by order the week in force and the new one.
    """

    orders: int
    cost_minor: int
    bound_minor: int
    now_minor: int | None
    unslotted: tuple[str, ...]
    worth: tuple[UnitWorth, ...]
    conflict: Conflict | None
    shortfalls: tuple[Shortfall, ...]
    left_out: tuple[str, ...]
    weeks: Mapping[str, tuple[date | None, date | None]]

    @property
    def gap_bp(self) -> int:
        """Return by how many basis points of its cost the new plan may lie above the optimum at most."""
        return basis_points_above(self.cost_minor, self.bound_minor)

    @property
    def gap_now_bp(self) -> int | None:
        """Return the same of the weeks in force."""
        return None if self.now_minor is None else basis_points_above(self.now_minor, self.bound_minor)

    @property
    def moved(self) -> int:
        """Return how many orders would have another week than they have."""
        return sum(old != new for old, new in self.weeks.values())


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan of a plant's book as it was stored: figures, dearest units and conflict; nothing of single orders."""

    id: str
    brand_id: str
    plant_id: str
    made_at: datetime
    orders: int
    without_week: int
    moved: int
    cost_minor: int
    bound_minor: int
    now_minor: int | None
    worth: tuple[UnitWorth, ...]
    conflict: Conflict | None

    @property
    def gap_bp(self) -> int:
        """Return by how many basis points of its cost the new plan may lie above the optimum at most."""
        return basis_points_above(self.cost_minor, self.bound_minor)

    @property
    def gap_now_bp(self) -> int | None:
        """Return the same of the weeks in force."""
        return None if self.now_minor is None else basis_points_above(self.now_minor, self.bound_minor)


def basis_points_above(cost: int, bound: int) -> int:
    """Return by how many basis points of itself a cost may lie above the optimum at most, rounded up."""
    return -(-(cost - bound) * 10_000 // cost) if cost > bound else 0


def cost_of_weeks(book: WeekBook, weeks: Sequence[int | None]) -> int | None:
    """Return what weeks cost, counted from scratch; None where they break a limit or come before the parts."""
    used = {name: [0] * len(book.weeks) for name in (*book.resources, *book.parts)}
    total = 0
    for order, week in zip(book.orders, weeks, strict=True):
        if week is None:
            total += book.costs.without
            continue
        if not order.ready <= week < len(book.weeks):
            return None
        total += cost_in_week(order, week, book.costs)
        for name in (*order.needs, *order.parts):
            if name in used:
                used[name][week] += 1
    taken = [used[name] for name in book.resources] + [list(accumulate(used[name])) for name in book.parts]
    limits = (*book.room, *book.supply)
    kept = all(one <= most for own, row in zip(taken, limits, strict=True) for one, most in zip(own, row, strict=True))
    return total if kept else None


def cost_in_week(order: BookOrder, week: int, costs: WeekCosts) -> int:
    """Return what an order costs that is built in a week."""
    return costs.wait * (week - order.since) + costs.late * max(week - order.due, 0)
