"""What can be built: models with options and prices, catalogue versions, rules in words."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from typing import Final

import strawberry

from configurator import queries, version_queries
from configurator.model import VersionId
from graph.access import field, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import make_page, page_request
from kernel.work import Work

VIEWS_MAX: Final = 128


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
    return {key: _show_version(view) for key, view in version_queries.versions_by_id(work, version_ids).items()}


def _show_version(view: version_queries.VersionView) -> CatalogueVersion:
    return CatalogueVersion(
        id=write_id("CatalogueVersion", view.id),
        number=view.number,
        label=view.label,
        effective_from=view.effective_from,
        content_hash=view.content_hash,
    )


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue", recalls=True)
def models(work: Work, first: int, after: Cursor | None = None, region: str = "") -> Connection[CarModel]:
    """The models that can be built for a region (every region without one), with options and prices."""
    asked = page_request(first, after)
    rows = sorted(_models(work, region), key=lambda one: one.code)
    later = [one for one in rows if asked.after is None or one.code > asked.after]
    return show_page(make_page(later, asked, lambda one: one.code), lambda one: show_model(one, work.actor.locale))


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue", recalls=True)
def model(work: Work, code: str, region: str = "") -> CarModel | None:
    """One model in full; null where there is none of this code."""
    found = [one for one in _models(work, region) if one.code == code]
    return show_model(found[0], work.actor.locale) if found else None


def _models(work: Work, region: str) -> tuple[queries.ModelView, ...]:
    return queries.list_models(work, region=region, seconds_old_max=queries.SECONDS_BEHIND_MAX)


@query(reads=Permission.CATALOGUE_READ)
def catalogue_versions(work: Work, first: int, after: Cursor | None = None) -> Connection[CatalogueVersion]:
    """The published versions of the catalogue, newest first."""
    return show_page(version_queries.list_versions(work, page_request(first, after)), _show_version)


@query(reads=Permission.CATALOGUE_READ, kept_by="catalogue", at_most=170)
def rules(work: Work, catalogue_version_id: strawberry.ID, option: str | None = None) -> list[RuleInWords]:
    """The rules of a catalogue version in words; with `option` those that speak of it."""
    raw = raw_id(catalogue_version_id, "CatalogueVersion")
    if raw not in version_queries.versions_by_id(work, [raw]):
        return []
    found = queries.list_rules(work, VersionId(raw), option=option)
    return [show_rule(one.code, one.zh, one.en, work.actor.locale) for one in found]


def show_rule(code: str, zh: str, en: str, locale: str) -> RuleInWords:
    """Return a rule in one language."""
    return RuleInWords(code=code, text=zh if locale.startswith("zh") else en)
