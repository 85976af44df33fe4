"""Reads of the catalogue: the version in force with its engine, models with options and prices, rules and parts.

What is loaded is kept by content hash, so it can never be wrong; only which version is in force is asked each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import Pool, bindparam, select

from configurator.catalogue import Catalogue, Category, Option
from configurator.catalogue_json import content_hash, decode_catalogue
from configurator.errors import ModelUnknown, OptionUnknown, RegionUnknown, VersionNotInForce
from configurator.explaining import RuleInWords, rules_in_words
from configurator.expressions import feature_names
from configurator.kept import OncePerKey
from configurator.model import Context, Text, VersionId
from configurator.parts_model import PartUse
from configurator.pricing import price_weights
from configurator.rules import RuleBook, compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.showroom import Showroom
from configurator.solver import Engine, Step
from configurator.tables import catalogue_versions
from kernel import registry
from kernel.actor import Permission
from kernel.belief import Belief
from kernel.errors import NotFound
from kernel.ids import BrandId
from kernel.work import Work

VIEWS_MAX: Final = 64
LOADED_MAX: Final = 8
SECONDS_BEHIND_MAX: Final = 1.0
"""What binds nobody sees a new version so many seconds later at most. Quotes and kept cars ask each time."""
LOOKED_AT_MAX: Final = 50
"""Versions that are published ahead of their day are few; more than these are not looked through."""


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A published version with its engine, ready to answer."""

    id: VersionId
    number: int
    effective_from: date
    content_hash: str
    catalogue: Catalogue
    book: RuleBook
    engine: Engine


@dataclass(frozen=True, slots=True)
class _Contents:
    catalogue: Catalogue
    book: RuleBook
    engine: Engine


class _Loaded:
    """What this process has loaded, the one used last at the end, and what answers for what it loads from now on."""

    def __init__(self) -> None:
        self.engines: Callable[[RuleBook], Engine] = SatEngine
        self.contents: OncePerKey[_Contents] = OncePerKey(most=LOADED_MAX)


_loaded: Final = _Loaded()


def answer_with(engines: Callable[[RuleBook], Engine]) -> None:
    """Let these engines answer in this process, for the versions that are loaded from now on; SAT alone until then."""
    _loaded.engines = engines
    _loaded.contents.clear()


_VERSIONS: Final = "published versions"
_VERSION: Final = "catalogue version"
REGION_SHOWN_MAX: Final = 40
CODE_SHOWN_MAX: Final = 40
# Asked with almost every request, so it is put together once.
_IN_FORCE: Final = (
    select(
        registry.brands.c.timezone,
        catalogue_versions.c.id,
        catalogue_versions.c.number,
        catalogue_versions.c.effective_from,
        catalogue_versions.c.content_hash,
    )
    .select_from(registry.brands.join(catalogue_versions, catalogue_versions.c.brand_id == registry.brands.c.id))
    .where(registry.brands.c.id == bindparam("brand_id"))
    .order_by(catalogue_versions.c.number.desc())
    .limit(LOOKED_AT_MAX)
)


def local_day(work: Work) -> date:
    """Return today in the zone of the actor's brand."""
    return work.now.astimezone(registry.own_brand(work).zone).date()


class _Published:
    """Which versions a brand has, as last read: so many seconds old at most, by database and brand."""

    def __init__(self) -> None:
        self._read: WeakKeyDictionary[Pool, dict[BrandId, Belief[Sequence[Any]]]] = WeakKeyDictionary()

    def rows(self, work: Work, *, seconds_old_max: float) -> Sequence[Any]:
        """Return what is known if it is not older than that, else read it, once a change."""
        if (seen := work.read_once.get((_VERSIONS, work.actor.brand_id))) is not None:
            rows_of_change: Sequence[Any] = seen
            return rows_of_change
        brands = self._read.setdefault(work.connection.engine.pool, {})
        known = brands.get(work.actor.brand_id)
        if known is not None and (known.is_at_hand if work.is_recalled else known.is_young)(seconds_old_max):
            return known.value
        rows = work.connection.execute(_IN_FORCE, {"brand_id": work.actor.brand_id}).all()
        # Versions only grow: of two who read at once, who saw a newer one has seen more, whoever began or ended first.
        read = Belief(rows, work.opened)
        brands[work.actor.brand_id] = max(brands.get(work.actor.brand_id, read), read, key=_newest)
        return work.once((_VERSIONS, work.actor.brand_id), lambda: rows)

    def forget(self, work: Work) -> None:
        """Read anew at the next question."""
        work.forget((_VERSIONS, work.actor.brand_id))
        self._read.pop(work.connection.engine.pool, None)


def _newest(read: Belief[Sequence[Any]]) -> tuple[int, float]:
    return read.value[0].number if read.value else 0, read.read_at


_published: Final = _Published()


def forget_published(work: Work) -> None:
    """Ask the database again which versions there are; for whoever has just published one."""
    _published.forget(work)


def version_in_force(work: Work, day: date | None = None, *, seconds_old_max: float = 0) -> tuple[LoadedVersion, date]:
    """Return the newest version in force on a day (today in the brand's zone) and that day, in one statement.

    A version that was published within the last `seconds_old_max` may be missed. Refuses with VersionNotInForce.
    """
    rows = _published.rows(work, seconds_old_max=seconds_old_max)
    asked = day or work.now.astimezone(ZoneInfo(rows[0].timezone) if rows else UTC).date()
    for row in rows:
        if row.effective_from <= asked:
            return _loaded_version(work, row), asked
    raise VersionNotInForce(asked)


