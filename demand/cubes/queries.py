"""Reads of released cubes: a read looks at released cells only, so it costs the same however many orders there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from demand.cubes.model import ALL_REGIONS, CellKey, PublishedCell
from demand.cubes.tables import cube_cells, cube_releases
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.work import Work

CELLS_MAX: Final = 5_000
FILTERS_MAX: Final = 200
RECENT: Final = timedelta(weeks=13)


@dataclass(frozen=True, slots=True)
class Release:
    """A release: its number, when it was made and under which k and rounding."""

    number: int
    released_at: datetime
    k: int
    rounding: int


@dataclass(frozen=True, slots=True)
class Cube:
    """Cells of one release, by week, option and region; `more` where a narrower question would show others."""

    release: Release
    cells: tuple[PublishedCell, ...]
    more: bool


def newest_cube_release(work: Work) -> Release | None:
    """Return the newest release, or None before the first."""
    work.actor.require(Permission.DEMAND_READ)
    found = (
        select(cube_releases)
        .where(cube_releases.c.brand_id == work.actor.brand_id)
        .order_by(cube_releases.c.number.desc())
        .limit(1)
    )
    row = work.connection.execute(found).first()
    return None if row is None else Release(row.number, row.released_at, row.k, row.rounding)


def take_rates(
    work: Work,
    *,
    options: Sequence[str] = (),
    regions: Sequence[str] = (),
    first_week: date | None = None,
    last_week: date | None = None,
    cells_max: int = 1_000,
) -> Cube:
    """Return released take rates; `*` is all regions together. Refuses NotFound before the first release."""
    if not 1 <= cells_max <= CELLS_MAX or len(options) > FILTERS_MAX or len(regions) > FILTERS_MAX:
        raise InvalidInput("first", f"ask for 1 to {CELLS_MAX} cells and name at most {FILTERS_MAX} options")
    release = newest_cube_release(work)
    if release is None:
        raise NotFound("cube")
    table = cube_cells.c
    found = (
        select(cube_cells)
        .where(table.brand_id == work.actor.brand_id, table.release == release.number)
        .order_by(table.week, table.option, table.region)
        .limit(cells_max + 1)
    )
    for column, values in ((table.option, options), (table.region, regions)):
        if values:
            found = found.where(column.in_(list(values)))
    if first_week is not None:
        found = found.where(table.week >= first_week)
    if last_week is not None:
        found = found.where(table.week <= last_week)
    rows = work.connection.execute(found).all()
    cells = tuple(
        PublishedCell(CellKey(row.option, row.region, row.week), row.chosen, row.offered) for row in rows[:cells_max]
    )
    return Cube(release, cells, len(rows) > cells_max)


def recent_take_rates(work: Work) -> dict[str, float] | None:
    """Return chosen ÷ offered by option over the newest release's last 13 weeks, all regions; None before the first.

    Both are sums of published counts, so they tell no more than the cells do; an option that no cell shows is left out.
    """
    release = newest_cube_release(work)
    if release is None:
        return None
    table = cube_cells.c
    own = (table.brand_id == work.actor.brand_id) & (table.release == release.number) & (table.region == ALL_REGIONS)
    newest: date | None = work.connection.execute(select(func.max(table.week)).where(own)).scalar_one()
    if newest is None:
        return {}
    sums = (
        select(table.option, func.sum(table.chosen).label("chosen"), func.sum(table.offered).label("offered"))
        .where(own, table.week > newest - RECENT)
        .group_by(table.option)
        .order_by(table.option)
    )
    return {row.option: int(row.chosen) / int(row.offered) for row in work.connection.execute(sums) if row.offered}
