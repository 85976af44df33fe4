"""Complete cars from choices, proven best by a goal; and a few cars side by side."""

from __future__ import annotations

from datetime import date, timedelta

import strawberry

from configurator import step_service
from configurator.errors import ConfigurationIncomplete, GoalNotOffered
from configurator.step_service import Goal
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import write_id
from graph.operations import query
from graph.types.configuring import (
    REFUSED,
    CheapestCar,
    ChoicesInput,
    PriceLine,
    outlook_of,
    read_choices,
    show_lines,
)
from graph.types.money import Money, show_minor
from kernel.actor import Permission
from kernel.work import Work

strawberry.enum(Goal, description="What a completion shall be best at.")


@object_type(reads=Permission.CONFIGURE)
class CompletedCar:
    """The car that is best by the goal, proven, beside the cheapest one.

    `week` is the Monday of the week in which it can be built soonest; `changes` counts the options in which it differs
    from the car it was to be near.
    """

    model: str
    options: list[str] = field(at_most=60)
    price: Money
    lines: list[PriceLine] = field(at_most=60)
    cheapest: CheapestCar
    week: date | None
    changes: int | None
    catalogue_version_id: strawberry.ID


@object_type(reads=Permission.CONFIGURE)
class ComparedCar:
    """One of the cars, with its price and what it consists of."""

    model: str
    options: list[str] = field(at_most=60)
    price: Money
    lines: list[PriceLine] = field(at_most=60)


@object_type(reads=Permission.CONFIGURE)
class CarDifference:
    """An option that some of the cars have and others have not; `has` goes by the order of the cars."""

    option: str
    category: str
    has: list[bool] = field(at_most=4)


@object_type(reads=Permission.CONFIGURE)
class CarComparison:
    """Cars side by side, in the order asked for, and the options in which they differ."""

    cars: list[ComparedCar] = field(at_most=4)
    differences: list[CarDifference] = field(at_most=120)
    catalogue_version_id: strawberry.ID


@input_type(takes=Permission.CONFIGURE)
class NearInput:
    """What a completion shall be near: the options of a car, and a pool's class (its `classKey`) to belong to.

    With `anyTrim` the class's trim may differ.
    """

    options: list[str] = strawberry.field(default_factory=list)
    class_key: str | None = None
    any_trim: bool = False


@input_type(takes=Permission.CONFIGURE)
class CarInput:
    """A complete car: a model and every option of it."""

    model: str
    options: list[str]


@query(reads=Permission.CONFIGURE, refuses=(*REFUSED, GoalNotOffered), result="CompleteResult")
def complete(
    work: Work,
    request: Request,
    input: ChoicesInput,  # noqa: A002  # the API's word
    goal: Goal = Goal.CHEAPEST,
    near: NearInput | None = None,
) -> CompletedCar:
    """Complete the choices: cheapest, soonest, most popular, or nearest to a car or a pool's class; proven best."""
    nearness = step_service.Nearness(tuple(near.options), near.class_key, near.any_trim) if near is not None else None
    found = step_service.complete(work, read_choices(input), goal, outlook=outlook_of(request), near=nearness)
    week = found.completed.week
    return CompletedCar(
        model=found.model,
        options=list(found.completed.options),
        price=show_minor(found.price.total_minor),
        lines=show_lines(found.price.lines, request.locale),
        cheapest=CheapestCar(options=list(found.cheapest.options), price=show_minor(found.cheapest.price_minor)),
        week=found.first_week + timedelta(weeks=week) if found.first_week is not None and week is not None else None,
        changes=found.completed.changes,
        catalogue_version_id=write_id("CatalogueVersion", found.version_id),
    )


@query(reads=Permission.CONFIGURE, refuses=(*REFUSED, ConfigurationIncomplete), result="CompareResult")
def compare(work: Work, request: Request, cars: list[CarInput], region: str = "") -> CarComparison:
    """Two to four complete cars side by side: the options in which they differ, and their prices line by line."""
    version_id, found = step_service.compare(
        work, [step_service.CarToCompare(car.model, tuple(car.options)) for car in cars], region=region
    )
    return CarComparison(
        cars=[
            ComparedCar(
                model=car.model,
                options=list(car.options),
                price=show_minor(car.price.total_minor),
                lines=show_lines(car.price.lines, request.locale),
            )
            for car in found.cars
        ],
        differences=[
            CarDifference(option=one.option, category=one.category, has=list(one.has)) for one in found.differences
        ],
        catalogue_version_id=write_id("CatalogueVersion", version_id),
    )
