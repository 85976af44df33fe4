"""Reads of stock: the cars, new and repaired, that stand at stores for nobody, and whether a quote of one is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.model import RECEIVED
from factory_orders.deliveries.tables import shipments
from factory_orders.early_cars.tables import early_offers
from factory_orders.plant.tables import build_orders
from factory_orders.stock.model import Liveness, QuoteStanding, StockCar, StockHold, StockPurchase, StockQuote, liveness
from factory_orders.stock.rows import hold_from, purchase_from, quote_from
from factory_orders.stock.tables import stock_holds, stock_prices, stock_purchases, stock_quotes
from factory_orders.vehicles.model import SOLD_AS_NEW, SOLD_FROM_STOCK, Newness, VehicleState
from factory_orders.vehicles.tables import vehicle_disclosures, vehicles
from kernel import db, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class QuoteSeen:
    """A quote with what it is worth now."""

    quote: StockQuote
    liveness: Liveness


def _select_stock(work: Work) -> Select[Any]:
    """Select the new and repaired cars that were received at a store and are bound to nobody, with their last ways."""
    car, way, price, hold, early = vehicles.c, shipments.c, stock_prices.c, stock_holds.c, early_offers.c
    repair, store = repair_offers.c, registry.stores.c
    last_way = select(func.max(way.id)).where(way.vin == car.vin).correlate(vehicles).scalar_subquery()
    last_price = select(func.max(price.id)).where(price.vin == car.vin).correlate(vehicles).scalar_subquery()
    return (
        select(
            car.vin,
            way.store_id,
            car.model,
            car.options,
            build_orders.c.catalogue_version_id,
            car.newness,
            way.inspected_at,
            price.price_minor,
            func.coalesce(hold.expires_at, early.answer_by, repair.answer_by).label("expires_at"),
            _told().label("told"),
        )
        .join(shipments, shipments.c.id == last_way)
        .join(build_orders, build_orders.c.id == car.build_order_id)
        .join(registry.stores, store.id == way.store_id)
        # A price that another store named, before the car was moved, is none of this store's; nor is one that was named
        # while the car was new still the price of a repaired one; nor does a store sell any more that has closed.
        .outerjoin(
            stock_prices,
            (price.id == last_price)
            & (price.store_id == way.store_id)
            & store.closed_at.is_(None)
            & or_(car.newness <= int(SOLD_AS_NEW), price.told >= _told(vehicle_disclosures.c.repair_minor > 0)),
        )
        .outerjoin(stock_holds, (hold.vin == car.vin) & hold.ended_at.is_(None))
        # A car that is offered to who waits for an equal one is held for them.
        .outerjoin(early_offers, (early.vin == car.vin) & (early.state == "open"))
        # So is a repaired one for the buyer that it was built for, while another is planned.
        .outerjoin(repair_offers, (repair.vin == car.vin) & (repair.state == "open"))
        .where(
            car.brand_id == work.actor.brand_id,
            car.state == VehicleState.BUILT.value,
            car.newness <= int(SOLD_FROM_STOCK),
            db.among(way.state, [state.value for state in RECEIVED]),
        )
    )


def _told(*which: ColumnElement[bool]) -> Any:
    """Select the number of the last disclosure of a car, or of the last of some; 0 where there is none."""
    told = vehicle_disclosures.c
    last = select(func.coalesce(func.max(told.number), 0)).where(told.vin == vehicles.c.vin, *which)
    return last.correlate(vehicles).scalar_subquery()


def _car(row: Any) -> StockCar:
    return StockCar(
        row.vin,
        row.store_id,
        row.model,
        tuple(row.options),
        row.catalogue_version_id,
        Newness(row.newness),
        row.inspected_at,
        row.price_minor,
        row.expires_at,
        row.told,
    )


def stock_cars_by_vin(work: Work, vins: Sequence[str]) -> dict[str, StockCar]:
    """Return those of the cars that are in stock, in one statement."""
    found = _select_stock(work).where(db.among(vehicles.c.vin, vins))
    return {row.vin: _car(row) for row in work.connection.execute(found)}


def stock_cars(work: Work, page: PageRequest, *, store_id: str | None = None, repaired: bool = False) -> Page[StockCar]:
    """Return the new stock cars that have a price, to everybody, by number; the repaired ones are a list of theirs."""
    work.actor.require(Permission.PUBLIC_READ)
    newness = vehicles.c.newness
    wanted = newness > int(SOLD_AS_NEW) if repaired else newness <= int(SOLD_AS_NEW)
    found = _select_stock(work).where(stock_prices.c.id.is_not(None), wanted)
    if store_id is not None:
        found = found.where(shipments.c.store_id == store_id)
    return _page(work, found, page)


def own_stock(work: Work, page: PageRequest) -> Page[StockCar]:
    """Return what stands at the adviser's own store for nobody, priced or not."""
    work.actor.require(Permission.DELIVERY_READ)
    return _page(work, _select_stock(work).where(shipments.c.store_id == work.actor.own_store()), page)


