"""Reads of light inventory: what stands where for nobody, what stores should have, rounds, moves, the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, true

from configurator.queries import open_showroom
from factory_orders.deliveries.model import RECEIVED, ShipmentState
from factory_orders.deliveries.tables import shipments
from factory_orders.early_cars.tables import early_offers
from factory_orders.footfall.model import Footfall, demo_cars
from factory_orders.footfall.queries import footfall_since
from factory_orders.light_stock.base_stock import StockRule, base_stock, mean_over
from factory_orders.light_stock.model import AllocationRound, FairnessLine, MoveState, StockMove, StoreLevel
from factory_orders.light_stock.policy import LightStockPolicy
from factory_orders.light_stock.rows import line_from, move_from, round_from
from factory_orders.light_stock.sharing import FreeStock
from factory_orders.light_stock.tables import (
    allocation_requests,
    allocation_rounds,
    fairness_lines,
    stock_moves,
    stock_plans,
)
from factory_orders.planning.model import ORDER_STATES, OrderOrigin, ScheduledOrder
from factory_orders.planning.tables import orders
from factory_orders.stock.tables import stock_holds
from factory_orders.vehicles.model import SOLD_AS_NEW, Newness, VehicleState
from factory_orders.vehicles.tables import vehicles
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

_UNDER_WAY = [
    state.value
    for state in (ShipmentState.PLANNED, ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED)
]


def rule_for(rules: LightStockPolicy, weekly_milli: int) -> StockRule:
    """Return what a store's stock of a model is judged by."""
    return StockRule(mean_over(weekly_milli, rules.exposure_days), rules.under_minor, rules.over_minor)


def _select_standing(work: Work) -> Select[Any]:
    """Select the new cars that are nobody's and stand still, each with where it last came."""
    car, way = vehicles.c, shipments.c
    last_way = select(func.max(way.id)).where(way.vin == car.vin).correlate(vehicles).scalar_subquery()
    return (
        select(car.vin, car.model, car.plant_id, car.newness, way.store_id)
        .outerjoin(shipments, shipments.c.id == last_way)
        .where(
            car.brand_id == work.actor.brand_id,
            car.state == VehicleState.BUILT.value,
            car.newness <= int(SOLD_AS_NEW),
            or_(way.id.is_(None), db.among(way.state, [state.value for state in RECEIVED])),
        )
        .order_by(car.vin)
    )


def _select_free(work: Work, *, though_offered: bool) -> Select[Any]:
    """Select of the cars that stand there those that nobody holds or is offered."""
    car = vehicles.c
    held = select(stock_holds.c.id).where(stock_holds.c.vin == car.vin, stock_holds.c.ended_at.is_(None))
    offered = select(stock_moves.c.id).where(stock_moves.c.vin == car.vin, stock_moves.c.state == "offered")
    kept = select(early_offers.c.id).where(early_offers.c.vin == car.vin, early_offers.c.state == "open")
    return _select_standing(work).where(
        ~held.correlate(vehicles).exists(),
        true() if though_offered else ~offered.correlate(vehicles).exists(),
        true() if though_offered else ~kept.correlate(vehicles).exists(),
    )


def free_stock(work: Work, vins: Sequence[str] | None = None, *, though_offered: bool = False) -> list[FreeStock]:
    """Return the free cars, or those of a list that are free; what a store refused before is not sent there again."""
    found = _select_free(work, though_offered=though_offered)
    if vins is not None:
        found = found.where(db.among(vehicles.c.vin, vins))
    rows = work.connection.execute(found).all()
    is_open = {store.id for store in registry.list_stores(work) if store.closed_at is None}
    refused = _refusals(work, [row.vin for row in rows])
    return [
        FreeStock(
            row.vin,
            row.model,
            row.store_id if row.store_id in is_open else None,
            row.store_id or row.plant_id,
            frozenset(refused.get(row.vin, ())),
        )
        for row in rows
    ]


def _refusals(work: Work, vins: Sequence[str]) -> dict[str, set[str]]:
    table = stock_moves.c
    found = select(table.vin, table.store_id).where(db.among(table.vin, vins), table.state == MoveState.REFUSED.value)
    refused: dict[str, set[str]] = {}
    for row in work.connection.execute(found):
        refused.setdefault(row.vin, set()).add(row.store_id)
    return refused


def weekly_plans(work: Work) -> dict[tuple[str, str], int]:
    """Return what planners expect stores to sell of models from stock, in thousandths of a car a week."""
    table = stock_plans.c
    newest = select(func.max(table.id)).where(table.brand_id == work.actor.brand_id)
    found = select(stock_plans).where(table.id.in_(newest.group_by(table.store_id, table.model)))
    return {(row.store_id, row.model): row.weekly_milli for row in work.connection.execute(found)}


