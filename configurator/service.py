"""Use cases: publish a catalogue, configure, keep and migrate a configuration, find a class and its thinnest margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from configurator import store
from configurator.catalogue import TRIM, Catalogue
from configurator.catalogue_files import read_catalogue
from configurator.catalogue_json import content_hash
from configurator.configuring import complete_car
from configurator.errors import (
    CatalogueFaulty,
    CatalogueOfOtherBrand,
    VersionTaken,
)
from configurator.events import CataloguePublished
from configurator.faults import Fault
from configurator.logic_check import logic_faults
from configurator.model import (
    Context,
    PoolingClass,
    VersionId,
)
from configurator.pooling import (
    ClassOptions,
    ClassPrices,
    ThinnestMargin,
    cheapest_price_minor,
    class_options,
    class_prices,
    pooling_class,
    thinnest_margin,
)
from configurator.pricing import price_of_car, price_vehicle
from configurator.queries import LoadedVersion, forget_published, newest_version, open_showroom, version_by_id
from kernel import registry
from kernel.actor import Permission
from kernel.reasons import because
from kernel.work import Work

# --- catalogue -------------------------------------------------------------------------------------------------------


def publish_folder(work: Work, folder: Path, *, effective_from: date | None = None) -> VersionId:
    """Read, check and publish a catalogue folder; see `publish_catalogue`."""
    work.actor.require(Permission.CATALOGUE_PUBLISH)
    return publish_catalogue(work, read_catalogue(folder), effective_from=effective_from)


def publish_catalogue(work: Work, catalogue: Catalogue, *, effective_from: date | None = None) -> VersionId:
    """Publish a catalogue as the brand's next immutable version, in force from its own day or a given later one.

    Refuses faults (CatalogueFaulty), another brand's catalogue (CatalogueOfOtherBrand), and what can be no next version
    (VersionTaken): see `check_version`.
    """
    work.actor.require(Permission.CATALOGUE_PUBLISH)
    first_day = effective_from or catalogue.effective_from
    catalogue = replace(catalogue, effective_from=first_day)
    number = check_version(work, catalogue)
    if faults := logic_faults(catalogue):
        raise CatalogueFaulty(tuple(sorted(faults)))
    version_id = store.insert_version(work, catalogue, number=number, effective_from=first_day)
    forget_published(work)
    work.record(
        CataloguePublished(
            brand_id=work.actor.brand_id,
            version_id=version_id,
            number=number,
            effective_from=first_day,
            content_hash=content_hash(catalogue),
            fulfils_proposals=tuple(
                sorted({option.fulfils_proposal for option in catalogue.options if option.fulfils_proposal})
            ),
        )
    )
    return version_id


def check_whose(work: Work, catalogue: Catalogue) -> None:
    """Refuse another brand's catalogue (CatalogueOfOtherBrand), before anything is compared or compiled."""
    own = registry.own_brand(work).code
    if catalogue.brand != own:
        raise CatalogueOfOtherBrand(theirs=catalogue.brand, ours=own)


def check_version(work: Work, catalogue: Catalogue) -> int:
    """Return the number that a catalogue would have as the brand's next version; the quick checks before the long ones.

    Refuses another brand's catalogue (CatalogueOfOtherBrand), plants and regions that the brand has not
    (CatalogueFaulty), what is in force already, a label that is taken, and a first day before the newest version's or,
    after the first version, before today: what was in force on days that are over stays so (VersionTaken).
    """
    _check_brand(work, catalogue)
    return _next_number(work, catalogue)


def _check_brand(work: Work, catalogue: Catalogue) -> None:
    """Hold the catalogue's brand, plants, regions and currency against the registry."""
    check_whose(work, catalogue)
    brand = registry.own_brand(work)
    if catalogue.currency != brand.currency:
        raise VersionTaken(because("OTHER_CURRENCY", theirs=catalogue.currency, ours=brand.currency))
    plants = {plant.code for plant in registry.list_plants(work)}
    regions = {region.code for region in registry.list_regions(work)}
    unknown_plants = sorted({model.plant for model in catalogue.models} - plants)
    unknown_regions = sorted(set(catalogue.regions) - regions)
    faults = [Fault("models.csv", 0, f"the brand has no plant '{plant}'") for plant in unknown_plants]
    faults += [Fault("rules.csv", 0, f"the brand has no region '{region}'") for region in unknown_regions]
    if faults:
        raise CatalogueFaulty(tuple(faults))