def _page(work: Work, found: Select[Any], page: PageRequest) -> Page[StockCar]:
    if page.after is not None:
        found = found.where(vehicles.c.vin > page.after)
    rows = work.connection.execute(found.order_by(vehicles.c.vin).limit(page.size + 1))
    return make_page([_car(row) for row in rows], page, lambda car: car.vin)


def stock_quote(work: Work, quote_id: str) -> QuoteSeen | None:
    """Return a quote and what it is worth now, to anybody who has its id: it says nothing of a person."""
    work.actor.require(Permission.PUBLIC_READ)
    quote = quote_by_id(work, quote_id)
    if quote is None:
        return None
    car = stock_cars_by_vin(work, [quote.vin]).get(quote.vin)
    return QuoteSeen(quote, _standing(quote, car, work.now).liveness)


def quotes_standing(work: Work, quote_ids: Sequence[str]) -> dict[str, QuoteStanding]:
    """Return where quotes of the actor's brand stand, in two statements, to anybody who has their ids.

    What was signed is not read: it never changes.
    """
    work.actor.require(Permission.PUBLIC_READ)
    table = stock_quotes.c
    found = select(table.id, table.vin, table.told, table.store_id, table.price_minor, table.expires_at).where(
        table.brand_id == work.actor.brand_id, db.among(table.id, sorted(set(quote_ids)))
    )
    rows = work.connection.execute(found).all()
    cars = stock_cars_by_vin(work, sorted({row.vin for row in rows}))
    return {row.id: _standing(row, cars.get(row.vin), work.now) for row in rows}


def _standing(row: Any, car: StockCar | None, now: datetime) -> QuoteStanding:
    found = liveness(
        car,
        told=row.told,
        store_id=row.store_id,
        price_minor=row.price_minor,
        expires_at=row.expires_at,
        now=now,
    )
    price_minor = None if car is None or found is Liveness.GONE else car.price_minor
    return QuoteStanding(row.id, row.vin, found, price_minor)


def quote_by_id(work: Work, quote_id: str) -> StockQuote | None:
    """Return a stock quote of the actor's brand; for the room's use cases."""
    own = (stock_quotes.c.id == quote_id) & (stock_quotes.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(stock_quotes).where(own)).mappings().first()
    return None if row is None else quote_from(row)


def purchase_by_id(work: Work, purchase_id: str) -> StockPurchase | None:
    """Return a purchase of the actor's brand; for the room's use cases."""
    return purchases_by_id(work, [purchase_id]).get(purchase_id)


def own_stock_purchases(work: Work, page: PageRequest) -> Page[StockPurchase]:
    """Return the signed-in person's purchases of stock cars, newest first."""
    work.actor.require(Permission.PREORDER)
    table = stock_purchases.c
    found = select(stock_purchases).where(
        table.brand_id == work.actor.brand_id, table.account_id == work.actor.signed_in()
    )
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([purchase_from(row) for row in rows], page, lambda one: one.id)


def purchases_by_id(work: Work, purchase_ids: Sequence[str]) -> dict[str, StockPurchase]:
    """Return purchases of the actor's brand by id; the caller checks whose they are."""
    table = stock_purchases.c
    own = (table.brand_id == work.actor.brand_id) & db.among(table.id, sorted(set(purchase_ids)))
    rows = work.connection.execute(select(stock_purchases).where(own)).mappings()
    return {row["id"]: purchase_from(row) for row in rows}


def my_stock_hold(work: Work) -> StockHold | None:
    """Return the car that the signed-in person holds."""
    work.actor.require(Permission.PREORDER)
    table = stock_holds.c
    found = select(stock_holds).where(
        table.brand_id == work.actor.brand_id,
        table.account_id == work.actor.signed_in(),
        table.ended_at.is_(None),
    )
    row = work.connection.execute(found).mappings().first()
    return None if row is None else hold_from(row)
