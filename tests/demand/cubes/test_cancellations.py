"""Who cancelled, by calendar quarter and kind: from ten persons on, moved on by ten, closed with the next quarter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from demand.cubes.audit_service import unlike_replay
from demand.cubes.intake_service import Ended, note_cancelled
from demand.cubes.model import Audience, CubeName, next_quarter_monday, quarter_monday
from demand.cubes.rebuild_service import wrong_blocks
from demand.cubes.tables import demand_cancellations
from demand.queries import CellFilter, read_cube
from demand.service import withdraw
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom, make_pool_room
from tests.demand.wishing_room import DEALER, hear, release

FOURTH_QUARTER = date(2026, 10, 5)


def members(works: Works, clock: FixedClock, count: int) -> tuple[PoolRoom, list[str]]:
    room = make_pool_room(works, clock)
    room.open(capacity=60, member_limit=120)
    return room, [one.pre_order.head.id for one in room.join(*range(1, count + 1))]


def cancel(works: Works, ended: Iterable[str], at: datetime, kind: str = "withdrawn") -> None:
    with works.change(system(BRAND)) as work:
        note_cancelled(work, [Ended(one, at, kind) for one in ended])


def shown(works: Works, audience: Audience = Audience.MAKER) -> dict[tuple[date, str], int]:
    """Return the released persons by quarter and kind."""
    with works.read(PLANNER if audience is Audience.MAKER else DEALER) as work:
        cells = read_cube(work, CubeName.CANCELLATIONS, CellFilter(), audience=audience).cells
    assert {cell.key.model for cell in cells} <= {""}
    return {(cell.key.week, cell.key.option): cell.chosen for cell in cells}


def test_weeks_that_show_nobody_by_themselves_show_a_quarter_together(works: Works, clock: FixedClock) -> None:
    room, orders = members(works, clock, 12)
    for number, one in enumerate(orders, start=1):
        clock.advance(timedelta(hours=20))
        with works.change(room.buyer(number)) as work:
            withdraw(work, one)

    release(works)

    assert shown(works) == {(FOURTH_QUARTER, "withdrawn"): 10}
    with works.read(system(BRAND)) as work:
        assert wrong_blocks(work) == []
        assert unlike_replay(work, 1) == []


def test_a_kind_that_few_took_is_not_shown_beside_one_that_many_took(works: Works, clock: FixedClock) -> None:
    _, orders = members(works, clock, 24)
    cancel(works, orders[:15], clock.now())
    cancel(works, orders[15:], clock.now(), "order_buyer")

    release(works)

    assert shown(works) == {(FOURTH_QUARTER, "withdrawn"): 15}


def test_a_kind_moves_on_when_ten_persons_more_have_left(works: Works, clock: FixedClock) -> None:
    _, orders = members(works, clock, 33)
    cancel(works, orders[:13], clock.now())
    release(works)

    cancel(works, orders[:22], clock.now())
    release(works)
    after_nine = shown(works)
    cancel(works, orders[:23], clock.now())
    release(works)

    assert after_nine == {(FOURTH_QUARTER, "withdrawn"): 15}
    assert shown(works) == {(FOURTH_QUARTER, "withdrawn"): 25}
    with works.read(system(BRAND)) as work:
        assert [unlike_replay(work, number) for number in (1, 2, 3)] == [[], [], []]


def test_a_quarter_ends_at_midnight_where_the_brand_is(works: Works, clock: FixedClock) -> None:
    _, orders = members(works, clock, 30)
    midnight_in_shanghai = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    cancel(works, orders[:10], midnight_in_shanghai - timedelta(microseconds=1))
    cancel(works, orders[10:], midnight_in_shanghai)
    # Who left in the old year as well counts in both quarters.
    cancel(works, orders[:1], midnight_in_shanghai)

    release(works)

    assert shown(works) == {(FOURTH_QUARTER, "withdrawn"): 10, (date(2027, 1, 4), "withdrawn"): 20}
    with works.read(system(BRAND)) as work:
        assert wrong_blocks(work) == []


def test_a_quarter_closes_on_the_first_monday_of_the_next_and_the_trade_sees_it_then(
    works: Works, clock: FixedClock
) -> None:
    _, orders = members(works, clock, 50)
    hear(works)
    clock.advance(datetime(2027, 1, 3, 12, tzinfo=UTC) - clock.now())
    cancel(works, orders[:20], datetime(2026, 12, 30, tzinfo=UTC))
    cancel(works, orders[20:30], datetime(2026, 12, 30, tzinfo=UTC), "unpaid")
    release(works)
    before = shown(works, Audience.TRADE)

    clock.advance(timedelta(hours=12))
    release(works)
    cancel(works, orders[30:], datetime(2026, 12, 30, tzinfo=UTC))
    release(works)

    assert before == {}
    assert shown(works, Audience.TRADE) == {(FOURTH_QUARTER, "withdrawn"): 20}
    assert shown(works) == {(FOURTH_QUARTER, "withdrawn"): 20, (FOURTH_QUARTER, "unpaid"): 10}


def test_nobody_counts_twice_in_a_quarter_and_kind(works: Works, clock: FixedClock) -> None:
    _, orders = members(works, clock, 2)

    cancel(works, orders[:1], datetime(2026, 10, 1, tzinfo=UTC))
    cancel(works, orders[:1], datetime(2026, 12, 31, tzinfo=UTC))

    with works.read(system(BRAND)) as work:
        found = work.connection.execute(select(demand_cancellations.c.week, demand_cancellations.c.model)).all()
        assert [tuple(row) for row in found] == [(FOURTH_QUARTER, "")]
        assert wrong_blocks(work) == []


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_day_is_in_one_quarter_that_stands_under_its_first_monday(day: date) -> None:
    monday = quarter_monday(day)

    assert monday.weekday() == 0
    assert monday.day <= 7
    assert (monday.year, (monday.month - 1) // 3) == (day.year, (day.month - 1) // 3)
    assert monday.month % 3 == 1


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_next_quarter_is_the_next_one_whatever_its_length(day: date) -> None:
    monday = next_quarter_monday(quarter_monday(day))

    assert monday == quarter_monday(monday)
    assert monday - quarter_monday(day) in [timedelta(weeks=weeks) for weeks in (12, 13, 14)]
    assert (monday.year * 4 + (monday.month - 1) // 3) - (day.year * 4 + (day.month - 1) // 3) == 1
