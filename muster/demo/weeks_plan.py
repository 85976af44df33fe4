"""The demo's twenty-six weeks as plain numbers: how much happens in which week, which pools open and who comes when.

Nothing here knows a database: one seed and one calendar give one plan. Days count from the story's first Monday.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kernel.money import allocate
from kernel.registry import is_working_day

WEEK: Final = 7
GROWTH: Final = (55, 145)
"""How the pace rises from the first week to the last, in percent of the middle one: a young brand."""
LAUNCH: Final = (250, 150)
"""The pace of the first weeks, in percent of what it would be without a launch."""
HOLIDAY_COSTS: Final = 13
"""By how many percent each weekday that is a holiday slows its week."""
VISITS: Final = ((0, 60), (9, 40))
"""On which days of a pool people come, and how many of a hundred."""
TIPPED_MIN, TIPPED_MAX = 63, 370
FAILED_MIN, FAILED_MAX = 22, 52
FULL_WEEKS: Final = 26


@dataclass(frozen=True, slots=True)
class Volumes:
    """How much happens in so many weeks, besides the six pools that every demo ends with (DOMAIN section 7)."""

    weeks: int = FULL_WEEKS
    tipped: int = 33
    failed: int = 13
    pre_orders: int = 7_246
    voters: int = 9_400
    configurations: int = 31_000
    proposals: int = 64

    def shortened(self, weeks: int) -> Volumes:
        """Return what happens in a shorter time at the same pace; a pool is a pool, so pools are fewer, not smaller."""

        def share(count: int) -> int:
            return max(1, count * weeks // self.weeks)

        return Volumes(
            weeks,
            share(self.tipped),
            share(self.failed),
            share(self.pre_orders),
            share(self.voters),
            share(self.configurations),
            self.proposals,
        )


FULL: Final = Volumes()


@dataclass(frozen=True, slots=True)
class Visit:
    """So many people come to a pool on a day."""

    day: int
    people: int


@dataclass(frozen=True, slots=True)
class PlannedPool:
    """A pool's first day and who comes when; `number` counts from 0 in the order in which pools open."""

    number: int
    day: int
    tips: bool
    visits: tuple[Visit, ...]

    @property
    def people(self) -> int:
        """Return how many come in all."""
        return sum(visit.people for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is planned: pools by their day, and per week the cars that are kept and the new voters."""

    pools: tuple[PlannedPool, ...]
    configurations: tuple[int, ...]
    voters: tuple[int, ...]
    proposals: tuple[int, ...]


def plan_weeks(volumes: Volumes, *, first_day: date, calendar: str, seed: int) -> Plan:
    """Plan a story that begins on a Monday."""
    chance = random.Random(seed)
    paces = week_paces(first_day, weeks=volumes.weeks, calendar=calendar)
    return Plan(
        pools=_plan_pools(volumes, paces, chance),
        configurations=tuple(allocate(volumes.configurations, paces)),
        voters=tuple(allocate(volumes.voters, paces)),
        proposals=tuple(allocate(volumes.proposals, [6, *[1] * (volumes.weeks - 1)])),
    )


def week_paces(first_day: date, *, weeks: int, calendar: str) -> list[int]:
    """Return how much happens in each week against the others: growth, a launch, and holidays where there are some."""
    low, high = GROWTH
    paces = []
    for week in range(weeks):
        monday = first_day + timedelta(weeks=week)
        holidays = sum(not is_working_day(calendar, monday + timedelta(days=day)) for day in range(5))
        pace = low + (high - low) * week // max(weeks - 1, 1)
        launched = pace * (LAUNCH[week] if week < len(LAUNCH) else 100)
        paces.append(launched * (100 - HOLIDAY_COSTS * holidays) // 100)
    return paces


def _plan_pools(volumes: Volumes, paces: Sequence[int], chance: random.Random) -> tuple[PlannedPool, ...]:
    """Spread pools evenly over the weeks before the last ones, which belong to the six pools of every demo."""
    count = volumes.tipped + volumes.failed
    last_day = (volumes.weeks - 4) * WEEK
    days = [number * last_day // count for number in range(count)]
    fails = _spread(count, volumes.failed)
    sizes = {number: chance.randint(FAILED_MIN, FAILED_MAX) for number in fails}
    tipped = [number for number in range(count) if number not in fails]
    wanted = max(volumes.pre_orders - sum(sizes.values()), TIPPED_MIN * len(tipped))
    weights = [paces[days[number] // WEEK] * chance.randint(60, 140) for number in tipped]
    more = allocate(wanted - TIPPED_MIN * len(tipped), weights)
    sizes |= {number: min(TIPPED_MIN + one, TIPPED_MAX) for number, one in zip(tipped, more, strict=True)}
    return tuple(
        PlannedPool(number, days[number], number not in fails, _visits(days[number], sizes[number], paces))
        for number in range(count)
    )


def _spread(count: int, some: int) -> frozenset[int]:
    """Return `some` of `count` numbers, evenly apart, neither the first nor the last ones."""
    return frozenset((2 * place + 1) * count // (2 * some) for place in range(some))


def _visits(day: int, people: int, paces: Sequence[int]) -> tuple[Visit, ...]:
    weights = [share * paces[min((day + after) // WEEK, len(paces) - 1)] for after, share in VISITS]
    parts = allocate(people, weights)
    return tuple(Visit(day + after, part) for (after, _), part in zip(VISITS, parts, strict=True) if part)
