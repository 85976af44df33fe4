"""Reads: models with their options and prices, versions, quotes and kept configurations, many at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, assert_never

from sqlalchemy import select

from configurator.catalogue import Category, Option, PartUse
from configurator.configuration_store import configuration_of
from configurator.configuring import RuleInWords, Showroom, rules_in_words
from configurator.errors import ModelUnknown
from configurator.expressions import feature_names
from configurator.model import (
    MigratedConfiguration,
    PoolingClass,
    QuoteId,
    SavedConfiguration,
    SignedQuote,
    StaleConfiguration,
    StoredConfiguration,
    Text,
    VersionId,
)
from configurator.pricing import price_weights
from configurator.quote_store import StoredQuote, load_quotes, quote_of, with_endings
from configurator.solver import Step
from configurator.tables import catalogue_versions, configurations, quotes
from configurator.version_store import LoadedVersion, open_showroom, version_by_id
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

VIEWS_MAX: Final = 64


# --- the catalogue ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OptionView:
    """An option as one model has it; `always` where every car of the model has it."""

    code: str
    category: str
    name: Text
    description: Text
    price_minor: int
    long_lead: bool
    constrained: bool
    always: bool
    fulfils_proposal: str


@dataclass(frozen=True, slots=True)
class CategoryView:
    """A heading with the options that some buildable car of the model has."""

    code: str
    name: Text
    options: tuple[OptionView, ...]


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model with its options; `from_price_minor` is the cheapest buildable car, proven."""

    version_id: VersionId
    code: str
    name: Text
    platform: str
    plant: str
    energy: str
    base_price_minor: int
    from_price_minor: int
    cheapest_options: tuple[str, ...]
    categories: tuple[CategoryView, ...]


_views: dict[tuple[str, str, tuple[int, ...]], tuple[ModelView, ...]] = {}
_viewing: Final = threading.Lock()


def list_models(work: Work, *, region: str = "", version_id: VersionId | None = None) -> tuple[ModelView, ...]:
    """Return the models that can be built for a region under the version in force today (or a named one)."""
    work.actor.require(Permission.CATALOGUE_READ)
    version, room = open_showroom(work, region=region, version_id=version_id)
    key = (version.id, version.content_hash, version.book.active(room.context))
    with _viewing:
        if key not in _views:
            if len(_views) >= VIEWS_MAX:
                _views.clear()
            views = (_model_view(version, room, model.code) for model in version.catalogue.models)
            _views[key] = tuple(view for view in views if view is not None)
        return _views[key]


def find_model(work: Work, code: str, *, region: str = "", version_id: VersionId | None = None) -> ModelView:
    """Return one model in full, or refuse (ModelUnknown)."""
    models = list_models(work, region=region, version_id=version_id)
    for model in models:
        if model.code == code:
            return model
    raise ModelUnknown(code, tuple(model.code for model in models))


def _model_view(version: LoadedVersion, room: Showroom, code: str) -> ModelView | None:
    catalogue = version.catalogue
    step = version.engine.step({code: True}, room.context)
    cheapest = version.engine.minimum({code: True}, room.context, price_weights(catalogue, model=code))
    if not isinstance(step, Step) or cheapest is None:
        return None
    model = catalogue.model_by_code[code]
    return ModelView(
        version.id,
        code,
        model.name,
        model.platform,
        model.plant,
        model.energy.value,
        model.base_price_minor,
        model.base_price_minor + cheapest.weight,
        tuple(option.code for option in catalogue.options if option.code in cheapest.features),
        tuple(
            view for category in catalogue.categories if (view := _category_view(version, category, code, step)).options
        ),
    )


def _category_view(version: LoadedVersion, category: Category, model: str, step: Step) -> CategoryView:
    options = tuple(
        _option_view(version, option, model, step)
        for option in version.catalogue.options
        if option.category == category.code and option.code not in step.excluded
    )
    return CategoryView(category.code, category.name, options)


def _option_view(version: LoadedVersion, option: Option, model: str, step: Step) -> OptionView:
    price = version.catalogue.price_of(model=model, option=option.code)
    assert price is not None, f"{option.code} has no price for {model}"
    return OptionView(
        option.code,
        option.category,
        option.name,
        option.description,
        price.price_minor,
        option.long_lead,
        option.constrained,
        option.code in step.forced,
        option.fulfils_proposal,
    )


@dataclass(frozen=True, slots=True)
class OptionFacts:
    """What other rooms ask about an option, whatever the model: its words, flags, and whose wish it fulfils."""

    code: str
    category: str
    name: Text
    long_lead: bool
    constrained: bool
    fulfils_proposal: str


def list_options(work: Work, version_id: VersionId) -> tuple[OptionFacts, ...]:
    """Return every option of a version in the catalogue's order."""
    catalogue = version_by_id(work, version_id).catalogue
    return tuple(
        OptionFacts(
            option.code,
            option.category,
            option.name,
            option.long_lead,
            option.constrained,
            option.fulfils_proposal,
        )
        for option in catalogue.options
    )


def list_rules(work: Work, version_id: VersionId, *, option: str | None = None) -> tuple[RuleInWords, ...]:
    """Return the rules of a version in words; with `option` those that speak of it."""
    work.actor.require(Permission.CATALOGUE_READ)
    catalogue = version_by_id(work, version_id).catalogue
    codes = [
        rule.code
        for rule in catalogue.rules
        if option is None or (rule.expression is not None and option in feature_names(rule.expression))
    ]
    return rules_in_words(catalogue, codes)


