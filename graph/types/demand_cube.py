"""What people want, released in cells that hide small counts: the fixed set of cubes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import starmap

from demand import queries
from demand.model import Audience, CubeName, PublishedCell
from demand.queries import CellFilter, Cube
from graph.access import field, input_type, object_type
from graph.operations import query
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work


@object_type(reads=Permission.DEMAND_TRADE)
class DemandCell:
    """A released cell; the rate and its 95 % interval follow from the published counts. Region `*` is all of them.

    Of a week in which the catalogue changed it counts the people of all of its versions that are shown.
    """

    model: str
    option: str
    region: str
    week: date
    chosen: int
    offered: int
    take_rate: float | None
    low: float | None
    high: float | None
    catalogue_versions: list[int] = field(
        at_most=2, about="The numbers of the catalogue versions whose people are counted, in ascending order."
    )


@object_type(reads=Permission.DEMAND_TRADE)
class DemandCube:
    """Cells of the newest release; `more` where a narrower question would show others."""

    release: int
    released_at: datetime
    persons_min: int
    rounding: int
    more: bool
    # The query's `first` bounds them, and the cost is counted there.
    cells: list[DemandCell] = field(at_most=1)


@object_type(reads=Permission.DEMAND_READ)
class PairCell:
    """Two options that were chosen together; `lift` is how much oftener than if they were apart."""

    model: str
    week: date
    first: str
    second: str
    both: int
    first_chosen: int
    second_chosen: int
    offered: int
    lift: float | None
    low: float | None
    high: float | None
    catalogue_versions: list[int] = field(
        at_most=1, about="The number of the catalogue version whose people are counted: those of two are not added up."
    )


@object_type(reads=Permission.DEMAND_READ)
class RegionWeek:
    """How many persons spoke in a region and week (`*`: everywhere), and how many of them pre-ordered, where shown."""

    model: str
    region: str
    week: date
    persons: int
    pre_ordered: int | None


@object_type(reads=Permission.DEMAND_READ)
class FunnelStep:
    """How many of the persons first seen in a week have come to a step by now."""

    week: date
    step: str
    persons: int
    seen: int


@object_type(reads=Permission.DEMAND_READ)
class DiscountWaitedFor:
    """How many pre-orders of a week would go ahead at a discount of so many percent or less."""

    model: str
    week: date
    percent_max: int
    persons: int
    willing: int
    willing_share: float


@object_type(reads=Permission.DEMAND_READ)
class Cancellations:
    """How many persons left in a calendar quarter, by the way they left; `week` is the quarter's first Monday."""

    week: date
    kind: str
    persons: int


@input_type(takes=Permission.DEMAND_READ)
class DemandFilter:
    """Which cells to read; what is left out bounds nothing."""

    models: list[str] | None = None
    first_week: date | None = None
    last_week: date | None = None


@query(reads=Permission.DEMAND_READ)
def take_rates(
    work: Work,
    first: int,
    options: list[str] | None = None,
    regions: list[str] | None = None,
    models: list[str] | None = None,
    first_week: date | None = None,
    last_week: date | None = None,
) -> DemandCube | None:
    """Released take rates; null before the first release."""
    wanted = CellFilter(options or [], regions or [], models or [], first_week, last_week)
    return _show_take_rates(work, wanted, first, Audience.MAKER)


@query(reads=Permission.DEMAND_TRADE)
def trade_take_rates(
    work: Work,
    first: int,
    options: list[str] | None = None,
    regions: list[str] | None = None,
    models: list[str] | None = None,
    first_week: date | None = None,
    last_week: date | None = None,
) -> DemandCube | None:
    """Take rates of weeks that are over, as dealers and suppliers see them; null before the first release."""
    wanted = CellFilter(options or [], regions or [], models or [], first_week, last_week)
    return _show_take_rates(work, wanted, first, Audience.TRADE)


def _show_take_rates(work: Work, wanted: CellFilter, first: int, audience: Audience) -> DemandCube | None:
    try:
        cube = queries.take_rates(work, wanted, cells_max=first, audience=audience)
    except NotFound:
        return None
    return DemandCube(
        release=cube.release.number,
        released_at=cube.release.released_at,
        persons_min=cube.release.k,
        rounding=cube.release.rounding,
        more=cube.more,
        cells=list(starmap(_show_cell, _with_versions(work, cube.cells))),
    )


