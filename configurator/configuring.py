"""One configuration step: choices in; every option's state, the price, the cheapest completion and reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from configurator.catalogue import Catalogue, Category
from configurator.completing import CheapestCar, OptionWeeks, cheapest_car, options_of
from configurator.engine.backend import BackendKind
from configurator.errors import ConfigurationIncomplete, ModelUnknown, OptionUnknown
from configurator.explaining import Explanation, explain_option, find_repairs, first_excluded
from configurator.model import Choice, OptionState
from configurator.pricing import VehiclePrice, price_vehicle, price_weights
from configurator.showroom import Showroom
from configurator.solver import Choices, Clash, Step
from kernel.errors import InvalidInput
from kernel.reasons import because

EXPLAINED_MAX: Final = 20
FOLLOWED: Final = {"11": OptionState.OPEN, "10": OptionState.FORCED, "01": OptionState.EXCLUDED}
"""What follows for an option, by whether some car has it and whether some car has it not."""


@dataclass(frozen=True, slots=True)
class PriceBound:
    """What an open option makes of the price of the cheapest car: with it, and with it refused. Never below zero."""

    with_minor: int
    without_minor: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a step shall answer beside the states and the price: what nobody reads is not computed."""

    explain: tuple[str, ...] = ()
    bounds: bool = False
    count: bool = False


@dataclass(frozen=True, slots=True)
class ConfigurationStep:
    """The answer to a set of choices. `options` is what is in the car so far; complete means it can be built so.

    `gave_way` are the choices that a forced one cost. `count` is the number of cars left, where it was counted.
    """

    model: str
    states: Mapping[str, OptionState]
    options: tuple[str, ...]
    is_complete: bool
    price: VehiclePrice
    cheapest: CheapestCar
    explanations: tuple[Explanation, ...]
    bounds: Mapping[str, PriceBound]
    count: int | None
    gave_way: tuple[str, ...]
    engine: BackendKind


def take_step(
    room: Showroom,
    *,
    model: str,
    choices: Sequence[Choice],
    wishes: Wishes = Wishes(),  # frozen
    force: Choice | None = None,
    weeks: OptionWeeks | None = None,
) -> ConfigurationStep:
    """Answer a step; refuses unknown models and options, and choices that exclude each other (OptionExcluded).

    `force` is a choice that stands whatever the others say: the best repair is taken, and `gave_way` names its cost.
    `weeks` date the repairs of what is explained.
    """
    wanted, step, gave_way = _settled(room, model, choices, force)
    cheapest = cheapest_car(room, model, wanted)
    assert cheapest is not None, "a step that is no clash has a car"
    return ConfigurationStep(
        model=model,
        states=_states(room.catalogue, wanted, step),
        options=options_of(room.catalogue, step.forced),
        is_complete=step.is_decided or room.engine.is_buildable(step.forced, room.context),
        price=price_vehicle(room.catalogue, model=model, features=step.forced),
        cheapest=cheapest,
        explanations=tuple(explain_option(room, model, wanted, step, option, weeks=weeks) for option in wishes.explain),
        bounds=price_bounds(room, model, wanted) if wishes.bounds else {},
        count=room.engine.count(wanted, room.context) if wishes.count else None,
        gave_way=gave_way,
        engine=room.engine.kind,
    )


def _settled(
    room: Showroom, model: str, choices: Sequence[Choice], force: Choice | None
) -> tuple[dict[str, bool], Step, tuple[str, ...]]:
    """Return the choices that stand, what follows, and which gave way to the forced one."""
    wanted = checked_choices(room.catalogue, model=model, choices=choices)
    answer = room.engine.step(wanted, room.context)
    if isinstance(answer, Clash):
        raise first_excluded(room, model, choices)
    if force is None:
        return wanted, answer, ()
    if force.option not in room.catalogue.option_by_code:
        raise OptionUnknown((force.option,))
    offers = find_repairs(room, model, wanted, force).offers
    if not offers:
        raise first_excluded(room, model, (force,))
    gave_way = offers[0].give_up
    left = {name: value for name, value in wanted.items() if name not in gave_way and name != force.option}
    left[force.option] = force.wanted
    step = room.engine.step(left, room.context)
    assert isinstance(step, Step), "a repair leads to a car"
    return left, step, gave_way


