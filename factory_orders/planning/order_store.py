"""Loads and saves orders and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, assert_never

from sqlalchemy import Select, bindparam, select, update

from factory_orders.planning.batching.model import Partition
from factory_orders.planning.model import (
    ORDER_STATES,
    AtStoreOrder,
    Batch,
    BatchState,
    BuiltOrder,
    CancelledOrder,
    DeliveredOrder,
    InTransitOrder,
    Order,
    OrderTerms,
    ScheduledOrder,
    StockedOrder,
    order_state,
)
from factory_orders.planning.rows import TERMS, order_from
from factory_orders.planning.tables import batch_orders, batch_plans, batches, order_rebuilds, orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_orders(work: Work, new: Sequence[OrderTerms]) -> set[str]:
    """Write new orders; those that are there already stay as they are. Returns the ids of the new ones."""
    rows = [
        {name: getattr(terms, name) for name in TERMS}
        | {"options": list(terms.options), "origin": terms.origin.value, "state": ORDER_STATES[ScheduledOrder]}
        for terms in new
    ]
    fresh: set[str] = set()
    for start in range(0, len(rows), 1000):
        fresh |= db.insert_new(work.connection, orders, rows[start : start + 1000], returning="id")
    return fresh


def select_orders(work: Work) -> Select[Any]:
    """Select the orders of the actor's brand."""
    return select(orders).where(orders.c.brand_id == work.actor.brand_id)


def lock_order(work: Work, order_id: str) -> Order:
    """Load one order of the actor's brand and keep other changes to it waiting; refuses NotFound."""
    found = lock_orders(work, [order_id]).get(order_id)
    if found is None:
        raise NotFound("order")
    return found


def load_orders(work: Work, order_ids: Sequence[str]) -> dict[str, Order]:
    """Load orders of the actor's brand by id, whoever's they are."""
    found = select_orders(work).where(db.among(orders.c.id, order_ids))
    return {row["id"]: order_from(row) for row in work.connection.execute(found).mappings()}


def lock_orders(work: Work, order_ids: Sequence[str]) -> dict[str, Order]:
    """Load orders of the actor's brand by id and keep other changes to them waiting."""
    found = select_orders(work).where(db.among(orders.c.id, order_ids)).order_by(orders.c.id).with_for_update()
    return {row["id"]: order_from(row) for row in work.connection.execute(found).mappings()}


def insert_rebuild(work: Work, order_id: str, *, vin: str | None) -> None:
    """Write that another car is built for an order."""
    row = {"id": work.new_id(), "brand_id": work.actor.brand_id, "order_id": order_id, "vin": vin, "at": work.now}
    work.connection.execute(order_rebuilds.insert().values(**row))


def save_order(work: Work, order: Order) -> None:
    """Write an order's state; its terms never change."""
    save_orders(work, [order])


def save_orders(work: Work, changed: Sequence[Order]) -> None:
    """Write the states of orders; their terms never change."""
    alike: dict[frozenset[str], list[dict[str, Any]]] = {}
    for order in changed:
        values = _state_values(order)
        alike.setdefault(frozenset(values), []).append(values | {"b_id": order.terms.id})
    for names, rows in alike.items():
        new_values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in sorted(names)}
        bound = [{"b_id": row["b_id"]} | {f"b_{name}": row[name] for name in names} for row in rows]
        work.connection.execute(update(orders).where(orders.c.id == bindparam("b_id")).values(new_values), bound)


def _state_values(order: Order) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": order_state(order),
        "vin": None,
        "arrived_at": None,
        "ended_at": None,
        "reason": None,
    }
    match order:
        case ScheduledOrder():
            pass
        case BuiltOrder() | InTransitOrder():
            values |= {"vin": order.vin}
        case AtStoreOrder():
            values |= {"vin": order.vin, "arrived_at": order.arrived_at}
        case DeliveredOrder():
            del values["arrived_at"]
            values |= {"vin": order.vin, "ended_at": order.delivered_at}
        case StockedOrder():
            del values["arrived_at"]
            values |= {"vin": order.vin, "ended_at": order.stocked_at}
        case CancelledOrder():
            values |= {"ended_at": order.cancelled_at, "reason": order.reason}
        case _:
            assert_never(order)
    return values


def fix_promises(work: Work, promised_by: Mapping[str, date]) -> None:
    """Write the contract's date of orders whose quote had none."""
    if promised_by:
        work.connection.execute(
            update(orders)
            .where(orders.c.id == bindparam("b_id"), orders.c.promised_by.is_(None))
            .values(promised_by=bindparam("b_promised_by")),
            [{"b_id": order_id, "b_promised_by": day} for order_id, day in promised_by.items()],
        )


