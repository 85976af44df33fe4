"""What can be built: models with options and prices, catalogue versions, rules in words, and steps of configuring."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from typing import Final

import strawberry

from configurator import queries, service
from configurator.errors import ModelUnknown, OptionExcluded, OptionUnknown, VersionNotInForce
from configurator.model import Choice, OptionState, VersionId
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import make_page, page_request
from kernel.work import Work

VIEWS_MAX: Final = 128
OPTIONS_MAX: Final = 400
strawberry.enum(OptionState, description="What a buyer can do with an option now.")


@object_type(reads=Permission.CATALOGUE_READ)
class CarOption:
    """An option as one model has it; `always` where every car of the model has it."""

    code: str
    name: str
    description: str
    category: str
    price: Money
    long_lead: bool
    constrained: bool
    always: bool
    fulfils_proposal: str | None


@object_type(reads=Permission.CATALOGUE_READ)
class OptionCategory:
    """A heading, such as Paint, with its options."""

    code: str
    name: str
    options: list[CarOption] = field(at_most=40)


@object_type(reads=Permission.CATALOGUE_READ)
class CarModel(Node):
    """A model of the catalogue in force; `fromPrice` is its cheapest buildable car, proven."""

    id: strawberry.ID
    code: str
    name: str
    platform: str
    plant: str
    energy: str
    base_price: Money
    from_price: Money
    cheapest_options: list[str] = field(at_most=60)
    categories: list[OptionCategory] = field(at_most=15)
    catalogue_version_id: strawberry.ID


@object_type(reads=Permission.CATALOGUE_READ)
class CatalogueVersion(Node):
    """A published, immutable version of the catalogue."""

    id: strawberry.ID
    number: int
    label: str
    effective_from: date
    content_hash: str


@object_type(reads=Permission.CATALOGUE_READ)
class RuleInWords:
    """A rule of the catalogue and what it says."""

    code: str
    text: str


@object_type(reads=Permission.CONFIGURE)
class OptionStanding:
    """An option and what can be done with it after the choices so far."""

    option: str
    state: OptionState


@object_type(reads=Permission.CONFIGURE)
class Repair:
    """Choices to give up for an option, and what the cheapest completion then costs more or less."""

    give_up: list[str]
    price_difference: Money


@object_type(reads=Permission.CONFIGURE)
class Explanation:
    """Why an option is forced or excluded, and the smallest repairs."""

    option: str
    because: list[str]
    rules: list[RuleInWords]
    repairs: list[Repair]


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
class ConfigurationStep:
    """The answer to a set of choices; `options` is what is in the car so far."""

    model: str
    is_complete: bool
    options: list[str] = field(at_most=60)
    price: Money
    lines: list[PriceLine] = field(at_most=60)
    cheapest: CheapestCar
    standings: list[OptionStanding] = field(at_most=120)
    explanations: list[Explanation]
    catalogue_version_id: strawberry.ID


@input_type(takes=Permission.CONFIGURE)
class ChoiceInput:
    """One choice: this option, or (`wanted: false`) not this option."""

    option: str
    wanted: bool = True


@input_type(takes=Permission.CONFIGURE)
class ConfigureInput:
    """A model with the choices so far; `explain` names options whose state is to be explained."""

    model: str
    choices: list[ChoiceInput] = strawberry.field(default_factory=list)
    region: str = ""
    explain: list[str] = strawberry.field(default_factory=list)


_shown: OrderedDict[tuple[int, str], tuple[queries.ModelView, CarModel]] = OrderedDict()


def show_model(view: queries.ModelView, locale: str) -> CarModel:
    """Return a model in one language; the same view is translated once."""
    key = (id(view), locale)
    known = _shown.get(key)
    if known is not None and known[0] is view:
        return known[1]
    shown = CarModel(
        id=write_id("CarModel", view.code),
        code=view.code,
        name=view.name.in_locale(locale),
        platform=view.platform,
        plant=view.plant,
        energy=view.energy,
        base_price=show_minor(view.base_price_minor),
        from_price=show_minor(view.from_price_minor),
        cheapest_options=list(view.cheapest_options),
        categories=[_show_category(one, locale) for one in view.categories],
        catalogue_version_id=write_id("CatalogueVersion", view.version_id),
    )
    _shown[key] = (view, shown)
    if len(_shown) > VIEWS_MAX:
        _shown.popitem(last=False)
    return shown


def _show_category(view: queries.CategoryView, locale: str) -> OptionCategory:
    return OptionCategory(
        code=view.code,
        name=view.name.in_locale(locale),
        options=[
            CarOption(
                code=one.code,
                name=one.name.in_locale(locale),
                description=one.description.in_locale(locale),
                category=one.category,
                price=show_minor(one.price_minor),
                long_lead=one.long_lead,
                constrained=one.constrained,
                always=one.always,
                fulfils_proposal=one.fulfils_proposal or None,
            )
            for one in view.options
        ],
    )


def load_models(work: Work, codes: list[str]) -> dict[str, CarModel]:
    """Return models by code; for `node`."""
    return {one.code: show_model(one, work.actor.locale) for one in queries.list_models(work) if one.code in codes}


def load_versions(work: Work, version_ids: list[str]) -> dict[str, CatalogueVersion]:
    """Return catalogue versions of the brand by id."""
    return {key: _show_version(view) for key, view in queries.versions_by_id(work, version_ids).items()}


def _show_version(view: queries.VersionView) -> CatalogueVersion:
    return CatalogueVersion(
        id=write_id("CatalogueVersion", view.id),
        number=view.number,
        label=view.label,
        effective_from=view.effective_from,
        content_hash=view.content_hash,
    )


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue")
def models(work: Work, first: int, after: Cursor | None = None, region: str = "") -> Connection[CarModel]:
    """The models that can be built for a region (every region without one), with options and prices."""
    asked = page_request(first, after)
    rows = sorted(queries.list_models(work, region=region), key=lambda one: one.code)
    later = [one for one in rows if asked.after is None or one.code > asked.after]
    return show_page(make_page(later, asked, lambda one: one.code), lambda one: show_model(one, work.actor.locale))


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue")
def model(work: Work, code: str, region: str = "") -> CarModel | None:
    """One model in full; null where there is none of this code."""
    found = [one for one in queries.list_models(work, region=region) if one.code == code]
    return show_model(found[0], work.actor.locale) if found else None


@query(reads=Permission.CATALOGUE_READ)
def catalogue_versions(work: Work, first: int, after: Cursor | None = None) -> Connection[CatalogueVersion]:
    """The published versions of the catalogue, newest first."""
    return show_page(queries.list_versions(work, page_request(first, after)), _show_version)


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue", at_most=170)
def rules(work: Work, catalogue_version_id: strawberry.ID, option: str | None = None) -> list[RuleInWords]:
    """The rules of a catalogue version in words; with `option` those that speak of it."""
    raw = raw_id(catalogue_version_id, "CatalogueVersion")
    if raw not in queries.versions_by_id(work, [raw]):
        return []
    found = queries.list_rules(work, VersionId(raw), option=option)
    return [_show_rule(one.code, one.zh, one.en, work.actor.locale) for one in found]


def _show_rule(code: str, zh: str, en: str, locale: str) -> RuleInWords:
    return RuleInWords(code=code, text=zh if locale.startswith("zh") else en)


@query(
    reads=Permission.CONFIGURE,
    refuses=(ModelUnknown, OptionUnknown, OptionExcluded, VersionNotInForce),
    result="ConfigureResult",
)
def configure(work: Work, request: Request, input: ConfigureInput) -> ConfigurationStep:  # noqa: A002  # the API's word
    """One step of configuring: what is open, forced or excluded now, with the price; `explain` says why."""
    asked = service.ConfigureRequest(
        model=input.model,
        choices=tuple(Choice(one.option, one.wanted) for one in input.choices),
        region=input.region,
        explain=tuple(input.explain),
    )
    return _show_step(service.configure(work, asked), request.locale)


def _show_step(answer: service.ConfigureAnswer, locale: str) -> ConfigurationStep:
    step = answer.step
    return ConfigurationStep(
        model=step.model,
        is_complete=step.is_complete,
        options=list(step.options),
        price=show_minor(step.price.total_minor),
        lines=[
            PriceLine(
                kind=line.kind.value,
                code=line.code,
                text=line.text.in_locale(locale),
                amount=show_minor(line.amount_minor),
            )
            for line in step.price.lines
        ],
        cheapest=CheapestCar(options=list(step.cheapest.options), price=show_minor(step.cheapest.price_minor)),
        standings=[OptionStanding(option=code, state=state) for code, state in step.states.items()],
        explanations=[
            Explanation(
                option=one.option,
                because=list(one.because),
                rules=[_show_rule(rule.code, rule.zh, rule.en, locale) for rule in one.rules],
                repairs=[
                    Repair(give_up=list(repair.give_up), price_difference=show_minor(repair.price_difference_minor))
                    for repair in one.repairs
                ],
            )
            for one in step.explanations
        ],
        catalogue_version_id=write_id("CatalogueVersion", answer.version_id),
    )
