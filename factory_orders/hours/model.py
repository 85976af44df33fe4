"""A store's calendar: what comes when, who is expected, and how many more can be received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """A car that comes to a store: expected from its plan, or arrived and waiting to be looked over.

    `code` is its order's; None for a car that comes for stock. `vin` and `shipment_id` once it has them.
    """

    model: str
    code: str | None
    state: str
    vin: str | None
    shipment_id: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who comes for a car, by the order's code."""

    handover_id: str
    code: str
    model: str
    vin: str
    appointment_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """One day of a store: its cars, its people, and how many more appointments it can take."""

    day: date
    arrivals: tuple[Arrival, ...]
    expected: tuple[Expected, ...]
    free_places: int


@dataclass(frozen=True, slots=True)
class ComingCar:
    """A car on its way to a store, and the day on which it is expected, or arrived."""

    day: date
    car: Arrival


@dataclass(frozen=True, slots=True)
class StoreArrivals:
    """What comes to a store now: cars with a carrier, those that wait to be looked over first, and people.

    `scheduled` counts cars for it that are not built yet, `on_the_way` those between plant and store, `to_receive`
    those that have arrived; `cars` and `people` are the first of them.
    """

    store_id: str
    scheduled: int
    on_the_way: int
    to_receive: int
    cars: tuple[ComingCar, ...]
    people: tuple[Expected, ...]
