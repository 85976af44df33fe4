"""Reads of kept configurations, many at a time, each in its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy import RowMapping, and_, func, or_, select

from configurator.model import (
    ConfigurationId,
    DeletedConfiguration,
    MigratedConfiguration,
    SavedConfiguration,
    StaleConfiguration,
    StoredConfiguration,
    ValidConfiguration,
    VersionId,
)
from configurator.tables import catalogue_versions, configuration_changes, configurations
from kernel import db
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def load_configuration(work: Work, configuration_id: str) -> StoredConfiguration:
    """Return one of the actor's own kept configurations, or refuse (NotFound)."""
    account_id = work.actor.signed_in()
    found = select(configurations).where(
        configurations.c.id == configuration_id,
        configurations.c.brand_id == work.actor.brand_id,
        configurations.c.account_id == account_id,
        configurations.c.state != "deleted",
    )
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("configuration")
    return configuration_of(row)


def saved_under_older_versions(work: Work, number: int, *, after_id: str = "", limit: int) -> list[SavedConfiguration]:
    """Return kept configurations of the brand, by id, that were saved under a version before that number."""
    table = configurations.c
    found = (
        select(configurations)
        .join(catalogue_versions, catalogue_versions.c.id == table.version_id)
        .where(
            table.brand_id == work.actor.brand_id,
            table.state == "saved",
            catalogue_versions.c.number < number,
            table.id > after_id,
        )
        .order_by(table.id)
        .limit(limit)
    )
    rows = work.connection.execute(found).mappings()
    return [stored for row in rows if isinstance(stored := configuration_of(row), SavedConfiguration)]


def changed_otherwise(work: Work) -> list[tuple[str, str, str]]:
    """Return id, state and last noted state of kept cars where these differ, or that moved to another account's."""
    table, changes, moved = configurations.c, configuration_changes, configurations.alias()
    last = (
        select(changes.c.configuration_id, func.max(changes.c.serial).label("serial"))
        .group_by(changes.c.configuration_id)
        .subquery()
    )
    found = (
        select(table.id, table.state, func.coalesce(changes.c.state, "nothing"))
        .select_from(
            configurations.outerjoin(last, last.c.configuration_id == table.id)
            .outerjoin(changes, changes.c.serial == last.c.serial)
            .outerjoin(moved, moved.c.id == table.moved_to)
        )
        .where(
            table.brand_id == work.actor.brand_id,
            or_(
                changes.c.state.is_(None),
                changes.c.state != table.state,
                and_(table.moved_to.is_not(None), moved.c.account_id != table.account_id),
            ),
        )
        .order_by(table.id)
    )
    return [(row[0], row[1], row[2]) for row in work.connection.execute(found)]


def configuration_of(row: RowMapping) -> StoredConfiguration:
    """Turn a row into the configuration in its state."""
    car = ValidConfiguration(VersionId(row["version_id"]), row["model"], tuple(row["options"]), row["region"])
    saved = SavedConfiguration(ConfigurationId(row["id"]), row["account_id"], row["name"], car, row["saved_at"])
    if row["state"] == "stale":
        newer = VersionId(row["newer_version_id"])
        return StaleConfiguration(saved, newer, tuple(row["broken_by"]), row["state_at"])
    if row["state"] == "migrated":
        return MigratedConfiguration(saved, ConfigurationId(row["moved_to"]), row["state_at"])
    if row["state"] == "deleted":
        return DeletedConfiguration(saved, row["state_at"])
    return saved


def own_configurations(work: Work, page: PageRequest) -> Page[StoredConfiguration]:
    """Return the signed-in person's kept configurations, newest first."""
    found = (
        select(configurations)
        .where(
            configurations.c.brand_id == work.actor.brand_id,
            configurations.c.account_id == work.actor.signed_in(),
            configurations.c.state != "deleted",
        )
        .order_by(configurations.c.id.desc())
        .limit(page.size + 1)
    )
    if page.after is not None:
        found = found.where(configurations.c.id < page.after)
    rows = [configuration_of(row) for row in work.connection.execute(found).mappings()]
    return make_page(rows, page, lambda stored: saved_of(stored).id)


def configurations_by_id(work: Work, configuration_ids: Sequence[str]) -> dict[str, StoredConfiguration]:
    """Return the actor's own kept configurations by id, in one statement; an auditor's: anybody's, deleted ones too."""
    found = select(configurations).where(
        configurations.c.brand_id == work.actor.brand_id, db.among(configurations.c.id, configuration_ids)
    )
    if not work.actor.may(Permission.AUDIT_READ):
        found = found.where(configurations.c.account_id == work.actor.account_id, configurations.c.state != "deleted")
    return {row["id"]: configuration_of(row) for row in work.connection.execute(found).mappings()}


def saved_of(stored: StoredConfiguration) -> SavedConfiguration:
    """Return the car that was kept, whatever has become of it."""
    match stored:
        case SavedConfiguration():
            return stored
        case StaleConfiguration() | MigratedConfiguration() | DeletedConfiguration():
            return stored.saved
        case _:
            assert_never(stored)


def configurations_of(work: Work, account_id: str, *, after_id: str, limit: int) -> list[StoredConfiguration]:
    """Return up to `limit` kept configurations of one account of the brand after one, oldest first."""
    found = (
        select(configurations)
        .where(configurations.c.brand_id == work.actor.brand_id, configurations.c.account_id == account_id)
        .where(configurations.c.id > after_id)
        .order_by(configurations.c.id)
        .limit(limit)
    )
    return [configuration_of(row) for row in work.connection.execute(found).mappings()]
