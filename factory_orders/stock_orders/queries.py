"""Reads of orders for stock: a store's own, or every store's for a planner, with where each car stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from factory_orders.deliveries.model import RECEIVED, Shipment
from factory_orders.deliveries.tables import shipments
from factory_orders.planning.tables import batch_orders, orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.stock_orders.model import StockOrder, StockOrderCar, StockOrderView, car_state
from factory_orders.stock_orders.rows import stock_order_from
from factory_orders.stock_orders.tables import stock_orders
from factory_orders.vehicles.model import VehicleState
from factory_orders.vehicles.tables import vehicles
from kernel import db
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


def stock_orders_made(work: Work, page: PageRequest) -> Page[StockOrderView]:
    """Return orders for stock, newest first: the own store's to an adviser, all to a planner."""
    work.actor.require(Permission.STOCK_READ)
    table = stock_orders.c
    found = select(stock_orders).where(table.brand_id == work.actor.brand_id)
    if not work.actor.may(Permission.BATCH_READ):
        found = found.where(table.store_id == work.actor.own_store())
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page(with_cars(work, [stock_order_from(row) for row in rows]), page, lambda one: one.order.id)


def stock_order_seen(work: Work, stock_order_id: str) -> StockOrderView:
    """Return one order for stock; refuses another store's to an adviser (NotFound)."""
    work.actor.require(Permission.STOCK_READ)
    order = stock_order_by_id(work, stock_order_id)
    if not work.actor.may(Permission.BATCH_READ) and order.store_id != work.actor.own_store():
        raise NotFound("stock order")
    return with_cars(work, [order])[0]


def order_of_stock_car(work: Work, way: Shipment) -> StockOrder | None:
    """Return the stock order whose car comes this way; None for any other car, and for its later ways."""
    ways = shipments.alias()
    earlier = select(ways.c.id).where(ways.c.vin == way.vin, ways.c.id < way.id).exists()
    found = (
        select(stock_orders)
        .join(orders, orders.c.pool_id == stock_orders.c.id)
        .where(orders.c.vin == way.vin, orders.c.state == "stocked", ~earlier)
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else stock_order_from(row)


def with_cars(work: Work, found: Sequence[StockOrder]) -> list[StockOrderView]:
    """Return stock orders with where each of their cars stands, in one statement."""
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    arrived = (
        select(shipments.c.id)
        .where(
            shipments.c.vin == orders.c.vin,
            shipments.c.order_id.is_(None),
            db.among(shipments.c.state, [state.value for state in RECEIVED]),
        )
        .correlate(orders)
        .exists()
    )
    rows = (
        select(
            orders.c.pool_id,
            orders.c.place,
            orders.c.state,
            orders.c.vin,
            batch_orders.c.batch_id,
            build_orders.c.week,
            arrived.label("has_arrived"),
            vehicles.c.state.label("vehicle_state"),
        )
        .outerjoin_from(orders, batch_orders, batch_orders.c.order_id == orders.c.id)
        .outerjoin(build_orders, live)
        .outerjoin(vehicles, vehicles.c.vin == orders.c.vin)
        .where(db.among(orders.c.pool_id, [one.id for one in found]))
        .order_by(orders.c.pool_id, orders.c.place)
    )
    cars: dict[str, list[StockOrderCar]] = {one.id: [] for one in found}
    for row in work.connection.execute(rows):
        cars[row.pool_id].append(_car(row))
    return [StockOrderView(one, tuple(cars[one.id])) for one in found]


def _car(row: Any) -> StockOrderCar:
    state = car_state(
        row.state,
        is_batched=row.batch_id is not None,
        has_arrived=bool(row.has_arrived),
        is_gone=row.vehicle_state == VehicleState.GONE.value,
    )
    return StockOrderCar(row.place, state, row.week, row.vin)


def stock_order_by_id(work: Work, stock_order_id: str) -> StockOrder:
    """Return a stock order of the actor's brand; refuses NotFound."""
    own = (stock_orders.c.id == stock_order_id) & (stock_orders.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(stock_orders).where(own)).mappings().first()
    if row is None:
        raise NotFound("stock order")
    return stock_order_from(row)


def stock_orders_by_id(work: Work, stock_order_ids: Sequence[str]) -> dict[str, StockOrder]:
    """Return those stock orders of the actor's brand that there are."""
    table = stock_orders.c
    found = select(stock_orders).where(
        table.brand_id == work.actor.brand_id, db.among(table.id, sorted(set(stock_order_ids)))
    )
    return {row["id"]: stock_order_from(row) for row in work.connection.execute(found).mappings()}
