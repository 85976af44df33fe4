"""What was agreed on after the lock, as others may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kernel.events import Event, event


@event("factory_orders.order_amended")
@dataclass(frozen=True, slots=True)
class OrderAmended(Event):
    """A buyer changed the car after the lock; `price_minor` is what the car costs now, fees included."""

    order_id: str
    account_id: str
    price_delta_minor: int
    fee_minor: int
    price_minor: int


@event("factory_orders.build_order_amended")
@dataclass(frozen=True, slots=True)
class BuildOrderAmended(Event):
    """The plant builds another car under the same build order."""

    build_order_id: str
    order_id: str
    plant_id: str
    day: date
