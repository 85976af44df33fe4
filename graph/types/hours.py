"""A store's calendar and hours, and the hours in which a buyer can come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import strawberry

from factory_orders import queries, service
from factory_orders.errors import HoursTaken
from factory_orders.hours import model
from graph.access import field, input_type, object_type
from graph.identifiers import write_id
from graph.operations import mutation, query
from graph.types.orders import order_raw
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.DELIVERY_READ)
class CalendarArrival:
    """A car that comes to your store; without a code it comes for your stock."""

    model: str
    code: str | None
    state: str
    vin: str | None
    shipment_id: strawberry.ID | None


@object_type(reads=Permission.DELIVERY_READ)
class CalendarAppointment:
    """Somebody who comes for a car; you know the order by its code."""

    handover_id: strawberry.ID
    code: str
    model: str
    vin: str
    appointment_at: datetime
    state: str


@object_type(reads=Permission.DELIVERY_READ)
class CalendarDay:
    """One day of your store: cars that come, people who come, and how many more can be received."""

    day: date
    arrivals: list[CalendarArrival] = field(at_most=200)
    appointments: list[CalendarAppointment] = field(at_most=200)
    free_places: int


@object_type(reads=Permission.DELIVERY_READ)
class ComingCar:
    """A car with a carrier and the day on which it is expected at your store, or arrived there."""

    day: date
    car: CalendarArrival


@object_type(reads=Permission.DELIVERY_READ)
class StoreArrivals:
    """What comes to your store now: cars, those that wait to be looked over first, and people, soonest first.

    `scheduled` cars are not built yet, `onTheWay` are between plant and store, `toReceive` have arrived. Of a hundred
    cars and people the rest is in `storeCalendar`.
    """

    store_id: strawberry.ID
    scheduled: int
    on_the_way: int
    to_receive: int
    cars: list[ComingCar] = field(at_most=100)
    appointments: list[CalendarAppointment] = field(at_most=100)


@object_type(reads=Permission.DELIVERY_READ)
class StoreHours:
    """Hours of your store, and how many people are received in each."""

    begins_at: datetime
    ends_at: datetime
    places: int


@object_type(reads=Permission.OWN_READ)
class FreeAppointment:
    """A full hour in which a store can receive you."""

    at: datetime


@input_type(takes=Permission.DELIVERY_WRITE)
class GiveStoreHoursInput:
    """From one full hour to another, and how many people you receive in each hour between; 0 closes them."""

    begins_at: datetime
    ends_at: datetime
    places: int


def _show_arrival(one: model.Arrival) -> CalendarArrival:
    shipment_id = None if one.shipment_id is None else write_id("Shipment", one.shipment_id)
    return CalendarArrival(model=one.model, code=one.code, state=one.state, vin=one.vin, shipment_id=shipment_id)


def _show_appointment(one: model.Expected) -> CalendarAppointment:
    return CalendarAppointment(
        handover_id=write_id("Handover", one.handover_id),
        code=one.code,
        model=one.model,
        vin=one.vin,
        appointment_at=one.appointment_at,
        state=one.state,
    )


def _show_day(one: model.CalendarDay) -> CalendarDay:
    return CalendarDay(
        day=one.day,
        arrivals=[_show_arrival(car) for car in one.arrivals[:200]],
        appointments=[_show_appointment(person) for person in one.expected[:200]],
        free_places=one.free_places,
    )


def read_arrivals(work: Work, store_ids: Sequence[str]) -> dict[str, StoreArrivals]:
    """Return what comes to stores, by their ids."""
    return {
        key: StoreArrivals(
            store_id=write_id("Store", one.store_id),
            scheduled=one.scheduled,
            on_the_way=one.on_the_way,
            to_receive=one.to_receive,
            cars=[ComingCar(day=coming.day, car=_show_arrival(coming.car)) for coming in one.cars],
            appointments=[_show_appointment(person) for person in one.people],
        )
        for key, one in queries.store_arrivals(work, store_ids).items()
    }


@query(reads=Permission.DELIVERY_READ, at_most=31)
def store_calendar(work: Work, first_day: date, days: int) -> list[CalendarDay]:
    """What comes to your store and who, day by day; what is overdue stands on the first day."""
    return [_show_day(one) for one in queries.store_calendar(work, first=first_day, days=days)]


@query(reads=Permission.OWN_READ, at_most=400)
def free_appointments(work: Work, order_id: strawberry.ID, first_day: date, days: int) -> list[FreeAppointment]:
    """The hours in which the store of one of your orders can receive you."""
    found = queries.free_appointments(work, order_raw(order_id), first=first_day, days=days)
    return [FreeAppointment(at=hour) for hour in found[:400]]


@mutation(does=Permission.DELIVERY_WRITE, refuses=(HoursTaken,), result="GiveStoreHoursResult")
def give_store_hours(work: Work, input: GiveStoreHoursInput) -> StoreHours:  # noqa: A002  # the API's word
    """Say how many people your store receives in an hour; what you say last counts, and 0 closes."""
    given = service.give_store_hours(work, begins_at=input.begins_at, ends_at=input.ends_at, places=input.places)
    return StoreHours(begins_at=given.begins_at, ends_at=given.ends_at, places=given.places)
