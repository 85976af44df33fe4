"""Demo cars by footfall: so many for the people who come, each model's by what is expected to be sold (DOMAIN 6.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

VISITORS_MAX: Final = 100_000
WEEKS_BACK: Final = 26


@dataclass(frozen=True, slots=True)
class WeekVisitors:
    """How many people came to a store in a week that is over (its Monday), as was said; the latest word counts."""

    id: str
    brand_id: str
    store_id: str
    week: date
    visitors: int
    by_account_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Footfall:
    """The people who came to a store over so many weeks that it reported."""

    visitors: int
    weeks: int


def demo_cars(
    footfall: Footfall, weights: Mapping[str, int], *, visitors_per_car: int, per_model_most: int
) -> dict[str, int]:
    """Return how many demo cars of each model a store should have; `weights` are the models' expected sales.

    One car for each `visitors_per_car` people a week. They go one by one to the model with the most sales for the cars
    that it has (Webster's method), so that more visitors never take a demo car from a model.
    """
    cars = footfall.visitors // (visitors_per_car * footfall.weeks) if footfall.weeks else 0
    found = dict.fromkeys(sorted(weights), 0)
    for _ in range(min(cars, per_model_most * len(found))):
        below = [model for model, has in found.items() if has < per_model_most]
        chosen = max(below, key=lambda model: (weights[model] / (2 * found[model] + 1), -found[model]))
        found[chosen] += 1
    return found
