"""Saves rounds and offers of free cars, and gives a car's build order to who takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from factory_orders.early_cars.model import EARLY_TIMER, EarlyOffer, EarlyRound, EarlyState
from factory_orders.early_cars.rows import offer_from
from factory_orders.early_cars.tables import early_offers, early_rounds
from factory_orders.plant.tables import build_orders
from kernel import db
from kernel.errors import NotFound
from kernel.timers import cancel_timers
from kernel.work import Work


def insert_round(work: Work, made: EarlyRound, offers: Sequence[EarlyOffer]) -> None:
    """Write a round with its offers."""
    work.connection.execute(early_rounds.insert().values(**_fields(made)))
    db.insert_many(work.connection, early_offers, [_fields(one) | {"state": one.state.value} for one in offers])


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def read_offer(work: Work, offer_id: str) -> EarlyOffer:
    """Load an offer; refuses NotFound."""
    return _offer(work, offer_id, lock=False)


def lock_offer(work: Work, offer_id: str) -> EarlyOffer:
    """Load an offer and keep other answers to it waiting; refuses NotFound. Its order is locked first, if at all."""
    return _offer(work, offer_id, lock=True)


def _offer(work: Work, offer_id: str, *, lock: bool) -> EarlyOffer:
    own = (early_offers.c.id == offer_id) & (early_offers.c.brand_id == work.actor.brand_id)
    found = select(early_offers).where(own)
    row = work.connection.execute(found.with_for_update() if lock else found).mappings().first()
    if row is None:
        raise NotFound("early car")
    return offer_from(row)


def save_offer(work: Work, offer: EarlyOffer) -> None:
    """Write how an offer was answered; the database refuses a second answer."""
    changed = {"state": offer.state.value, "answered_at": offer.answered_at, "from_order_id": offer.from_order_id}
    work.connection.execute(update(early_offers).where(early_offers.c.id == offer.id).values(**changed))


def lapse_of_orders(work: Work, order_ids: Sequence[str]) -> None:
    """Let the open offers of orders, locked by now, go: nobody could accept them any more, and their cars are free."""
    table = early_offers.c
    own = db.among(table.order_id, order_ids) & (table.state == EarlyState.OPEN.value)
    ended = {"state": EarlyState.LAPSED.value, "answered_at": work.now}
    lapsed = work.connection.execute(update(early_offers).where(own).values(**ended).returning(table.id)).scalars()
    cancel_timers(work, [EARLY_TIMER], lapsed.all())


def give_build_order(work: Work, build_order_id: str, order_id: str) -> None:
    """Give a free car's build order to the order that takes the car; its own one is withdrawn by now."""
    work.connection.execute(update(build_orders).where(build_orders.c.id == build_order_id).values(order_id=order_id))