def _next_number(work: Work, catalogue: Catalogue) -> int:
    newest = newest_version(work)
    if newest is None:
        return 1
    number, effective_from, digest = newest
    if digest == content_hash(catalogue):
        raise VersionTaken(because("SAME_VERSION", number=number))
    if catalogue.effective_from < effective_from:
        raise VersionTaken(because("EARLIER_VERSION", number=number, day=effective_from))
    if (known := store.number_of_label(work, catalogue.label)) is not None:
        raise VersionTaken(because("VERSION_LABEL", number=known, label=catalogue.label))
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    if catalogue.effective_from < today:
        raise VersionTaken(because("FIRST_DAY_OVER", day=catalogue.effective_from, today=today))
    return number + 1


# --- pooling classes -------------------------------------------------------------------------------------------------


def class_of_car(
    work: Work, *, model: str, options: Sequence[str], region: str, version_id: VersionId | None = None
) -> PoolingClass:
    """Return the pooling class of a complete car; refuses what is not buildable."""
    version, room = open_showroom(work, region=region, version_id=version_id)
    return pooling_class(version.catalogue, model=model, features=complete_car(room, model=model, options=options))


@dataclass(frozen=True, slots=True)
class BuildableCar:
    """A complete car of the version in force: its class, its options in the catalogue's order, its list price (fen)."""

    version_id: VersionId
    cls: PoolingClass
    options: tuple[str, ...]
    price_minor: int


def buildable_car(work: Work, *, model: str, options: Sequence[str], region: str) -> BuildableCar:
    """Return a complete car as it can be built today for a region; refuses what is not buildable."""
    version, room = open_showroom(work, region=region)
    features = complete_car(room, model=model, options=options)
    cls = pooling_class(version.catalogue, model=model, features=features)
    own = tuple(option.code for option in version.catalogue.options if option.code in features)
    price = price_vehicle(version.catalogue, model=model, features=features).total_minor
    return BuildableCar(version.id, cls, own, price)


def list_price_minor(work: Work, version_id: str, *, model: str, options: Sequence[str]) -> int:
    """Return the price in fen of a car of a catalogue version before any discount."""
    version = version_by_id(work, VersionId(version_id))
    return price_of_car(version.catalogue, model=model, options=options)


def thinnest_margin_of_class(
    work: Work, cls: PoolingClass, *, discount_bp: int, day: date | None = None, any_trim: bool = False
) -> ThinnestMargin | None:
    """Return the thinnest-margin legal car of a class at a discount, over every region of the version in force.

    `any_trim` looks at every trim of the class (level L2), not at its own alone.

    A tier is below cost where the margin is negative (DOMAIN section 6.1); None where the class has no car.
    """
    version, contexts = _every_place(work, day)
    return thinnest_margin(
        version.catalogue,
        version.engine,
        cls,
        discount_bp=discount_bp,
        contexts=contexts,
        any_trim=any_trim,
    )


def cheapest_of_class(work: Work, cls: PoolingClass, *, any_trim: bool = False) -> int | None:
    """Return the price in fen of the cheapest legal car of a class today, over every region; None where there is none.

    It is the price before any discount; `any_trim` looks at every trim of the class (level L2).
    """
    version, contexts = _every_place(work, None)
    return cheapest_price_minor(version.catalogue, version.engine, cls, contexts=contexts, any_trim=any_trim)


def _every_place(work: Work, day: date | None, *more: date) -> tuple[LoadedVersion, list[Context]]:
    """Return the version in force on a day, and a place for each set of rules in force somewhere, also on more days."""
    version, room = open_showroom(work, region="", day=day)
    contexts = {
        version.book.active(context): context
        for context in (
            Context(region, each) for each in (room.context.day, *more) for region in ("", *version.catalogue.regions)
        )
    }
    return version, list(contexts.values())


def options_of_class(work: Work, cls: PoolingClass, *, until: date, any_trim: bool = False) -> ClassOptions:
    """Return what all and what some legal cars of a class have, by the rules of today and of the last day, anywhere."""
    version, contexts = _every_place(work, None, until)
    return class_options(version.catalogue, version.engine, cls, contexts=contexts, any_trim=any_trim)


def prices_of_class(work: Work, cls: PoolingClass, *, any_trim: bool = False) -> ClassPrices | None:
    """Return what cars of a class cost and bring today; None where no model belongs to it."""
    version, _ = open_showroom(work, region="")
    return class_prices(version.catalogue, cls, any_trim=any_trim)


def trims_of_class(work: Work, cls: PoolingClass) -> list[str]:
    """Return the trims with which some car of the class can be built somewhere today, in the catalogue's order."""
    version, _ = open_showroom(work, region="")
    trims = [option.code for option in version.catalogue.options if option.category == TRIM]
    return [
        trim for trim in trims if thinnest_margin_of_class(work, replace(cls, trim=trim), discount_bp=0) is not None
    ]
