"""The values of a digest, and what decides that something is worth telling: pure, on published figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp, lgamma, log
from typing import Final

from demand.cubes.model import EVERYBODY, ORDERED, PublishedCell, add_versions

WEEK: Final = timedelta(weeks=1)
MISSES_BELOW: Final = 0.5
"""A pool whose chance to reach its minimum is smaller is told of."""


@dataclass(frozen=True, slots=True)
class RateChange:
    """A take rate that moved from one week to the next by more than chance explains: the intervals do not meet."""

    model: str
    option: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class PeopleChange:
    """How many spoke for a model in a week and in the one before, as released."""

    model: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class CloseVote:
    """A proposal whose published lower bound is near its threshold, or that waits for the maker's answer."""

    proposal_id: str
    title: str
    bound: int
    threshold: int
    answer_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class PoolAtRisk:
    """A pool that will probably not reach its minimum: `chance` is that it does, at the pace so far."""

    pool_id: str
    class_key: str
    members: int
    needed: int
    deadline: datetime
    chance: float


@dataclass(frozen=True, slots=True)
class Digest:
    """What planners are told: of which week, from which release (0: none yet)."""

    release: int
    week: date
    rates: tuple[RateChange, ...]
    people: tuple[PeopleChange, ...]
    votes: tuple[CloseVote, ...]
    pools: tuple[PoolAtRisk, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to tell."""
        return not (self.rates or self.people or self.votes or self.pools)


def rate_changes(cells: Iterable[PublishedCell], week: date, *, changes_max: int) -> tuple[RateChange, ...]:
    """Return the take rates whose 95 % intervals of a week and the week before do not meet, the largest move first."""
    by_week = _by_week(cells)
    found = []
    for key, after in by_week.get(week, {}).items():
        before = by_week.get(week - WEEK, {}).get(key)
        if before is None or key[1] in (EVERYBODY, ORDERED) or not (after.offered and before.offered):
            continue
        (low, high), (low_before, high_before) = after.interval, before.interval
        if low > high_before or high < low_before:
            found.append(RateChange(*key, before.take_rate, after.take_rate))
    found.sort(key=lambda one: (-abs(one.after - one.before), one.model, one.option))
    return tuple(found[:changes_max])


def people_changes(cells: Iterable[PublishedCell], week: date) -> tuple[PeopleChange, ...]:
    """Return by model how many spoke in a week and the week before, where both are released and differ."""
    by_week = _by_week(cells)
    return tuple(
        PeopleChange(key[0], before.chosen, after.chosen)
        for key, after in sorted(by_week.get(week, {}).items())
        if key[1] == EVERYBODY
        and (before := by_week.get(week - WEEK, {}).get(key)) is not None
        and before.chosen != after.chosen
    )


def _by_week(cells: Iterable[PublishedCell]) -> Mapping[date, dict[tuple[str, str], PublishedCell]]:
    by_week: dict[date, dict[tuple[str, str], PublishedCell]] = {}
    for cell in add_versions(cells):
        by_week.setdefault(cell.key.week, {})[cell.key.model, cell.key.option] = cell
    return by_week


def is_close(bound: int, threshold: int, *, percent: int) -> bool:
    """Say whether a bound has come to so many percent of a threshold."""
    return 100 * bound >= percent * threshold


def chance_to_reach(*, joined: int, needed: int, days_open: float, days_left: float) -> float:
    """Return the chance that so many more join in the days left, at the pace so far.

    Joins are a Poisson process whose rate has the Jeffreys posterior Gamma(joined + 1/2, days_open); what is to come
    is then negative binomial (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6). A launch is faster at
    first and a deadline at last, so it is a plain guess, and is called one.
    """
    assert joined >= 0 and days_open >= 0
    if needed <= 0:
        return 1.0
    if days_left <= 0:
        return 0.0
    shape = joined + 0.5
    stays, leaves = log(days_open + 1e-9) - log(days_open + days_left), log(days_left) - log(days_open + days_left)
    fewer = sum(
        exp(lgamma(shape + count) - lgamma(shape) - lgamma(count + 1) + shape * stays + count * leaves)
        for count in range(needed)
    )
    return min(1.0, max(0.0, 1.0 - fewer))
