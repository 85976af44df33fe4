"""Reads of published versions without their contents: the list of a brand, newest first, and some by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select

from configurator.model import VersionId
from configurator.tables import catalogue_versions
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

NUMBER_DIGITS_MAX: Final = 9


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
        known = page.after.isdecimal() and len(page.after) <= NUMBER_DIGITS_MAX
        found = found.where(table.number < (int(page.after) if known else 0))
    rows = [VersionView(VersionId(row[0]), *row[1:]) for row in work.connection.execute(found)]
    return make_page(rows, page, lambda version: str(version.number))


def versions_by_id(work: Work, version_ids: Sequence[str]) -> dict[str, VersionView]:
    """Return versions of the actor's brand by id, in one statement."""
    table = catalogue_versions.c
    found = select(
        table.id, table.number, table.label, table.effective_from, table.content_hash, table.published_at
    ).where(table.brand_id == work.actor.brand_id, db.among(table.id, version_ids))
    return {row.id: VersionView(VersionId(row[0]), *row[1:]) for row in work.connection.execute(found)}
