"""Orders that want a day, and the limits that days have, as flat arrays; the rule: what is planned keeps every limit.

A day is whatever the plan counts in (a working day, a week). A limit of the day (a plant's slots, an option) is what
one day can take; a part is limited by what has come until a day: what one day leaves over the next one may use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

Whole: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Grid: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Needs: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.bool_]]

LIMITS_MAX: Final = 62
"""Limits fit into one machine word."""
UNSLOTTED: Final = -1
COST_MAX: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class SlotOrders:
    """Orders by number: what each needs of the limits and the parts, and its days.

    `needs` and `parts` are (orders × limits, orders × parts); `ready` is the first day it can be built, `due` the last
    one on which it is not late, `since` the day from which it waits; all count from the plan's first day, and may lie
    before or behind it.
    """

    needs: Needs
    parts: Needs
    ready: Whole
    due: Whole
    since: Whole

    @property
    def number(self) -> int:
        """Return how many orders there are."""
        return len(self.ready)


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """What the days can take: `capacity` is limits × days; `supply` parts × days, what has come up to each day."""

    names: tuple[str, ...]
    capacity: Grid
    part_names: tuple[str, ...]
    supply: Grid

    def __post_init__(self) -> None:
        assert len(self.names) + len(self.part_names) <= LIMITS_MAX, "limits fit into one machine word"
        assert len(self.names) == len(self.capacity) and len(self.part_names) == len(self.supply), "one row a limit"
        assert (self.capacity >= 0).all() and (self.supply >= 0).all(), "a limit counts up from nothing"
        assert (np.diff(self.supply, axis=1) >= 0).all(), "what has come does not go again"

    @property
    def days(self) -> int:
        """Return how many days the plan has."""
        return int(self.capacity.shape[1])


@dataclass(frozen=True, slots=True)
class SlotCosts:
    """In fen: a day of waiting, a day late, and an order that gets no day.

    The last is to be more than the latest day costs: the search leaves nobody without a day in order to save.
    """

    wait_day: int = 6_000
    late_day: int = 150_000
    unslotted: int = 20_000_000

    def __post_init__(self) -> None:
        assert min(self.wait_day, self.late_day, self.unslotted) >= 0, "nothing is worth waiting for"
        assert max(self.wait_day, self.late_day, self.unslotted) <= COST_MAX, "costs stay far from an overflow"


@dataclass(frozen=True, slots=True)
class SlotProblem:
    """Orders, limits and costs of one plan."""

    orders: SlotOrders
    limits: SlotLimits
    costs: SlotCosts

    def __post_init__(self) -> None:
        shapes = self.orders.needs.shape, self.orders.parts.shape
        wanted = (self.orders.number, len(self.limits.names)), (self.orders.number, len(self.limits.part_names))
        assert shapes == wanted, "what each order needs of each limit"
        assert (self.orders.since <= self.orders.ready).all(), "nobody is ready before they wait"


@dataclass(frozen=True, slots=True)
class SlotPrices:
    """What orders pay in fen for a unit of a limit on a day, and of a part up to a day, so that they prove a bound.

    Where a limit has no room to spare many prices prove the same; what one more unit saves, `worth` says.
    """

    limits: Grid
    parts: Grid


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """The day of each order (-1: none), what the plan costs, the bound that no plan can go below, and its prices."""

    day: Whole
    cost: int
    bound: int
    prices: SlotPrices

    @property
    def gap(self) -> float:
        """Return by what share of the cost the plan may lie above the optimum at most."""
        return (self.cost - self.bound) / self.cost if self.cost > self.bound else 0.0

    @property
    def unslotted(self) -> int:
        """Return how many orders have no day."""
        return int((self.day == UNSLOTTED).sum())
