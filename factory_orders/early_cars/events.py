"""What became of offers of cars that are there already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event, event


@event("factory_orders.early_car_offered")
@dataclass(frozen=True, slots=True)
class EarlyCarOffered(Event):
    """A buyer may have an equal new car that is there already, `days_sooner` than the one that is planned."""

    offer_id: str
    order_id: str
    account_id: str
    days_sooner: int
    answer_by: datetime
