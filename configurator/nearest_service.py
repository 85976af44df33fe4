"""The nearest car of another pooling class to a given one: the fewest options changed, then the cheapest; proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from configurator.completing import complete_nearest
from configurator.configuring import complete_car
from configurator.errors import OptionUnknown
from configurator.model import CHOICES_MAX, PoolingClass, VersionId
from configurator.pooling import class_choices, class_models, pooling_class
from configurator.pricing import price_vehicle
from configurator.queries import open_showroom
from configurator.showroom import Showroom
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class NearCar:
    """A car and how it differs from the given one; `vehicle_price_minor` is the car with its options, in fen."""

    options: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    vehicle_price_minor: int
    cls: PoolingClass

    @property
    def changes(self) -> int:
        """Return in how many options it differs."""
        return len(self.added) + len(self.removed)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A complete car in the showroom, from which others are measured."""

    version_id: VersionId
    room: Showroom
    model: str
    own: NearCar

    def changes_at_least(self, cls: PoolingClass, *, any_trim: bool) -> int | None:
        """Return in how many options every car of a class differs from the own one; None where the model has none.

        It takes no proof: counted is only what the class fixes. The nearest car differs in as many or more.
        """
        catalogue = self.room.catalogue
        if self.model not in class_models(catalogue, cls):
            return None
        fixed = class_choices(catalogue, cls, any_trim=any_trim)
        has = set(self.own.options)
        return sum(wanted != (option in has) for option, wanted in fixed.items())

    def nearest(self, cls: PoolingClass, *, any_trim: bool) -> NearCar | None:
        """Return the own model's nearest car of a class, proven; None where no such car can be built here today."""
        catalogue = self.room.catalogue
        wanted = {self.model: True} | class_choices(catalogue, cls, any_trim=any_trim)
        if not set(wanted) <= {self.model, *catalogue.option_by_code}:
            return None
        found = complete_nearest(self.room, self.model, wanted, self.own.options)
        return None if found is None else _near_car(self.room, self.model, found.options, self.own.options)


def look_around(work: Work, *, model: str, options: Sequence[str], region: str) -> Neighbourhood:
    """Return the surroundings of a complete car under the version in force today.

    Refuses what is unknown, what cannot be built, and a car that is not complete (ConfigurationIncomplete).
    """
    work.actor.require(Permission.CONFIGURE)
    if len(options) > CHOICES_MAX:
        raise InvalidInput("options", because("COUNT_MOST", most=CHOICES_MAX))
    version, room = open_showroom(work, region=region)
    unknown = [option for option in options if option not in version.catalogue.option_by_code]
    if unknown:
        raise OptionUnknown(tuple(dict.fromkeys(unknown))[:10])
    return Neighbourhood(version.id, room, model, _near_car(room, model, options, options))


def _near_car(room: Showroom, model: str, options: Sequence[str], near: Sequence[str]) -> NearCar:
    features = complete_car(room, model=model, options=options)
    ordered = [option.code for option in room.catalogue.options if option.code in features]
    before = set(near)
    return NearCar(
        options=tuple(ordered),
        added=tuple(code for code in ordered if code not in before),
        removed=tuple(code for code in near if code not in features),
        vehicle_price_minor=price_vehicle(room.catalogue, model=model, features=features).total_minor,
        cls=pooling_class(room.catalogue, model=model, features=features),
    )
