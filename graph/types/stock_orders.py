"""Orders for a store's stock: what light inventory comes from, and where each of its cars stands."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from configurator.errors import AnswerTooHard, ConfigurationIncomplete, ModelUnknown, OptionExcluded, OptionUnknown
from factory_orders import queries, service
from factory_orders.stock_orders import model
from factory_orders.stock_orders.errors import LightStockFull, StockOrderBegun
from factory_orders.stock_orders.model import CARS_MAX
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.STOCK_READ)
class StockOrderCar:
    """One car of a stock order: planned, batched, built, at_store, cancelled or lost; its week and its number."""

    place: int
    state: str
    week: date | None
    vin: str | None


@object_type(reads=Permission.STOCK_READ)
class StockOrder:
    """Equal cars for a store's stock, at the list price of the day.

    When it was ordered the store had `had` cars of the model, there or to come, of the `most` that it may have.
    """

    id: strawberry.ID
    store_id: strawberry.ID
    plant_id: strawberry.ID
    model: str
    options: list[str] = field(at_most=60)
    price: Money
    had: int
    most: int
    cars: list[StockOrderCar] = field(at_most=CARS_MAX)
    ordered_at: datetime


@input_type(takes=Permission.STOCK_ORDER)
class OrderStockInput:
    """A complete car and how many of it; an adviser orders for the own store, a planner names one.

    The same idempotency key answers the same order.
    """

    idempotency_key: str
    model: str
    options: list[str]
    cars: int
    store_id: strawberry.ID | None = None


@input_type(takes=Permission.STOCK_ORDER)
class CancelStockOrderInput:
    """A stock order of which you want no more cars than are begun."""

    stock_order_id: strawberry.ID


def _show(one: model.StockOrderView) -> StockOrder:
    order = one.order
    return StockOrder(
        id=write_id("StockOrder", order.id),
        store_id=write_id("Store", order.store_id),
        plant_id=write_id("Plant", order.plant_id),
        model=order.model,
        options=list(order.options),
        price=show_minor(order.price_minor),
        had=order.had,
        most=order.most,
        cars=[StockOrderCar(place=car.place, state=car.state, week=car.week, vin=car.vin) for car in one.cars],
        ordered_at=order.ordered_at,
    )


@query(reads=Permission.STOCK_READ)
def stock_orders(work: Work, first: int, after: Cursor | None = None) -> Connection[StockOrder]:
    """Orders for stock, newest first: your own store's, or every store's for a planner."""
    return show_page(queries.stock_orders_made(work, page_request(first, after)), _show)


@mutation(
    does=Permission.STOCK_ORDER,
    refuses=(LightStockFull, ModelUnknown, OptionUnknown, OptionExcluded, ConfigurationIncomplete, AnswerTooHard),
    result="OrderStockResult",
)
def order_stock(work: Work, input: OrderStockInput) -> StockOrder:  # noqa: A002  # the API's word
    """Order cars for a store's stock; the plant builds them like any car, and they can be sold once they are there."""
    request = service.StockRequest(
        model=input.model,
        options=tuple(input.options),
        cars=input.cars,
        store_id=None if input.store_id is None else raw_id(input.store_id, "Store"),
        idempotency_key=input.idempotency_key,
    )
    return _show(service.order_stock(work, request))


@mutation(does=Permission.STOCK_ORDER, refuses=(StockOrderBegun,), result="CancelStockOrderResult")
def cancel_stock_order(work: Work, input: CancelStockOrderInput) -> StockOrder:  # noqa: A002  # the API's word
    """End what of a stock order is not begun; what is begun is built."""
    return _show(service.cancel_stock_order(work, raw_id(input.stock_order_id, "StockOrder")))
