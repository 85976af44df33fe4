"""The best cars by what a file itself can be weighed by: prices and costs of a catalogue, attributes of bare UVL.

All of them are sums that one compiled model minimises, one after another; nothing is compiled anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final

from configurator.catalogue import Catalogue
from configurator.model import Context
from configurator.pricing import price_weights
from configurator.report_subject import Subject
from configurator.solver import Choices, Engine

PRICE: Final = "price"
COST: Final = "cost"


@dataclass(frozen=True, slots=True)
class Part:
    """Cars with these choices weigh `base` and what their features and price rules add to that."""

    choices: Choices
    weights: Mapping[str, int]
    base: int


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that every car has an amount of, in whole parts of a unit; each part has cars of its own."""

    name: str
    per_unit: int
    parts: tuple[Part, ...]
    is_money: bool = False


@dataclass(frozen=True, slots=True)
class BestCar:
    """A car that no other beats by a measure, proven, and what it comes to."""

    measure: Measure
    features: frozenset[str]
    amount: Fraction


def measures_of(subject: Subject) -> dict[str, Measure]:
    """Return by name what cars of a rule set can be compared by."""
    if subject.catalogue is not None:
        return {one.name: one for one in (_prices(subject.catalogue), _costs(subject.catalogue))}
    return {name: _attribute(name, values) for name, values in subject.attributes.items()}


def best_car(engine: Engine, measure: Measure, choices: Choices, context: Context, *, most: bool) -> BestCar | None:
    """Return the car with the least (or the most) of a measure, proven; None where no car meets the choices."""
    sign = -1 if most else 1
    best: BestCar | None = None
    for part in measure.parts:
        if any(choices.get(name, value) != value for name, value in part.choices.items()):
            continue
        weights = {name: sign * weight for name, weight in part.weights.items()}
        car = engine.minimum({**part.choices, **choices}, context, weights)
        if car is None:
            continue
        amount = Fraction(part.base + sign * car.weight, measure.per_unit)
        if best is None or sign * amount < sign * best.amount:
            best = BestCar(measure, car.features, amount)
    return best


def _attribute(name: str, values: Mapping[str, Fraction]) -> Measure:
    per_unit = lcm(*(value.denominator for value in values.values()))
    weights = {feature: int(value * per_unit) for feature, value in values.items()}
    return Measure(name, per_unit, (Part({}, weights, 0),))


def _prices(catalogue: Catalogue) -> Measure:
    parts = (
        Part({model.code: True}, price_weights(catalogue, model=model.code), model.base_price_minor)
        for model in catalogue.models
    )
    return Measure(PRICE, 1, tuple(parts), is_money=True)


def _costs(catalogue: Catalogue) -> Measure:
    parts = []
    for model in catalogue.models:
        prices = (
            (option.code, catalogue.price_of(model=model.code, option=option.code)) for option in catalogue.options
        )
        costs = {code: price.cost_minor for code, price in prices if price is not None}
        parts.append(Part({model.code: True}, costs, model.cost_minor))
    return Measure(COST, 1, tuple(parts), is_money=True)


def named_features(subject: Subject, features: Iterable[str]) -> list[str]:
    """Return those of a car's features that a buyer knows by name, in order."""
    present = frozenset(features)
    return [name for name in subject.named if name in present]
