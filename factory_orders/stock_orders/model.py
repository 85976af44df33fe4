"""Orders for a store's stock: so many equal cars, bound to nobody, within what light inventory may hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from factory_orders.stock_orders.errors import LightStockFull

CARS_MAX: Final = 20
"""The most cars of one order; a store that wants more orders again."""


@dataclass(frozen=True, slots=True)
class StockOrder:
    """So many equal cars for a store, as ordered; `ordered_by` is None where the command line did it.

    `number` counts a store's orders of a model from 1. When it was made the store had `had` cars of the model, there or
    still to come, of the `most` that it may have. Each car is an order for planning whose pool is this order.
    """

    id: str
    brand_id: str
    store_id: str
    plant_id: str
    model: str
    options: tuple[str, ...]
    catalogue_version_id: str
    cars: int
    price_minor: int
    number: int
    had: int
    most: int
    ordered_by: str | None
    ordered_at: datetime


@dataclass(frozen=True, slots=True)
class StockOrderCar:
    """One car of a stock order: planned, batched, built, at_store or cancelled; its week once it has one."""

    place: int
    state: str
    week: date | None
    vin: str | None


@dataclass(frozen=True, slots=True)
class StockOrderView:
    """A stock order and where each of its cars stands."""

    order: StockOrder
    cars: tuple[StockOrderCar, ...]


def check_room(*, cars: int, had: int, most: int) -> None:
    """Refuse LightStockFull where a store would have more cars of a model than light inventory allows."""
    if had + cars > most:
        raise LightStockFull(had=had, most=most, room=max(most - had, 0))


def car_state(order_state: str, *, is_batched: bool, has_arrived: bool, is_gone: bool) -> str:
    """Return where a car of a stock order stands (DOMAIN section 3: planned, batched, built, at_store), or `lost`."""
    if order_state == "scheduled":
        return "batched" if is_batched else "planned"
    if order_state == "stocked":
        if is_gone:
            return "lost"
        return "at_store" if has_arrived else "built"
    return order_state
