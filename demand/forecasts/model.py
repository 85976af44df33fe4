"""The values of forecasts: a series of released counts, what is expected of its next weeks, and how that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

WEEKS_MIN: Final = 8
"""A forecast needs as many weeks with a released count; fewer say nothing of how a series moves."""
WEEKS_AHEAD: Final = 8
ORIGINS_MAX: Final = 8
SCORED_AHEAD: Final = 4
LEVELS: Final = (0.1, 0.5, 0.9)
CALLS_MAX: Final = 5_000
"""As many calls of parts are read at once: a brand's part lists over eight weeks."""


@dataclass(frozen=True, slots=True)
class Series:
    """Released weekly counts of an option of a model from `first_week` on; None where a week's cell is not shown."""

    model: str
    option: str
    first_week: date
    counts: tuple[int | None, ...]

    @property
    def known(self) -> int:
        """Return how many weeks have a count."""
        return sum(count is not None for count in self.counts)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The counts that a week stays below with probability 10, 50 and 90 %."""

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class Score:
    """How forecasts from earlier weeks did on the weeks after them, none of which they knew.

    `loss` is the mean pinball loss of the three quantiles, `coverage` the share of weeks between P10 and P90 (0.8 is
    right), a skill 1 − loss ÷ loss of the plainer forecast: negative where that one was better.
    """

    scored: int
    loss: float
    coverage: float
    skill_on_last: float
    skill_on_average: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the weeks after a series' last one, and its score; None where nothing could be held back."""

    series: Series
    weeks: tuple[tuple[date, Quantiles], ...]
    score: Score | None


def pinball(actual: float, quantile: float, level: float) -> float:
    """Return the pinball loss of one quantile (Koenker and Bassett 1978)."""
    return max(level * (actual - quantile), (level - 1) * (actual - quantile))


def mean_pinball(actual: float, found: Quantiles) -> float:
    """Return the mean pinball loss of the three quantiles."""
    told = (found.p10, found.p50, found.p90)
    return sum(pinball(actual, one, level) for one, level in zip(told, LEVELS, strict=True)) / len(LEVELS)
