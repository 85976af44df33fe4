"""Reads of forecasts: what the worker made of the newest release that it has looked at, and the parts that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select

from configurator import queries as catalogue
from demand.cubes.model import ALL_REGIONS, EVERYBODY, ORDERED, Audience, CubeName
from demand.cubes.queries import CellFilter, released_cells
from demand.cubes.tables import cube_cells, cube_tables
from demand.errors import TooFewWeeks
from demand.forecasts.model import CALLS_MAX, WEEKS_MIN, Quantiles, Score
from demand.forecasts.part_plan import DAYS_OF_A_WEEK, DayList, ExpectedOrders, PartCall, plan_parts
from demand.forecasts.policy import ForecastPolicy
from demand.forecasts.tables import forecast_runs, forecast_scores, forecast_weeks
from kernel import db, policy
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.work import Work

SCORES_MAX: Final = 500
SHARES_OF: Final = timedelta(weeks=13)
READ_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class OptionForecast:
    """What is expected of an option of a model, week by week, and how such forecasts did before."""

    release: int
    model: str
    option: str
    weeks: tuple[tuple[date, Quantiles], ...]
    score: Score | None


def option_forecast(work: Work, *, model: str, option: str) -> OptionForecast:
    """Return the newest forecast of an option.

    Refuses TooFewWeeks where its released weeks do not bear one, and what today's catalogue does not have, which no
    week will bring (ModelUnknown, OptionUnknown).
    """
    work.actor.require(Permission.DEMAND_READ)
    release = newest_run(work)
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
        catalogue.check_sold(work, model=model, option=None if option == ORDERED else option)
        wanted = CellFilter(options=(option,), regions=(ALL_REGIONS,), models=(model,))
        weeks = {cell.key.week for cell in released_cells(work, CubeName.TAKE_RATES, wanted)}
        raise TooFewWeeks(weeks_released=len(weeks), weeks_needed=WEEKS_MIN)
    weeks_told = tuple((row.week, Quantiles(row.p10, row.p50, row.p90)) for row in rows)
    scores = {one[:2]: one[2] for one in forecast_score_list(work, models=(model,), first=SCORES_MAX)}
    return OptionForecast(release, model, option, weeks_told, scores.get((model, option)))


def all_forecasts(work: Work) -> list[tuple[str, str, date, Quantiles]]:
    """Return every week of the newest forecasts by model, option and week."""
    work.actor.require(Permission.DEMAND_READ)
    table = forecast_weeks.c
    found = (
        select(forecast_weeks)
        .where(table.brand_id == work.actor.brand_id, table.release == newest_run(work))
        .order_by(table.model, table.option, table.week)
    )
    rows = work.connection.execute(found)
    return [(row.model, row.option, row.week, Quantiles(row.p10, row.p50, row.p90)) for row in rows]


def newest_run(work: Work) -> int:
    """Return the newest release that was forecast from, 0 before the first."""
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
        .where(table.brand_id == work.actor.brand_id, table.release == newest_run(work))
        .order_by(table.skill_on_last, table.model, table.option)
        .limit(first)
    )
    if models:
        found = found.where(db.among(table.model, models))
    return [
        (
            row.model,
            row.option,
            Score(row.scored, row.loss, row.coverage, row.skill_on_last, row.skill_on_average),
        )
        for row in work.connection.execute(found)
    ]


# --- parts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartOutlook:
    """What is expected of parts: from which release, how long until cars are built, today, and the calls.

    `left_out` are models whose pre-orders have no forecast yet; `more` where a larger page would show further calls.
    """

    release: int
    weeks_to_build: int
    today: date
    calls: tuple[PartCall, ...]
    left_out: tuple[str, ...]
    more: bool

    def is_late(self, call: PartCall) -> bool:
        """Say whether the part should have been called off before today."""
        return call.need.call_off_by < self.today


def expected_parts(
    work: Work, *, models: Sequence[str] = (), suppliers: Sequence[str] = (), first: int = 1_000
) -> PartOutlook:
    """Return the parts that forecast pre-orders take, soonest call first.

    Refuses TooFewWeeks where no asked-for model's pre-orders have a forecast.
    """
    work.actor.require(Permission.DEMAND_READ)
    if not 1 <= first <= CALLS_MAX:
        raise InvalidInput("first", because("PAGE_SIZE", most=CALLS_MAX))
    release = newest_run(work)
    expected = _expected_orders(work, release, models)
    if not expected:
        raise TooFewWeeks(weeks_released=_weeks_released(work, models), weeks_needed=WEEKS_MIN)
    weeks_to_build = policy.current(work).section(ForecastPolicy).weeks_to_build
    lists = _lists_of_days(work, sorted({one.week for one in expected}))
    calls = plan_parts(lists, expected, option_shares(work), weeks_to_build=weeks_to_build)
    wanted = [call for call in calls if not suppliers or call.need.supplier in suppliers]
    known = {model.code for model in catalogue.version_in_force(work)[0].catalogue.models}
    left_out = (known & set(models) if models else known) - {one.model for one in expected}
    return PartOutlook(
        release,
        weeks_to_build,
        catalogue.local_day(work),
        tuple(wanted[:first]),
        tuple(sorted(left_out)),
        len(wanted) > first,
    )


def _expected_orders(work: Work, release: int, models: Sequence[str]) -> list[ExpectedOrders]:
    table = forecast_weeks.c
    found = select(table.model, table.week, table.p10, table.p50, table.p90).where(
        table.brand_id == work.actor.brand_id, table.release == release, table.option == ORDERED
    )
    if models:
        found = found.where(db.among(table.model, models))
    rows = work.connection.execute(found.order_by(table.model, table.week))
    return [ExpectedOrders(row.model, row.week, Quantiles(row.p10, row.p50, row.p90)) for row in rows]


def _lists_of_days(work: Work, weeks: Sequence[date]) -> dict[date, DayList]:
    """Return by day the part list of the version that is in force then, as far as versions are published today."""
    days = [week + timedelta(days=day) for week in weeks for day in range(DAYS_OF_A_WEEK)]
    # The versions are read once: the days after the first go by what was read a moment ago.
    versions = [
        catalogue.version_in_force(work, day, seconds_old_max=READ_SECONDS * bool(at))[0] for at, day in enumerate(days)
    ]
    return {
        day: DayList(version.catalogue.parts, version.catalogue.car_features)
        for day, version in zip(days, versions, strict=True)
    }


def _weeks_released(work: Work, models: Sequence[str]) -> int:
    table, cells = cube_tables.c, cube_cells.c
    found = (
        select(func.count(table.week.distinct()))
        .join(cube_cells, cells.move == table.move)
        .where(
            table.brand_id == work.actor.brand_id,
            table.cube == str(CubeName.TAKE_RATES),
            cells.audience == str(Audience.MAKER),
            cells.first == ORDERED,
            cells.region == ALL_REGIONS,
        )
    )
    if models:
        found = found.where(db.among(table.model, models))
    return int(work.connection.execute(found).scalar_one())


def option_shares(work: Work) -> dict[tuple[str, str], float]:
    """Return by model and option which share of everybody chose it, over the last 13 released weeks.

    Both sums take only the tables in which the option is shown. They are of published counts, so nothing new is told.
    """
    table, cells = cube_tables.c, cube_cells.c
    shown = (
        select(table.move, table.week, table.model, cells.first, cells.chosen)
        .join(cube_cells, cells.move == table.move)
        .where(
            table.brand_id == work.actor.brand_id,
            table.cube == str(CubeName.TAKE_RATES),
            cells.audience == str(Audience.MAKER),
            cells.region == ALL_REGIONS,
        )
    ).subquery()
    newest: date | None = work.connection.execute(select(func.max(shown.c.week))).scalar_one()
    if newest is None:
        return {}
    recent = select(shown).where(shown.c.week > newest - SHARES_OF).order_by(shown.c.model, shown.c.first)
    rows = work.connection.execute(recent).all()
    everybody = {row.move: row.chosen for row in rows if row.first == EVERYBODY}
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        if row.first not in (EVERYBODY, ORDERED) and row.move in everybody:
            chosen, of = sums.get((row.model, row.first), (0, 0))
            sums[row.model, row.first] = (chosen + row.chosen, of + everybody[row.move])
    return {key: min(1.0, chosen / of) for key, (chosen, of) in sums.items() if of}
