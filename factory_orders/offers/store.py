"""Loads and saves offers of other cars."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update

from factory_orders.offers.model import OfferState
from factory_orders.offers.tables import OfferKind, T
from kernel import db
from kernel.errors import NotFound
from kernel.timers import cancel_timers
from kernel.work import Work


def insert_offers(work: Work, kind: OfferKind[T], offers: Sequence[T]) -> None:
    """Write new offers."""
    db.insert_many(work.connection, kind.table, [kind.to_row(one) for one in offers])


def load_offer(work: Work, kind: OfferKind[T], offer_id: str, *, lock: bool) -> T:
    """Load an offer of the actor's brand; refuses NotFound.

    With `lock` other answers to it wait. Its order is locked first, if at all, as whoever ends an order does.
    """
    table = kind.table
    found = select(table).where((table.c.id == offer_id) & (table.c.brand_id == work.actor.brand_id))
    row = work.connection.execute(found.with_for_update() if lock else found).mappings().first()
    if row is None:
        raise NotFound(kind.called)
    return kind.from_row(row)


def save_offer(work: Work, kind: OfferKind[T], offer: T) -> None:
    """Write how an offer was answered; the database refuses a second answer."""
    table = kind.table
    work.connection.execute(update(table).where(table.c.id == offer.id).values(**kind.to_row(offer)))


def lapse_of_orders(work: Work, kind: OfferKind[T], order_ids: Sequence[str]) -> None:
    """Let the open offers of orders, locked by now, go: nobody could accept them any more."""
    lapse_offers(work, kind, db.among(kind.table.c.order_id, order_ids))


def lapse_offers(work: Work, kind: OfferKind[T], gone: ColumnElement[bool]) -> None:
    """Let those open offers go that a condition on their table finds."""
    table = kind.table
    # In one order: two that end at once may share offers.
    found = select(table.c.id).where(gone, table.c.state == OfferState.OPEN.value).order_by(table.c.id)
    ids = work.connection.execute(found.with_for_update()).scalars().all()
    if ids:
        ended = {"state": OfferState.LAPSED.value, "answered_at": work.now}
        work.connection.execute(update(table).where(db.among(table.c.id, ids)).values(**ended))
    cancel_timers(work, [kind.timer], ids)
