"""The configurations that a person keeps: saved, broken by a newer catalogue, moved on."""

from __future__ import annotations

from datetime import datetime

import strawberry

from configurator import configuration_queries, service
from configurator.errors import (
    ConfigurationIncomplete,
    ModelUnknown,
    OptionExcluded,
    OptionUnknown,
    VersionNotInForce,
)
from configurator.model import MigratedConfiguration, StaleConfiguration, StoredConfiguration
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.pages import Connection, Node, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.OWN_READ)
class Configuration(Node):
    """A buildable car that its owner keeps; a newer catalogue may break it (`brokenBy`)."""

    id: strawberry.ID
    name: str
    state: str
    model: str
    options: list[str] = field(at_most=60)
    region: str
    saved_at: datetime
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
    """A kept car and the options it has under the catalogue in force."""

    configuration_id: strawberry.ID
    options: list[str]


def show_configuration(stored: StoredConfiguration) -> Configuration:
    """Return a kept configuration in its state."""
    saved = configuration_queries.saved_of(stored)
    stale = stored if isinstance(stored, StaleConfiguration) else None
    moved = stored if isinstance(stored, MigratedConfiguration) else None
    return Configuration(
        id=write_id("Configuration", saved.id),
        name=saved.name,
        state="stale" if stale is not None else "migrated" if moved is not None else "saved",
        model=saved.car.model,
        options=list(saved.car.options),
        region=saved.car.region,
        saved_at=saved.saved_at,
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


@mutation(
    does=Permission.OWN_WRITE,
    refuses=(ModelUnknown, OptionUnknown, OptionExcluded, ConfigurationIncomplete, VersionNotInForce),
    result="SaveConfigurationResult",
)
def save_configuration(work: Work, input: SaveConfigurationInput) -> Configuration:  # noqa: A002  # the API's word
    """Keep a complete car."""
    saved = service.save_configuration(
        work, model=input.model, options=input.options, region=input.region, name=input.name
    )
    return show_configuration(saved)


@mutation(
    does=Permission.OWN_WRITE,
    refuses=(ModelUnknown, OptionUnknown, OptionExcluded, ConfigurationIncomplete, VersionNotInForce),
    result="MigrateConfigurationResult",
)
def migrate_configuration(
    work: Work,
    input: MigrateConfigurationInput,  # noqa: A002  # the API's word
) -> Configuration:
    """Move a kept car on to the catalogue in force."""
    raw = raw_id(input.configuration_id, "Configuration")
    return show_configuration(service.migrate_configuration(work, raw, options=input.options))
