"""Reads the charts of the newest release: what planners see as tables, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from configurator import queries as catalogue
from demand.charts.charting import (
    WEEKS_SHOWN,
    Words,
    chart_forecast,
    chart_funnel,
    chart_people,
    chart_take_rates,
    chart_willingness,
)
from demand.charts.model import Drawn
from demand.cubes.model import ALL_REGIONS, ORDERED, CubeName
from demand.cubes.queries import CellFilter, newest_cube_release, released_cells, willingness_to_pay
from demand.errors import TooFewWeeks
from demand.forecasts.model import Quantiles
from demand.forecasts.queries import option_forecast
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

MODELS_MAX: Final = 16
CHARTS_MAX: Final = 4 * MODELS_MAX + 1


def demand_charts(work: Work, *, models: Sequence[str] = ()) -> list[Drawn]:
    """Return the charts of some models, else of all of the catalogue in force; none before the first release."""
    work.actor.require(Permission.DEMAND_READ)
    if len(models) > MODELS_MAX:
        raise InvalidInput("models", because("PAGE_SIZE", most=MODELS_MAX))
    if newest_cube_release(work) is None:
        return []
    contents = catalogue.version_in_force(work)[0].catalogue
    locale = work.actor.locale
    words = Words(locale, {option.code: option.name.in_locale(locale) for option in contents.options})
    since = catalogue.local_day(work) - timedelta(weeks=WEEKS_SHOWN)
    wanted = CellFilter(regions=(ALL_REGIONS,), first_week=since)
    drawn = [chart_funnel(words, released_cells(work, CubeName.FUNNEL, CellFilter(first_week=since)))]
    for model in list(models) or [one.code for one in contents.models][:MODELS_MAX]:
        cells = released_cells(work, CubeName.TAKE_RATES, replace(wanted, models=(model,)))
        drawn += [
            chart_people(words, model, cells),
            chart_take_rates(words, model, cells),
            chart_forecast(words, model, cells, _expected(work, model)),
            chart_willingness(words, model, _curve(work, model, since)),
        ]
    return [one for one in drawn if one is not None]


def _expected(work: Work, model: str) -> Sequence[tuple[date, Quantiles]]:
    try:
        return option_forecast(work, model=model, option=ORDERED).weeks
    except TooFewWeeks:
        return ()


def _curve(work: Work, model: str, since: date) -> list[tuple[int, int, int]]:
    """Return the newest released week's curve of price caps."""
    told = willingness_to_pay(work, CellFilter(models=(model,), first_week=since))
    newest = max((one.key.week for one in told), default=None)
    return [(one.percent_max, one.willing, one.all) for one in told if one.key.week == newest]
