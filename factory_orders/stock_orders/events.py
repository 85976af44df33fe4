"""What happened to orders for stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kernel.events import Event, event


@event("factory_orders.stock_ordered")
@dataclass(frozen=True, slots=True)
class StockOrdered(Event):
    """A store's stock gets cars of a plant, once they are built."""

    stock_order_id: str
    store_id: str
    plant_id: str
    cars: int


@event("factory_orders.stock_order_scheduled")
@dataclass(frozen=True, slots=True)
class StockOrderScheduled(Event):
    """Cars of a stock order have their weeks, `last_week` the latest of them; told to who ordered them."""

    stock_order_id: str
    account_id: str | None
    store_id: str
    model: str
    cars: int
    last_week: date


@event("factory_orders.ordered_stock_car_arrived")
@dataclass(frozen=True, slots=True)
class OrderedStockCarArrived(Event):
    """A car of a stock order stands at its store and can be priced; told to who ordered it."""

    stock_order_id: str
    account_id: str | None
    store_id: str
    vin: str
