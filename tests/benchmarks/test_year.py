"""The simulated year in small: killed in the middle it goes on, nothing is lost or doubled, and the audit is clean."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from benchmarks.year import live_and_kill
from benchmarks.year_account import learned_promises, left_undone, look_back
from benchmarks.year_page import WEEKS_SHOWN, chart_of, rows_of, table_of, weeks_late
from benchmarks.year_plot import SAMPLE, drawn, falls
from benchmarks.year_story import CLASSES, open_stage, read_state, story_of, wanted_cars
from factory_orders.promises.calibration import Outcome
from factory_orders.promises.tables import promise_margins
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.notices import notices
from kernel.outcomes import answers
from kernel.payments import PaymentRequest, receive_authorised, request_refund
from kernel.timers import set_timer
from kernel.work import Works
from muster.demo.activity import class_of
from tests.configurator.small_brand import BRAND
from tests.factory_orders.test_promise_calibration import cancel, go_to, set_ready
from tests.factory_orders.trade import EARNEST, NORTH_PLANT, SYSTEM, Trade, buyer, open_trade

DUE = date(2026, 6, 10)
REACHED = (
    "buyers who left before the freeze",
    "buyers who never paid",
    "cars damaged on their way",
    "damage cases",
    "repaired cars offered",
    "repaired cars taken",
    "cars for stock ordered",
    "cars bought from stock",
    "buyers who picked another store",
    "parts that came late",
    "credits for a long wait offered",
    "cars that were to be built while their plant stood still",
    "late credits",
)


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


def test_pools_of_a_class_want_the_same_cars_so_that_equal_ones_meet(tmp_path: Path) -> None:
    stage = open_stage(tmp_path, read_state(tmp_path), SAMPLE, url="")

    wanted = []
    for number in (0, len(CLASSES)):
        story = story_of(number)
        with stage.works.read(system(stage.brand.id)) as work:
            cls = class_of(work, story)
        wanted.append({car.options for car in wanted_cars(stage, story, cls, number)})
    stage.runtime.identity.close()
    stage.works.engine.dispose()

    first, second = wanted
    assert len(first & second) > 3


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


def ask_money_back(trade: Trade) -> str:
    """Ask for a deposit back that nobody ever sends."""
    with trade.works.change(SYSTEM) as work:
        asked = PaymentRequest(BRAND, buyer(9).signed_in(), "deposit", "p" * 32, EARNEST, work.now + timedelta(days=1))
        token = trade.sandbox.authorise(
            account_id=buyer(9).signed_in(),
            amount=EARNEST,
            reference="r",
            wallet="w",
            expires_at=work.now + timedelta(hours=1),
        )
        (payment,) = answers(receive_authorised(work, [(asked, trade.sandbox.read_authorisation(token))]))
        request_refund(work, payment.id, "order_cancelled")
        return payment.id


def test_what_no_audit_asks_is_found(works: Works, clock: FixedClock) -> None:
    trade = open_trade(works, clock)
    told, untold = trade.lock(2, promised_by=date(2027, 1, 20))
    with works.change(SYSTEM) as work:
        whose = {"id": work.new_id(), "brand_id": BRAND, "account_id": buyer(1).account_id, "event_id": work.new_id()}
        told_now = insert(notices).values(kind="order_scheduled", facts={}, attempts=0, in_inbox=True, at=work.now)
        work.connection.execute(told_now.values(**whose))
        assert left_undone(work) == []
    payment_id = ask_money_back(trade)

    go_to(trade, date(2027, 4, 1))
    with works.change(SYSTEM) as work:
        set_timer(work, "nobody", told, work.now - timedelta(days=3))
    with works.read(SYSTEM) as work:
        found = left_undone(work)

    assert found == [
        f"order {told} waits long after its day",
        f"order {untold} waits long after its day",
        f"the buyer of order {untold} was told no date",
        f"the refund of payment {payment_id} has not been made",
        *["timer factory_orders.late_credit has not fired"] * 2,
        "timer nobody has not fired",
    ]


def test_a_lot_is_drawn_from_what_it_is_about_alone() -> None:
    lots = [drawn("withdraws", number, 1_000) for number in range(2_000)]

    assert lots == [drawn("withdraws", number, 1_000) for number in range(2_000)]
    assert lots != [drawn("leaves", number, 1_000) for number in range(2_000)]
    assert 150 < sum(falls("withdraws", number, 100) for number in range(2_000)) < 250


@pytest.mark.prove
def test_killed_in_the_middle_the_story_goes_on_everything_happens_and_the_audit_is_clean(tmp_path: Path) -> None:
    killed = live_and_kill(tmp_path, SAMPLE, name="sample", kills=2)

    year = look_back(tmp_path, SAMPLE, kills=killed)

    assert killed == 2
    assert year.unsound == []
    assert (year.state["gathered"], year.state["now"][:10]) == (4, "2026-05-11")
    assert sum(year.pools.values()) == 4
    assert sum(year.pre_orders.values()) == sum(story_of(number).people for number in range(4))
    ended = {(origin, reason) for origin, _, reason in year.orders}
    assert {("pool", "buyer"), ("pool", "balance_unpaid"), ("stock", "buyer")} <= ended
    assert year.orders["pool", "delivered", ""] > 30
    assert year.orders["stock", "delivered", ""] > 0
    assert year.orders["store", "stocked", ""] > 0
    assert min(year.befell[what] for what in REACHED) > 0
    assert year.befell["stores closed"] == 1
    assert 0 < year.befell["repaired cars taken"] < year.befell["cars damaged on their way"]
    assert year.reports["scrapped"] > 0
    assert "0 findings" in table_of(year)
    assert chart_of(year).startswith("<svg")
    assert dict(rows_of(year))["simulated days"] == "126"
