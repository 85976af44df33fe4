"""Reads of a buyer's offers."""

from __future__ import annotations

from sqlalchemy import select

from factory_orders.offers.model import OFFERS_MAX
from factory_orders.offers.tables import OfferKind, T
from kernel.actor import Permission
from kernel.work import Work


def my_offers(work: Work, kind: OfferKind[T]) -> list[T]:
    """Return the signed-in buyer's offers of a kind, newest first."""
    work.actor.require(Permission.OWN_READ)
    table = kind.table
    own = (table.c.account_id == work.actor.signed_in()) & (table.c.brand_id == work.actor.brand_id)
    rows = work.connection.execute(select(table).where(own).order_by(table.c.id.desc()).limit(OFFERS_MAX))
    return [kind.from_row(row) for row in rows.mappings()]
