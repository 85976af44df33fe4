"""Margins of promises that are learned from kept ones: the quantile, its prior, and what a quote promises with it."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from configurator import quote_service
from configurator.quote_service import QuoteDesk, QuoteRequest
from factory_orders import service
from factory_orders.planning.tables import orders
from factory_orders.policies import PromisePolicy
from factory_orders.pools_service import Promises
from factory_orders.promises import margin_store
from factory_orders.promises.learning import (
    HALF_OF_WEEK_DAYS,
    NEVER,
    Margin,
    Prior,
    learn,
    middle_days,
    quantile_days,
)
from factory_orders.promises.margin_store import decided_residuals, insert_margin, margin_at, promised_days
from factory_orders.promises.tables import promise_outcomes
from kernel.ledger import Transfer, account, book
from tests.configurator.small_brand import DESK, EAST_STORE, PLAIN_CAR
from tests.factory_orders.trade import EARNEST, NORTH_PLANT, POOL, SOUTH_PLANT, SYSTEM, Trade, buyer
from tests.graph.support import counted_statements

NOTHING = Prior(0, 45)
PRIOR = Prior(PromisePolicy().prior_weight, PromisePolicy().prior_late_days)
days = st.lists(st.integers(-60, 90), max_size=60)


@given(days, st.integers(1, 9_999))
def test_without_a_prior_the_margin_is_the_conformal_quantile(residuals: list[int], aim_bp: int) -> None:
    rank = -(-aim_bp * (len(residuals) + 1) // 10_000)
    expected = sorted(residuals)[rank - 1] if rank <= len(residuals) else max([NOTHING.late_days, *residuals])

    assert quantile_days(residuals, NOTHING, aim_bp=aim_bp) == expected


@given(st.lists(st.integers(-60, 90) | st.just(NEVER), max_size=60), st.integers(0, 50), st.integers(0, 90))
def test_a_greater_aim_never_has_a_smaller_margin(residuals: list[int], weight: int, late_days: int) -> None:
    prior = Prior(weight, late_days)
    margins = [quantile_days(residuals, prior, aim_bp=aim) for aim in (5_000, 9_000)]

    assert margins == sorted(margins)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=40))
def test_the_expected_day_is_the_one_that_the_share_nearest_to_half_comes_by(residuals: list[int]) -> None:
    def away(day: int) -> int:
        return abs(2 * sum(one <= day for one in residuals) - len(residuals))

    assert away(middle_days(residuals, NOTHING)) == min(away(day) for day in residuals)


def test_before_any_car_was_seen_the_prior_speaks() -> None:
    assert learn([], PRIOR, least_days=1) == Margin(HALF_OF_WEEK_DAYS, PRIOR.late_days, 0)


def test_few_cars_hardly_move_the_prior_and_many_replace_it() -> None:
    few, many = learn([2] * 10, PRIOR, least_days=1), learn([2] * 400, PRIOR, least_days=1)

    assert (few.p90_days, many.p90_days) == (PRIOR.late_days, 3)
    assert (few.p50_days, many.p50_days) == (2, 2)


def test_a_car_that_never_came_counts_as_later_than_all() -> None:
    assert quantile_days([0] * 80 + [NEVER] * 20, NOTHING, aim_bp=9_000) == NOTHING.late_days


def test_where_some_never_came_the_promise_is_no_earlier_than_those_who_did() -> None:
    learned = learn([5] * 50 + [70] * 35 + [NEVER] * 15, NOTHING, least_days=1)

    assert (learned.p50_days, learned.p90_days) == (5, 70)


def drawn(chance: random.Random, count: int) -> list[int]:
    """Draw residuals of so many cars that are about three days late."""
    return [round(chance.gauss(3, 6)) for _ in range(count)]


@pytest.mark.parametrize("count", [100, 200, 400])
def test_new_cars_like_the_old_ones_are_in_time_about_as_often_as_is_aimed_at(count: int) -> None:
    chance = random.Random(count)
    kept: list[bool] = []

    for _ in range(200):
        margin = learn(drawn(chance, count), PRIOR, least_days=1)
        kept += [one <= margin.p90_days for one in drawn(chance, 20)]

    assert 0.89 <= sum(kept) / len(kept) <= 0.96


@pytest.mark.parametrize("late_percent", [0, 10])
def test_of_new_cars_like_the_old_ones_about_half_come_by_the_expected_day(late_percent: int) -> None:
    chance = random.Random(late_percent)

    def built_on(count: int) -> list[int]:
        """Draw from the five days of a week, as plants build; some cars come three weeks later."""
        return [chance.randrange(-4, 1) + 21 * (chance.randrange(100) < late_percent) for _ in range(count)]

    kept: list[bool] = []
    for _ in range(200):
        margin = learn(built_on(100), PRIOR, least_days=1)
        kept += [one <= margin.p50_days for one in built_on(20)]

    assert 0.42 <= sum(kept) / len(kept) <= 0.58


# --- in the room -----------------------------------------------------------------------------------------------------


def ready_after(trade: Trade, order_ids: list[str], days: int) -> None:
    """Say that cars stood ready so many days after the day that their weeks gave."""
    with trade.works.change(SYSTEM) as work:
        for order_id in order_ids:
            own = promise_outcomes.c.order_id == order_id
            row = work.connection.execute(promise_outcomes.select().where(own)).one()
            ready_on = row.planned_on + timedelta(days=days)
            work.connection.execute(update(promise_outcomes).where(own).values(ready_on=ready_on))


def learned(trade: Trade) -> int:
    with trade.works.change(SYSTEM) as work:
        return service.learn_margins(work)


def margin_of(trade: Trade, plant_id: str = NORTH_PLANT) -> Margin | None:
    with trade.works.read(SYSTEM) as work:
        return margin_at(work, plant_id, trade.clock.now())


def promised(trade: Trade) -> tuple[date, date]:
    with trade.works.change(buyer(90)) as work:
        desk = QuoteDesk(DESK.key, promises=Promises())
        promise = quote_service.issue_quote(work, desk, QuoteRequest("A1", PLAIN_CAR, EAST_STORE)).quote.facts.promise
    assert promise is not None
    return promise.p50, promise.p90


def test_nine_persons_teach_nothing(trade: Trade) -> None:
    ready_after(trade, trade.lock(9), 4)

    assert (learned(trade), margin_of(trade)) == (0, None)


def test_a_pool_teaches_once_none_of_its_cars_is_waited_for(trade: Trade) -> None:
    ids = trade.lock(30)
    ready_after(trade, ids[:29], 4)
    assert learned(trade) == 0

    ready_after(trade, ids[29:], 4)

    assert learned(trade) == 1
    assert margin_of(trade) == Margin(4, 5, 30)
    assert margin_of(trade, SOUTH_PLANT) is None


def test_a_pool_does_not_teach_while_one_of_its_cars_has_neither_week_nor_date(trade: Trade) -> None:
    ids = trade.lock(31)
    ready_after(trade, ids[:30], 4)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(delete(promise_outcomes).where(promise_outcomes.c.order_id == ids[30]))
        work.connection.execute(update(orders).where(orders.c.id == ids[30]).values(promised_by=None))

    assert (learned(trade), margin_of(trade)) == (0, None)


def test_who_left_teaches_nothing_and_is_not_waited_for(trade: Trade) -> None:
    ids = trade.lock(31)
    ready_after(trade, ids[:30], 4)
    with trade.works.change(SYSTEM) as work:
        gone = {"state": "cancelled", "ended_at": work.now, "reason": "buyer"}
        work.connection.execute(update(orders).where(orders.c.id == ids[30]).values(**gone))

    assert learned(trade) == 1
    assert margin_of(trade) == Margin(4, 5, 30)


def test_who_left_in_time_takes_nobodys_place_among_the_latest(trade: Trade) -> None:
    ids = trade.lock(4)
    ready_after(trade, ids[:1], 4)
    with trade.works.change(SYSTEM) as work:
        gone = {"state": "cancelled", "ended_at": work.now, "reason": "buyer"}
        later = {"locked_at": work.now + timedelta(days=1)}
        work.connection.execute(update(orders).where(orders.c.id.in_(ids[1:])).values(**gone, **later))

    with trade.works.read(SYSTEM) as work:
        seen = decided_residuals(work, NORTH_PLANT, today=trade.clock.now().date(), most=1)

    assert [one.days for one in seen] == [4]


def test_who_left_a_late_car_teaches_that_it_did_not_come(trade: Trade) -> None:
    ids = trade.lock(19)
    ready_after(trade, ids[:18], 4)
    with trade.works.change(SYSTEM) as work:
        own = select(promise_outcomes.c.promised_by).where(promise_outcomes.c.order_id == ids[18])
        promised_by = work.connection.execute(own).scalar_one()
        # Two in the morning of the day after, in Shanghai.
        left_at = datetime.combine(promised_by, time(18), UTC)
        gone = {"state": "cancelled", "ended_at": left_at, "reason": "late"}
        work.connection.execute(update(orders).where(orders.c.id == ids[18]).values(**gone))

    assert learned(trade) == 1
    assert margin_of(trade) == Margin(4, PromisePolicy().prior_late_days, 19)


def test_what_was_learned_is_promised_from_then_on_and_learning_again_changes_nothing(trade: Trade) -> None:
    middle, _ = promised(trade)
    planned = middle - timedelta(days=HALF_OF_WEEK_DAYS)
    ready_after(trade, trade.lock(60), -3)
    trade.clock.advance(timedelta(minutes=1))

    assert (learned(trade), learned(trade)) == (1, 0)
    margin = margin_of(trade)
    assert margin is not None
    assert promised(trade) == (planned + timedelta(days=-3), planned + timedelta(days=margin.p90_days))


def test_the_margin_of_a_moment_is_the_one_that_was_known_then(trade: Trade) -> None:
    before = trade.clock.now()
    trade.clock.advance(timedelta(minutes=1))
    ready_after(trade, trade.lock(40), 5)
    learned(trade)

    with trade.works.read(SYSTEM) as work:
        assert margin_at(work, NORTH_PLANT, before) is None
        assert margin_at(work, NORTH_PLANT, trade.clock.now()) is not None


def days_of(trade: Trade, order_ids: list[str]) -> dict[str, int | None]:
    with trade.works.read(SYSTEM) as work:
        return promised_days(work, order_ids)


def test_a_date_that_was_set_with_the_week_keeps_the_margin_that_it_was_set_with(trade: Trade) -> None:
    terms = trade.terms(1, POOL, PLAIN_CAR, None)
    trade.clock.advance(timedelta(days=1))
    with trade.works.change(SYSTEM) as work:
        insert_margin(work, NORTH_PLANT, Margin(-2, 5, 40))
    with trade.works.change(SYSTEM) as work:
        paid = Transfer("earnest", terms.id, account("provider", "sandbox"), account("earnest", terms.id), EARNEST)
        book(work, paid)
        service.take_locked(work, [terms])
    trade.clock.advance(timedelta(days=1))
    with trade.works.change(SYSTEM) as work:
        insert_margin(work, NORTH_PLANT, Margin(-2, 9, 50))

    with trade.works.read(buyer()) as work:
        left = service.preview_cancellation(work, terms.id)

    assert days_of(trade, [terms.id]) == {terms.id: 5}
    assert (left.forfeit_minor, left.earnest_minor) == (100_000, 500_000)


def test_the_margins_of_many_orders_take_as_many_statements_as_those_of_one(trade: Trade) -> None:
    ids: list[str] = []
    for number in range(1, 5):
        ids += trade.lock(1, first_buyer=number, promised_by=trade.clock.now().date())
        trade.clock.advance(timedelta(minutes=1))

    with counted_statements(trade.works.engine) as of_one:
        days_of(trade, ids[:1])
    with counted_statements(trade.works.engine) as of_many:
        days_of(trade, ids)

    assert len(of_many) == len(of_one)


def test_looking_for_residuals_ends_although_all_have_left(trade: Trade, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = trade.lock(9)
    with trade.works.change(SYSTEM) as work:
        gone = {"state": "cancelled", "ended_at": work.now, "reason": "buyer"}
        work.connection.execute(update(orders).where(orders.c.id.in_(ids)).values(**gone))
    monkeypatch.setattr(margin_store, "DOUBLINGS_MAX", 2)

    with trade.works.read(SYSTEM) as work, counted_statements(trade.works.engine) as seen:
        found = decided_residuals(work, NORTH_PLANT, today=trade.clock.now().date(), most=1)

    assert found == []
    assert len([one for one in seen if "planned_on" in one]) == 2