def waiting_orders(work: Work, plant_id: str) -> list[OrderTerms]:
    """Return the plant's orders that are in no batch yet, the earliest locked first; pools stay together."""
    found = (
        select_orders(work)
        .outerjoin_from(orders, batch_orders, batch_orders.c.order_id == orders.c.id)
        .where(
            orders.c.plant_id == plant_id,
            orders.c.state == ORDER_STATES[ScheduledOrder],
            batch_orders.c.order_id.is_(None),
        )
        .order_by(orders.c.locked_at, orders.c.pool_id, orders.c.place)
    )
    return [order_from(row).terms for row in work.connection.execute(found).mappings()]


def insert_batch(work: Work, batch: Batch, order_ids: Sequence[str], *, limits: tuple[int, int]) -> None:
    """Write a batch with its orders in their order."""
    smallest, largest = limits
    work.connection.execute(
        batches.insert().values(
            id=batch.id,
            brand_id=batch.brand_id,
            plant_id=batch.plant_id,
            pool_id=batch.pool_id,
            state=batch.state.value,
            size=batch.size,
            size_min=smallest,
            size_max=largest,
            created_at=batch.created_at,
        )
    )
    rows = [
        {"order_id": order_id, "batch_id": batch.id, "position": position}
        for position, order_id in enumerate(order_ids, start=1)
    ]
    db.insert_many(work.connection, batch_orders, rows)


def insert_batch_plan(work: Work, plant_id: str, found: Partition) -> None:
    """Keep what a partition of waiting orders came to."""
    in_batches = sum(len(batch.orders) for batch in found.batches)
    work.connection.execute(
        batch_plans.insert().values(
            id=work.new_id(),
            brand_id=work.actor.brand_id,
            plant_id=plant_id,
            made_at=work.now,
            orders=in_batches + len(found.waiting),
            batches=len(found.batches),
            waiting=len(found.waiting),
            too_long=len(found.offers),
            cost_minor=found.cost_minor,
            bound_minor=min(max(found.bound_minor, 0), found.cost_minor),
            exact=found.exact,
        )
    )


def lock_batch(work: Work, batch_id: str) -> None:
    """Hold a batch's row until the change ends; what refers to it is written meanwhile."""
    held = select(batches.c.id).where(batches.c.id == batch_id).with_for_update(key_share=True)
    work.connection.execute(held)


def move_batch(work: Work, batch_id: str, to: BatchState, *, only_from: Sequence[BatchState]) -> None:
    """Move a batch on if it stands where it may come from."""
    move_batches(work, [batch_id], to, only_from=only_from)


def move_batches(work: Work, batch_ids: Sequence[str], to: BatchState, *, only_from: Sequence[BatchState]) -> None:
    """Move batches on that stand where they may come from."""
    work.connection.execute(
        update(batches)
        .where(db.among(batches.c.id, batch_ids), db.among(batches.c.state, [state.value for state in only_from]))
        .values(state=to.value)
    )


def orders_of_batch(work: Work, batch_id: str) -> list[Order]:
    """Return a batch's orders in their order."""
    found = (
        select_orders(work)
        .join(batch_orders, batch_orders.c.order_id == orders.c.id)
        .where(batch_orders.c.batch_id == batch_id)
        .order_by(batch_orders.c.position)
    )
    return [order_from(row) for row in work.connection.execute(found).mappings()]


def orders_of_pool(work: Work, pool_id: str) -> list[str]:
    """Return the ids of the orders of a pool, or of a stock order, by place."""
    own = (orders.c.pool_id == pool_id) & (orders.c.brand_id == work.actor.brand_id)
    return list(work.connection.execute(select(orders.c.id).where(own).order_by(orders.c.place)).scalars())


def lock_scheduled(work: Work, order_ids: Sequence[str]) -> set[str]:
    """Return those of the orders that still wait for a car, and keep a cancellation of them waiting."""
    found = (
        select(orders.c.id)
        .where(db.among(orders.c.id, order_ids), orders.c.state == ORDER_STATES[ScheduledOrder])
        .order_by(orders.c.id)
        .with_for_update()
    )
    return set(work.connection.execute(found).scalars())


def batch_of_order(work: Work, order_id: str) -> str:
    """Return the batch an order is in."""
    found = select(batch_orders.c.batch_id).where(batch_orders.c.order_id == order_id)
    return str(work.connection.execute(found).scalar_one())


def pool_is_waiting(work: Work, pool_id: str) -> bool:
    """Say whether some order of a pool waits for a week: it is in no batch yet, or its batch found none for it."""
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    found = (
        select(orders.c.id)
        .outerjoin_from(orders, build_orders, live)
        .where(
            orders.c.pool_id == pool_id,
            orders.c.brand_id == work.actor.brand_id,
            orders.c.state == ORDER_STATES[ScheduledOrder],
            build_orders.c.id.is_(None),
        )
        .limit(1)
    )
    return work.connection.execute(found).first() is not None
