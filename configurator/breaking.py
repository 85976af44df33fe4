"""Which kept cars a version does not allow, and the smallest change of each that it does; it knows nobody's name.

The smallest change is the nearest car: the one that differs in the fewest options, and of those the cheapest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from configurator.catalogue import Catalogue
from configurator.completing import complete_nearest
from configurator.configuring import complete_car
from configurator.errors import AnswerTooHard, ConfigurationIncomplete, ModelUnknown, OptionExcluded, OptionUnknown
from configurator.model import Context, SavedConfiguration
from configurator.pricing import price_of_car
from configurator.showroom import Showroom
from configurator.solver import Engine

Progress: TypeAlias = Callable[[str, int, int], None]
STAGE: Final = "looking at cars"


@dataclass(frozen=True, slots=True)
class KeptCar:
    """A complete car that somebody holds to: `id` is what the caller knows it by, `price_minor` what it cost there.

    Without a price no difference is told.
    """

    id: str
    model: str
    options: tuple[str, ...]
    region: str = ""
    price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class CarRepair:
    """The nearest car that the version allows: its options, what is left out and what is added, and its price."""

    options: tuple[str, ...]
    left_out: tuple[str, ...]
    added: tuple[str, ...]
    price_minor: int


@dataclass(frozen=True, slots=True)
class BrokenCar:
    """A kept car that cannot be built any more.

    `broken_by` names unknown options, the model, categories that are open now, or an option with choices in its way;
    without a repair the model is gone, or finding one takes too long.
    """

    car: KeptCar
    broken_by: tuple[str, ...]
    repair: CarRepair | None

    @property
    def price_difference_minor(self) -> int | None:
        """Return what the repaired car costs more (or, negative, less); None where either price is not known."""
        if self.repair is None or self.car.price_minor is None:
            return None
        return self.repair.price_minor - self.car.price_minor


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


class BreakageSearch:
    """Holds cars against one version on one day; cars that are the same are examined once."""

    def __init__(self, catalogue: Catalogue, engine: Engine, day: date) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._day = day
        self._known: dict[tuple[str, frozenset[str], str], tuple[tuple[str, ...], CarRepair | None]] = {}

    def broken(self, car: KeptCar) -> BrokenCar | None:
        """Return what breaks a car and its repair; None where it can be built."""
        key = (car.model, frozenset(car.options), car.region)
        if key not in self._known:
            room = Showroom(self._catalogue, self._engine, Context(car.region, self._day))
            causes = _broken_by(room, car)
            self._known[key] = causes, nearest_car(room, car) if causes else None
        causes, repair = self._known[key]
        return BrokenCar(car, causes, repair) if causes else None


def find_broken(search: BreakageSearch, cars: Iterable[KeptCar], *, progress: Progress = silent) -> list[BrokenCar]:
    """Return those cars that break, in the order given."""
    asked = list(cars)
    found = []
    for done, car in enumerate(asked):
        progress(STAGE, done, len(asked))
        broken = search.broken(car)
        if broken is not None:
            found.append(broken)
    progress(STAGE, len(asked), len(asked))
    return found


def _broken_by(room: Showroom, car: KeptCar) -> tuple[str, ...]:
    """Say what a version has against a car: unknown options, the rules in the way, or categories now open."""
    try:
        complete_car(room, model=car.model, options=car.options)
    except OptionUnknown as refusal:
        return refusal.options
    except ModelUnknown as refusal:
        return (refusal.model,)
    except OptionExcluded as refusal:
        return (refusal.option, *refusal.because)
    except ConfigurationIncomplete as refusal:
        return refusal.categories or ("options",)
    return ()


def nearest_car(room: Showroom, car: KeptCar) -> CarRepair | None:
    """Return the nearest car of the same model; None where the model is gone, or a proof would take too long."""
    if car.model not in room.catalogue.model_by_code:
        return None
    try:
        nearest = complete_nearest(room, car.model, {car.model: True}, car.options)
    except AnswerTooHard:
        return None
    if nearest is None:
        return None
    before, after = frozenset(car.options), frozenset(nearest.options)
    return CarRepair(
        nearest.options,
        left_out=tuple(option for option in car.options if option not in after),
        added=tuple(option for option in nearest.options if option not in before),
        price_minor=price_of_car(room.catalogue, model=car.model, options=nearest.options),
    )


def kept_car(saved: SavedConfiguration, catalogue: Catalogue) -> KeptCar:
    """Return a kept configuration as a car, with its price under the catalogue it was kept under."""
    car = saved.car
    price = price_of_car(catalogue, model=car.model, options=car.options)
    return KeptCar(saved.id, car.model, car.options, car.region, price)
