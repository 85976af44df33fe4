"""Reads of offers of repaired cars."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from factory_orders.consents.model import RepairOffer
from factory_orders.consents.rows import offer_from
from factory_orders.consents.tables import repair_offers
from kernel import db
from kernel.work import Work


def repair_offers_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[RepairOffer]]:
    """Return what repaired cars orders were offered, oldest first; the caller asks with ids from `orders_by_id`."""
    table = repair_offers.c
    own = (table.brand_id == work.actor.brand_id) & db.among(table.order_id, order_ids)
    known: dict[str, list[RepairOffer]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(select(repair_offers).where(own).order_by(table.id)).mappings():
        known[row["order_id"]].append(offer_from(row))
    return known
