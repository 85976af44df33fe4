"""Loads and saves kept configurations; every change of state is appended with actor, reason and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, select, update

from configurator.model import (
    ConfigurationId,
    MigratedConfiguration,
    SavedConfiguration,
    StaleConfiguration,
    StoredConfiguration,
    ValidConfiguration,
    VersionId,
)
from configurator.tables import configuration_changes, configurations
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_configuration(work: Work, saved: SavedConfiguration) -> None:
    """Write a kept configuration with its first change."""
    work.connection.execute(
        configurations.insert().values(
            id=saved.id,
            brand_id=work.actor.brand_id,
            account_id=saved.account_id,
            name=saved.name,
            version_id=saved.car.version_id,
            model=saved.car.model,
            options=list(saved.car.options),
            region=saved.car.region,
            saved_at=saved.saved_at,
            state="saved",
            state_at=saved.saved_at,
        )
    )
    _note_changes(work, [saved.id], state="saved", reason="saved by its owner")


def load_configuration(work: Work, configuration_id: str) -> StoredConfiguration:
    """Return one of the actor's own kept configurations, or refuse (NotFound)."""
    account_id = work.actor.signed_in()
    found = select(configurations).where(
        configurations.c.id == configuration_id,
        configurations.c.brand_id == work.actor.brand_id,
        configurations.c.account_id == account_id,
    )
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("configuration")
    return configuration_of(row)


def saved_under_other_versions(
    work: Work, version_id: VersionId, *, after_id: str, limit: int
) -> list[SavedConfiguration]:
    """Return kept configurations of the brand, by id, that were saved under another version."""
    found = (
        select(configurations)
        .where(
            configurations.c.brand_id == work.actor.brand_id,
            configurations.c.state == "saved",
            configurations.c.version_id != version_id,
            configurations.c.id > after_id,
        )
        .order_by(configurations.c.id)
        .limit(limit)
    )
    rows = work.connection.execute(found).mappings()
    return [stored for row in rows if isinstance(stored := configuration_of(row), SavedConfiguration)]


def write_stale(work: Work, stale: Sequence[StaleConfiguration]) -> None:
    """Mark kept configurations as stale; one that has moved on in between is left alone."""
    for one in stale:
        _change_state(
            work,
            one.saved.id,
            reason="the rules of a newer catalogue do not allow it: " + ", ".join(one.broken_by),
            state="stale",
            newer_version_id=one.newer_version_id,
            broken_by=list(one.broken_by),
        )


def write_migrated(work: Work, moved: MigratedConfiguration) -> None:
    """Mark a kept configuration as moved on."""
    _change_state(
        work,
        moved.saved.id,
        reason="its owner moved on to a newer catalogue",
        state="migrated",
        moved_to=moved.moved_to,
        newer_version_id=None,
        broken_by=None,
    )


def _change_state(work: Work, configuration_id: str, *, reason: str, state: str, **columns: Any) -> None:
    changed = work.connection.execute(
        update(configurations)
        .where(configurations.c.id == configuration_id, configurations.c.state.not_in((state, "migrated")))
        .values(state=state, state_at=work.now, **columns)
    )
    if changed.rowcount:
        _note_changes(work, [configuration_id], state=state, reason=reason[:400])


def _note_changes(work: Work, ids: Sequence[str], *, state: str, reason: str) -> None:
    by = work.actor.account_id
    rows = [{"configuration_id": one, "state": state, "reason": reason, "by": by, "at": work.now} for one in ids]
    db.insert_many(work.connection, configuration_changes, rows)


def configuration_of(row: RowMapping) -> StoredConfiguration:
    """Turn a row into the configuration in its state."""
    car = ValidConfiguration(VersionId(row["version_id"]), row["model"], tuple(row["options"]), row["region"])
    saved = SavedConfiguration(ConfigurationId(row["id"]), row["account_id"], row["name"], car, row["saved_at"])
    if row["state"] == "stale":
        newer = VersionId(row["newer_version_id"])
        return StaleConfiguration(saved, newer, tuple(row["broken_by"]), row["state_at"])
    if row["state"] == "migrated":
        return MigratedConfiguration(saved, ConfigurationId(row["moved_to"]), row["state_at"])
    return saved
