"""Loads and saves offers for a long wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import bindparam, select, update

from factory_orders.waiting.model import OFFER_TIMER, WaitOffer, WaitOfferState
from factory_orders.waiting.rows import offer_from
from factory_orders.waiting.tables import wait_offers
from kernel import db
from kernel.errors import NotFound
from kernel.timers import cancel_timers
from kernel.work import Work


def insert_offers(work: Work, offers: Sequence[WaitOffer]) -> list[WaitOffer]:
    """Write offers; an order that had one keeps it. Returns the new ones."""
    names = [field.name for field in fields(WaitOffer)]
    rows = [{name: getattr(one, name) for name in names} | {"state": one.state.value} for one in offers]
    fresh = db.insert_new(work.connection, wait_offers, rows, returning="id")
    return [one for one in offers if one.id in fresh]


def read_offer(work: Work, offer_id: str) -> WaitOffer:
    """Load one offer of the actor's brand; refuses NotFound."""
    own = (wait_offers.c.id == offer_id) & (wait_offers.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(wait_offers).where(own)).mappings().first()
    if row is None:
        raise NotFound("offer")
    return offer_from(row)


def lock_offer(work: Work, offer_id: str) -> WaitOffer:
    """Load one offer of the actor's brand and keep other answers to it waiting; refuses NotFound."""
    return lock_offers(work, [offer_id])[0]


def lock_offers(work: Work, offer_ids: Sequence[str]) -> list[WaitOffer]:
    """Load offers of the actor's brand and keep other answers to them waiting; refuses NotFound if one is missing."""
    found = select(wait_offers).where(
        db.among(wait_offers.c.id, offer_ids), wait_offers.c.brand_id == work.actor.brand_id
    )
    rows = work.connection.execute(found.order_by(wait_offers.c.id).with_for_update()).mappings().all()
    if len(rows) < len(set(offer_ids)):
        raise NotFound("offer")
    return [offer_from(row) for row in rows]


def expire_offer_of(work: Work, order_id: str) -> None:
    """Close the open offer of an order that has ended, locked by now."""
    table = wait_offers.c
    own = (table.order_id == order_id) & (table.state == WaitOfferState.OPEN.value)
    over = update(wait_offers).where(own).values(state=WaitOfferState.EXPIRED.value)
    ended = work.connection.execute(over.returning(table.id)).scalars().all()
    cancel_timers(work, [OFFER_TIMER], ended)


def has_open_offer(work: Work, order_id: str) -> bool:
    """Say whether an order's buyer may still answer an offer, and so leave free."""
    table = wait_offers.c
    found = select(table.id).where(
        table.order_id == order_id,
        table.brand_id == work.actor.brand_id,
        table.state == WaitOfferState.OPEN.value,
        table.answer_by > work.now,
    )
    return work.connection.execute(found).first() is not None


def save_offer(work: Work, offer: WaitOffer) -> None:
    """Write what became of an offer."""
    save_offers(work, [offer])


def save_offers(work: Work, changed: Sequence[WaitOffer]) -> None:
    """Write what became of offers."""
    if changed:
        names = ("state", "answered_at", "credited_at")
        statement = update(wait_offers).where(wait_offers.c.id == bindparam("b_id"))
        work.connection.execute(
            statement.values({name: bindparam(f"b_{name}") for name in names}),
            [
                {
                    "b_id": one.id,
                    "b_state": one.state.value,
                    "b_answered_at": one.answered_at,
                    "b_credited_at": one.credited_at,
                }
                for one in changed
            ],
        )


def accepted_offers(work: Work, order_ids: Sequence[str]) -> list[WaitOffer]:
    """Return the accepted offers of some orders that are not credited yet."""
    table = wait_offers.c
    found = select(wait_offers).where(
        db.among(table.order_id, order_ids),
        table.brand_id == work.actor.brand_id,
        table.state == WaitOfferState.ACCEPTED.value,
        table.credited_at.is_(None),
    )
    return [offer_from(row) for row in work.connection.execute(found.order_by(table.id).with_for_update()).mappings()]
