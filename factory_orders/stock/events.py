"""What happened to purchases of stock cars."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("factory_orders.stock_car_bought")
@dataclass(frozen=True, slots=True)
class StockCarBought(Event):
    """The deposit is there and the car is bound to its buyer."""

    order_id: str
    account_id: str
    store_id: str
    vin: str
    deposit_minor: int


@event("factory_orders.stock_car_sold")
@dataclass(frozen=True, slots=True)
class StockCarSold(Event):
    """A car that an adviser priced has a buyer; the account is the adviser's."""

    order_id: str
    account_id: str
    store_id: str
    vin: str


@event("factory_orders.stock_purchase_expired")
@dataclass(frozen=True, slots=True)
class StockPurchaseExpired(Event):
    """The hold of a purchase ran out before its deposit came."""

    purchase_id: str
    account_id: str
    vin: str
