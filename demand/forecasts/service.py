"""The worker's part: forecasts from each new release, worked out outside any transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from sqlalchemy import and_, func, select

from demand.cubes.model import ALL_REGIONS, EVERYBODY, CubeName
from demand.cubes.queries import CellFilter, newest_cube_release, released_cells
from demand.cubes.tables import cube_releases
from demand.forecasts.model import WEEKS_MIN, Forecast, Series
from demand.forecasts.tables import forecast_runs, forecast_scores, forecast_weeks
from kernel import db, registry
from kernel.actor import system
from kernel.ids import BrandId
from kernel.turns import act_on_each
from kernel.work import Work, Works

SERIES_MAX: Final = 120
"""How many series are forecast after a release: the largest; a series takes about half a second of CPU."""
WEEKS_BACK: Final = 104


def forecast_released(works: Works) -> int:
    """Forecast from every brand's newest release that has none yet; returns how many brands that were.

    A brand for which that fails keeps no other waiting.
    """
    with works.read(system(BrandId("platform"))) as work:
        brand_ids = _brands_without(work)
    return act_on_each(brand_ids, lambda brand_id: _forecast(works, brand_id))


def _brands_without(work: Work) -> list[BrandId]:
    """Return the brands whose newest release was not forecast from yet."""
    of = cube_releases.c
    newest = select(of.brand_id, func.max(of.number).label("number")).group_by(of.brand_id).subquery()
    runs = forecast_runs.c
    run = and_(runs.brand_id == newest.c.brand_id, runs.release == newest.c.number)
    found = select(newest.c.brand_id).outerjoin(forecast_runs, run).where(runs.release.is_(None))
    return [BrandId(brand_id) for brand_id in work.connection.execute(found).scalars()]


def _forecast(works: Works, brand_id: BrandId) -> int:
    actor = system(brand_id)
    with works.read(actor) as work:
        release = newest_cube_release(work)
        if release is None or _has_run(work, release.number):
            return 0
        series = series_of_release(work)
    found = _work_out(series)
    return works.run(actor, lambda work: _save(work, release.number, found))


def _has_run(work: Work, release: int) -> bool:
    table = forecast_runs.c
    found = select(table.release).where(table.brand_id == work.actor.brand_id, table.release == release)
    return work.connection.execute(found).first() is not None


def series_of_release(work: Work) -> list[Series]:
    """Return the weekly counts of each model's options as released, of weeks that are over; the largest series first.

    A series starts with its first released count and ends with the last week that is over.
    """
    brand = registry.own_brand(work)
    this_week = registry.week_of(brand, work.now)
    wanted = CellFilter(
        regions=(ALL_REGIONS,),
        first_week=this_week - timedelta(weeks=WEEKS_BACK),
        last_week=this_week - timedelta(weeks=1),
    )
    counts: dict[tuple[str, str], dict[date, int]] = {}
    for cell in released_cells(work, CubeName.TAKE_RATES, wanted):
        if cell.key.option != EVERYBODY:
            weeks = counts.setdefault((cell.key.model, cell.key.option), {})
            weeks[cell.key.week] = weeks.get(cell.key.week, 0) + cell.chosen
    series = [_series(model, option, weeks, this_week) for (model, option), weeks in counts.items()]
    return sorted(series, key=lambda one: (-sum(count or 0 for count in one.counts), one.model, one.option))


def _series(model: str, option: str, weeks: dict[date, int], end: date) -> Series:
    first = min(weeks)
    number = (end - first).days // 7
    return Series(model, option, first, tuple(weeks.get(first + timedelta(weeks=week)) for week in range(number)))


def _work_out(series: Iterable[Series]) -> list[Forecast]:
    long_enough = [one for one in series if one.known >= WEEKS_MIN][:SERIES_MAX]
    if not long_enough:
        return []
    from threadpoolctl import threadpool_limits

    from demand.forecasts.forecasting import forecast  # statsmodels belongs to the worker alone

    with threadpool_limits(limits=1):
        return [forecast(one) for one in long_enough]


def _save(work: Work, release: int, found: list[Forecast]) -> int:
    """Write a run, unless another worker has done so."""
    brand_id = work.actor.brand_id
    run = {"brand_id": brand_id, "release": release, "series": len(found), "at": work.now}
    if not db.insert_new(work.connection, forecast_runs, [run], returning="release"):
        return 0
    named = [
        ({"brand_id": brand_id, "release": release, "model": f.series.model, "option": f.series.option}, f)
        for f in found
    ]
    weeks = [
        key | {"week": week, "p10": one.p10, "p50": one.p50, "p90": one.p90}
        for key, f in named
        for week, one in f.weeks
    ]
    scores = [
        key
        | {
            "scored": f.score.scored,
            "loss": f.score.loss,
            "coverage": f.score.coverage,
            "skill_on_last": f.score.skill_on_last,
            "skill_on_average": f.score.skill_on_average,
        }
        for key, f in named
        if f.score is not None
    ]
    db.insert_many(work.connection, forecast_weeks, weeks)
    db.insert_many(work.connection, forecast_scores, scores)
    return 1
