"""How many promises were kept: whole months together, in counts that tell of nobody (DOMAIN sections 4.12 and 6.4).

A promise is judged on the day it falls due, kept or broken, so a month that is over does not change any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

PERSONS_MIN: Final = 10
ROUNDING: Final = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One promise that fell due: what was expected and promised, when the car stood ready, and whose it is."""

    expected_on: date
    promised_by: date
    ready_on: date | None
    person: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """Counts of promises that fell due from a day to another, rounded to 5; shares are computed from these alone."""

    first_day: date
    last_day: date
    promises: int
    kept_p50: int
    kept_p90: int

    @property
    def share_p50(self) -> float:
        """Return the share of cars that were ready when expected; a good promise has half."""
        return self.kept_p50 / self.promises

    @property
    def share_p90(self) -> float:
        """Return the share of promises that were kept; a good promise has nine in ten."""
        return self.kept_p90 / self.promises


def last_month_over(today: date) -> date:
    """Return the last day of the month before a day's."""
    return today.replace(day=1) - timedelta(days=1)


def calibrate(outcomes: Sequence[Outcome], *, after: date | None, until: date) -> Calibration | None:
    """Count what fell due after a day and until another; None for fewer than ten persons, who wait for later months."""
    if len({outcome.person for outcome in outcomes}) < PERSONS_MIN:
        return None
    earliest = min(outcome.promised_by for outcome in outcomes)
    first = earliest.replace(day=1) if after is None else after + timedelta(days=1)
    ready = [(one, one.ready_on) for one in outcomes if one.ready_on is not None]
    return Calibration(
        first_day=first,
        last_day=until,
        promises=_rounded(len(outcomes)),
        kept_p50=_rounded(sum(day <= one.expected_on for one, day in ready)),
        kept_p90=_rounded(sum(day <= one.promised_by for one, day in ready)),
    )


def _rounded(number: int) -> int:
    return (number + ROUNDING // 2) // ROUNDING * ROUNDING
