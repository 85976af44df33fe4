"""Saves rounds of swaps, and gives build orders and planned ways to other orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, select, update

from factory_orders.deliveries.model import ShipmentState
from factory_orders.deliveries.tables import shipments
from factory_orders.exchanges.model import CarSwap, SwapRound
from factory_orders.exchanges.tables import SWAP, car_swaps, swap_rounds
from factory_orders.offers.store import lapse_offers
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.tables import build_orders
from kernel import db
from kernel.work import Work


def insert_swap_round(work: Work, made: SwapRound, swaps: Sequence[CarSwap]) -> None:
    """Write a round with its swaps."""
    work.connection.execute(swap_rounds.insert().values(**asdict(made)))
    db.insert_many(work.connection, car_swaps, [asdict(one) for one in swaps])


def give_build_orders(work: Work, order_of: Mapping[str, str], known: Mapping[str, BuildOrder]) -> None:
    """Give locked build orders, by id, to other orders; each stays at its stage and in its place on the line.

    An order has one at a time, so they are nobody's for the length of a statement.
    """
    table, ids = build_orders.c, sorted(order_of)
    parked = update(build_orders).where(db.among(table.id, ids)).values(stage=Stage.WITHDRAWN.value)
    work.connection.execute(parked)
    work.connection.execute(
        update(build_orders)
        .where(table.id == bindparam("b_id"))
        .values(order_id=bindparam("b_order_id"), stage=bindparam("b_stage")),
        [{"b_id": one, "b_order_id": order_of[one], "b_stage": known[one].stage.value} for one in ids],
    )


def lapse_swap_offers(work: Work, order_ids: Sequence[str]) -> None:
    """Let the open questions go that were asked of orders, locked by now, or for their cars."""
    own = select(build_orders.c.id).where(db.among(build_orders.c.order_id, order_ids))
    table = SWAP.table.c
    lapse_offers(work, SWAP, db.among(table.order_id, order_ids) | table.with_build_order_id.in_(own))


def lock_ways(work: Work, vins: Sequence[str]) -> None:
    """Keep the carriers of cars that wait at their plant waiting, in the order in which they report."""
    planned = db.among(shipments.c.vin, vins) & (shipments.c.state == ShipmentState.PLANNED.value)
    work.connection.execute(select(shipments.c.id).where(planned).order_by(shipments.c.id).with_for_update()).all()


def redirect_way(work: Work, vin: str, *, from_order_id: str, order_id: str, store_id: str) -> None:
    """Plan a car's way, which is locked, for another order."""
    table = shipments.c
    planned = (table.vin == vin) & (table.order_id == from_order_id) & (table.state == ShipmentState.PLANNED.value)
    done = work.connection.execute(update(shipments).where(planned).values(order_id=order_id, store_id=store_id))
    assert done.rowcount == 1, "a car that waits at its plant has one planned way"
