"""The configurations that a person keeps: saved, broken by a newer catalogue, moved on."""

from __future__ import annotations

from datetime import datetime

import strawberry

from configurator import configuration_queries, configuration_service
from configurator.errors import (
    AnswerTooHard,
    ConfigurationIncomplete,
    ModelUnknown,
    OptionExcluded,
    OptionUnknown,
    RegionUnknown,
    VersionNotInForce,
)
from configurator.model import MigratedConfiguration, StaleConfiguration, StoredConfiguration
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work

REFUSED = (
    ModelUnknown,
    OptionUnknown,
    OptionExcluded,
    ConfigurationIncomplete,
    RegionUnknown,
    VersionNotInForce,
    AnswerTooHard,
)


@object_type(reads=Permission.OWN_READ)
class Configuration(Node):
    """A buildable car that its owner keeps: saved, stale (a newer catalogue breaks it: `brokenBy`), or migrated."""

    id: strawberry.ID
    name: str
    state: str
    model: str
    options: list[str] = field(at_most=60)
    region: str
    saved_at: datetime
    catalogue_version_id: strawberry.ID
    broken_by: list[str]
    moved_to: strawberry.ID | None


@input_type(takes=Permission.OWN_WRITE)
class SaveConfigurationInput:
    """A complete car to keep."""

    model: str
    options: list[str]
    region: str
    name: str = ""


@input_type(takes=Permission.OWN_WRITE)
class MigrateConfigurationInput:
    """A kept car, and the options it shall have; without them it moves on by the smallest change."""

    configuration_id: strawberry.ID
    options: list[str] | None = None


@input_type(takes=Permission.OWN_WRITE)
class RenameConfigurationInput:
    """A kept car and its new name."""

    configuration_id: strawberry.ID
    name: str


@input_type(takes=Permission.OWN_WRITE)
class DeleteConfigurationInput:
    """A kept car to take out."""

    configuration_id: strawberry.ID


@object_type(reads=Permission.OWN_READ)
class ConfigurationRepair:
    """The nearest car that the newest catalogue allows instead of a kept one: the fewest changes, then the cheapest.

    `priceDifference` is what it costs more (below zero: less) than the kept one did under its own catalogue.
    """

    model: str
    options: list[str] = field(at_most=60)
    left_out: list[str] = field(at_most=60)
    added: list[str] = field(at_most=60)
    price: Money
    price_difference: Money
    catalogue_version_id: strawberry.ID


def show_configuration(stored: StoredConfiguration) -> Configuration:
    """Return a kept configuration in its state."""
    saved = configuration_queries.saved_of(stored)
    stale = stored if isinstance(stored, StaleConfiguration) else None
    moved = stored if isinstance(stored, MigratedConfiguration) else None
    return Configuration(
        id=write_id("Configuration", saved.id),
        name=saved.name,
        state=configuration_service.state_of(stored),
        model=saved.car.model,
        options=list(saved.car.options),
        region=saved.car.region,
        saved_at=saved.saved_at,
        catalogue_version_id=write_id("CatalogueVersion", saved.car.version_id),
        broken_by=list(stale.broken_by) if stale is not None else [],
        moved_to=write_id("Configuration", moved.moved_to) if moved is not None else None,
    )


def load_configurations(work: Work, configuration_ids: list[str]) -> dict[str, Configuration]:
    """Return the actor's own kept configurations by id."""
    found = configuration_queries.configurations_by_id(work, configuration_ids)
    return {key: show_configuration(stored) for key, stored in found.items()}


@query(reads=Permission.OWN_READ)
def my_configurations(work: Work, first: int, after: Cursor | None = None) -> Connection[Configuration]:
    """The cars you keep, newest first."""
    return show_page(configuration_queries.own_configurations(work, page_request(first, after)), show_configuration)


@query(
    reads=Permission.OWN_READ,
    refuses=(ModelUnknown, RegionUnknown, VersionNotInForce, AnswerTooHard),
    result="ConfigurationRepairResult",
)
def configuration_repair(work: Work, configuration_id: strawberry.ID) -> ConfigurationRepair:
    """The smallest change by which a car that you keep can be built under the newest catalogue."""
    raw = raw_id(configuration_id, "Configuration")
    found = configuration_service.repair_configuration(work, raw)
    repair = found.repair
    return ConfigurationRepair(
        model=found.model,
        options=list(repair.options),
        left_out=list(repair.left_out),
        added=list(repair.added),
        price=show_minor(repair.price_minor),
        price_difference=show_minor(repair.price_minor - found.price_before_minor),
        catalogue_version_id=write_id("CatalogueVersion", found.version_id),
    )


@mutation(
    does=Permission.OWN_WRITE,
    refuses=REFUSED,
    result="SaveConfigurationResult",
)
def save_configuration(work: Work, input: SaveConfigurationInput) -> Configuration:  # noqa: A002  # the API's word
    """Keep a complete car."""
    saved = configuration_service.save_configuration(
        work, model=input.model, options=input.options, region=input.region, name=input.name
    )
    return show_configuration(saved)


@mutation(
    does=Permission.OWN_WRITE,
    refuses=REFUSED,
    result="MigrateConfigurationResult",
)
def migrate_configuration(
    work: Work,
    input: MigrateConfigurationInput,  # noqa: A002  # the API's word
) -> Configuration:
    """Move a kept car on to the newest catalogue: with options of yours, or by the smallest change."""
    raw = raw_id(input.configuration_id, "Configuration")
    return show_configuration(configuration_service.migrate_configuration(work, raw, options=input.options))


@mutation(does=Permission.OWN_WRITE, result="RenameConfigurationResult")
def rename_configuration(
    work: Work,
    input: RenameConfigurationInput,  # noqa: A002  # the API's word
) -> Configuration:
    """Give a kept car another name."""
    raw = raw_id(input.configuration_id, "Configuration")
    return show_configuration(configuration_service.rename_configuration(work, raw, name=input.name))


@mutation(does=Permission.OWN_WRITE, result="DeleteConfigurationResult")
def delete_configuration(
    work: Work,
    input: DeleteConfigurationInput,  # noqa: A002  # the API's word
) -> Configuration:
    """Take a kept car out, its name with it; what was quoted or ordered from it stays as it is."""
    raw = raw_id(input.configuration_id, "Configuration")
    deleted = configuration_service.delete_configuration(work, raw)
    return show_configuration(deleted)
