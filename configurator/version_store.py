"""Loads and saves catalogue versions; loaded ones stay in the process.

What is loaded is kept by content hash, so it can never be wrong; only which version is in force is asked each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any, Final
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


_loaded: OrderedDict[str, _Contents] = OrderedDict()
_loading: Final = threading.Lock()


def local_day(work: Work) -> date:
    """Return today in the zone of the actor's brand."""
    return work.now.astimezone(registry.own_brand(work).zone).date()


def version_in_force(work: Work, day: date | None = None) -> tuple[LoadedVersion, date]:
    """Return the newest version in force on a day (today in the brand's zone) and that day, in one statement.

    Refuses with VersionNotInForce.
    """
    table = catalogue_versions.c
    brands = registry.brands
    found = (
        select(brands.c.timezone, table.id, table.number, table.effective_from, table.content_hash)
        .select_from(brands.join(catalogue_versions, table.brand_id == brands.c.id))
        .where(brands.c.id == work.actor.brand_id)
        .order_by(table.number.desc())
        .limit(LOOKED_AT_MAX)
    )
    rows = work.connection.execute(found).all()
    asked = day or work.now.astimezone(ZoneInfo(rows[0].timezone) if rows else UTC).date()
    for row in rows:
        if row.effective_from <= asked:
            return _loaded_version(work, row), asked
    raise VersionNotInForce(asked)


def version_by_id(work: Work, version_id: VersionId) -> LoadedVersion:
    """Return a version of the actor's brand; another brand's is NotFound."""
    table = catalogue_versions.c
    found = select(table.id, table.number, table.effective_from, table.content_hash).where(
        table.id == version_id, table.brand_id == work.actor.brand_id
    )
    row = work.connection.execute(found).first()
    if row is None:
        raise NotFound("catalogue version")
    return _loaded_version(work, row)


def _loaded_version(work: Work, row: Any) -> LoadedVersion:
    with _loading:
        contents = _loaded.get(row.content_hash)
        if contents is None:
            contents = _loaded[row.content_hash] = _load_contents(work, row.id, row.content_hash)
            if len(_loaded) > LOADED_MAX:
                _loaded.popitem(last=False)
        _loaded.move_to_end(row.content_hash)
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
    return _Contents(catalogue, book, SatEngine(book))


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
    if version_id is not None:
        version = version_by_id(work, version_id)
        asked = day or local_day(work)
    else:
        version, asked = version_in_force(work, day)
    return version, Showroom(version.catalogue, version.engine, Context(region, asked))
