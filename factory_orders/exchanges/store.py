"""Saves rounds of swaps, and gives build orders and planned ways to other orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from factory_orders.deliveries.model import ShipmentState
from factory_orders.deliveries.tables import shipments
from factory_orders.exchanges.model import CarSwap, SwapOffer, SwapOfferState, SwapRound
from factory_orders.exchanges.rows import offer_from
from factory_orders.exchanges.tables import car_swaps, swap_offers, swap_rounds
from factory_orders.plant.model import BuildOrder, Stage
from factory_orders.plant.tables import build_orders
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_swap_round(work: Work, made: SwapRound, swaps: Sequence[CarSwap]) -> None:
    """Write a round with its swaps."""
    work.connection.execute(swap_rounds.insert().values(**_fields(made)))
    db.insert_many(work.connection, car_swaps, [_fields(one) for one in swaps])


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


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


def redirect_way(work: Work, vin: str, *, from_order_id: str, order_id: str, store_id: str) -> bool:
    """Plan a car's way for another order; False where its carrier has come by now."""
    table = shipments.c
    planned = (table.vin == vin) & (table.order_id == from_order_id) & (table.state == ShipmentState.PLANNED.value)
    done = work.connection.execute(update(shipments).where(planned).values(order_id=order_id, store_id=store_id))
    return done.rowcount == 1


def insert_offers(work: Work, offers: Sequence[SwapOffer]) -> None:
    """Write new offers."""
    db.insert_many(work.connection, swap_offers, [_fields(one) | {"state": one.state.value} for one in offers])


def read_offer(work: Work, offer_id: str) -> SwapOffer:
    """Load an offer; refuses NotFound."""
    return _offer(work, offer_id, lock=False)


def lock_offer(work: Work, offer_id: str) -> SwapOffer:
    """Load an offer and keep other answers to it waiting; refuses NotFound. Its order is locked first, if at all."""
    return _offer(work, offer_id, lock=True)


def _offer(work: Work, offer_id: str, *, lock: bool) -> SwapOffer:
    own = (swap_offers.c.id == offer_id) & (swap_offers.c.brand_id == work.actor.brand_id)
    found = select(swap_offers).where(own)
    row = work.connection.execute(found.with_for_update() if lock else found).mappings().first()
    if row is None:
        raise NotFound("equal car")
    return offer_from(row)


def save_offer(work: Work, offer: SwapOffer) -> None:
    """Write how an offer was answered; the database refuses a second answer."""
    changed = {"state": offer.state.value, "answered_at": offer.answered_at}
    work.connection.execute(update(swap_offers).where(swap_offers.c.id == offer.id).values(**changed))


def lapse_offers_of_order(work: Work, order_id: str) -> None:
    """Let the open offer of an order that has ended go."""
    own = (swap_offers.c.order_id == order_id) & (swap_offers.c.state == SwapOfferState.OPEN.value)
    ended = {"state": SwapOfferState.LAPSED.value, "answered_at": work.now}
    work.connection.execute(update(swap_offers).where(own).values(**ended))
