"""Expected pre-orders into parts: how many of each to call off by when, with what lies around it.

All of it follows from released counts (a forecast of pre-orders, shares of options) and from dated part lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from configurator.features_model import CarFeatures
from configurator.parts_model import PartNeed, PartUse, PlannedCars, explode_parts
from demand.forecasts.model import Quantiles

DAYS_OF_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class ExpectedOrders:
    """The pre-orders of a model that a week is expected to bring; `week` is its Monday."""

    model: str
    week: date
    cars: Quantiles


@dataclass(frozen=True, slots=True)
class DayList:
    """What is in force on a day: the part list, and the tree that says which features a model or an option brings."""

    parts: Sequence[PartUse]
    features: CarFeatures


@dataclass(frozen=True, slots=True)
class PartCall:
    """So many pieces of a part to call off by a day, for cars that are built in a week.

    P10 and P90 take all options and weeks to move together: the true sum lies closer to its middle.
    """

    need: PartNeed
    pieces: Quantiles


def plan_parts(
    lists: Mapping[date, DayList],
    expected: Iterable[ExpectedOrders],
    shares: Mapping[tuple[str, str], float],
    *,
    weeks_to_build: int,
) -> tuple[PartCall, ...]:
    """Return what expected pre-orders take of each part, the soonest call first.

    `lists` holds what is in force on each day of the weeks, `shares` by model and option how many of all choose it. A
    week's orders come evenly over its days, for a part list may change in the middle of a week. What several options
    bring (their group) is in as many cars as could have one of them: the sum of their shares, and all cars at most.
    """
    orders = sorted(expected, key=lambda one: (one.week, one.model))
    days = [(one, one.week + timedelta(days=day)) for one in orders for day in range(DAYS_OF_A_WEEK)]
    levels: list[dict[PartNeed, float]] = [{}, {}, {}]
    for one, day in days:
        every, having = _features_of(one.model, lists[day].features, shares)
        built_on = one.week + timedelta(weeks=weeks_to_build)
        for found, week in zip(levels, (one.cars.p10, one.cars.p50, one.cars.p90), strict=True):
            cars = week / DAYS_OF_A_WEEK
            some = [PlannedCars(frozenset({name}), day, built_on, cars * share) for name, share in having.items()]
            planned = [PlannedCars(every, day, built_on, cars), *some]
            for need, pieces in explode_parts(lists[day].parts, planned).items():
                found[need] = found.get(need, 0.0) + pieces
    low, middle, high = levels
    return tuple(PartCall(need, Quantiles(low[need], middle[need], high[need])) for need in sorted(middle))


def _features_of(
    model: str, tree: CarFeatures, shares: Mapping[tuple[str, str], float]
) -> tuple[frozenset[str], dict[str, float]]:
    """Return what every car of a model has, and for each other feature the share of the cars that have it."""
    every = tree.of((model,))
    having: dict[str, float] = {}
    for (of, option), share in shares.items():
        if of == model:
            for feature in tree.of((option,)) - every:
                having[feature] = min(1.0, having.get(feature, 0.0) + share)
    return every, having
