"""How far from its plan a car stands ready, learned from the cars that did: the margins of P50 and P90.

A margin is an upper quantile of the residuals (days from the planned day to the day at the store), with the one more
observation of split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei
and others, JASA 113, 2018): as long as the next car is like the last ones, it is met at least as often as is aimed at.
Few observations are mixed with a prior of fixed weight, as a Dirichlet process does (Ferguson, Annals of Statistics 1,
1973): the distribution is (n0·F0 + n·Fn) ÷ (n0 + n), so the prior fades as cars come. See docs/decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NEVER: Final = 10_000
"""The residual, in days, of a car that has not come although it is due."""
OBSERVED_LEAST: Final = 10
"""Fewer persons than this teach nothing: no statistic is about fewer (DOMAIN section 4.12)."""
HALF, NINE_TENTHS = 5_000, 9_000


@dataclass(frozen=True, slots=True)
class Margin:
    """Days that are added to the planned day: for the expected day, and for the promised one."""

    p50_days: int
    p90_days: int
    observations: int


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of `weight` cars before any was seen: half come as planned, nine in ten within `late_days`."""

    weight: int
    late_days: int


def learn(residuals: Sequence[int], prior: Prior, *, least_days: int) -> Margin:
    """Return a plant's margins from its cars' residuals; the promised day lies `least_days` behind the expected one."""
    p50 = quantile_days(residuals, prior, aim_bp=HALF)
    p90 = quantile_days(residuals, prior, aim_bp=NINE_TENTHS)
    return Margin(p50, max(p90, p50 + least_days), len(residuals))


def quantile_days(residuals: Sequence[int], prior: Prior, *, aim_bp: int) -> int:
    """Return the least number of days within which at least this share comes, counting one car more that never does.

    In tenths of a car, so that all is whole: a car seen weighs 10, the prior 5, 4 and 1 tenths of its weight.
    """
    steps = [(days, 10) for days in residuals]
    steps += [(0, 5 * prior.weight), (prior.late_days, 4 * prior.weight), (NEVER, prior.weight)]
    wanted = aim_bp * 10 * (len(residuals) + prior.weight + 1)
    reached = 0
    for days, weight in sorted(steps):
        reached += weight
        if reached * 10_000 >= wanted:
            return min(days, prior.late_days) if days >= NEVER else days
    return prior.late_days
