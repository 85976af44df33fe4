"""A few cars side by side: what each costs, line by line, and the options in which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from configurator.pricing import VehiclePrice, price_vehicle
from configurator.showroom import Showroom


@dataclass(frozen=True, slots=True)
class ComparedCar:
    """One of the cars: a model, its options in the catalogue's order, and its price."""

    model: str
    options: tuple[str, ...]
    price: VehiclePrice


@dataclass(frozen=True, slots=True)
class Difference:
    """An option that some of the cars have and others have not; `has` goes by the cars' order."""

    option: str
    category: str
    has: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The cars, and the options in which they differ, in the catalogue's order."""

    cars: tuple[ComparedCar, ...]
    differences: tuple[Difference, ...]


def compare_cars(room: Showroom, cars: Sequence[tuple[str, frozenset[str]]]) -> Comparison:
    """Compare buildable cars, each a model with its true features."""
    compared = []
    for model, features in cars:
        options = tuple(option.code for option in room.catalogue.options if option.code in features)
        compared.append(ComparedCar(model, options, price_vehicle(room.catalogue, model=model, features=features)))
    differences = []
    for option in room.catalogue.options:
        has = tuple(option.code in features for _, features in cars)
        if len(set(has)) > 1:
            differences.append(Difference(option.code, option.category, has))
    return Comparison(tuple(compared), tuple(differences))
