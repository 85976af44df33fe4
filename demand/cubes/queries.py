"""Reads of released cubes: a read looks at released cells only, so it costs the same however many orders there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Any, Final

from sqlalchemy import Select, func, select

from configurator.version_queries import versions_by_id
from demand.cubes.model import (
    ALL_REGIONS,
    BETWEEN,
    DISCOUNT_MAX,
    EVERYBODY,
    ORDERED,
    Audience,
    CellKey,
    CubeName,
    PublishedCell,
)
from demand.cubes.tables import cube_cells, cube_releases, cube_tables
from kernel import db
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.reasons import because
from kernel.work import Work

CELLS_MAX: Final = 5_000
FILTERS_MAX: Final = 200
RECENT: Final = timedelta(weeks=13)


@dataclass(frozen=True, slots=True)
class Release:
    """A release: its number, when it was made and under which k and rounding; `k` is the reader's."""

    number: int
    released_at: datetime
    k: int
    rounding: int


@dataclass(frozen=True, slots=True)
class Cube:
    """Released cells, by week, model and what they are about; `more` where a narrower question would show others."""

    release: Release
    cells: tuple[PublishedCell, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class CellFilter:
    """Which cells to read; what is empty or None leaves nothing out."""

    options: Sequence[str] = ()
    regions: Sequence[str] = ()
    models: Sequence[str] = ()
    first_week: date | None = None
    last_week: date | None = None


EVERYTHING: Final = CellFilter()


def newest_cube_release(work: Work, audience: Audience = Audience.MAKER) -> Release | None:
    """Return the newest release, or None before the first."""
    _require(work, audience)
    found = (
        select(cube_releases)
        .where(cube_releases.c.brand_id == work.actor.brand_id)
        .order_by(cube_releases.c.number.desc())
        .limit(1)
    )
    row = work.connection.execute(found).first()
    if row is None:
        return None
    return Release(row.number, row.released_at, row.k if audience is Audience.MAKER else row.trade_k, row.rounding)


def _require(work: Work, audience: Audience) -> None:
    work.actor.require(Permission.DEMAND_READ if audience is Audience.MAKER else Permission.DEMAND_TRADE)


def read_cube(
    work: Work,
    cube: CubeName,
    wanted: CellFilter,
    *,
    audience: Audience = Audience.MAKER,
    cells_max: int = 1_000,
    but: Sequence[str] = (),
) -> Cube:
    """Return released cells of a cube, without those of some options. Refuses NotFound before the first release."""
    _check(wanted, cells_max)
    release = newest_cube_release(work, audience)
    if release is None:
        raise NotFound("cube")
    found = _select_cells(work, cube, audience, wanted).limit(cells_max + 1)
    if but:
        found = found.where(cube_cells.c.first.not_in(list(but)))
    rows = work.connection.execute(found).all()
    return Cube(release, tuple(starmap(_cell, rows[:cells_max])), len(rows) > cells_max)


def _check(wanted: CellFilter, cells_max: int) -> None:
    longest = max(len(wanted.options), len(wanted.regions), len(wanted.models))
    if not 1 <= cells_max <= CELLS_MAX or longest > FILTERS_MAX:
        raise InvalidInput("first", because("CELLS", most=CELLS_MAX, options=FILTERS_MAX))


def _select_cells(work: Work, cube: CubeName, audience: Audience, wanted: CellFilter) -> Select[Any]:
    """Select cells in the order of the primary keys: the database walks along and sorts nothing."""
    table, cells = cube_tables.c, cube_cells.c
    found = (
        select(
            *(table.week, table.model, cells.first, cells.second, cells.region),
            *(cells.chosen, cells.offered, cells.first_chosen, cells.second_chosen, table.version_id),
        )
        .join(cube_cells, cells.move == table.move)
        .where(table.brand_id == work.actor.brand_id, table.cube == str(cube), cells.audience == str(audience))
        .order_by(table.week, table.model, table.version_id, cells.first, cells.second, cells.region)
    )
    for column, values in ((cells.first, wanted.options), (cells.region, wanted.regions)):
        if values:
            found = found.where(db.among(column, values))
    return _in_weeks(found, wanted)


def _in_weeks(found: Select[Any], wanted: CellFilter) -> Select[Any]:
    """Take only tables of the models and weeks that are wanted."""
    table = cube_tables.c
    if wanted.models:
        found = found.where(db.among(table.model, wanted.models))
    if wanted.first_week is not None:
        found = found.where(table.week >= wanted.first_week)
    if wanted.last_week is not None:
        found = found.where(table.week <= wanted.last_week)
    return found


def _cell(
    week: date,
    model: str,
    first: str,
    second: str,
    region: str,
    chosen: int,
    offered: int,
    first_chosen: int,
    second_chosen: int,
    version_id: str,
) -> PublishedCell:
    """Make a cell of a selected row's columns in their order: by name they would take half the time of a read."""
    key = CellKey(first, region, week, model, second)
    return PublishedCell(key, chosen, offered, first_chosen, second_chosen, (version_id,) if version_id else ())


def released_cells(work: Work, cube: CubeName, wanted: CellFilter) -> list[PublishedCell]:
    """Return all released cells that are wanted, however many; for what works on whole series."""
    work.actor.require(Permission.DEMAND_READ)
    return list(starmap(_cell, work.connection.execute(_select_cells(work, cube, Audience.MAKER, wanted))))


def take_rates(
    work: Work,
    wanted: CellFilter = EVERYTHING,
    *,
    cells_max: int = 1_000,
    audience: Audience = Audience.MAKER,
) -> Cube:
    """Return released take rates; `*` is all regions together. Refuses NotFound before the first release.

    Of a week in which the catalogue changed, the people of all versions count in one cell, as far as they are shown;
    `versions` says which these are.
    """
    if not _has_changed(work, wanted):
        return read_cube(work, CubeName.TAKE_RATES, wanted, audience=audience, cells_max=cells_max, but=(EVERYBODY,))
    _check(wanted, cells_max)
    release = newest_cube_release(work, audience)
    if release is None:
        raise NotFound("cube")
    found = _select_cells(work, CubeName.TAKE_RATES, audience, wanted).where(cube_cells.c.first != EVERYBODY)
    cells = found.order_by(None).subquery().c
    place = (cells.week, cells.model, cells.first, cells.second, cells.region)
    sums = [func.sum(one) for one in (cells.chosen, cells.offered, cells.first_chosen, cells.second_chosen)]
    joined = select(*place, *sums, func.aggregate_strings(cells.version_id, BETWEEN)).group_by(*place).order_by(*place)
    rows = work.connection.execute(joined.limit(cells_max + 1)).all()
    shown = [replace(one, versions=tuple(sorted(one.versions[0].split(BETWEEN)))) for one in starmap(_cell, rows)]
    return Cube(release, tuple(shown[:cells_max]), len(rows) > cells_max)


def _has_changed(work: Work, wanted: CellFilter) -> bool:
    """Say whether the catalogue changed in some week that is wanted: take rates of a model stand in two tables then.

    All other weeks, which are nearly all, are read as they stand: nothing is added up or sorted.
    """
    table = cube_tables.c
    twice = (
        _in_weeks(select(table.week), wanted)
        .where(table.brand_id == work.actor.brand_id, table.cube == str(CubeName.TAKE_RATES), table.move.is_not(None))
        .group_by(table.week, table.model)
        .having(func.count() > 1)
    )
    return work.connection.execute(twice.limit(1)).first() is not None


def version_numbers(work: Work, cells: Iterable[PublishedCell]) -> list[tuple[int, ...]]:
    """Return for each cell the numbers of the catalogue versions whose people it counts, in their order."""
    listed = [cell.versions for cell in cells]
    known = versions_by_id(work, list(dict.fromkeys(version for own in listed for version in own))) if listed else {}
    return [tuple(sorted(known[version].number for version in own if version in known)) for own in listed]


@dataclass(frozen=True, slots=True)
class RegionWeek:
    """How many persons spoke in a region and week, and how many of them pre-ordered, where that may be shown.

    Of a week in which the catalogue changed it is the sum over both versions, as far as they are shown.
    """

    key: CellKey
    persons: int
    pre_ordered: int | None


def region_weeks(work: Work, wanted: CellFilter, *, cells_max: int = 1_000) -> list[RegionWeek]:
    """Return released counts of people by week, model and region (`*`: everywhere)."""
    _check(wanted, cells_max)
    if newest_cube_release(work) is None:
        raise NotFound("cube")
    people = _add_up(work, replace(wanted, options=(EVERYBODY,)), cells_max=cells_max)
    # Both lists go in the same order, and nobody pre-ordered where nobody spoke.
    ordered = dict(_add_up(work, replace(wanted, options=(ORDERED,)), cells_max=cells_max))
    return [RegionWeek(place, persons, ordered.get(replace(place, option=ORDERED))) for place, persons in people]


def _add_up(work: Work, wanted: CellFilter, *, cells_max: int) -> list[tuple[CellKey, int]]:
    """Return how many chose what is wanted, each week's catalogue versions together, which are of different people."""
    cells = _select_cells(work, CubeName.TAKE_RATES, Audience.MAKER, wanted).order_by(None).subquery()
    place = (cells.c.week, cells.c.model, cells.c.first, cells.c.region)
    sums = select(*place, func.sum(cells.c.chosen).label("chosen")).group_by(*place).order_by(*place).limit(cells_max)
    return [
        (CellKey(row.first, row.region, row.week, row.model), int(row.chosen)) for row in work.connection.execute(sums)
    ]


@dataclass(frozen=True, slots=True)
class WaitedFor:
    """How many wait for a discount of so many percent, how many go ahead at it, and of how many."""

    key: CellKey
    percent_max: int
    persons: int
    willing: int
    all: int


def willingness_to_pay(work: Work, wanted: CellFilter, *, cells_max: int = 1_000) -> list[WaitedFor]:
    """Return the curve of each week and model: whoever goes ahead at a discount goes ahead at a larger one too."""
    _check(wanted, cells_max)
    if newest_cube_release(work) is None:
        raise NotFound("cube")
    # Percents come in the order of their texts: a curve is read whole, so that no smaller discount is missing in it.
    found = _select_cells(work, CubeName.CAPS, Audience.MAKER, wanted).limit(cells_max + DISCOUNT_MAX)
    cells = starmap(_cell, work.connection.execute(found))
    curve: list[WaitedFor] = []
    for cell in sorted(cells, key=lambda one: (one.key.week, one.key.model, int(one.key.option))):
        same = bool(curve) and (curve[-1].key.week, curve[-1].key.model) == (cell.key.week, cell.key.model)
        willing = cell.chosen + (curve[-1].willing if same else 0)
        curve.append(WaitedFor(cell.key, int(cell.key.option), cell.chosen, willing, cell.offered))
    return curve[:cells_max]


def option_totals(work: Work, *, models: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
    """Return (chosen, offered) of each option as released, all regions and weeks; empty before the first release."""
    wanted = CellFilter(regions=(ALL_REGIONS,), models=models)
    totals: dict[str, tuple[int, int]] = {}
    for row in work.connection.execute(_select_cells(work, CubeName.TAKE_RATES, Audience.MAKER, wanted)):
        chosen, offered = totals.get(row.first, (0, 0))
        totals[row.first] = (chosen + row.chosen, offered + row.offered)
    return totals


def recent_take_rates(work: Work) -> dict[str, float] | None:
    """Return chosen ÷ offered by option over the newest release's last 13 weeks, all regions; None before the first.

    Both are sums of published counts, so they tell no more than the cells do; an option that no cell shows is left out.
    """
    if newest_cube_release(work) is None:
        return None
    wanted = CellFilter(regions=(ALL_REGIONS,))
    cells = _select_cells(work, CubeName.TAKE_RATES, Audience.MAKER, wanted).order_by(None).subquery()
    newest: date | None = work.connection.execute(select(func.max(cells.c.week))).scalar_one()
    if newest is None:
        return {}
    sums = (
        select(cells.c.first, func.sum(cells.c.chosen).label("chosen"), func.sum(cells.c.offered).label("offered"))
        .where(cells.c.week > newest - RECENT, cells.c.first.not_in((EVERYBODY, ORDERED)))
        .group_by(cells.c.first)
        .order_by(cells.c.first)
    )
    return {row.first: int(row.chosen) / int(row.offered) for row in work.connection.execute(sums) if row.offered}