def inbound_stock(work: Work) -> dict[tuple[str, str], int]:
    """Count the cars that are on their way to stores for nobody, or offered to them, by store and model."""
    car, way, move = vehicles.c, shipments.c, stock_moves.c
    free = (car.state == VehicleState.BUILT.value, car.newness <= int(SOLD_AS_NEW))
    going = (
        select(way.store_id, car.model, func.count().label("cars"))
        .join(vehicles, car.vin == way.vin)
        .where(way.brand_id == work.actor.brand_id, db.among(way.state, _UNDER_WAY), *free)
        .group_by(way.store_id, car.model)
    )
    offered = (
        select(move.store_id, move.model, func.count().label("cars"))
        .where(move.brand_id == work.actor.brand_id, move.state == MoveState.OFFERED.value)
        .group_by(move.store_id, move.model)
    )
    counted: dict[tuple[str, str], int] = {}
    for query in (going, offered):
        for row in work.connection.execute(query):
            counted[row.store_id, row.model] = counted.get((row.store_id, row.model), 0) + row.cars
    return counted


def owed_now(work: Work) -> dict[tuple[str, str], int]:
    """Return what each store is owed of each model, in thousandths of a car: where its last line ended."""
    table = fairness_lines.c
    newest = select(func.max(table.id)).where(table.brand_id == work.actor.brand_id)
    found = select(fairness_lines).where(table.id.in_(newest.group_by(table.store_id, table.model)))
    return {(row.store_id, row.model): row.owed_after for row in work.connection.execute(found)}


def lapsed_since_shared(work: Work) -> dict[tuple[str, str], int]:
    """Count the cars from plants whose way to a store came to nothing since the model's last lines, by store and model.

    What a store refused it has had its chance of.
    """
    move, line = stock_moves.c, fairness_lines.c
    own = (line.brand_id == work.actor.brand_id) & (line.model == move.model)
    last = select(func.max(line.at)).where(own).correlate(stock_moves).scalar_subquery()
    found = (
        select(move.store_id, move.model, func.count().label("cars"))
        .where(
            move.brand_id == work.actor.brand_id,
            move.state == MoveState.LAPSED.value,
            move.from_store_id.is_(None),
            move.answered_at > last,
        )
        .group_by(move.store_id, move.model)
    )
    return {(row.store_id, row.model): row.cars for row in work.connection.execute(found)}


def store_levels(work: Work, page: PageRequest) -> Page[StoreLevel]:
    """Return what stores should have and have, by store and model: the own one to an adviser, all to a planner."""
    work.actor.require(Permission.STOCK_READ)
    wanted = None if work.actor.may(Permission.BATCH_READ) else work.actor.own_store()
    stores = [store.id for store in registry.list_stores(work) if store.closed_at is None]
    found = _levels(work, [one for one in stores if wanted in (None, one)])
    after = [one for one in found if page.after is None or _place(one) > page.after]
    return make_page(after[: page.size + 1], page, _place)


def levels_of_store(work: Work, store_id: str) -> dict[str, StoreLevel]:
    """Return what a store should have and has, by model; for the room's use cases."""
    return {one.model: one for one in _levels(work, [store_id])}


def _levels(work: Work, store_ids: Sequence[str]) -> list[StoreLevel]:
    rules = policy.current(work).section(LightStockPolicy)
    version, _ = open_showroom(work, region="")
    plans, inbound, used, ordered = weekly_plans(work), inbound_stock(work), used_stock(work), ordered_stock(work)
    there = Counter((car.store_id, car.model) for car in work.connection.execute(_select_standing(work)))
    free = Counter((car.store_id, car.model) for car in free_stock(work))
    footfall = _footfall(work, rules)
    models = sorted(model.code for model in version.catalogue.models)
    found = []
    for store_id in sorted(store_ids):
        demo_wanted = demo_cars(
            footfall.get(store_id, Footfall(0, 0)),
            {model: plans.get((store_id, model), rules.weekly_milli) for model in models},
            visitors_per_car=rules.visitors_per_demo,
            per_model_most=rules.demo_per_model,
        )
        for model in models:
            key = (store_id, model)
            weekly = plans.get(key, rules.weekly_milli)
            found.append(
                StoreLevel(
                    store_id=store_id,
                    model=model,
                    weekly_milli=weekly,
                    level=base_stock(rule_for(rules, weekly)),
                    standing=free[key],
                    # Read one after the other: a car that came in between is free and was not there.
                    held=max(0, there[key] - free[key]),
                    inbound=inbound.get(key, 0),
                    display_wanted=rules.display_per_model,
                    display=used.get((*key, Newness.DISPLAY), 0),
                    demo=used.get((*key, Newness.DEMO), 0),
                    on_order=ordered.get(key, 0),
                    demo_wanted=demo_wanted[model],
                )
            )
    return found


