"""What became of cars that others wait for as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kernel.events import Event, event


@event("factory_orders.order_car_swapped")
@dataclass(frozen=True, slots=True)
class OrderCarSwapped(Event):
    """An order gets another, identical car: sooner by `days_sooner` late days, or (0) it gave its own to who was late.

    `ready_on` is when the car stands ready as planned, `was_on` when the own one would have; the contract's date stays.
    """

    order_id: str
    account_id: str
    days_sooner: int
    ready_on: date
    was_on: date


@event("factory_orders.car_swap_offered")
@dataclass(frozen=True, slots=True)
class CarSwapOffered(Event):
    """Who would be late may have another order's equal car that is further built, `days_sooner`."""

    offer_id: str
    order_id: str
    account_id: str
    days_sooner: int
    answer_by: datetime
