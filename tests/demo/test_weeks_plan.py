"""The plan of the demo's weeks: it adds up, dips where the calendar has holidays, and stays the same."""

from __future__ import annotations

import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.demo import weeks_plan
from muster.demo.weeks_plan import FAILED_MAX, FULL, TIPPED_MAX, TIPPED_MIN, WEEK, Plan, plan_weeks, week_paces
from muster.demo.weeks_wishes import DECLINED, MERGED, PROMISED, WISHES_FILE, read_wishes

MONDAY = date(2026, 5, 25)
MINIMUM = 60


def plan(weeks: int = FULL.weeks) -> Plan:
    volumes = FULL if weeks == FULL.weeks else FULL.shortened(weeks)
    return plan_weeks(volumes, first_day=MONDAY, calendar="CN", seed=26)


def test_the_weeks_add_up_to_what_the_domain_says() -> None:
    made = plan()

    assert sum(pool.tips for pool in made.pools) == 33
    assert sum(not pool.tips for pool in made.pools) == 13
    assert sum(pool.people for pool in made.pools) == FULL.pre_orders
    assert sum(made.configurations) == 31_000
    assert sum(made.voters) == 9_400
    assert sum(made.proposals) == 64 == len(read_wishes())


def test_a_pool_that_tips_has_its_minimum_and_one_that_fails_has_not() -> None:
    for pool in plan().pools:
        if pool.tips:
            assert TIPPED_MIN <= pool.people <= TIPPED_MAX
        else:
            assert pool.people <= FAILED_MAX < MINIMUM


@given(st.integers(5, 40))
def test_people_come_in_the_order_of_days_and_before_the_freeze(weeks: int) -> None:
    for pool in plan(weeks).pools:
        days = [visit.day for visit in pool.visits]
        assert days == sorted(days)
        assert days[0] == pool.day
        assert days[-1] < pool.day + 18
        assert days[-1] < weeks * WEEK


def test_the_golden_week_dips_and_the_launch_stands_out() -> None:
    paces = week_paces(MONDAY, weeks=26, calendar="CN")
    plain = week_paces(MONDAY, weeks=26, calendar="weekdays")

    holidays = [number for number in range(26) if paces[number] < plain[number]]
    golden_week = (date(2026, 10, 5) - MONDAY).days // WEEK
    assert golden_week in holidays
    assert paces[golden_week] < 0.8 * min(paces[golden_week - 2], paces[golden_week + 1])
    assert paces[0] > 1.5 * paces[2]


def test_the_same_seed_is_the_same_plan_and_another_calendar_is_another() -> None:
    assert plan() == plan()
    assert plan_weeks(FULL, first_day=MONDAY, calendar="weekdays", seed=26) != plan()
    assert plan_weeks(FULL, first_day=MONDAY, calendar="CN", seed=27) != plan()


@pytest.mark.parametrize("titles", [PROMISED, DECLINED, MERGED, MERGED.values()])
def test_wishes_that_have_a_story_are_in_the_file(titles: dict[str, str]) -> None:
    with WISHES_FILE.open(encoding="utf-8", newline="") as file:
        known = [row["title"] for row in csv.DictReader(file)]

    assert len(known) == len(set(known))
    assert set(titles) <= set(known)


def test_the_promised_wishes_are_among_those_that_are_compared() -> None:
    assert set(PROMISED) <= {wish.title for wish in read_wishes()[:12]}
    assert plan().proposals[0] >= 12
    assert weeks_plan.FULL_WEEKS == 26
