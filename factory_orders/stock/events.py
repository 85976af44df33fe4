"""What happened to purchases of stock cars."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("factory_orders.stock_car_bought")
@dataclass(frozen=True, slots=True)
class StockCarBought(Event):
    """The deposit is there and the car is bound; `adviser_id` is who named its price, where that is known."""

    order_id: str
    account_id: str
    store_id: str
    vin: str
    deposit_minor: int
    adviser_id: str | None


@event("factory_orders.stock_purchase_dropped")
@dataclass(frozen=True, slots=True)
class StockPurchaseDropped(Event):
    """A purchase ended before its deposit came: its hold ran out (`expired`), was given back or replaced."""

    purchase_id: str
    account_id: str
    vin: str
    reason: str
