"""Loads and saves catalogue versions; loaded ones stay in the process.

A version never changes, so whoever has loaded one may keep it; only which one is in force is asked each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from configurator.catalogue import Catalogue
from configurator.catalogue_json import content_hash, decode_catalogue, encode_catalogue
from configurator.configuring import Showroom
from configurator.errors import VersionNotInForce
from configurator.model import Context, VersionId
from configurator.rules import RuleBook, compile_catalogue
from configurator.sat_engine import SatEngine
from configurator.solver import Engine
from configurator.tables import catalogue_versions
from kernel import db, registry
from kernel.errors import Conflict, NotFound
from kernel.work import Work

LOADED_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A published version with its engine, ready to answer."""

    id: VersionId
    brand_id: str
    number: int
    effective_from: date
    content_hash: str
    catalogue: Catalogue
    book: RuleBook
    engine: Engine


_loaded: OrderedDict[str, LoadedVersion] = OrderedDict()
_loading: Final = threading.Lock()


def local_day(work: Work) -> date:
    """Return today in the zone of the actor's brand."""
    return work.now.astimezone(ZoneInfo(_zone(work))).date()


_zones: dict[str, str] = {}


def _zone(work: Work) -> str:
    """Return the brand's zone, which never changes once the brand is there."""
    brand_id = work.actor.brand_id
    if brand_id not in _zones:
        _zones[brand_id] = registry.own_brand(work).timezone
    return _zones[brand_id]


def version_in_force(work: Work, day: date) -> LoadedVersion:
    """Return the newest version of the actor's brand that is in force on a day, or refuse (VersionNotInForce)."""
    table = catalogue_versions.c
    found = (
        select(table.id)
        .where(table.brand_id == work.actor.brand_id, table.effective_from <= day)
        .order_by(table.number.desc())
        .limit(1)
    )
    version_id = work.connection.execute(found).scalar()
    if version_id is None:
        raise VersionNotInForce(day)
    return version_by_id(work, VersionId(version_id))


def version_by_id(work: Work, version_id: VersionId) -> LoadedVersion:
    """Return a version of the actor's brand; another brand's is NotFound."""
    with _loading:
        loaded = _loaded.get(version_id)
        if loaded is None:
            loaded = _load_version(work, version_id)
            _loaded[version_id] = loaded
            if len(_loaded) > LOADED_MAX:
                _loaded.popitem(last=False)
        _loaded.move_to_end(version_id)
    if loaded.brand_id != work.actor.brand_id:
        raise NotFound("catalogue version")
    return loaded


def _load_version(work: Work, version_id: VersionId) -> LoadedVersion:
    found = select(catalogue_versions).where(catalogue_versions.c.id == version_id)
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise NotFound("catalogue version")
    catalogue = decode_catalogue(row["document"])
    assert content_hash(catalogue) == row["content_hash"], f"catalogue version {version_id} is not what was published"
    book = compile_catalogue(catalogue)
    return LoadedVersion(
        VersionId(row["id"]),
        row["brand_id"],
        row["number"],
        row["effective_from"],
        row["content_hash"],
        catalogue,
        book,
        SatEngine(book),
    )


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


def insert_version(work: Work, catalogue: Catalogue, *, number: int, effective_from: date) -> VersionId:
    """Write a version under a number, or refuse (Conflict) where somebody else has just taken it."""
    version_id = VersionId(work.new_id())
    row = {
        "id": version_id,
        "brand_id": work.actor.brand_id,
        "number": number,
        "label": catalogue.label,
        "effective_from": effective_from,
        "content_hash": content_hash(catalogue),
        "document": encode_catalogue(catalogue),
        "published_at": work.now,
        "published_by": work.actor.account_id,
    }
    if not db.insert_new(work.connection, catalogue_versions, [row], returning="id"):
        raise Conflict("catalogue", "somebody else published a version just now")
    return version_id


def open_showroom(
    work: Work, *, region: str, version_id: VersionId | None = None, day: date | None = None
) -> tuple[LoadedVersion, Showroom]:
    """Return the version in force on a day (today), or a named one, ready to answer for a region on that day."""
    today = day or local_day(work)
    version = version_by_id(work, version_id) if version_id else version_in_force(work, today)
    return version, Showroom(version.catalogue, version.engine, Context(region, today))