_regions: Final[WeakKeyDictionary[Pool, dict[BrandId, frozenset[str]]]] = WeakKeyDictionary()


def check_region(work: Work, region: str) -> None:
    """Refuse a region that the brand does not have (RegionUnknown); none at all is every region.

    Regions come with their brand and stay, so one that was seen once is not asked for again.
    """
    brands = _regions.setdefault(work.connection.engine.pool, {})
    if not region or region in brands.get(work.actor.brand_id, ()):
        return
    codes = tuple(one.code for one in registry.list_regions(work))
    brands[work.actor.brand_id] = frozenset(codes)
    if region not in codes:
        raise RegionUnknown(region[:REGION_SHOWN_MAX], codes)


def version_by_id(work: Work, version_id: VersionId) -> LoadedVersion:
    """Return a version of the actor's brand, asked for once a change; another brand's is NotFound."""
    return work.once((_VERSION, work.actor.brand_id, version_id), lambda: _read_version(work, version_id))


def _read_version(work: Work, version_id: VersionId) -> LoadedVersion:
    table = catalogue_versions.c
    found = select(table.id, table.number, table.effective_from, table.content_hash).where(
        table.id == version_id, table.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found).first()
    if row is None:
        raise NotFound("catalogue version")
    return _loaded_version(work, row)


def _loaded_version(work: Work, row: Any) -> LoadedVersion:
    contents = _loaded.contents.known(row.content_hash)
    if contents is None:
        work.take_time()
        contents = _loaded.contents.of(row.content_hash, lambda: _load_contents(work, row.id, row.content_hash))
    return LoadedVersion(
        VersionId(row.id),
        row.number,
        row.effective_from,
        row.content_hash,
        contents.catalogue,
        contents.book,
        contents.engine,
    )


def _load_contents(work: Work, version_id: str, digest: str) -> _Contents:
    found = select(catalogue_versions.c.document).where(catalogue_versions.c.id == version_id)
    catalogue = decode_catalogue(work.connection.execute(found).scalar_one())
    assert content_hash(catalogue) == digest, f"catalogue version {version_id} is not what was published"
    book = compile_catalogue(catalogue)
    return _Contents(catalogue, book, _loaded.engines(book))


def newest_version(work: Work) -> tuple[int, date, str] | None:
    """Return number, first day and content hash of the actor's brand's newest version."""
    table = catalogue_versions.c
    found = (
        select(table.number, table.effective_from, table.content_hash)
        .where(table.brand_id == work.actor.brand_id)
        .order_by(table.number.desc())
        .limit(1)
    )
    row = work.connection.execute(found).first()
    return None if row is None else (row.number, row.effective_from, row.content_hash)


def open_showroom(
    work: Work,
    *,
    region: str,
    version_id: VersionId | None = None,
    day: date | None = None,
    seconds_old_max: float = 0,
) -> tuple[LoadedVersion, Showroom]:
    """Return the version in force on a day (today), or a named one, ready to answer for a region on that day.

    See `version_in_force` for `seconds_old_max`: what binds nobody need not ask the database each time.
    Refuses a region that the brand does not have (RegionUnknown).
    """
    check_region(work, region)
    if version_id is not None:
        version = version_by_id(work, version_id)
        asked = day or local_day(work)
    else:
        version, asked = version_in_force(work, day, seconds_old_max=seconds_old_max)
    return version, Showroom(version.catalogue, version.engine, Context(region, asked))


def check_sold(work: Work, *, model: str, option: str | None = None) -> None:
    """Refuse a model, or an option, that the version in force does not have (ModelUnknown, OptionUnknown)."""
    version, _ = version_in_force(work)
    if model not in version.catalogue.model_by_code:
        raise ModelUnknown(model[:CODE_SHOWN_MAX], tuple(version.catalogue.model_by_code))
    if option is not None and option not in version.catalogue.option_by_code:
        raise OptionUnknown((option[:CODE_SHOWN_MAX],))


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


_views: Final[OncePerKey[tuple[ModelView, ...]]] = OncePerKey(most=VIEWS_MAX)


def list_models(
    work: Work, *, region: str = "", version_id: VersionId | None = None, seconds_old_max: float = 0
) -> tuple[ModelView, ...]:
    """Return the models that can be built for a region under the version in force today (or a named one).

    See `version_in_force` for `seconds_old_max`.
    """
    work.actor.require(Permission.CATALOGUE_READ)
    version, room = open_showroom(work, region=region, version_id=version_id, seconds_old_max=seconds_old_max)
    key = (version.id, version.content_hash, version.book.active(room.context))
    views = _views.known(key)
    if views is None:
        work.take_time()
        views = _views.of(key, lambda: _model_views(version, room))
    return views


def _model_views(version: LoadedVersion, room: Showroom) -> tuple[ModelView, ...]:
    views = (_model_view(version, room, model.code) for model in version.catalogue.models)
    return tuple(view for view in views if view is not None)


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
            option.code, option.category, option.name, option.long_lead, option.constrained, option.fulfils_proposal
        )
        for option in catalogue.options
    )


def option_prices(work: Work, version_id: VersionId) -> dict[str, int]:
    """Return the highest price, in fen, that each option of a version has on any model."""
    prices = version_by_id(work, version_id).catalogue.prices
    # In rising order the highest price of an option is the one that is written last.
    return {one.option: one.price_minor for one in sorted(prices, key=lambda one: one.price_minor)}


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
    catalogue = version_by_id(work, version_id).catalogue
    features = catalogue.car_features.of((model, *options))
    return tuple(part for part in catalogue.parts if part.feature in features)
