"""Complete cars from choices: the cheapest, the soonest, the most popular, the nearest to a given car; proven best.

Each goal is a sum of weights that the engine minimises. Where two cars are equally good the cheaper one wins, then the
engine's rule for ties.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil, log
from typing import Final

from configurator.catalogue import Catalogue
from configurator.errors import GoalNotOffered
from configurator.pricing import price_weights
from configurator.showroom import Showroom
from configurator.solver import Choices
from kernel.money import BASIS_POINTS

RATE_LEAST: Final = 0.01
"""The take rate assumed of an option of which none was released: those are the rarely chosen ones."""
POPULARITY_UNITS: Final = 1_000
"""Log odds are compared in thousandths, so that sums are exact."""


class Goal(StrEnum):
    """What a completion shall be best at."""

    CHEAPEST = "cheapest"
    SOONEST = "soonest"
    POPULAR = "popular"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class CheapestCar:
    """The cheapest car that meets the choices, proven."""

    options: tuple[str, ...]
    price_minor: int


@dataclass(frozen=True, slots=True)
class OptionWeeks:
    """The weeks in which features can be built: bit w of a set stands for the w-th week from `first_week`'s Monday on.

    Features are options, models and what they stand below; one that is not named can be built in every week.
    """

    first_week: date
    weeks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Completed:
    """A car that meets the choices. `week` counts from the first one, where weeks decided; `changes` from the car
    that was to be near."""

    options: tuple[str, ...]
    week: int | None = None
    changes: int | None = None


def cheapest_car(room: Showroom, model: str, wanted: Choices) -> CheapestCar | None:
    """Return the cheapest car with these choices; None where there is none."""
    car = room.engine.minimum(wanted, room.context, price_weights(room.catalogue, model=model))
    if car is None:
        return None
    price = room.catalogue.model_by_code[model].base_price_minor + car.weight
    return CheapestCar(options_of(room.catalogue, car.features), price)


def options_of(catalogue: Catalogue, features: AbstractSet[str]) -> tuple[str, ...]:
    """Return the options among a car's features in the catalogue's order."""
    return tuple(option.code for option in catalogue.options if option.code in features)


def soonest_week(room: Showroom, wanted: Choices, weeks: OptionWeeks) -> int | None:
    """Return the first week in which some car with these choices can be built; None where there is none."""
    found = room.engine.weeks(wanted, room.context, _known(room.catalogue, weeks))
    return (found & -found).bit_length() - 1 if found else None


def complete_soonest(room: Showroom, model: str, wanted: Choices, weeks: OptionWeeks | None) -> Completed | None:
    """Return the cheapest of the cars that can be built soonest; refuses where no weeks are known or none is free."""
    if weeks is None:
        raise GoalNotOffered(Goal.SOONEST.value)
    if not room.engine.weeks(wanted, room.context, {}):
        return None
    week = soonest_week(room, wanted, weeks)
    if week is None:
        raise GoalNotOffered(Goal.SOONEST.value)
    missing = {name: False for name, free in _known(room.catalogue, weeks).items() if not free >> week & 1}
    car = cheapest_car(room, model, {**wanted, **missing})
    assert car is not None, "the week was free for some car"
    return Completed(car.options, week=week)


def complete_popular(
    room: Showroom, model: str, wanted: Choices, rates: Mapping[str, float] | None
) -> Completed | None:
    """Return the car that is likeliest if buyers choose each option at its rate; refuses where no rates are known."""
    if rates is None:
        raise GoalNotOffered(Goal.POPULAR.value)
    weights = with_price_second(room.catalogue, popularity_weights(room.catalogue, rates), model=model)
    car = room.engine.minimum(wanted, room.context, weights)
    return None if car is None else Completed(options_of(room.catalogue, car.features))


def complete_nearest(room: Showroom, model: str, wanted: Choices, near: Iterable[str]) -> Completed | None:
    """Return the car that differs in the fewest options from the one that has exactly those in `near`."""
    dreamt = frozenset(near)
    weights = {option.code: -1 if option.code in dreamt else 1 for option in room.catalogue.options}
    car = room.engine.minimum(wanted, room.context, with_price_second(room.catalogue, weights, model=model))
    if car is None:
        return None
    options = options_of(room.catalogue, car.features)
    return Completed(options, changes=len(dreamt.symmetric_difference(options)))


def popularity_weights(catalogue: Catalogue, rates: Mapping[str, float]) -> dict[str, int]:
    """Return weights whose least sum is the likeliest car: minus the log odds of each option, in thousandths.

    With independent choices a car has the probability Π p · Π (1 − p); a constant apart its logarithm is the sum of
    ln p/(1 − p) over the options it has.
    """
    weights = {}
    for option in catalogue.options:
        rate = min(max(rates.get(option.code, RATE_LEAST), RATE_LEAST), 1 - RATE_LEAST)
        weights[option.code] = -round(POPULARITY_UNITS * log(rate / (1 - rate)))
    return weights


def with_price_second(catalogue: Catalogue, weights: Mapping[str, int], *, model: str) -> dict[str, int]:
    """Return weights by which the price decides between cars of one weight."""
    prices = price_weights(catalogue, model=model)
    scale = 1 + sum(map(abs, prices.values()))
    return {name: scale * weights.get(name, 0) + prices.get(name, 0) for name in {**weights, **prices}}


def heaviest(catalogue: Catalogue, prices: Mapping[str, int]) -> int:
    """Return what no car weighs more than, whatever it is completed by: with popularity first and the price second."""
    odds = ceil(POPULARITY_UNITS * log((1 - RATE_LEAST) / RATE_LEAST))
    return (1 + sum(map(abs, prices.values()))) * max(odds * len(catalogue.options), 2 * BASIS_POINTS)


def _known(catalogue: Catalogue, weeks: OptionWeeks) -> dict[str, int]:
    """Return the weeks of what this version has: a part may be for something that it does not know."""
    known = frozenset(catalogue.features)
    return {name: free for name, free in weeks.weeks.items() if name in known}
