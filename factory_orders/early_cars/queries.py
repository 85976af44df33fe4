"""Reads of free cars that could go to who waits for an equal one, and of offers and rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from factory_orders.early_cars.model import EarlyOffer, EarlyRound
from factory_orders.early_cars.rows import round_from
from factory_orders.early_cars.tables import EARLY, early_offers, early_rounds
from factory_orders.exchanges.model import kind_of
from factory_orders.light_stock.queries import free_stock
from factory_orders.offers.queries import my_offers
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.stock.tables import stock_prices
from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.tables import vehicles
from kernel import db
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class FreeCar:
    """A free car of a kind, and where it stands: at a store or at its plant."""

    vin: str
    kind: str
    at: str
    store_id: str | None


def free_cars(work: Work, vins: Sequence[str] | None = None) -> list[FreeCar]:
    """Return free cars (of a list, if there is one) that could be somebody's who waits: new, nothing told of them.

    A car that a store has priced, or ordered for its stock, stays that store's.
    """
    standing = {car.vin: car for car in free_stock(work, vins)}
    build, order = build_orders.c, orders.c
    priced = select(stock_prices.c.id).where(stock_prices.c.vin == vehicles.c.vin)
    found = (
        select(vehicles.c.vin, vehicles.c.plant_id, vehicles.c.model, vehicles.c.options, build.catalogue_version_id)
        .join(build_orders, build.id == vehicles.c.build_order_id)
        .join(orders, order.id == build.order_id)
        .where(
            db.among(vehicles.c.vin, sorted(standing)),
            vehicles.c.newness == int(Newness.NEW),
            order.origin != OrderOrigin.STORE.value,
            ~priced.correlate(vehicles).exists(),
        )
        .order_by(vehicles.c.vin)
    )
    return [
        FreeCar(
            row.vin,
            kind_of(row.plant_id, row.catalogue_version_id, row.model, row.options),
            standing[row.vin].at,
            standing[row.vin].store_id,
        )
        for row in work.connection.execute(found)
    ]


def offered_before(work: Work, order_ids: list[str]) -> dict[str, set[str]]:
    """Return by order the cars that it was offered; an order with an open offer is offered no other ("")."""
    table = early_offers.c
    found = select(table.order_id, table.vin, table.state).where(db.among(table.order_id, order_ids))
    known: dict[str, set[str]] = {}
    for row in work.connection.execute(found):
        known.setdefault(row.order_id, set()).update({row.vin, ""} if row.state == "open" else {row.vin})
    return known


def my_early_offers(work: Work) -> list[EarlyOffer]:
    """Return the signed-in buyer's offers, newest first."""
    return my_offers(work, EARLY)


def early_rounds_made(work: Work, page: PageRequest) -> Page[EarlyRound]:
    """Return rounds in which free cars were held against waiting orders, newest first."""
    work.actor.require(Permission.BATCH_READ)
    table = early_rounds.c
    found = select(early_rounds).where(table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([round_from(row) for row in rows], page, lambda one: one.id)
