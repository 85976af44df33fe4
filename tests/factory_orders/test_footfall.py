"""Demo cars by footfall: as many as the people who come are worth, and room to order them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from factory_orders import queries, service
from factory_orders.footfall.model import Footfall, demo_cars
from factory_orders.footfall.tables import store_visitors
from kernel.actor import Actor
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.paging import PageRequest
from tests.configurator.small_brand import EAST_STORE, PLANNER
from tests.factory_orders.test_light_stock import level
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer


def last_monday(trade: Trade) -> date:
    """Return the Monday of the last week that is over in Shanghai."""
    today = (trade.clock.now() + timedelta(hours=8)).date()
    return today - timedelta(days=today.weekday() + 7)


def say(
    trade: Trade, visitors: int, *, weeks_ago: int = 0, who: Actor = STORE_ADVISER, store: str | None = None
) -> None:
    with trade.works.change(who) as work:
        week = last_monday(trade) - timedelta(weeks=weeks_ago)
        service.report_visitors(work, week=week, visitors=visitors, store_id=store)


def test_who_has_visitors_may_have_demo_cars_and_order_them(trade: Trade) -> None:
    before = level(trade, EAST_STORE)
    say(trade, 600, weeks_ago=1)
    say(trade, 0, weeks_ago=1)
    say(trade, 130)
    say(trade, 10_000, weeks_ago=9)

    after = level(trade, EAST_STORE)

    # 65 a week over the two weeks that count, each by its latest word: one car.
    assert (before.demo_wanted, after.demo_wanted) == (0, 1)
    assert after.most == before.most + 1
    with trade.works.read(STORE_ADVISER) as work:
        said = queries.visitors_reported(work, PageRequest(2)).items
    assert [one.visitors for one in said] == [10_000, 130]


def test_a_store_speaks_for_itself_of_weeks_that_are_over(trade: Trade) -> None:
    for who, store, refusal in (
        (OTHER_STORE, EAST_STORE, NotFound),
        (PLANNER, None, InvalidInput),
        (buyer(), None, Forbidden),
    ):
        with pytest.raises(refusal):
            say(trade, 1, who=who, store=store)
    for visitors, weeks_ago in ((-1, 0), (100_001, 0), (1, -1), (1, 26)):
        with pytest.raises(InvalidInput):
            say(trade, visitors, weeks_ago=weeks_ago)
    with pytest.raises(InvalidInput), trade.works.change(STORE_ADVISER) as work:
        service.report_visitors(work, week=last_monday(trade) + timedelta(days=1), visitors=1)
    say(trade, 60, who=PLANNER, store=EAST_STORE)

    with trade.works.read(OTHER_STORE) as work:
        assert queries.visitors_reported(work, PageRequest(9)).items == ()
    assert level(trade, EAST_STORE).demo_wanted == 1
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(store_visitors).values(visitors=0))


WEIGHTS = st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 5_000), min_size=1)


@given(st.integers(0, 5_000), st.integers(1, 9), WEIGHTS, st.integers(1, 200), st.integers(0, 4))
def test_more_visitors_take_a_demo_car_from_no_model(
    visitors: int, weeks: int, weights: dict[str, int], per_car: int, most: int
) -> None:
    fewer, more = (
        demo_cars(Footfall(visitors + extra, weeks), weights, visitors_per_car=per_car, per_model_most=most)
        for extra in (0, per_car * weeks)
    )

    assert sum(fewer.values()) == min(visitors // (per_car * weeks), most * len(weights))
    assert all(fewer[model] <= more[model] <= most for model in weights)
    for one, sells in weights.items():
        assert all(fewer[one] >= fewer[other] for other, less in weights.items() if less < sells)