def _with_versions(work: Work, cells: Sequence[PublishedCell]) -> Iterator[tuple[PublishedCell, tuple[int, ...]]]:
    return zip(cells, queries.version_numbers(work, cells), strict=True)


def _show_cell(one: PublishedCell, versions: Sequence[int]) -> DemandCell:
    low, high = one.interval if one.offered else (None, None)
    return DemandCell(
        model=one.key.model,
        option=one.key.option,
        region=one.key.region,
        week=one.key.week,
        chosen=one.chosen,
        offered=one.offered,
        take_rate=one.take_rate if one.offered else None,
        low=low,
        high=high,
        catalogue_versions=list(versions),
    )


@query(reads=Permission.DEMAND_READ)
def option_pairs(
    work: Work, first: int, options: list[str] | None = None, within: DemandFilter | None = None
) -> list[PairCell]:
    """Released pairs whose option that comes first by its code is one of `options`; empty before the first release."""
    cells = _read(work, CubeName.PAIRS, first, within, options or [])
    return [
        PairCell(
            model=one.key.model,
            week=one.key.week,
            first=one.key.option,
            second=one.key.second,
            both=one.chosen,
            first_chosen=one.first_chosen,
            second_chosen=one.second_chosen,
            offered=one.offered,
            lift=one.lift.value if one.lift else None,
            low=one.lift.low if one.lift else None,
            high=one.lift.high if one.lift else None,
            catalogue_versions=list(versions),
        )
        for one, versions in _with_versions(work, cells)
    ]


@query(reads=Permission.DEMAND_READ)
def region_weeks(work: Work, first: int, within: DemandFilter | None = None) -> list[RegionWeek]:
    """How many spoke where and when, and how many of them pre-ordered; empty before the first release."""
    try:
        found = queries.region_weeks(work, _filter(within), cells_max=first)
    except NotFound:
        return []
    return [
        RegionWeek(
            model=one.key.model,
            region=one.key.region,
            week=one.key.week,
            persons=one.persons,
            pre_ordered=one.pre_ordered,
        )
        for one in found
    ]


@query(reads=Permission.DEMAND_READ)
def demand_funnel(work: Work, first: int, within: DemandFilter | None = None) -> list[FunnelStep]:
    """The way of persons from the first step to the car, by the week in which they were first seen."""
    return [
        FunnelStep(week=one.key.week, step=one.key.option, persons=one.chosen, seen=one.offered)
        for one in _read(work, CubeName.FUNNEL, first, within)
    ]


@query(reads=Permission.DEMAND_READ)
def willingness_to_pay(work: Work, first: int, within: DemandFilter | None = None) -> list[DiscountWaitedFor]:
    """From the price caps of a week's pre-orders: how many would go ahead at which discount."""
    try:
        found = queries.willingness_to_pay(work, _filter(within), cells_max=first)
    except NotFound:
        return []
    return [
        DiscountWaitedFor(
            model=one.key.model,
            week=one.key.week,
            percent_max=one.percent_max,
            persons=one.persons,
            willing=one.willing,
            willing_share=one.willing / one.all,
        )
        for one in found
    ]


@query(reads=Permission.DEMAND_READ)
def cancellations(work: Work, first: int, within: DemandFilter | None = None) -> list[Cancellations]:
    """How many persons left, by calendar quarter and kind, of all models together: of one model there is none.

    A quarter stands under its first Monday, by which `within` takes it; each kind is shown from ten persons on.
    """
    return [
        Cancellations(week=one.key.week, kind=one.key.option, persons=one.chosen)
        for one in _read(work, CubeName.CANCELLATIONS, first, within)
    ]


def _filter(given: DemandFilter | None, options: Sequence[str] = ()) -> CellFilter:
    if given is None:
        return CellFilter(options=options)
    return CellFilter(options, (), given.models or [], given.first_week, given.last_week)


def _read(
    work: Work, cube: CubeName, first: int, given: DemandFilter | None, options: Sequence[str] = ()
) -> Sequence[PublishedCell]:
    """Read a cube's cells; none before the first release."""
    try:
        found: Cube = queries.read_cube(work, cube, _filter(given, options), cells_max=first)
    except NotFound:
        return []
    return found.cells