def _footfall(work: Work, rules: LightStockPolicy) -> dict[str, Footfall]:
    """Return who came to stores in the reported ones of the last weeks."""
    today = work.now.astimezone(registry.own_brand(work).zone).date()
    return footfall_since(work, today - timedelta(days=today.weekday() + 7 * rules.footfall_weeks))


def ordered_stock(work: Work) -> dict[tuple[str, str], int]:
    """Count the cars for stores' stock that are still to be built, by store and model."""
    table = orders.c
    found = (
        select(table.store_id, table.model, func.count().label("cars"))
        .where(
            table.brand_id == work.actor.brand_id,
            table.origin == OrderOrigin.STORE.value,
            table.state == ORDER_STATES[ScheduledOrder],
        )
        .group_by(table.store_id, table.model)
    )
    return {(row.store_id, row.model): row.cars for row in work.connection.execute(found)}


def _place(one: StoreLevel) -> str:
    return f"{one.store_id}:{one.model}"


def allocation_rounds_made(work: Work, page: PageRequest) -> Page[AllocationRound]:
    """Return the sharings out, newest first: their size, their cost and the bound that proves it."""
    work.actor.require(Permission.STOCK_READ)
    found = select(allocation_rounds).where(allocation_rounds.c.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(allocation_rounds.c.id < page.after)
    rows = work.connection.execute(found.order_by(allocation_rounds.c.id.desc()).limit(page.size + 1)).mappings()
    return make_page([round_from(row) for row in rows], page, lambda one: one.id)


def moves_made(work: Work, page: PageRequest) -> Page[StockMove]:
    """Return moves of stock cars, newest first: those to and from the adviser's store, all for a planner."""
    work.actor.require(Permission.STOCK_READ)
    table = stock_moves.c
    found = select(stock_moves).where(table.brand_id == work.actor.brand_id)
    if not work.actor.may(Permission.BATCH_READ):
        own = work.actor.own_store()
        found = found.where((table.store_id == own) | (table.from_store_id == own))
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([move_from(row) for row in rows], page, lambda one: one.id)


def arrivals_of(work: Work, moves: Sequence[StockMove]) -> dict[str, datetime]:
    """Return by move when its car came to the store; one that is on its way, or goes nowhere, is left out."""
    ways = {move.shipment_id: move.id for move in moves if move.shipment_id is not None}
    way = shipments.c
    found = select(way.id, way.arrived_at).where(db.among(way.id, list(ways)), way.arrived_at.is_not(None))
    return {ways[row.id]: row.arrived_at for row in work.connection.execute(found)}


def fairness_ledger(work: Work, page: PageRequest) -> Page[FairnessLine]:
    """Return the ledger of what stores are owed, newest first; every store sees every store's lines."""
    work.actor.require(Permission.STOCK_READ)
    table = fairness_lines.c
    found = select(fairness_lines).where(table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    return make_page([line_from(row) for row in rows], page, lambda one: one.id)


def brands_that_wait(work: Work) -> list[str]:
    """Return the brands whose free cars are to be shared out, of all brands."""
    work.actor.require(Permission.SYSTEM)
    return list(work.connection.execute(select(allocation_requests.c.brand_id).limit(100)).scalars())


def used_stock(work: Work) -> dict[tuple[str, str, Newness], int]:
    """Count the cars that stores show or let be driven, by store, model and use."""
    car, way = vehicles.c, shipments.c
    last_way = select(func.max(way.id)).where(way.vin == car.vin).correlate(vehicles).scalar_subquery()
    found = (
        select(way.store_id, car.model, car.newness, func.count().label("cars"))
        .select_from(vehicles)
        .join(shipments, shipments.c.id == last_way)
        .where(
            car.brand_id == work.actor.brand_id,
            car.state == VehicleState.BUILT.value,
            db.among(car.newness, [int(Newness.DISPLAY), int(Newness.DEMO)]),
        )
        .group_by(way.store_id, car.model, car.newness)
    )
    rows = work.connection.execute(found)
    return {(row.store_id, row.model, Newness(row.newness)): row.cars for row in rows}
