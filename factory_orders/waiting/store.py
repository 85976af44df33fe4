"""Loads and saves offers for a long wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import select, update

from factory_orders.waiting.model import OfferState, WaitOffer
from factory_orders.waiting.rows import offer_from
from factory_orders.waiting.tables import wait_offers
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_offers(work: Work, offers: Sequence[WaitOffer]) -> list[WaitOffer]:
    """Write offers; an order that had one keeps it. Returns the new ones."""
    names = [field.name for field in fields(WaitOffer)]
    rows = [{name: getattr(one, name) for name in names} | {"state": one.state.value} for one in offers]
    fresh = db.insert_new(work.connection, wait_offers, rows, returning="id")
    return [one for one in offers if one.id in fresh]


def lock_offer(work: Work, offer_id: str) -> WaitOffer:
    """Load one offer of the actor's brand and keep other answers to it waiting; refuses NotFound."""
    found = select(wait_offers).where(wait_offers.c.id == offer_id, wait_offers.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update()).mappings().first()
    if row is None:
        raise NotFound("offer")
    return offer_from(row)


def save_offer(work: Work, offer: WaitOffer) -> None:
    """Write what became of an offer."""
    values = {"state": offer.state.value, "answered_at": offer.answered_at, "credited_at": offer.credited_at}
    work.connection.execute(update(wait_offers).where(wait_offers.c.id == offer.id).values(**values))


def accepted_offers(work: Work, order_ids: Sequence[str]) -> list[WaitOffer]:
    """Return the accepted offers of some orders that are not credited yet."""
    table = wait_offers.c
    found = select(wait_offers).where(
        db.among(table.order_id, order_ids),
        table.brand_id == work.actor.brand_id,
        table.state == OfferState.ACCEPTED.value,
        table.credited_at.is_(None),
    )
    return [offer_from(row) for row in work.connection.execute(found.order_by(table.id).with_for_update()).mappings()]
