"""Forecasts weekly counts with a local level of statsmodels, and scores that by rolling origin. The worker's alone.

Counts are worked on as 2·√(count + 3/8), on which their own noise is near one whatever their size (Anscombe 1948);
quantiles come back by the inverse, which keeps their order. Weeks without a released count are gaps to the filter.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from math import sqrt
from typing import Any, Final, TypeAlias

import numpy as np
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.statespace.structural import UnobservedComponents

from demand.errors import TooFewWeeks
from demand.forecasts.model import (
    ORIGINS_MAX,
    SCORED_AHEAD,
    WEEKS_AHEAD,
    WEEKS_MIN,
    Forecast,
    Quantiles,
    Score,
    Series,
    mean_pinball,
)

Z_90: Final = 1.2815515655446004
AVERAGED: Final = 4
Counts: TypeAlias = Sequence[int | None]
Forecaster: TypeAlias = Callable[[Counts, int], list[Quantiles]]


def forecast(series: Series) -> Forecast:
    """Forecast the next eight weeks and score the way of doing it; refuses TooFewWeeks."""
    if series.known < WEEKS_MIN:
        raise TooFewWeeks(weeks_released=series.known, weeks_needed=WEEKS_MIN)
    after = series.first_week + timedelta(weeks=len(series.counts))
    expected = local_level(series.counts, WEEKS_AHEAD)
    weeks = tuple((after + timedelta(weeks=ahead), one) for ahead, one in enumerate(expected))
    return Forecast(series, weeks, score(series.counts))


def local_level(counts: Counts, ahead: int) -> list[Quantiles]:
    """Return quantiles of the next weeks from a level that wanders, fitted by maximum likelihood."""
    steady = np.array([np.nan if count is None else _steady(count) for count in counts])
    with warnings.catch_warnings():
        # A flat series has no one best split of its noise; any will do.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model: Any = UnobservedComponents(steady, "llevel")
        # On this scale a count's own noise is one, and a level wanders less than that.
        fitted = model.fit(start_params=[1.0, 0.1], disp=False, maxiter=50)
        told = fitted.get_forecast(ahead)
    return [_between(float(mean), float(error)) for mean, error in zip(told.predicted_mean, told.se_mean, strict=True)]


def last_value(counts: Counts, ahead: int) -> list[Quantiles]:
    """Return the last count for every week, as far apart as steps were, growing with the root of weeks."""
    known = [_steady(count) for count in counts if count is not None]
    spread = _root_mean_square([new - old for old, new in pairwise(known)])
    return [_between(known[-1], spread * sqrt(step)) for step in range(1, ahead + 1)]


def moving_average(counts: Counts, ahead: int) -> list[Quantiles]:
    """Return the mean of the last four counts for every week, as far apart as the counts before were from theirs."""
    known = [_steady(count) for count in counts if count is not None]
    gaps = [known[at] - float(np.mean(known[max(0, at - AVERAGED) : at])) for at in range(1, len(known))]
    return [_between(float(np.mean(known[-AVERAGED:])), _root_mean_square(gaps))] * ahead


def score(counts: Counts) -> Score | None:
    """Forecast from each of the last weeks what came after it, and hold it against two plain ways; None for too few."""
    losses: dict[str, list[float]] = {"level": [], "last": [], "average": []}
    inside = 0
    ways: dict[str, Forecaster] = {"level": local_level, "last": last_value, "average": moving_average}
    for origin in range(max(WEEKS_MIN, len(counts) - ORIGINS_MAX), len(counts)):
        past, future = counts[:origin], counts[origin : origin + SCORED_AHEAD]
        if sum(count is not None for count in past) < WEEKS_MIN:
            continue
        told = {name: way(past, len(future)) for name, way in ways.items()}
        for ahead, actual in enumerate(future):
            if actual is not None:
                inside += told["level"][ahead].p10 <= actual <= told["level"][ahead].p90
                for name, expected in told.items():
                    losses[name].append(mean_pinball(actual, expected[ahead]))
    scored = len(losses["level"])
    if scored == 0:
        return None
    mean = {name: sum(some) / scored for name, some in losses.items()}
    return Score(scored, mean["level"], inside / scored, _skill(mean, "last"), _skill(mean, "average"))


def _skill(mean: dict[str, float], than: str) -> float:
    if mean[than] == 0:
        return 0.0 if mean["level"] == 0 else -1.0
    return 1 - mean["level"] / mean[than]


def _steady(count: float) -> float:
    return 2 * sqrt(count + 3 / 8)


def _count(steady: float) -> float:
    return max(0.0, (max(0.0, steady) / 2) ** 2 - 3 / 8)


def _between(middle: float, error: float) -> Quantiles:
    return Quantiles(_count(middle - Z_90 * error), _count(middle), _count(middle + Z_90 * error))


def _root_mean_square(values: Sequence[float]) -> float:
    return sqrt(sum(value * value for value in values) / len(values)) if values else 0.0
