"""Expected parts: forecast pre-orders times released shares, by the part lists of each day, soonest call first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.parts_model import PartUse
from configurator.service import publish_catalogue
from demand.cubes.model import EVERYBODY, ORDERED
from demand.errors import TooFewWeeks
from demand.forecasts.model import Quantiles
from demand.forecasts.part_plan import DayList, ExpectedOrders, plan_parts
from demand.forecasts.queries import option_shares
from demand.queries import expected_parts, option_forecast
from demand.service import forecast_released
from kernel import policy
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput
from kernel.ids import AccountId
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER, open_small_brand, small_catalogue
from tests.demand.released_room import MONDAY, publish

BODY: Final = PartUse("A1", "BODY", 1, "steel", 14, None, None)
WHEEL: Final = PartUse("W19", "WHEEL-A", 4, "wheels", 21, None, MONDAY + timedelta(days=2))
NEXT_WHEEL: Final = PartUse("W19", "WHEEL-B", 4, "wheels", 21, MONDAY + timedelta(days=3), None)
RAIL: Final = PartUse("Extras", "RAIL", 1, "steel", 14, None, None)
TREE: Final = small_catalogue().car_features
WEEK_OF_LISTS: Final = {
    MONDAY + timedelta(days=day): DayList((BODY, WHEEL, NEXT_WHEEL, RAIL), TREE) for day in range(7)
}


def orders(p10: float, p50: float, p90: float, week: date = MONDAY) -> ExpectedOrders:
    return ExpectedOrders("A1", week, Quantiles(p10, p50, p90))


def test_a_part_that_changes_within_a_week_is_called_off_for_the_days_on_which_it_is_effective() -> None:
    found = plan_parts(WEEK_OF_LISTS, [orders(70, 140, 210)], {("A1", "W19"): 0.5}, weeks_to_build=6)

    built = MONDAY + timedelta(weeks=6)
    told = [(one.need.part, one.need.call_off_by, round(one.pieces.p10), round(one.pieces.p50)) for one in found]
    assert told == [
        ("WHEEL-A", built - timedelta(days=21), 60, 120),
        ("WHEEL-B", built - timedelta(days=21), 80, 160),
        ("BODY", built - timedelta(days=14), 70, 140),
    ]
    assert {one.need.built_on for one in found} == {built}


def test_another_models_share_takes_nothing() -> None:
    found = plan_parts(WEEK_OF_LISTS, [orders(7, 14, 21)], {("B2", "W19"): 0.5}, weeks_to_build=6)

    assert [one.need.part for one in found] == ["BODY"]


@pytest.mark.parametrize(("roofs", "pieces"), [(0.25, 105), (0.75, 140)])
def test_a_groups_part_is_called_off_for_every_car_that_could_have_an_option_of_it(roofs: float, pieces: int) -> None:
    shares = {("A1", "HOOK"): 0.5, ("A1", "ROOF"): roofs}

    found = plan_parts(WEEK_OF_LISTS, [orders(70, 140, 210)], shares, weeks_to_build=6)

    assert [(one.need.part, round(one.pieces.p50)) for one in found] == [("BODY", 140), ("RAIL", pieces)]


@given(st.tuples(*[st.floats(0, 500)] * 3), st.floats(0, 1), st.integers(1, 52))
def test_pieces_are_in_order_and_none_is_lost(levels: tuple[float, float, float], share: float, weeks: int) -> None:
    low, middle, high = sorted(levels)
    expected = orders(low, middle, high)
    found = plan_parts(WEEK_OF_LISTS, [expected], {("A1", "W19"): share}, weeks_to_build=weeks)

    assert all(one.pieces.p10 <= one.pieces.p50 <= one.pieces.p90 for one in found)
    wheels = sum(one.pieces.p50 for one in found if one.need.supplier == "wheels")
    assert wheels == pytest.approx(4 * share * expected.cars.p50)


def told_release(works: Works) -> None:
    """Write ten weeks in which 40 of 80 had 19-inch wheels (not shown in two of them) and half of all ordered."""
    wheels: list[int | None] = [40, 40, None, 40, 40, None, 40, 40, 40, 40]
    publish(works, {EVERYBODY: [80] * 10, ORDERED: [40] * 10, "W19": wheels})
    forecast_released(works)


def test_shares_take_only_the_weeks_in_which_the_option_is_shown(works: Works) -> None:
    open_small_brand(works)
    told_release(works)

    with works.read(PLANNER) as work:
        assert option_shares(work) == {("A1", "W19"): 0.5}


def test_planners_read_what_the_forecast_takes_of_each_part(works: Works) -> None:
    open_small_brand(works)
    told_release(works)

    with works.read(PLANNER) as work:
        cars = option_forecast(work, model="A1", option=ORDERED).weeks
        found = expected_parts(work)
        wheels = expected_parts(work, suppliers=["fir_wheels"], first=3)

    bodies = [call for call in found.calls if call.need.part == "FIR-BODY-A"]
    assert [call.need.built_on for call in bodies] == [week + timedelta(weeks=6) for week, _ in cars]
    assert [call.pieces.p50 for call in bodies] == pytest.approx([one.p50 for _, one in cars])
    assert all(call.need.call_off_by == call.need.built_on - timedelta(days=14) for call in bodies)
    assert [call.pieces.p90 for call in wheels.calls] == pytest.approx([one.p90 * 2 for _, one in cars[:3]])
    assert (wheels.more, found.more, found.left_out) == (True, False, ("B2",))
    assert not any(found.is_late(call) for call in found.calls)


def test_a_brand_that_builds_sooner_is_told_what_is_late(works: Works) -> None:
    open_small_brand(works)
    told_release(works)
    admin = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
    with works.change(admin) as work:
        policy.change_policy(work, base_version=0, changes={"forecasts": {"weeks_to_build": 2}}, reason="Stock.")

    with works.read(PLANNER) as work:
        found = expected_parts(work)

    late = [call.need for call in found.calls if found.is_late(call)]
    assert [(need.part, need.call_off_by) for need in late] == [("FIR-W19", MONDAY - timedelta(days=7))]


def test_a_catalogue_that_comes_into_force_takes_its_own_parts_from_its_first_day(works: Works) -> None:
    open_small_brand(works)
    told_release(works)
    other = PartUse("A1", "FIR-BODY-B", 1, "fir_body", 14, None, None)
    newer = replace(small_catalogue(), label="next", parts=(other,))
    with works.change(PLANNER) as work:
        publish_catalogue(work, newer, effective_from=MONDAY + timedelta(weeks=1))

    with works.read(PLANNER) as work:
        found = expected_parts(work)

    parts = {(call.need.part, (call.need.built_on - timedelta(weeks=6) - MONDAY).days // 7) for call in found.calls}
    assert parts == {("FIR-BODY-A", 0), ("FIR-W19", 0), *(("FIR-BODY-B", week) for week in range(1, 8))}


def test_without_a_forecast_of_pre_orders_the_answer_says_what_is_missing(works: Works) -> None:
    open_small_brand(works)
    publish(works, {EVERYBODY: [80] * 10, ORDERED: [None] * 7 + [40, 40, 40]})
    forecast_released(works)

    with pytest.raises(TooFewWeeks) as refused, works.read(PLANNER) as work:
        expected_parts(work)
    with pytest.raises(InvalidInput), works.read(PLANNER) as work:
        expected_parts(work, first=0)

    assert refused.value.weeks_released == 3


def test_only_who_may_read_demand_reads_expected_parts(works: Works) -> None:
    open_small_brand(works)
    dealer = Actor(BRAND, frozenset({Role.DEALER}), AccountId("2" * 32))

    with pytest.raises(Forbidden), works.read(dealer) as work:
        expected_parts(work)
