"""Cars drawn at random, each that can be built as likely as any other: what a planner tries rules and prices on."""

from __future__ import annotations

import strawberry

from configurator import step_service
from graph.access import field, object_type
from graph.identifiers import write_id
from graph.operations import query
from graph.types.configuring import REFUSED, ChoicesInput, read_choices
from graph.types.money import Money, show_minor
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.CATALOGUE_PUBLISH)
class DrawnCar:
    """A car that can be built, with its price."""

    options: list[str] = field(at_most=60)
    price: Money


@object_type(reads=Permission.CATALOGUE_PUBLISH)
class CarSample:
    """Drawn cars; null where none can be drawn, since no compiled circuit answers just now."""

    cars: list[DrawnCar] | None = field(at_most=step_service.DRAWN_MAX)
    catalogue_version_id: strawberry.ID


@query(reads=Permission.CATALOGUE_PUBLISH, refuses=REFUSED, result="SampleCarsResult")
def sample_cars(
    work: Work,
    input: ChoicesInput,  # noqa: A002  # the API's word
    number: int = 10,
    seed: int = 1,
) -> CarSample:
    """Draw up to 100 cars that meet the choices, uniformly and independently; the same seed draws the same cars."""
    found = step_service.sample(work, read_choices(input), number=number, seed=seed)
    cars = None
    if found.cars is not None:
        cars = [DrawnCar(options=list(car.options), price=show_minor(car.price_minor)) for car in found.cars]
    return CarSample(cars=cars, catalogue_version_id=write_id("CatalogueVersion", found.version_id))
