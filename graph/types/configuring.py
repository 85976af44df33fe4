"""Steps of configuring: what is open, forced or excluded after choices, why, and what to give up for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import strawberry

from configurator import step_service
from configurator.errors import (
    AnswerTooHard,
    ModelUnknown,
    OptionExcluded,
    OptionUnknown,
    RegionUnknown,
    VersionNotInForce,
)
from configurator.model import Choice, OptionState, QuoteLine
from configurator.step_service import BackendKind, Outlook, PriceBound, RepairOffer, RepairOrder, Wishes
from configurator.step_service import Explanation as Explained
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import write_id
from graph.operations import query
from graph.types.catalogue import RuleInWords, show_rule
from graph.types.money import Money, show_minor
from kernel.actor import Permission
from kernel.digits import written
from kernel.work import Work

strawberry.enum(OptionState, description="What a buyer can do with an option now.")
strawberry.enum(BackendKind, description="What answers: a compiled circuit, or SAT where none is ready or none fits.")
strawberry.enum(
    RepairOrder,
    description="What repairs are ranked by: fewest choices, price, date, or preference (choices made first are dear).",
)
STANDINGS_MAX: Final = 8_192
BOUND_FIELDS = frozenset({"fromDifference", "withoutDifference"})


@object_type(reads=Permission.CONFIGURE)
class OptionStanding:
    """An option and what can be done with it after the choices so far.

    For an open one: by how much the cheapest car costs more with it, and without it.
    """

    option: str
    state: OptionState
    from_difference: Money | None = None
    without_difference: Money | None = None


@object_type(reads=Permission.CONFIGURE)
class Repair:
    """Choices to give up, what the cheapest completion then costs more or less, and how many days later it can come."""

    give_up: list[str]
    price_difference: Money
    days_difference: int | None


@object_type(reads=Permission.CONFIGURE)
class Repairs:
    """The smallest repairs, ranked; `areAll` where no other set of choices would do."""

    repairs: list[Repair]
    are_all: bool


@object_type(reads=Permission.CONFIGURE)
class Explanation:
    """Why an option is forced or excluded, and the smallest repairs."""

    option: str
    because: list[str]
    rules: list[RuleInWords]
    repairs: list[Repair]


@object_type(reads=Permission.CONFIGURE)
class Explanations:
    """What was asked about, in the order asked."""

    explanations: list[Explanation]


@object_type(reads=Permission.CONFIGURE)
class PriceLine:
    """One line of a price: what it is for, and its amount (below zero: taken off)."""

    kind: str
    code: str
    text: str
    amount: Money


@object_type(reads=Permission.CONFIGURE)
class CheapestCar:
    """The cheapest car that meets the choices, proven."""

    options: list[str] = field(at_most=60)
    price: Money


@object_type(reads=Permission.CONFIGURE)
class CarCount:
    """How many cars meet the choices, in digits of any length; null where they were not counted."""

    exact: str | None


@object_type(reads=Permission.CONFIGURE)
class ConfigurationStep:
    """The answer to a set of choices; `options` is what is in the car so far, `gaveWay` what a forced choice cost."""

    model: str
    is_complete: bool
    options: list[str] = field(at_most=60)
    price: Money
    lines: list[PriceLine] = field(at_most=60)
    cheapest: CheapestCar
    standings: list[OptionStanding] = field(at_most=120)
    explanations: list[Explanation]
    gave_way: list[str]
    count: CarCount
    engine: BackendKind = field(reads=Permission.CATALOGUE_PUBLISH, about="Which kind of engine answered.")
    catalogue_version_id: strawberry.ID


@input_type(takes=Permission.CONFIGURE)
class ChoiceInput:
    """One choice: this option, or (`wanted: false`) not this option."""

    option: str
    wanted: bool = True


@input_type(takes=Permission.CONFIGURE)
class ConfigureInput:
    """A model with the choices so far; `explain` names options whose state is to be explained.

    Others give way to the choice in `force` where they must.
    """

    model: str
    choices: list[ChoiceInput] = strawberry.field(default_factory=list)
    region: str = ""
    explain: list[str] = strawberry.field(default_factory=list)
    force: ChoiceInput | None = None


@input_type(takes=Permission.CONFIGURE)
class ChoicesInput:
    """A model with the choices so far."""

    model: str
    choices: list[ChoiceInput] = strawberry.field(default_factory=list)
    region: str = ""


REFUSED = (ModelUnknown, OptionUnknown, OptionExcluded, RegionUnknown, VersionNotInForce, AnswerTooHard)


def read_choices(given: ChoicesInput | ConfigureInput, wishes: Wishes | None = None) -> step_service.ConfigureRequest:
    """Return what was asked as the room's value."""
    return step_service.ConfigureRequest(
        model=given.model,
        choices=tuple(Choice(one.option, one.wanted) for one in given.choices),
        region=given.region,
        wishes=wishes or Wishes(),
    )


