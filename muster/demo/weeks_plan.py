"""The demo's twenty-six weeks as plain numbers: how much happens in which week, which pools open and who comes when.

Nothing here knows a database: one seed and one calendar give one plan. Days count from the story's first Monday.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

from kernel.money import allocate
from kernel.registry import is_working_day

WEEK: Final = 7
GROWTH: Final = (10, 190)
"""How the pace rises from the first week to the last, in percent of the middle one: a young brand.

Pools follow it twice, by how many there are and by how large they grow: who only looks and votes is there before who
buys. Nine weeks pass from a pool's first day to its cars, so most are still to be built in the last week.
"""
ONLOOKERS: Final = (6, 3)
"""So many times as many of those who never buy come in the first weeks as in any later one."""
LAUNCH: Final = (400, 200)
"""The pace of the first weeks, in percent of what it would be without a launch."""
HOLIDAY_COSTS: Final = 13
"""By how many percent each weekday that is a holiday slows its week."""
VISITS: Final = ((0, 60), (9, 40))
"""On which days of a pool people come, and how many of a hundred."""
TIPPED_MIN, TIPPED_MAX = 63, 390
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
    """Everything that is planned: pools by their day, and per week the cars that are kept and who comes new."""

    pools: tuple[PlannedPool, ...]
    configurations: tuple[int, ...]
    voters: tuple[int, ...]
    proposals: tuple[int, ...]


def plan_weeks(volumes: Volumes, *, first_day: date, calendar: str, seed: int) -> Plan:
    """Plan a story that begins on a Monday."""
    chance = random.Random(seed)
    paces = week_paces(first_day, weeks=volumes.weeks, calendar=calendar)
    pools = _plan_pools(volumes, paces, chance)
    return Plan(
        pools=pools,
        configurations=tuple(allocate(volumes.configurations, paces)),
        voters=_plan_voters(volumes, pools),
        proposals=tuple(allocate(volumes.proposals, [6, *[1] * (volumes.weeks - 1)])),
    )


def _plan_voters(volumes: Volumes, pools: Sequence[PlannedPool]) -> tuple[int, ...]:
    """Return who comes in each week: its buyers, and of those who only vote many with the launch."""
    buyers = [0] * volumes.weeks
    for pool in pools:
        for visit in pool.visits:
            buyers[visit.day // WEEK] += visit.people
    others = allocate(max(volumes.voters - sum(buyers), 0), [*ONLOOKERS, *[1] * volumes.weeks][: volumes.weeks])
    return tuple(own + more for own, more in zip(buyers, others, strict=True))


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
    """Spread pools over the weeks before the last ones, which belong to the six pools of every demo."""
    count = volumes.tipped + volumes.failed
    days = _opening_days(count, paces[: volumes.weeks - 4])
    fails = _spread(count, volumes.failed)
    sizes = {number: chance.randint(FAILED_MIN, FAILED_MAX) for number in fails}
    tipped = [number for number in range(count) if number not in fails]
    wanted = max(volumes.pre_orders - sum(sizes.values()), TIPPED_MIN * len(tipped))
    weights = [paces[days[number] // WEEK] ** 3 * chance.randint(80, 120) for number in tipped]
    more = _share_out(wanted - TIPPED_MIN * len(tipped), weights, most=TIPPED_MAX - TIPPED_MIN)
    sizes |= {number: TIPPED_MIN + one for number, one in zip(tipped, more, strict=True)}
    return tuple(
        PlannedPool(number, days[number], number not in fails, _visits(days[number], sizes[number], paces))
        for number in range(count)
    )


def _opening_days(count: int, paces: Sequence[int]) -> list[int]:
    """Return the pools' first days: the closer together, the faster the pace is."""
    daily = [pace**2 for pace in paces for _ in range(WEEK)]
    so_far = list(accumulate(daily))
    return [bisect_right(so_far, number * so_far[-1] // count) for number in range(count)]


def _share_out(total: int, weights: Sequence[int], *, most: int) -> list[int]:
    """Share a number out by weights, at most so much each: what is over goes to the others."""
    parts = [0] * len(weights)
    while left := total - sum(parts):
        more = allocate(left, [0 if part == most else weight for part, weight in zip(parts, weights, strict=True)])
        parts = [min(part + one, most) for part, one in zip(parts, more, strict=True)]
    return parts


def _spread(count: int, some: int) -> frozenset[int]:
    """Return `some` of `count` numbers, evenly apart, neither the first nor the last ones."""
    return frozenset((2 * place + 1) * count // (2 * some) for place in range(some))


def _visits(day: int, people: int, paces: Sequence[int]) -> tuple[Visit, ...]:
    weights = [share * paces[min((day + after) // WEEK, len(paces) - 1)] for after, share in VISITS]
    parts = allocate(people, weights)
    return tuple(Visit(day + after, part) for (after, _), part in zip(VISITS, parts, strict=True) if part)
