"""What is expected of the coming weeks, with what lies around it, and how such forecasts did on weeks held back."""

from __future__ import annotations

from datetime import date

from configurator.errors import ModelUnknown, OptionUnknown
from demand import queries
from demand.errors import TooFewWeeks
from graph.access import field, object_type
from graph.operations import query
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.DEMAND_READ)
class ForecastWeek:
    """The counts that a week stays below with a probability of 10, 50 and 90 %."""

    week: date
    p10: float
    p50: float
    p90: float


@object_type(reads=Permission.DEMAND_READ)
class ForecastScore:
    """How forecasts did on weeks they did not know; a skill below zero says that the plainer way was better."""

    model: str
    option: str
    scored: int
    pinball_loss: float
    coverage: float
    skill_on_last: float
    skill_on_average: float


@object_type(reads=Permission.DEMAND_READ)
class DemandForecast:
    """How many will choose an option of a model, from released counts alone."""

    release: int
    model: str
    option: str
    weeks: list[ForecastWeek] = field(at_most=8)
    score: ForecastScore | None


@query(reads=Permission.DEMAND_READ, refuses=(TooFewWeeks, ModelUnknown, OptionUnknown), result="DemandForecastResult")
def demand_forecast(work: Work, model: str, option: str) -> DemandForecast:
    """The newest forecast of an option (`@pre_order`: of all pre-orders) of a model."""
    found = queries.option_forecast(work, model=model, option=option)
    return DemandForecast(
        release=found.release,
        model=model,
        option=option,
        weeks=[ForecastWeek(week=week, p10=one.p10, p50=one.p50, p90=one.p90) for week, one in found.weeks],
        score=None if found.score is None else _show(model, option, found.score),
    )


@query(reads=Permission.DEMAND_READ)
def forecast_scores(work: Work, first: int, models: list[str] | None = None) -> list[ForecastScore]:
    """How the newest forecasts did by rolling origin, those that lose to the last value first."""
    found = queries.forecast_score_list(work, models=models or [], first=first)
    return [_show(model, option, score) for model, option, score in found]


def _show(model: str, option: str, score: queries.Score) -> ForecastScore:
    return ForecastScore(
        model=model,
        option=option,
        scored=score.scored,
        pinball_loss=score.loss,
        coverage=score.coverage,
        skill_on_last=score.skill_on_last,
        skill_on_average=score.skill_on_average,
    )


@object_type(reads=Permission.DEMAND_READ)
class ExpectedPart:
    """So many pieces of a part to call off by a day, for cars that are built in the week of `builtOn`.

    P10 and P90 take all options and weeks to move together. `late` where that day is over.
    """

    part: str
    supplier: str
    call_off_by: date
    built_on: date
    late: bool
    p10: float
    p50: float
    p90: float


@object_type(reads=Permission.DEMAND_READ)
class ExpectedParts:
    """What forecast pre-orders take of parts; `leftOut` are models whose pre-orders have no forecast yet."""

    release: int
    weeks_to_build: int
    left_out: list[str] = field(at_most=20)
    more: bool
    # The query's `first` bounds them, and the cost is counted there.
    parts: list[ExpectedPart] = field(at_most=1)


@query(reads=Permission.DEMAND_READ, refuses=(TooFewWeeks,), result="ExpectedPartsResult")
def expected_parts(
    work: Work, first: int, models: list[str] | None = None, suppliers: list[str] | None = None
) -> ExpectedParts:
    """The parts that the pre-orders of the coming weeks take, by the day to call them off, soonest first."""
    found = queries.expected_parts(work, models=models or [], suppliers=suppliers or [], first=first)
    return ExpectedParts(
        release=found.release,
        weeks_to_build=found.weeks_to_build,
        left_out=list(found.left_out),
        more=found.more,
        parts=[
            ExpectedPart(
                part=call.need.part,
                supplier=call.need.supplier,
                call_off_by=call.need.call_off_by,
                built_on=call.need.built_on,
                late=found.is_late(call),
                p10=call.pieces.p10,
                p50=call.pieces.p50,
                p90=call.pieces.p90,
            )
            for call in found.calls
        ],
    )
