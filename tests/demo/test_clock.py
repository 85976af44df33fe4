"""The demo's time: who moves it sees it moved at once, others within half a second, and it never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from kernel.actor import system
from kernel.errors import InvalidInput
from kernel.ids import BrandId
from kernel.work import Works
from muster.demo.clock import ADVANCE_MAX, DemoClock, demo_clock
from tests.support.databases import Database

ANYBODY = system(BrandId("platform"))
THREE_WEEKS = timedelta(hours=504)


def process_on(database: Database) -> tuple[Works, DemoClock]:
    """Return what one process of a demo opens: its clock has been looked at once, as a running one's has."""
    clock = DemoClock(database.engine)
    clock.now()
    return Works(database.engine, clock=clock), clock


def advance(process: tuple[Works, DemoClock], by: timedelta) -> datetime:
    works, clock = process
    with works.change(ANYBODY) as work:
        return clock.advance(work, by)


def test_who_moved_the_time_sees_it_moved_at_once(database: Database) -> None:
    process = process_on(database)
    before = datetime.now(UTC)

    told = advance(process, THREE_WEEKS)
    asked = advance(process, timedelta(0))
    seen = process[1].now()

    assert before + THREE_WEEKS <= told <= asked <= seen <= datetime.now(UTC) + THREE_WEEKS


def test_a_look_while_the_move_is_on_its_way_does_not_outlive_it(database: Database) -> None:
    works, clock = process_on(database)
    before = datetime.now(UTC)

    with works.change(ANYBODY) as work:
        clock.advance(work, THREE_WEEKS)
        early = clock.now()
    late = clock.now()

    assert early < before + timedelta(hours=1)
    assert late >= before + THREE_WEEKS


def test_a_process_that_had_not_heard_of_the_move_tells_the_right_time_when_it_is_asked(database: Database) -> None:
    first, second = process_on(database), process_on(database)

    moved = advance(first, THREE_WEEKS)

    assert advance(second, timedelta(0)) >= moved


@pytest.mark.parametrize("hours", [-1, 2_881])
def test_time_goes_neither_back_nor_too_far_and_the_refusal_names_the_field(database: Database, hours: int) -> None:
    process = process_on(database)

    with pytest.raises(InvalidInput) as refused:
        advance(process, timedelta(hours=hours))

    assert refused.value.text("en") == "hours: give 0 to 2,880 hours; time never goes back"
    assert timedelta(hours=2_880) == ADVANCE_MAX
    with database.engine.connect() as connection:
        assert connection.execute(select(demo_clock)).all() == []