def outlook_of(request: Request) -> Outlook:
    """Return what is known of weeks and take rates."""
    outlook: Outlook = request.services.outlook or Outlook()
    return outlook


@query(reads=Permission.CONFIGURE, refuses=REFUSED, result="ConfigureResult", recalls=True)
def configure(
    work: Work,
    request: Request,
    asked: frozenset[str],
    input: ConfigureInput,  # noqa: A002  # the API's word
) -> ConfigurationStep:
    """One step of configuring: what is open, forced or excluded now, with the price; `explain` says why."""
    wishes = Wishes(tuple(input.explain), bounds=not asked.isdisjoint(BOUND_FIELDS), count="count" in asked)
    force = Choice(input.force.option, input.force.wanted) if input.force is not None else None
    wanted = read_choices(input, wishes)
    answer = step_service.configure(
        work,
        step_service.ConfigureRequest(wanted.model, wanted.choices, wanted.region, wishes, force),
        outlook=outlook_of(request),
    )
    return _show_step(answer, request.locale)


@query(reads=Permission.CONFIGURE, refuses=REFUSED, result="ExplainResult")
def explain(
    work: Work,
    request: Request,
    input: ChoicesInput,  # noqa: A002  # the API's word
    options: list[str],
) -> Explanations:
    """Why options are forced or excluded after the choices: the choices and rules that cause it, and repairs."""
    found = step_service.explain(work, read_choices(input, Wishes(tuple(options))), outlook=outlook_of(request))
    return Explanations(explanations=[_show_explanation(one, request.locale) for one in found])


@query(reads=Permission.CONFIGURE, refuses=REFUSED, result="RepairResult")
def repair(
    work: Work,
    request: Request,
    input: ChoicesInput,  # noqa: A002  # the API's word
    choice: ChoiceInput,
    order: RepairOrder = RepairOrder.COUNT,
) -> Repairs:
    """What must give way for one more choice: the smallest sets of choices, ranked; none where nothing helps."""
    found = step_service.repair(
        work, read_choices(input), Choice(choice.option, choice.wanted), order=order, outlook=outlook_of(request)
    )
    return Repairs(repairs=[_show_repair(one) for one in found.offers], are_all=found.are_all)


@query(reads=Permission.CONFIGURE, refuses=REFUSED, result="CountResult")
def count(
    work: Work,
    input: ChoicesInput,  # noqa: A002  # the API's word
) -> CarCount:
    """How many cars meet the choices."""
    return _show_count(step_service.count(work, read_choices(input)))


def _show_step(answer: step_service.ConfigureAnswer, locale: str) -> ConfigurationStep:
    step = answer.step
    return ConfigurationStep(
        model=step.model,
        is_complete=step.is_complete,
        options=list(step.options),
        price=show_minor(step.price.total_minor),
        lines=show_lines(step.price.lines, locale),
        cheapest=CheapestCar(options=list(step.cheapest.options), price=show_minor(step.cheapest.price_minor)),
        standings=_show_standings(step.states, step.bounds),
        explanations=[_show_explanation(one, locale) for one in step.explanations],
        gave_way=list(step.gave_way),
        count=_show_count(step.count),
        engine=step.engine,
        catalogue_version_id=write_id("CatalogueVersion", answer.version_id),
    )


def show_lines(lines: tuple[QuoteLine, ...], locale: str) -> list[PriceLine]:
    """Return a price's lines in one language."""
    return [
        PriceLine(
            kind=line.kind.value,
            code=line.code,
            text=line.text.in_locale(locale),
            amount=show_minor(line.amount_minor),
        )
        for line in lines
    ]


def _show_standings(states: Mapping[str, OptionState], bounds: Mapping[str, PriceBound]) -> list[OptionStanding]:
    if not bounds:
        return [_show_state(code, state) for code, state in states.items()]
    return [_show_standing(code, state, bounds.get(code)) for code, state in states.items()]


def _show_standing(code: str, state: OptionState, bound: PriceBound | None) -> OptionStanding:
    if bound is None:
        return _show_state(code, state)
    return OptionStanding(
        option=code,
        state=state,
        from_difference=show_minor(bound.with_minor),
        without_difference=show_minor(bound.without_minor),
    )


@lru_cache(STANDINGS_MAX)
def _show_state(code: str, state: OptionState) -> OptionStanding:
    """Return an option's state without prices: the same value for every buyer, so it is made once."""
    return OptionStanding(option=code, state=state)


def _show_count(found: int | None) -> CarCount:
    return CarCount(exact=None if found is None else written(found))


def _show_explanation(found: Explained, locale: str) -> Explanation:
    return Explanation(
        option=found.option,
        because=list(found.because),
        rules=[show_rule(rule.code, rule.zh, rule.en, locale) for rule in found.rules],
        repairs=[_show_repair(one) for one in found.repairs],
    )


def _show_repair(offer: RepairOffer) -> Repair:
    return Repair(
        give_up=list(offer.give_up),
        price_difference=show_minor(offer.price_difference_minor),
        days_difference=offer.days_difference,
    )