def parts_of_car(work: Work, version_id: VersionId, *, model: str, options: Sequence[str]) -> tuple[PartUse, ...]:
    """Return the part uses of a car under a version, each with the days it is effective."""
    features = {model, *options}
    return tuple(part for part in version_by_id(work, version_id).catalogue.parts if part.feature in features)


@dataclass(frozen=True, slots=True)
class VersionView:
    """A published version without its contents."""

    id: VersionId
    number: int
    label: str
    effective_from: date
    content_hash: str
    published_at: datetime


def list_versions(work: Work, page: PageRequest) -> Page[VersionView]:
    """Return the brand's versions, newest first; the cursor is the number."""
    work.actor.require(Permission.CATALOGUE_READ)
    table = catalogue_versions.c
    found = (
        select(table.id, table.number, table.label, table.effective_from, table.content_hash, table.published_at)
        .where(table.brand_id == work.actor.brand_id)
        .order_by(table.number.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(table.number < (int(page.after) if page.after.isdecimal() else 0))
    rows = [VersionView(VersionId(row[0]), *row[1:]) for row in work.connection.execute(found)]
    return make_page(rows, page, lambda version: str(version.number))


def versions_by_id(work: Work, version_ids: Sequence[str]) -> dict[str, VersionView]:
    """Return versions of the actor's brand by id, in one statement."""
    table = catalogue_versions.c
    found = select(
        table.id, table.number, table.label, table.effective_from, table.content_hash, table.published_at
    ).where(table.brand_id == work.actor.brand_id, table.id.in_(set(version_ids)))
    return {row.id: VersionView(VersionId(row[0]), *row[1:]) for row in work.connection.execute(found)}


# --- quotes ----------------------------------------------------------------------------------------------------------


class QuoteStatus(StrEnum):
    """What has become of a quote."""

    ISSUED = "issued"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A signed quote and its status now; `reference` is the order or the quote that ended it."""

    signed: SignedQuote
    account_id: str | None
    status: QuoteStatus
    reference: str | None


def may_see_quote(work: Work, known: StoredQuote) -> bool:
    """Say whether the actor may see a quote: its owner, whoever has a guest's, an auditor, the system."""
    return known.account_id in (None, work.actor.account_id) or work.actor.may(Permission.AUDIT_READ)


def quotes_by_id(work: Work, quote_ids: Sequence[str]) -> dict[str, QuoteView]:
    """Return the quotes that the actor may see by id, in one statement; others are left out."""
    found = load_quotes(work, quote_ids)
    return {quote_id: _quote_view(work, known) for quote_id, known in found.items() if may_see_quote(work, known)}


def own_quotes(work: Work, page: PageRequest) -> Page[QuoteView]:
    """Return the signed-in person's quotes, newest first."""
    found = (
        with_endings()
        .where(quotes.c.brand_id == work.actor.brand_id, quotes.c.account_id == work.actor.signed_in())
        .order_by(quotes.c.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(quotes.c.id < page.after)
    rows = [_quote_view(work, quote_of(row)) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda view: view.signed.quote.facts.id)


def _quote_view(work: Work, known: StoredQuote) -> QuoteView:
    expired = work.now >= known.signed.quote.expires_at
    status = QuoteStatus(known.ending) if known.ending else QuoteStatus.EXPIRED if expired else QuoteStatus.ISSUED
    return QuoteView(known.signed, known.account_id, status, known.reference)


def pooling_classes_of_quotes(work: Work, quote_ids: Sequence[QuoteId]) -> dict[QuoteId, PoolingClass]:
    """Return the pooling class each quote was issued for, in one statement."""
    found = load_quotes(work, quote_ids)
    return {QuoteId(quote_id): known.signed.quote.pooling_class for quote_id, known in found.items()}


# --- configurations --------------------------------------------------------------------------------------------------


def own_configurations(work: Work, page: PageRequest) -> Page[StoredConfiguration]:
    """Return the signed-in person's kept configurations, newest first."""
    found = (
        select(configurations)
        .where(configurations.c.brand_id == work.actor.brand_id, configurations.c.account_id == work.actor.signed_in())
        .order_by(configurations.c.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(configurations.c.id < page.after)
    rows = [configuration_of(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda stored: saved_of(stored).id)


def configurations_by_id(work: Work, configuration_ids: Sequence[str]) -> dict[str, StoredConfiguration]:
    """Return the actor's own kept configurations by id (an auditor's: anybody's), in one statement."""
    found = select(configurations).where(
        configurations.c.brand_id == work.actor.brand_id, configurations.c.id.in_(set(configuration_ids))
    )
    if not work.actor.may(Permission.AUDIT_READ):
        found = found.where(configurations.c.account_id == work.actor.account_id)
    return {row["id"]: configuration_of(row) for row in work.connection.execute(found).mappings()}


def saved_of(stored: StoredConfiguration) -> SavedConfiguration:
    """Return the car that was kept, whatever has become of it."""
    match stored:
        case SavedConfiguration():
            return stored
        case StaleConfiguration() | MigratedConfiguration():
            return stored.saved
        case _:
            assert_never(stored)
