"""How many stock cars a store should have of a model: the newsvendor's critical ratio on Poisson demand.

A car too few costs the margin of a sale that is lost (`under_minor`), a car too many what it costs to hold it over the
exposure (`over_minor`); the best level is the smallest S with P(D <= S) >= Cu / (Cu + Co) (DOMAIN section 6.6; the rule
is that of the newsvendor problem, as in Arrow, Harris and Marschak, Optimal Inventory Policy, 1951). What the next car
is worth falls with every car, so that a flow of least cost may share cars out by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

CARS_MAX: Final = 500
"""No store holds more of a model; a mean that asked for more would be no light inventory."""
MILLE: Final = 1_000
WEEK_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class StockRule:
    """What a store's stock of one model is judged by: the mean demand over the exposure, and both costs in fen."""

    mean: float
    under_minor: int
    over_minor: int

    def __post_init__(self) -> None:
        assert 0 <= self.mean <= CARS_MAX / 2, "light inventory: a mean far below the ceiling"
        assert self.under_minor > 0, "a lost sale costs something"
        assert self.over_minor > 0, "so does a car that stands"


def mean_over(weekly_milli: int, exposure_days: int) -> float:
    """Return the cars sold over the exposure: thousandths of a car a week, times its days."""
    return weekly_milli * exposure_days / (MILLE * WEEK_DAYS)


def cumulative(mean: float) -> Iterator[float]:
    """Yield P(D <= 0), P(D <= 1), ... of Poisson demand, up to the ceiling."""
    probability = math.exp(-mean)
    total = probability
    for cars in range(1, CARS_MAX + 1):
        yield min(total, 1.0)
        probability *= mean / cars
        total += probability
    yield min(total, 1.0)


def base_stock(rule: StockRule) -> int:
    """Return the smallest S with P(D <= S) >= Cu / (Cu + Co)."""
    ratio = Fraction(rule.under_minor, rule.under_minor + rule.over_minor)
    for level, probability in enumerate(cumulative(rule.mean)):
        if probability >= ratio:
            return level
    return CARS_MAX


def worth_of_cars(rule: StockRule, cars: int) -> tuple[int, ...]:
    """Return what each of the first `cars` cars is worth in fen, the loss that it avoids; never rising.

    The (s+1)-th car avoids Cu with P(D > s) and costs Co with P(D <= s), so that it may be below zero.
    """
    both = rule.under_minor + rule.over_minor
    found = []
    for number, probability in enumerate(cumulative(rule.mean)):
        if number == cars:
            break
        found.append(round(rule.under_minor - both * probability))
    return tuple(found)
