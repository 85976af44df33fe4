"""Calibration: what fell due is judged once, in whole months, and no count tells of fewer than ten persons."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from factory_orders import queries, service
from factory_orders.planning.tables import orders
from factory_orders.promises.calibration import Calibration, Outcome, calibrate, last_month_over
from factory_orders.promises.tables import promise_calibrations, promise_outcomes
from kernel.actor import Actor, Role
from kernel.errors import Forbidden
from kernel.paging import PageRequest
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import SYSTEM, Trade

JANUARY = date(2027, 1, 31)
GUEST = Actor(BRAND, frozenset({Role.GUEST}))


def outcome(number: int, *, due: date = date(2027, 1, 15), days_late: int | None = 0) -> Outcome:
    ready = None if days_late is None else due + timedelta(days=days_late)
    return Outcome(due - timedelta(days=10), due, ready, f"person {number}")


def go_to(trade: Trade, day: date) -> None:
    there = datetime(day.year, day.month, day.day, 4, tzinfo=ZoneInfo("Asia/Shanghai"))
    trade.clock.advance(there - trade.clock.now())


def published(trade: Trade) -> list[Calibration]:
    with trade.works.read(GUEST) as work:
        return [one.counted for one in queries.calibrations(work, PageRequest(10)).items]


def release(trade: Trade) -> int:
    with trade.works.change(SYSTEM) as work:
        return service.release_calibration(work)


def cancel(trade: Trade, order_id: str) -> None:
    with trade.works.change(SYSTEM) as work:
        ended = {"state": "cancelled", "ended_at": work.now, "reason": "buyer"}
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(**ended))


def set_ready(trade: Trade, ids: list[str], ready_on: date) -> None:
    with trade.works.change(SYSTEM) as work:
        own = promise_outcomes.c.order_id.in_(ids)
        work.connection.execute(update(promise_outcomes).where(own).values(ready_on=ready_on))


def test_a_promise_is_kept_by_a_car_that_is_ready_on_its_day() -> None:
    given_outcomes = [
        outcome(number, days_late=late) for number, late in enumerate([-10] * 10 + [0] * 10 + [1, None] * 5)
    ]

    counted = calibrate(given_outcomes, after=None, until=JANUARY)

    assert counted == Calibration(date(2027, 1, 1), JANUARY, 30, 10, 20)
    assert (counted.share_p50, counted.share_p90) == (1 / 3, 2 / 3)


def test_nine_persons_are_counted_with_later_months() -> None:
    assert calibrate([outcome(number) for number in range(9)] * 3, after=None, until=JANUARY) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(-20, 20)), max_size=80))
def test_published_counts_are_nested_fives_about_ten_persons_or_none(rows: list[tuple[int, int | None]]) -> None:
    counted = calibrate([outcome(who, days_late=late) for who, late in rows], after=None, until=JANUARY)

    assert (counted is None) == (len({who for who, _ in rows}) < 10)
    if counted is not None:
        assert 0 <= counted.kept_p50 <= counted.kept_p90 <= counted.promises
        assert counted.promises % 5 == counted.kept_p50 % 5 == counted.kept_p90 % 5 == 0
        assert abs(counted.promises - len(rows)) <= 2


@pytest.mark.parametrize(
    ("today", "last"), [(date(2027, 1, 1), date(2026, 12, 31)), (date(2027, 3, 30), date(2027, 2, 28))]
)
def test_a_month_is_over_on_the_first_of_the_next(today: date, last: date) -> None:
    assert last_month_over(today) == last


def test_what_a_month_published_stays_and_the_next_begins_after_it(trade: Trade) -> None:
    first = trade.lock(12, promised_by=date(2027, 1, 20))
    later = trade.lock(10, promised_by=date(2027, 2, 20), pool_id="8" * 32, first_buyer=30)
    set_ready(trade, first[:7], date(2027, 1, 20))
    set_ready(trade, later, date(2027, 2, 21))
    go_to(trade, date(2027, 2, 1))
    assert (release(trade), release(trade)) == (1, 0)
    set_ready(trade, first, date(2027, 1, 1))
    go_to(trade, date(2027, 3, 1))

    assert release(trade) == 1

    assert published(trade) == [
        Calibration(date(2027, 2, 1), date(2027, 2, 28), 10, 0, 0),
        Calibration(date(2027, 1, 1), date(2027, 1, 31), 10, 5, 5),
    ]


def test_a_month_that_is_not_over_publishes_nothing(trade: Trade) -> None:
    trade.lock(12, promised_by=date(2027, 1, 20))
    go_to(trade, date(2027, 1, 31))

    assert release(trade) == 0


def test_who_left_before_the_day_is_not_counted_and_who_left_late_is_a_broken_promise(trade: Trade) -> None:
    ids = trade.lock(18, promised_by=date(2027, 1, 20))
    set_ready(trade, ids[6:], date(2027, 1, 19))
    for order_id in ids[:5]:
        cancel(trade, order_id)
    trade.clock.set(datetime(2027, 1, 20, 18, tzinfo=UTC))  # Two in the morning of the day after, in Shanghai.
    cancel(trade, ids[5])
    go_to(trade, date(2027, 2, 1))

    release(trade)

    (counted,) = published(trade)
    assert (counted.promises, counted.kept_p90) == (15, 10)  # thirteen and twelve, in fives


def test_the_store_that_looks_a_car_over_fixes_the_day_it_was_ready(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=date(2027, 1, 20))
    trade.bring_to_store(order_id)

    with trade.works.read(SYSTEM) as work:
        ready = work.connection.execute(select(promise_outcomes.c.ready_on)).scalar_one()

    assert ready == trade.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()


def test_damage_past_the_threshold_leaves_the_promise_open(trade: Trade) -> None:
    (order_id,) = trade.lock(promised_by=date(2027, 1, 20))
    trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=service.Damage("the roof is gone", 900_000))

    with trade.works.read(SYSTEM) as work:
        assert work.connection.execute(select(promise_outcomes.c.ready_on)).scalar_one() is None


def test_only_the_system_publishes(trade: Trade) -> None:
    with pytest.raises(Forbidden), trade.works.change(PLANNER) as work:
        service.release_calibration(work)


def test_the_database_publishes_no_small_count(trade: Trade) -> None:
    ids = trade.lock(promised_by=date(2027, 1, 20))
    assert ids
    with trade.works.read(SYSTEM) as work:
        plant = work.connection.execute(select(promise_outcomes.c.plant_id)).scalar_one()
    row = {"id": "1" * 32, "plant_id": plant, "brand_id": BRAND, "first_day": date(2027, 1, 1), "last_day": JANUARY}

    counts = {"promises": 5, "kept_p50": 0, "kept_p90": 5, "released_at": trade.clock.now()}
    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(promise_calibrations.insert().values(**row, **counts))