def open_step(room: Showroom, *, model: str, choices: Sequence[Choice]) -> tuple[dict[str, bool], Step]:
    """Return checked choices and what follows from them; refuses as `take_step` does."""
    wanted, step, _ = _settled(room, model, choices, None)
    return wanted, step


def price_bounds(room: Showroom, model: str, wanted: Choices) -> dict[str, PriceBound]:
    """Return for each open option by how much it, or refusing it, raises the price of the cheapest car; proven."""
    bounds = room.engine.bounds(wanted, room.context, price_weights(room.catalogue, model=model))
    if bounds is None:
        return {}
    return {
        option.code: PriceBound(bounds.present[option.code] - bounds.least, bounds.absent[option.code] - bounds.least)
        for option in room.catalogue.options
        if option.code in bounds.present
    }


def complete_car(room: Showroom, *, model: str, options: Sequence[str]) -> frozenset[str]:
    """Return the true features of the car that has exactly these options.

    Refuses what is unknown, what excludes each other, and what leaves a choice open (ConfigurationIncomplete).
    """
    choices = [Choice(option) for option in options]
    wanted = checked_choices(room.catalogue, model=model, choices=choices)
    exactly = wanted | {option.code: option.code in wanted for option in room.catalogue.options}
    car = room.engine.minimum(exactly, room.context, {})
    if car is not None:
        return car.features
    answer = room.engine.step(wanted, room.context)
    if isinstance(answer, Clash):
        raise first_excluded(room, model, choices)
    needed = _needed_categories(room, wanted, answer)
    raise ConfigurationIncomplete(
        tuple(category.code for category in needed),
        names_en=tuple(category.name.en for category in needed),
        names_zh=tuple(category.name.zh for category in needed),
    )


def checked_choices(catalogue: Catalogue, *, model: str, choices: Sequence[Choice]) -> dict[str, bool]:
    """Return the choices by feature, the model among them.

    Refuses ModelUnknown, OptionUnknown, and an option that is both chosen and refused (InvalidInput).
    """
    if model not in catalogue.model_by_code:
        raise ModelUnknown(model, tuple(catalogue.model_by_code))
    unknown = [choice.option for choice in choices if choice.option not in catalogue.option_by_code]
    if unknown:
        raise OptionUnknown(tuple(dict.fromkeys(unknown))[:10])
    wanted = {choice.option for choice in choices if choice.wanted}
    both = sorted(wanted & {choice.option for choice in choices if not choice.wanted})
    if both:
        raise InvalidInput("choices", because("CHOSEN_AND_REFUSED", options=both[:10]))
    return {model: True} | {choice.option: choice.wanted for choice in choices}


def _states(catalogue: Catalogue, wanted: Choices, step: Step) -> dict[str, OptionState]:
    can, cannot = step.digits
    states = {code: FOLLOWED[can[v] + cannot[v]] for code, v in catalogue.variable_of_option.items()}
    for code, value in wanted.items():
        if code in states:
            states[code] = OptionState.CHOSEN if value else OptionState.REFUSED
    return states


def _needed_categories(room: Showroom, wanted: Choices, step: Step) -> tuple[Category, ...]:
    """Return the categories of which an open option is needed: with all of them refused no car is left."""
    needed = []
    for category in room.catalogue.categories:
        options = [option.code for option in room.catalogue.options if option.category == category.code]
        refused = {option: False for option in options if option in step.open}
        if refused and isinstance(room.engine.step({**wanted, **refused}, room.context), Clash):
            needed.append(category)
    return tuple(needed)
