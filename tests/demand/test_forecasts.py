"""Forecasts: from released counts alone, scored on weeks they did not know, refused on a few points."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from demand.errors import TooFewWeeks
from demand.forecasts.forecasting import forecast, last_value, local_level, moving_average, score
from demand.forecasts.model import Quantiles, Series, mean_pinball, pinball
from demand.forecasts.tables import forecast_runs
from demand.queries import forecast_score_list, option_forecast
from demand.service import forecast_released
from kernel.actor import Actor, Role
from kernel.errors import Forbidden
from kernel.ids import AccountId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER, open_small_brand
from tests.demand.released_room import MONDAY, publish

FIRST: Final = date(2026, 1, 5)


def series(*counts: int | None) -> Series:
    return Series("A1", "RED", FIRST, counts)


def test_three_points_are_no_forecast() -> None:
    with pytest.raises(TooFewWeeks) as refused:
        forecast(series(20, 25, 30))

    assert (refused.value.weeks_released, refused.value.weeks_needed) == (3, 8)


def test_weeks_that_are_not_shown_are_no_points() -> None:
    with pytest.raises(TooFewWeeks):
        forecast(series(*[20, None] * 7))


def test_a_steady_series_is_expected_to_go_on() -> None:
    found = forecast(series(*[50, 45, 55] * 6))

    assert [week for week, _ in found.weeks] == [FIRST + timedelta(weeks=18 + ahead) for ahead in range(8)]
    assert all(40 < one.p50 < 60 for _, one in found.weeks)
    assert all(one.p10 < 50 < one.p90 for _, one in found.weeks)


def test_a_gap_is_bridged() -> None:
    found = forecast(series(50, 55, None, 45, 50, 55, None, None, 50, 45, 50, 55))

    assert all(40 < one.p50 < 60 for _, one in found.weeks)


@settings(max_examples=15)
@given(st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=8, max_size=30), st.integers(1, 8))
def test_quantiles_are_in_order_whatever_was_counted(counts: list[int | None], ahead: int) -> None:
    counts = [*counts, 5]

    for way in (local_level, last_value, moving_average):
        found = way(counts, ahead)
        assert len(found) == ahead
        assert all(0 <= one.p10 <= one.p50 <= one.p90 for one in found)


def test_where_a_level_only_shakes_the_forecast_beats_the_last_value() -> None:
    chance = np.random.default_rng(3)
    found = score([int(count) for count in chance.poisson(60, 40)])

    assert found is not None
    assert found.scored == 26
    assert found.skill_on_last > 0.1
    assert 0.6 <= found.coverage <= 1


def test_where_each_week_goes_on_from_the_last_the_average_loses() -> None:
    counts = [20 + 15 * week for week in range(30)]
    found = score(counts)

    assert found is not None
    assert found.skill_on_average > 0.3


def test_a_score_may_say_that_the_plainer_way_was_better() -> None:
    # A level that jumps once in the weeks held back: the last value follows it at once.
    found = score([40, 42, 38, 41, 39, 40, 42, 38, 41, 39, 40, 42, 200, 200, 200, 200, 200, 200, 200, 200])

    assert found is not None
    assert found.skill_on_last < 0.5


def test_the_pinball_loss_weighs_what_was_over_and_under() -> None:
    assert pinball(10, 6, 0.9) == pytest.approx(3.6)
    assert pinball(6, 10, 0.9) == pytest.approx(0.4)
    assert mean_pinball(10, Quantiles(10, 10, 10)) == 0


def test_the_worker_forecasts_a_release_once_and_planners_read_it(works: Works) -> None:
    open_small_brand(works)
    publish(works, {"RED": [50, 55, 45, 50, 55, 45, 50, 55, 45, 50], "BLUE": [None] * 7 + [20, 25, 30]})

    first, again = forecast_released(works), forecast_released(works)

    assert (first, again) == (1, 0)
    with works.read(PLANNER) as work:
        found = option_forecast(work, model="A1", option="RED")
        scores = forecast_score_list(work)
        with pytest.raises(TooFewWeeks) as refused:
            option_forecast(work, model="A1", option="BLUE")
        runs = work.connection.execute(select(func.count()).select_from(forecast_runs)).scalar_one()
    assert refused.value.weeks_released == 3
    assert found.weeks[0][0] == MONDAY
    assert len(found.weeks) == 8
    assert [(model, option) for model, option, _ in scores] == [("A1", "RED")]
    assert found.score == scores[0][2]
    assert runs == 1


def test_only_who_may_read_demand_reads_forecasts(works: Works) -> None:
    open_small_brand(works)
    dealer = Actor(BRAND, frozenset({Role.DEALER}), AccountId("2" * 32))

    with pytest.raises(Forbidden), works.read(dealer) as work:
        option_forecast(work, model="A1", option="RED")
    with pytest.raises(Forbidden), works.read(dealer) as work:
        forecast_score_list(work)
