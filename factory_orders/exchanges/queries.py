"""Reads of cars that could change places between orders, and of what did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from factory_orders.agreements.policy import AmendmentPolicy
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.model import ShipmentState
from factory_orders.deliveries.tables import shipments
from factory_orders.exchanges.model import (
    BuyersRights,
    CarOfOrder,
    CarSwap,
    SwapOffer,
    SwapRound,
    kind_of,
    ready_day,
)
from factory_orders.exchanges.tables import SWAP, car_swaps, swap_offers, swap_rounds
from factory_orders.offers.queries import my_offers
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.promise import FRIDAY
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.policies import CancellationPolicy, PromisePolicy
from factory_orders.vehicles.model import Newness
from factory_orders.vehicles.tables import vehicles
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work

GONE = (Stage.WITHDRAWN.value, Stage.SCRAPPED.value)


def cars_of_orders(
    work: Work, *, today: date, times: PromisePolicy, order_ids: Sequence[str] | None = None
) -> list[CarOfOrder]:
    """Return promised orders whose cars could change places (of a list, if there is one): new, as told, not loaded yet.

    An order with an open offer of a repaired car waits for its buyer's answer and keeps what it has.
    """
    build, order, car, way = build_orders.c, orders.c, vehicles.c, shipments.c
    asked = select(repair_offers.c.id).where(repair_offers.c.order_id == order.id, repair_offers.c.state == "open")
    found = (
        select(
            order.id.label("order_id"),
            order.account_id,
            order.store_id,
            order.plant_id,
            order.promised_by,
            order.state,
            order.vin,
            build.id.label("build_order_id"),
            build.stage,
            build.moved_at,
            order.policy_version,
            build.day,
            build.week,
            build.model,
            build.options,
            build.catalogue_version_id,
            car.newness,
            way.state.label("way"),
        )
        .join(build_orders, (build.order_id == order.id) & build.stage.not_in(GONE))
        .outerjoin(vehicles, car.build_order_id == build.id)
        .outerjoin(shipments, (way.vin == order.vin) & (way.order_id == order.id))
        .where(
            order.brand_id == work.actor.brand_id,
            # By plant and state orders have an index: what was delivered long ago is not looked through each morning.
            db.among(order.plant_id, [plant.id for plant in registry.list_plants(work)]),
            order.origin == OrderOrigin.POOL.value,
            db.among(order.state, ["scheduled", "built"]),
            order.promised_by.is_not(None),
            ~asked.correlate(orders).exists(),
        )
        .order_by(order.id)
    )
    if order_ids is not None:
        found = found.where(db.among(order.id, order_ids))
    zone = registry.own_brand(work).zone
    kept = timedelta(days=times.transit_base_days + times.pre_delivery_days)
    return [
        CarOfOrder(
            order_id=row.order_id,
            account_id=row.account_id,
            build_order_id=row.build_order_id,
            kind=kind_of(row.plant_id, row.catalogue_version_id, row.model, row.options),
            plant_id=row.plant_id,
            store_id=row.store_id,
            stage=Stage(row.stage),
            vin=row.vin,
            ready=ready_day(Stage(row.stage), row.day, today),
            due=(row.promised_by - kept).toordinal(),
            passed=row.moved_at.astimezone(zone).toordinal() if row.stage == Stage.PASSED.value else None,
            policy_version=row.policy_version,
            planned=(row.week + FRIDAY).toordinal(),
        )
        for row in work.connection.execute(found)
        if row.newness in (None, int(Newness.NEW)) and _stands_still(row.state, row.stage, row.way)
    ]


def _stands_still(state: str, stage: str, way: str | None) -> bool:
    """Say whether a car is on the line for its order, or has passed and waits at the plant for its carrier."""
    if state == "scheduled":
        return stage != Stage.PASSED.value
    return stage == Stage.PASSED.value and way == ShipmentState.PLANNED.value


def swap_rounds_made(work: Work, page: PageRequest) -> Page[SwapRound]:
    """Return rounds in which cars changed places, newest first."""
    work.actor.require(Permission.BATCH_READ)
    table = swap_rounds.c
    found = select(swap_rounds).where(table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    made = [SwapRound(**{name: row[name] for name in SwapRound.__dataclass_fields__}) for row in rows]
    return make_page(made, page, lambda one: one.id)


def car_swaps_made(work: Work, page: PageRequest) -> Page[CarSwap]:
    """Return the orders that got another car, newest first."""
    work.actor.require(Permission.BATCH_READ)
    table = car_swaps.c
    found = select(car_swaps).where(table.brand_id == work.actor.brand_id)
    if page.after is not None:
        found = found.where(table.id < page.after)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(page.size + 1)).mappings()
    made = [CarSwap(**{name: row[name] for name in CarSwap.__dataclass_fields__}) for row in rows]
    return make_page(made, page, lambda one: one.id)


def swap_times_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[datetime]]:
    """Return by order when it got another, equal car; the caller checks whose they are."""
    table = car_swaps.c
    own = db.among(table.order_id, order_ids) & (table.brand_id == work.actor.brand_id)
    found = select(table.order_id, table.at).where(own).order_by(table.id)
    times: dict[str, list[datetime]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(found):
        times[row.order_id].append(row.at)
    return times


def rights_of(work: Work, cars: Iterable[CarOfOrder]) -> dict[int, BuyersRights]:
    """Return by policy version what contracts leave their buyers at each stage."""
    found = {}
    for version in sorted({car.policy_version for car in cars}):
        pinned = policy.pinned(work, version)
        leaving, changes = pinned.section(CancellationPolicy), pinned.section(AmendmentPolicy)
        found[version] = BuyersRights(dict(leaving.forfeits), tuple(changes.points))
    return found


def my_swap_offers(work: Work) -> list[SwapOffer]:
    """Return the signed-in buyer's offers of other orders' equal cars, newest first."""
    return my_offers(work, SWAP)


def swap_offers_before(work: Work, cars: Sequence[CarOfOrder]) -> list[SwapOffer]:
    """Return every offer that was made to these orders, of their cars or for them, answered or not."""
    table, ids = swap_offers.c, [car.build_order_id for car in cars]
    own = db.among(table.order_id, [car.order_id for car in cars])
    named = own | db.among(table.build_order_id, ids) | db.among(table.with_build_order_id, ids)
    found = select(swap_offers).where(table.brand_id == work.actor.brand_id, named)
    return [SWAP.from_row(row) for row in work.connection.execute(found).mappings()]


def orders_of_builds(work: Work, build_order_ids: Sequence[str]) -> list[str]:
    """Return the orders that build orders are of now."""
    found = select(build_orders.c.order_id).where(db.among(build_orders.c.id, build_order_ids))
    return list(work.connection.execute(found).scalars())
