"""What people choose, released in cells that hide small counts: take rates by option, region and week."""

from __future__ import annotations

from datetime import date, datetime

from demand import queries
from graph.access import field, object_type
from graph.operations import query
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.work import Work

CELLS_MAX = 500


@object_type(reads=Permission.DEMAND_READ)
class DemandCell:
    """A released cell; the rate and its 95 % interval follow from the published counts. Region `*` is all of them."""

    option: str
    region: str
    week: date
    chosen: int
    offered: int
    take_rate: float | None
    low: float | None
    high: float | None


@object_type(reads=Permission.DEMAND_READ)
class DemandCube:
    """Cells of the newest release; `more` where a narrower question would show others."""

    release: int
    released_at: datetime
    persons_min: int
    rounding: int
    more: bool
    # The query's `first` bounds them, and the cost is counted there.
    cells: list[DemandCell] = field(at_most=1)


@query(reads=Permission.DEMAND_READ)
def take_rates(
    work: Work,
    first: int,
    options: list[str] | None = None,
    regions: list[str] | None = None,
    first_week: date | None = None,
    last_week: date | None = None,
) -> DemandCube | None:
    """Released take rates; null before the first release."""
    try:
        cube = queries.take_rates(
            work,
            options=options or [],
            regions=regions or [],
            first_week=first_week,
            last_week=last_week,
            cells_max=first,
        )
    except NotFound:
        return None
    return DemandCube(
        release=cube.release.number,
        released_at=cube.release.released_at,
        persons_min=cube.release.k,
        rounding=cube.release.rounding,
        more=cube.more,
        cells=[
            DemandCell(
                option=one.key.option,
                region=one.key.region,
                week=one.key.week,
                chosen=one.chosen,
                offered=one.offered,
                take_rate=one.take_rate if one.offered else None,
                low=one.interval[0] if one.offered else None,
                high=one.interval[1] if one.offered else None,
            )
            for one in cube.cells
        ],
    )
