"""What parts a car takes, and the explosion of cars into parts, which build orders and forecasts share.

What must be called off by when: a part list's days are those on which a car is ordered; a lead time counts back from
the day the car is built.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class PartUse:
    """A part that a car with a feature takes, an option, a model or what they stand below; days are inclusive."""

    feature: str
    part: str
    quantity: int
    supplier: str
    lead_time_days: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class PlannedCars(Generic[Number]):
    """So many cars that have these features (all of them, see `CarFeatures`), ordered on one day and built on another.

    The number is whole for build orders, and may be a part of a car where it is expected only.
    """

    features: frozenset[str]
    ordered_on: date
    built_on: date
    number: Number


@dataclass(frozen=True, slots=True, order=True)
class PartNeed:
    """A part that cars built on a day take, and the last day to call it off."""

    call_off_by: date
    built_on: date
    part: str
    supplier: str


def is_effective(part: PartUse, ordered_on: date) -> bool:
    """Say whether a car ordered on a day takes the part; both of a part's days belong to it."""
    begun = part.first_day is None or part.first_day <= ordered_on
    return begun and (part.last_day is None or ordered_on <= part.last_day)


def explode_parts(parts: Iterable[PartUse], cars: Iterable[PlannedCars[Number]]) -> dict[PartNeed, Number]:
    """Return how many of each part the cars take, by the day to call it off, soonest first.

    What several features of one car take of the same part adds up.
    """
    by_feature: defaultdict[str, list[PartUse]] = defaultdict(list)
    for part in parts:
        by_feature[part.feature].append(part)
    needs: dict[PartNeed, Number] = {}
    for some in cars:
        # Sorted, so that sums of parts of cars do not hang on the order of a set.
        for part in (one for feature in sorted(some.features) for one in by_feature[feature]):
            if is_effective(part, some.ordered_on):
                call_off_by = some.built_on - timedelta(days=part.lead_time_days)
                need = PartNeed(call_off_by, some.built_on, part.part, part.supplier)
                taken = some.number * part.quantity
                needs[need] = needs[need] + taken if need in needs else taken
    return dict(sorted(needs.items()))
