"""Use cases of configuring: steps, reasons, repairs, completions, comparisons and counts; they change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from configurator.catalogue import Catalogue
from configurator.comparing import Comparison, compare_cars
from configurator.completing import (
    CheapestCar,
    Completed,
    Goal,
    OptionWeeks,
    cheapest_car,
    complete_nearest,
    complete_popular,
    complete_soonest,
    options_of,
)
from configurator.configuring import (
    EXPLAINED_MAX,
    ConfigurationStep,
    PriceBound,
    Wishes,
    checked_choices,
    complete_car,
    open_step,
    take_step,
)
from configurator.engine.backend import BackendKind
from configurator.errors import OptionUnknown
from configurator.explaining import Explanation, RepairOffer, RepairOffers, RepairOrder, explain_option, find_repairs
from configurator.model import CHOICES_MAX, Choice, PoolingClass, VersionId
from configurator.pooling import class_choices, class_models
from configurator.ports import Outlook
from configurator.pricing import VehiclePrice, price_vehicle
from configurator.queries import SECONDS_BEHIND_MAX, LoadedVersion, open_showroom
from configurator.showroom import Showroom
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

__all__ = [
    "BackendKind",
    "CarToCompare",
    "CompletedCar",
    "ConfigureAnswer",
    "ConfigureRequest",
    "Explanation",
    "Goal",
    "Nearness",
    "OptionWeeks",
    "Outlook",
    "PriceBound",
    "RepairOffer",
    "RepairOrder",
    "Wishes",
    "compare",
    "complete",
    "configure",
    "count",
    "explain",
    "repair",
    "sample",
]
OPTIONS_AT_ONCE_MAX: Final = 1_000
"""A catalogue of more options takes longer than others may have to wait for."""
NOTHING_KNOWN: Final = Outlook()
NO_WISHES: Final = Wishes()
DRAWN_MAX: Final = 100
COMPARED_MIN: Final = 2
COMPARED_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class ConfigureRequest:
    """A model with the choices so far. `force` is a choice that others must give way to."""

    model: str
    choices: tuple[Choice, ...] = ()
    region: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    force: Choice | None = None
    version_id: VersionId | None = None


@dataclass(frozen=True, slots=True)
class ConfigureAnswer:
    """A step and the version it was answered under."""

    version_id: VersionId
    version_number: int
    step: ConfigurationStep


def configure(
    work: Work,
    request: ConfigureRequest,
    *,
    outlook: Outlook = NOTHING_KNOWN,
) -> ConfigureAnswer:
    """Answer one configuration step under the version in force today, or under a named one."""
    version, room = _opened(work, request)
    if not _is_quick(room, request):
        work.take_time()
    weeks = _weeks(work, room, request, outlook) if request.wishes.explain else None
    step = take_step(
        room, model=request.model, choices=request.choices, wishes=request.wishes, force=request.force, weeks=weeks
    )
    return ConfigureAnswer(version.id, version.number, step)


def _is_quick(room: Showroom, request: ConfigureRequest) -> bool:
    """Say whether a step takes no longer than reading the request: no reason is sought, and a circuit is walked."""
    if request.wishes != NO_WISHES or request.force is not None or room.engine.kind is not BackendKind.CIRCUIT:
        return False
    if len(room.catalogue.options) > OPTIONS_AT_ONCE_MAX:
        return False
    return room.engine.has_car(
        checked_choices(room.catalogue, model=request.model, choices=request.choices), room.context
    )


def explain(work: Work, request: ConfigureRequest, *, outlook: Outlook) -> tuple[Explanation, ...]:
    """Explain the options named in the request's wishes."""
    _, room = _opened(work, request)
    wanted, step = open_step(room, model=request.model, choices=request.choices)
    weeks = _weeks(work, room, request, outlook)
    return tuple(
        explain_option(room, request.model, wanted, step, option, weeks=weeks) for option in request.wishes.explain
    )


def repair(
    work: Work, request: ConfigureRequest, choice: Choice, *, order: RepairOrder, outlook: Outlook
) -> RepairOffers:
    """Tell what must give way for one more choice, ranked; no offers where the model itself forbids it."""
    version, room = _opened(work, request)
    wanted, _ = open_step(room, model=request.model, choices=request.choices)
    _check_options(version.catalogue, (choice.option,))
    weeks = _weeks(work, room, request, outlook)
    return find_repairs(room, request.model, wanted, choice, order=order, weeks=weeks)


def count(work: Work, request: ConfigureRequest) -> int | None:
    """Count the cars that meet the choices; None where they were not counted."""
    _, room = _opened(work, request)
    wanted, _ = open_step(room, model=request.model, choices=request.choices)
    return room.engine.count(wanted, room.context)


@dataclass(frozen=True, slots=True)
class DrawnCar:
    """A car that can be built, and its price."""

    options: tuple[str, ...]
    price_minor: int


@dataclass(frozen=True, slots=True)
class CarSample:
    """Drawn cars with their prices, and the version they can be built under; None where no circuit answers."""

    version_id: VersionId
    cars: tuple[DrawnCar, ...] | None


def sample(work: Work, request: ConfigureRequest, *, number: int, seed: int) -> CarSample:
    """Draw cars that meet the choices, each as likely as any other."""
    work.actor.require(Permission.CATALOGUE_PUBLISH)
    if not 1 <= number <= DRAWN_MAX:
        raise InvalidInput("number", because("COUNT", least=1, most=DRAWN_MAX))
    version, room = _opened(work, request)
    wanted, _ = open_step(room, model=request.model, choices=request.choices)
    drawn = room.engine.sample(wanted, room.context, number=number, seed=seed)
    if drawn is None:
        return CarSample(version.id, None)
    return CarSample(version.id, tuple(_priced(version.catalogue, request.model, features) for features in drawn))


