"""What happened to light inventory, for who waits for a car or an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event, event


@event("factory_orders.stock_car_offered")
@dataclass(frozen=True, slots=True)
class StockCarOffered(Event):
    """A sharing out sends a car to a store, whose advisers may refuse it until a moment."""

    move_id: str
    vin: str
    store_id: str
    answer_by: datetime
    adviser_ids: tuple[str, ...]


@event("factory_orders.stock_car_leaves")
@dataclass(frozen=True, slots=True)
class StockCarLeaves(Event):
    """A stock car goes from a store to another one; the advisers of the store that it leaves are told.

    `move_id` is the move of a sharing out, None for a car that a buyer of the other store has taken.
    """

    move_id: str | None
    vin: str
    from_store_id: str
    store_id: str
    adviser_ids: tuple[str, ...]
