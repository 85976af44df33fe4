"""One configuration step: choices in; every option's state, the price, the cheapest completion and reasons out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from configurator.catalogue import MODEL_GROUP, Catalogue
from configurator.errors import ConfigurationIncomplete, ModelUnknown, OptionExcluded, OptionUnknown
from configurator.model import Choice, Context, OptionState
from configurator.pricing import VehiclePrice, price_vehicle, price_weights
from configurator.rules import group_codes, window_rules
from configurator.solver import Choices, Clash, Engine, Reason, Step

REPAIRS_MAX: Final = 3
EXPLAINED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """A rule's code and its sentence."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class RepairOffer:
    """Choices to give up for an option, and what the cheapest completion then costs more (or, negative, less)."""

    give_up: tuple[str, ...]
    price_difference_minor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an option is forced or excluded, and for an excluded one the smallest repairs, cheapest first per size."""

    option: str
    because: tuple[str, ...]
    rules: tuple[RuleInWords, ...]
    repairs: tuple[RepairOffer, ...]


@dataclass(frozen=True, slots=True)
class CheapestCar:
    """The cheapest car that meets the choices, proven."""

    options: tuple[str, ...]
    price_minor: int


@dataclass(frozen=True, slots=True)
class ConfigurationStep:
    """The answer to a set of choices. `options` is what is in the car so far; complete means it can be built so."""

    model: str
    states: Mapping[str, OptionState]
    options: tuple[str, ...]
    is_complete: bool
    price: VehiclePrice
    cheapest: CheapestCar
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True, slots=True)
class Showroom:
    """A catalogue with its engine, at one place and day."""

    catalogue: Catalogue
    engine: Engine
    context: Context


def take_step(
    room: Showroom, *, model: str, choices: Sequence[Choice], explain: Sequence[str] = ()
) -> ConfigurationStep:
    """Answer a step; refuses unknown models and options, and choices that exclude each other (OptionExcluded)."""
    wanted = checked_choices(room.catalogue, model=model, choices=choices)
    answer = room.engine.step(wanted, room.context)
    match answer:
        case Clash():
            raise _first_excluded(room, model, choices)
        case Step():
            pass
        case _:
            assert_never(answer)
    cheapest = _cheapest(room, model, wanted)
    assert cheapest is not None, "a step that is no clash has a car"
    return ConfigurationStep(
        model=model,
        states=_states(room.catalogue, wanted, answer),
        options=tuple(option.code for option in room.catalogue.options if option.code in answer.forced),
        is_complete=room.engine.is_buildable(answer.forced, room.context),
        price=price_vehicle(room.catalogue, model=model, features=answer.forced),
        cheapest=cheapest,
        explanations=tuple(_explained(room, model, wanted, answer, cheapest, option) for option in explain),
    )


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
        raise _first_excluded(room, model, choices)
    raise ConfigurationIncomplete(_needed_categories(room, wanted, answer))


def checked_choices(catalogue: Catalogue, *, model: str, choices: Sequence[Choice]) -> dict[str, bool]:
    """Return the choices by feature, the model among them; a later choice of an option replaces an earlier one."""
    if model not in catalogue.model_by_code:
        raise ModelUnknown(model, tuple(catalogue.model_by_code))
    unknown = [choice.option for choice in choices if choice.option not in catalogue.option_by_code]
    if unknown:
        raise OptionUnknown(tuple(dict.fromkeys(unknown))[:10])
    return {model: True} | {choice.option: choice.wanted for choice in choices}


def _states(catalogue: Catalogue, wanted: Choices, step: Step) -> dict[str, OptionState]:
    states = {}
    for option in catalogue.options:
        chosen = wanted.get(option.code)
        if chosen is not None:
            states[option.code] = OptionState.CHOSEN if chosen else OptionState.REFUSED
        elif option.code in step.open:
            states[option.code] = OptionState.OPEN
        else:
            states[option.code] = OptionState.FORCED if option.code in step.forced else OptionState.EXCLUDED
    return states


def _cheapest(room: Showroom, model: str, wanted: Choices) -> CheapestCar | None:
    car = room.engine.minimum(wanted, room.context, price_weights(room.catalogue, model=model))
    if car is None:
        return None
    options = tuple(option.code for option in room.catalogue.options if option.code in car.features)
    return CheapestCar(options, room.catalogue.model_by_code[model].base_price_minor + car.weight)


def _explained(
    room: Showroom, model: str, wanted: Choices, step: Step, cheapest: CheapestCar, option: str
) -> Explanation:
    if option not in room.catalogue.option_by_code:
        raise OptionUnknown((option,))
    if option in step.open or option in wanted:
        return Explanation(option, (), (), ())
    present = option in step.excluded
    reason = room.engine.explain(wanted, room.context, feature=option, present=present)
    assert reason is not None, "what is not open has a reason"
    repairs = _repairs(room, model, wanted, cheapest, option) if present else ()
    return Explanation(option, _because(reason, model), rules_in_words(room.catalogue, reason.rules), repairs)


def _because(reason: Reason, model: str) -> tuple[str, ...]:
    """Return the choices of a reason as words: a refused option with a dash before it, the model by its code."""
    return tuple(name if value else f"-{name}" for name, value in reason.choices)


def _repairs(
    room: Showroom, model: str, wanted: Choices, cheapest: CheapestCar, option: str
) -> tuple[RepairOffer, ...]:
    """Return the smallest repairs that keep the model, with what each makes the cheapest completion cost more."""
    offers = []
    for repair in room.engine.repairs(
        wanted, room.context, feature=option, present=True, limit=REPAIRS_MAX, kept=frozenset((model,))
    ).found:
        left = {name: value for name, value in wanted.items() if name not in repair.given_up}
        car = _cheapest(room, model, left | {option: True})
        assert car is not None, "a repair leads to a car"
        offers.append(RepairOffer(repair.given_up, car.price_minor - cheapest.price_minor))
    return tuple(sorted(offers, key=lambda offer: (len(offer.give_up), offer.price_difference_minor)))


def _first_excluded(room: Showroom, model: str, choices: Sequence[Choice]) -> OptionExcluded:
    """Find the first choice that those before it exclude, and say why and what to give up."""
    before: dict[str, bool] = {model: True}
    for choice in choices:
        reason = room.engine.explain(before, room.context, feature=choice.option, present=choice.wanted)
        if reason is not None:
            repairs = room.engine.repairs(before, room.context, feature=choice.option, present=choice.wanted, limit=1)
            rules = rules_in_words(room.catalogue, reason.rules)
            return OptionExcluded(
                option=choice.option,
                because=_because(reason, model),
                rules_en=tuple(rule.en for rule in rules),
                rules_zh=tuple(rule.zh for rule in rules),
                give_up=repairs.found[0].given_up if repairs.found else (),
            )
        before = {name: value for name, value in before.items() if name != choice.option}
        before[choice.option] = choice.wanted
    raise AssertionError("choices that clash hold one that the others exclude")


def _needed_categories(room: Showroom, wanted: Choices, step: Step) -> tuple[str, ...]:
    """Return the categories of which an open option is needed: with all of them refused no car is left."""
    needed = []
    for category in room.catalogue.categories:
        options = [option.code for option in room.catalogue.options if option.category == category.code]
        refused = {option: False for option in options if option in step.open}
        if refused and isinstance(room.engine.step({**wanted, **refused}, room.context), Clash):
            needed.append(category.code)
    return tuple(needed)


def rules_in_words(catalogue: Catalogue, codes: Sequence[str]) -> tuple[RuleInWords, ...]:
    """Return rules with their sentences; a group without a row and an option's window get plain ones."""
    generated = {rule.code: rule.text for option in catalogue.options for rule in window_rules(option)}
    names = group_codes(catalogue.groups)
    parents = {names[id(group)]: group.parent for group in catalogue.groups if id(group) in names}
    words = []
    for code in codes:
        if code in catalogue.rule_by_code:
            text = catalogue.rule_by_code[code].text
            words.append(RuleInWords(code, text.zh, text.en))
        elif code in generated:
            words.append(RuleInWords(code, generated[code].zh + "。", generated[code].en + "."))
        else:
            words.append(_group_in_words(catalogue, code, parents.get(code, code)))
    return tuple(words)


def _group_in_words(catalogue: Catalogue, code: str, parent: str) -> RuleInWords:
    if parent == MODEL_GROUP:
        return RuleInWords(code, "请选择一款车型。", "A car is of one model.")
    category = catalogue.category_by_code.get(parent)
    zh, en = (category.name.zh, category.name.en) if category else (parent, parent)
    return RuleInWords(code, f"{zh}的选择数量有限制。", f"Only so many of {en} go together.")
