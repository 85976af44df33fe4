"""Reads of agreements."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from factory_orders.agreements.model import Agreement
from factory_orders.agreements.rows import agreement_from
from factory_orders.agreements.tables import order_agreements
from kernel import db
from kernel.work import Work


def agreements_of_orders(work: Work, order_ids: Sequence[str]) -> dict[str, list[Agreement]]:
    """Return what was agreed on orders, in order; the caller asks with ids from `orders_by_id`."""
    table = order_agreements.c
    own = (table.brand_id == work.actor.brand_id) & db.among(table.order_id, order_ids)
    found = select(order_agreements).where(own).order_by(table.order_id, table.number)
    known: dict[str, list[Agreement]] = {order_id: [] for order_id in order_ids}
    for row in work.connection.execute(found).mappings():
        known[row["order_id"]].append(agreement_from(row))
    return known
