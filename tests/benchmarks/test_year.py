"""The simulated year in small: killed in the middle it goes on, nothing is lost or doubled, and the audit is clean."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert

from benchmarks.year import (
    WEEKS_SHOWN,
    chart_of,
    learned_promises,
    live_and_kill,
    look_back,
    rows_of,
    table_of,
    weeks_late,
)
from benchmarks.year_story import BEGINS_AT, story_of
from factory_orders.promises.calibration import Outcome
from factory_orders.promises.tables import promise_margins
from kernel.clock import FixedClock
from kernel.work import Works
from tests.configurator.small_brand import BRAND
from tests.factory_orders.test_promise_calibration import cancel, go_to, set_ready
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, buyer, open_trade

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


def test_who_left_before_the_day_is_no_broken_promise_of_the_year_and_who_left_late_is(
    works: Works, clock: FixedClock
) -> None:
    trade = open_trade(works, clock)
    taught = {"p50_days": 3, "p90_days": 9, "observations": 10, "released_at": clock.now()}
    with works.change(SYSTEM) as work:
        whose = {"id": work.new_id(), "brand_id": BRAND, "plant_id": NORTH_PLANT}
        work.connection.execute(insert(promise_margins).values(whose | taught))
    early, late, built = trade.lock(3, promised_by=date(2027, 1, 20))
    set_ready(trade, [built], date(2027, 1, 19))
    cancel(trade, early)
    go_to(trade, date(2027, 1, 21))
    cancel(trade, late)

    with works.read(SYSTEM) as work:
        learned = learned_promises(work, date(2027, 2, 1))

    assert sorted(one.person for one in learned if one.ready_on is None) == [buyer(2).person_id]
    assert [one.person for one in learned if one.ready_on is not None] == [buyer(3).person_id]


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
    assert "0 findings" in table_of(year)
    assert chart_of(year).startswith("<svg")
    assert dict(rows_of(year))["simulated days"] == "180"
    assert BEGINS_AT.date() == date(2026, 1, 5)
