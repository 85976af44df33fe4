"""Reads of forecasts: what the worker made of the newest release that it has looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import func, select

from demand.cubes.model import ALL_REGIONS, CubeName
from demand.cubes.queries import CellFilter, released_cells
from demand.errors import TooFewWeeks
from demand.forecasts.model import WEEKS_MIN, Quantiles, Score
from demand.forecasts.tables import forecast_runs, forecast_scores, forecast_weeks
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

SCORES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class OptionForecast:
    """What is expected of an option of a model, week by week, and how such forecasts did before."""

    release: int
    model: str
    option: str
    weeks: tuple[tuple[date, Quantiles], ...]
    score: Score | None


def option_forecast(work: Work, *, model: str, option: str) -> OptionForecast:
    """Return the newest forecast of an option; refuses TooFewWeeks where its released weeks do not bear one."""
    work.actor.require(Permission.DEMAND_READ)
    release = _newest_run(work)
    table = forecast_weeks.c
    found = (
        select(forecast_weeks)
        .where(
            table.brand_id == work.actor.brand_id,
            table.release == release,
            table.model == model,
            table.option == option,
        )
        .order_by(table.week)
    )
    rows = work.connection.execute(found).all()
    if not rows:
        wanted = CellFilter(options=(option,), regions=(ALL_REGIONS,), models=(model,))
        weeks = {cell.key.week for cell in released_cells(work, CubeName.TAKE_RATES, wanted)}
        raise TooFewWeeks(weeks_released=len(weeks), weeks_needed=WEEKS_MIN)
    weeks_told = tuple((row.week, Quantiles(row.p10, row.p50, row.p90)) for row in rows)
    scores = {one[:2]: one[2] for one in forecast_score_list(work, models=(model,), first=SCORES_MAX)}
    return OptionForecast(release, model, option, weeks_told, scores.get((model, option)))


def _newest_run(work: Work) -> int:
    newest = select(func.coalesce(func.max(forecast_runs.c.release), 0)).where(
        forecast_runs.c.brand_id == work.actor.brand_id
    )
    return int(work.connection.execute(newest).scalar_one())


def forecast_score_list(work: Work, *, models: Sequence[str] = (), first: int = 100) -> list[tuple[str, str, Score]]:
    """Return the scores of the newest forecasts by model and option, those that lose to the last value first."""
    work.actor.require(Permission.DEMAND_READ)
    if not 1 <= first <= SCORES_MAX:
        raise InvalidInput("first", because("PAGE_SIZE", most=SCORES_MAX))
    table = forecast_scores.c
    found = (
        select(forecast_scores)
        .where(table.brand_id == work.actor.brand_id, table.release == _newest_run(work))
        .order_by(table.skill_on_last, table.model, table.option)
        .limit(first)
    )
    if models:
        found = found.where(table.model.in_(list(models)))
    return [
        (
            row.model,
            row.option,
            Score(row.scored, row.loss, row.coverage, row.skill_on_last, row.skill_on_average),
        )
        for row in work.connection.execute(found)
    ]
