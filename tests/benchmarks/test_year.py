"""The simulated year in small: killed in the middle it goes on, nothing is lost or doubled, and the audit is clean."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from benchmarks.year import WEEKS_SHOWN, chart_of, live_and_kill, look_back, rows_of, table_of, weeks_late
from benchmarks.year_story import BEGINS_AT, story_of
from factory_orders.promises.calibration import Outcome

DUE = date(2026, 6, 10)


@pytest.mark.parametrize(
    ("ready_on", "week"),
    [
        (date(2026, 6, 10), -1),
        (date(2026, 6, 4), -1),
        (date(2026, 6, 3), -2),
        (date(2026, 1, 1), -WEEKS_SHOWN),
        (date(2026, 6, 11), 0),
        (date(2026, 6, 17), 0),
        (date(2026, 6, 18), 1),
        (date(2027, 1, 1), WEEKS_SHOWN - 1),
        (None, WEEKS_SHOWN),
    ],
)
def test_a_car_is_shown_in_the_week_it_stood_ready_in(ready_on: date | None, week: int) -> None:
    assert weeks_late(Outcome(DUE, DUE, ready_on, "somebody")) == week


def test_a_year_tells_of_pools_that_tip_and_of_pools_that_fail() -> None:
    people = [story_of(number).people for number in range(30)]

    assert people == [story_of(number).people for number in range(30)]
    assert 5 < sum(one < 20 for one in people) < 20


@pytest.mark.prove
def test_killed_in_the_middle_the_story_goes_on_and_the_audit_is_clean(tmp_path: Path) -> None:
    killed = live_and_kill(tmp_path, days=180, kills=4, seconds=(2.0, 6.0))

    year = look_back(tmp_path, kills=killed)

    assert killed > 0
    assert year.unsound == []
    assert (year.state["gathered"], year.state["now"][:10]) == (6, "2026-07-04")
    assert sum(year.pools.values()) == 6
    assert year.pre_orders == sum(story_of(number).people for number in range(6))
    assert year.orders["delivered"] > 0
    assert Counter(year.learned) <= Counter(year.outcomes)
    assert "0 findings" in table_of(year)
    assert chart_of(year).startswith("<svg")
    assert dict(rows_of(year))["simulated days"] == "180"
    assert BEGINS_AT.date() == date(2026, 1, 5)
