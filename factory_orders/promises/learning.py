"""How far from its plan a car stands ready, learned from the cars that did: the margins of P50 and P90.

The promised day's margin is an upper quantile of the residuals (days from the planned day to the day at the store),
with the one more observation of split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a
Random World, 2005; Lei and others, JASA 113, 2018): as long as the next car is like the last ones, it is met at least
as often as is aimed at. The expected day is no promise and leans to no side: about half come by it.
Few observations are mixed with a prior of fixed weight, as a Dirichlet process does (Ferguson, Annals of Statistics 1,
1973): the distribution is (n0·F0 + n·Fn) ÷ (n0 + n), so the prior fades as cars come. See docs/decisions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

NEVER: Final = 10_000
"""The residual, in days, of a car that has not come although it is due."""
OBSERVED_LEAST: Final = 10
"""Fewer persons than this teach nothing: no statistic is about fewer (DOMAIN section 4.12)."""
NINE_TENTHS: Final = 9_000
HALF_OF_WEEK_DAYS: Final = -2
"""A week's cars are levelled over its days and planned for its Friday: half of them are there two days before."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Days that are added to the planned day: for the expected day, and for the promised one."""

    p50_days: int
    p90_days: int
    observations: int


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of `weight` cars before any was seen: half by the middle of their week, nine in ten within
    `late_days`."""

    weight: int
    late_days: int


def learn(residuals: Sequence[int], prior: Prior, *, least_days: int) -> Margin:
    """Return a plant's margins from its cars' residuals; the promised day lies `least_days` behind the expected one."""
    p50 = middle_days(residuals, prior)
    p90 = quantile_days(residuals, prior, aim_bp=NINE_TENTHS)
    return Margin(p50, max(p90, p50 + least_days), len(residuals))


def quantile_days(residuals: Sequence[int], prior: Prior, *, aim_bp: int) -> int:
    """Return the least number of days within which at least this share comes, counting one car more that never does.

    In tenths of a car, so that all is whole: a car seen weighs 10, the prior 5, 4 and 1 tenths of its weight. Where
    that share has not come at all, it is the latest day that any car came, or the prior's where that is later.
    """
    wanted = aim_bp * 10 * (len(residuals) + prior.weight + 1)
    reached = 0
    for days, weight in _steps(residuals, prior):
        reached += weight
        if days < NEVER and reached * 10_000 >= wanted:
            return days
    return _latest(residuals, prior)


def _latest(residuals: Sequence[int], prior: Prior) -> int:
    return max([prior.late_days, *(days for days in residuals if days < NEVER)])


def middle_days(residuals: Sequence[int], prior: Prior) -> int:
    """Return the number of days by which the share that has come is nearest to half; of two as near, the later.

    Days are whole and many cars share one: the least day that *at least* half come by is met by well over half.
    """
    steps = _steps(residuals, prior)
    total = sum(weight for _, weight in steps)
    reached, nearest, found = 0, total, 0
    for days, weight in steps:
        reached += weight
        if abs(2 * reached - total) <= nearest:
            nearest, found = abs(2 * reached - total), days
    return _latest(residuals, prior) if found >= NEVER else found


def _steps(residuals: Sequence[int], prior: Prior) -> list[tuple[int, int]]:
    """Return each day with its weight in tenths of a car, what is believed beforehand among them."""
    weights = Counter({days: 10 * cars for days, cars in Counter(residuals).items()})
    for days, tenths in ((HALF_OF_WEEK_DAYS, 5), (prior.late_days, 4), (NEVER, 1)):
        weights[days] += tenths * prior.weight
    return sorted((days, weight) for days, weight in weights.items() if weight)


def left_in_time(row: Any, zone: ZoneInfo) -> bool:
    """Say whether a promise's order ended before its car was late: `left_without_car`, `ended_at`, `promised_by`."""
    return bool(row.left_without_car and row.ended_at.astimezone(zone).date() <= row.promised_by)
