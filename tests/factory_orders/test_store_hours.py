"""A store's hours and its calendar: given, closed, never booked beyond; what comes when, and who."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from factory_orders import queries, service
from factory_orders.deliveries.tables import handovers
from factory_orders.errors import AppointmentUnavailable, HoursTaken
from factory_orders.hours.model import CalendarDay
from factory_orders.hours.tables import store_hours
from factory_orders.model import Handover, ShipmentState
from kernel.actor import Actor
from kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from tests.factory_orders.test_races import at_once
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer


def give(trade: Trade, begins_at: datetime, hours: int, places: int, who: Actor = STORE_ADVISER) -> None:
    with trade.works.change(who) as work:
        service.give_store_hours(work, begins_at=begins_at, ends_at=begins_at + timedelta(hours=hours), places=places)


def calendar(trade: Trade, days: int = 31, who: Actor = STORE_ADVISER) -> list[CalendarDay]:
    with trade.works.read(who) as work:
        return queries.store_calendar(work, first=trade.tomorrow_at(9).date(), days=days)


def free(trade: Trade, order_id: str, who: Actor | None = None) -> list[datetime]:
    with trade.works.read(who or buyer()) as work:
        return queries.free_appointments(work, order_id, first=trade.tomorrow_at(9).date(), days=1)


def ready_order(trade: Trade, number: int = 1) -> str:
    (order_id,) = trade.lock(pool_id=f"{number:032x}", first_buyer=number)
    trade.bring_to_store(order_id)
    return order_id


def test_a_closed_hour_cannot_be_booked_and_the_next_free_one_is_named(trade: Trade) -> None:
    order_id = ready_order(trade)
    give(trade, trade.tomorrow_at(9), 2, 0)

    with pytest.raises(AppointmentUnavailable) as refused:
        trade.book(order_id, hour=10)

    assert refused.value.next_free == trade.tomorrow_at(11)
    assert refused.value.reason == "the store has closed that hour"
    assert trade.book(order_id, hour=11).appointment_at == trade.tomorrow_at(11)


def test_a_store_may_give_an_evening_and_what_it_said_last_counts(trade: Trade) -> None:
    order_id = ready_order(trade)
    with pytest.raises(AppointmentUnavailable):
        trade.book(order_id, hour=19)

    give(trade, trade.tomorrow_at(18), 3, 1)

    assert [hour for hour in free(trade, order_id) if hour >= trade.tomorrow_at(17)] == [
        trade.tomorrow_at(hour) for hour in (17, 18, 19, 20)
    ]
    booked = trade.book(order_id, hour=19)
    assert trade.tomorrow_at(19) not in free(trade, order_id)
    give(trade, trade.tomorrow_at(18), 1, 0)
    assert booked.appointment_at == trade.tomorrow_at(19)
    assert trade.tomorrow_at(18) not in free(trade, order_id)


def test_hours_that_people_have_booked_are_not_closed_under_them(trade: Trade) -> None:
    order_id = ready_order(trade)
    booked = trade.book(order_id, hour=10)

    with pytest.raises(HoursTaken) as refused:
        give(trade, trade.tomorrow_at(9), 8, 0)
    with trade.works.change(buyer()) as work:
        service.rebook_handover(work, booked.id, trade.tomorrow_at(17))
    give(trade, trade.tomorrow_at(9), 8, 0)

    assert (refused.value.hour, refused.value.booked) == (trade.tomorrow_at(10), 1)
    assert free(trade, order_id) == [trade.tomorrow_at(17)]


def test_an_hour_closed_and_booked_at_once_has_nobody_in_a_closed_hour(trade: Trade) -> None:
    order_id = ready_order(trade)

    def close() -> Handover | None:
        give(trade, trade.tomorrow_at(10), 1, 0)
        return None

    closed, booked = at_once([close, lambda: trade.book(order_id, hour=10)])

    assert isinstance(closed, Refusal) != isinstance(booked, Refusal)


def test_the_database_itself_takes_nobody_beyond_the_places(trade: Trade) -> None:
    order_id = ready_order(trade)
    booked = trade.book(order_id, hour=10)
    give(trade, trade.tomorrow_at(14), 1, 0)

    moved = update(handovers).where(handovers.c.id == booked.id).values(appointment_at=trade.tomorrow_at(14))

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(moved)
    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(store_hours).values(places=9))


def test_the_calendar_tells_of_planned_shipped_and_arrived_cars_and_of_people(trade: Trade) -> None:
    planned, shipped, arrived, booked = trade.lock(4)
    for order_id in (shipped, arrived, booked):
        trade.build(order_id)
    trade.ship(shipped, legs=(ShipmentState.LOADED,))
    trade.ship(arrived)
    trade.ship(booked)
    trade.receive(booked)
    trade.book(booked, who=buyer(4), hour=10)

    days = calendar(trade)

    told = {car.code: (car.state, car.vin is not None) for day in days for car in day.arrivals}
    assert told == {
        queries.order_code(planned): ("scheduled", False),
        queries.order_code(shipped): ("loaded", True),
        queries.order_code(arrived): ("arrived", True),
    }
    people = [(one.code, one.appointment_at) for day in days for one in day.expected]
    assert people == [(queries.order_code(booked), trade.tomorrow_at(10))]
    assert days[0].free_places == 2 * 9 - 1
    assert calendar(trade, who=OTHER_STORE)[0].arrivals == ()


def test_hours_and_calendars_are_the_stores_own_and_bounded(trade: Trade) -> None:
    order_id = ready_order(trade)

    with pytest.raises(Forbidden):
        give(trade, trade.tomorrow_at(9), 1, 1, buyer())
    for begins_at, hours, places in (
        (trade.tomorrow_at(9), 0, 1),
        (trade.tomorrow_at(9), 24 * 367, 1),
        (trade.tomorrow_at(9), 1, 51),
        (trade.tomorrow_at(9) + timedelta(minutes=30), 1, 1),
        (trade.clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=9), 1, 1),
    ):
        with pytest.raises(InvalidInput):
            give(trade, begins_at, hours, places)
    with pytest.raises(InvalidInput):
        calendar(trade, days=32)
    with pytest.raises(NotFound):
        free(trade, order_id, buyer(9))
    give(trade, trade.tomorrow_at(9), 9, 0, OTHER_STORE)
    assert len(free(trade, order_id)) == 9