def _priced(catalogue: Catalogue, model: str, features: frozenset[str]) -> DrawnCar:
    price = price_vehicle(catalogue, model=model, features=features)
    return DrawnCar(options_of(catalogue, features), price.total_minor)


# --- completions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nearness:
    """What a completion shall be near: a car's options, and a pool's class (its key) that it must belong to."""

    options: tuple[str, ...] = ()
    class_key: str | None = None
    any_trim: bool = False


@dataclass(frozen=True, slots=True)
class CompletedCar:
    """A completion with its price and the cheapest one's; `first_week` is the Monday of week 0, where weeks count."""

    version_id: VersionId
    model: str
    completed: Completed
    price: VehiclePrice
    cheapest: CheapestCar
    first_week: date | None


def complete(
    work: Work, request: ConfigureRequest, goal: Goal, *, outlook: Outlook, near: Nearness | None = None
) -> CompletedCar:
    """Complete the choices to the car that is best by a goal, proven."""
    version, room = _opened(work, request)
    near = near or Nearness()
    _check_options(version.catalogue, near.options)
    fixed = _class_choices(version.catalogue, request.model, near)
    own = [choice for choice in request.choices if choice.option not in {one.option for one in fixed}]
    choices = (*own, *fixed)
    wanted, _ = open_step(room, model=request.model, choices=choices)
    cheapest = cheapest_car(room, request.model, wanted)
    assert cheapest is not None, "a step that is no clash has a car"
    completed, first_week = _completed(work, room, request, wanted, cheapest, goal, near, outlook)
    assert completed is not None, "a step that is no clash has a car"
    features = complete_car(room, model=request.model, options=completed.options)
    price = price_vehicle(version.catalogue, model=request.model, features=features)
    return CompletedCar(version.id, request.model, completed, price, cheapest, first_week)


def _completed(
    work: Work,
    room: Showroom,
    request: ConfigureRequest,
    wanted: dict[str, bool],
    cheapest: CheapestCar,
    goal: Goal,
    near: Nearness,
    outlook: Outlook,
) -> tuple[Completed | None, date | None]:
    match goal:
        case Goal.CHEAPEST:
            return Completed(cheapest.options), None
        case Goal.SOONEST:
            weeks = _weeks(work, room, request, outlook)
            return complete_soonest(room, request.model, wanted, weeks), None if weeks is None else weeks.first_week
        case Goal.POPULAR:
            return complete_popular(room, request.model, wanted, outlook.take_rates.take_rates(work)), None
        case Goal.NEAREST:
            return complete_nearest(room, request.model, wanted, near.options), None


def _class_choices(catalogue: Catalogue, model: str, near: Nearness) -> tuple[Choice, ...]:
    """Return what a pool's class fixes, as choices; they count where an own choice says otherwise."""
    if near.class_key is None:
        return ()
    try:
        cls = PoolingClass.from_key(near.class_key)
    except ValueError:
        raise InvalidInput("near", because("NEAR_KEY")) from None
    if model not in class_models(catalogue, cls):
        raise InvalidInput("near", because("NEAR_MODEL", model=model))
    fixed = class_choices(catalogue, cls, any_trim=near.any_trim or not cls.trim)
    return tuple(Choice(option, wanted) for option, wanted in fixed.items())


# --- comparisons -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CarToCompare:
    """A model with every option of the car."""

    model: str
    options: tuple[str, ...]


def compare(work: Work, cars: Sequence[CarToCompare], *, region: str = "") -> tuple[VersionId, Comparison]:
    """Put two to four buildable cars side by side; refuses what is unknown, excluded or incomplete."""
    work.actor.require(Permission.CONFIGURE)
    if not COMPARED_MIN <= len(cars) <= COMPARED_MAX:
        raise InvalidInput("cars", because("CARS", least=COMPARED_MIN, most=COMPARED_MAX))
    if any(len(car.options) > CHOICES_MAX for car in cars):
        raise InvalidInput("options", because("COUNT_MOST", most=CHOICES_MAX))
    version, room = open_showroom(work, region=region)
    complete = [(car.model, complete_car(room, model=car.model, options=car.options)) for car in cars]
    return version.id, compare_cars(room, complete)


def _weeks(work: Work, room: Showroom, request: ConfigureRequest, outlook: Outlook) -> OptionWeeks | None:
    return outlook.weeks.option_weeks(work, model=request.model, region=request.region, day=room.context.day)


def _opened(work: Work, request: ConfigureRequest) -> tuple[LoadedVersion, Showroom]:
    work.actor.require(Permission.CONFIGURE)
    if len(request.choices) > CHOICES_MAX or len(request.wishes.explain) > EXPLAINED_MAX:
        raise InvalidInput("choices", because("CHOICES", choices=CHOICES_MAX, explained=EXPLAINED_MAX))
    return open_showroom(work, region=request.region, version_id=request.version_id, seconds_old_max=SECONDS_BEHIND_MAX)


def _check_options(catalogue: Catalogue, options: Sequence[str]) -> None:
    if len(options) > CHOICES_MAX:
        raise InvalidInput("options", because("COUNT_MOST", most=CHOICES_MAX))
    unknown = [option for option in options if option not in catalogue.option_by_code]
    if unknown:
        raise OptionUnknown(tuple(dict.fromkeys(unknown))[:10])
