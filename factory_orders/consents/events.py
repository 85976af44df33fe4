"""What became of offers of repaired cars, as others may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event, event


@event("factory_orders.repaired_car_offered")
@dataclass(frozen=True, slots=True)
class RepairedCarOffered(Event):
    """A buyer may take the repaired car for less until `answer_by`; without a word another one is built."""

    offer_id: str
    order_id: str
    account_id: str
    vin: str
    repair_minor: int
    reduction_minor: int
    answer_by: datetime


@event("factory_orders.repaired_car_answered")
@dataclass(frozen=True, slots=True)
class RepairedCarAnswered(Event):
    """An offer has ended; `answer` is `accepted`, `declined` or `lapsed`."""

    offer_id: str
    order_id: str
    account_id: str
    vin: str
    answer: str
    reduction_minor: int
