"""Reads offers for a long wait: a buyer's own, and whose car is so far away that there must be one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from factory_orders.planning.model import OrderOrigin, OrderTerms
from factory_orders.planning.rows import order_from
from factory_orders.planning.tables import orders
from factory_orders.plant.model import Stage
from factory_orders.plant.tables import build_orders
from factory_orders.waiting.model import WaitOffer
from factory_orders.waiting.rows import offer_from
from factory_orders.waiting.tables import wait_offers
from kernel import db
from kernel.actor import Permission
from kernel.work import Work

AT_ONCE = 1_000


def my_wait_offers(work: Work) -> list[WaitOffer]:
    """Return the signed-in buyer's offers, newest first."""
    work.actor.require(Permission.OWN_READ)
    table = wait_offers.c
    found = select(wait_offers).where(table.account_id == work.actor.signed_in(), table.brand_id == work.actor.brand_id)
    rows = work.connection.execute(found.order_by(table.id.desc()).limit(AT_ONCE)).mappings()
    return [offer_from(row) for row in rows]


def waiting_without_offer(work: Work, order_ids: Sequence[str] | None = None) -> list[tuple[OrderTerms, date | None]]:
    """Return scheduled orders without an offer whose car has not begun, with the day the plant builds it.

    Of all, those that were locked first; with `order_ids` of these alone.
    """
    live = (build_orders.c.order_id == orders.c.id) & (build_orders.c.stage != Stage.WITHDRAWN.value)
    found = (
        select(orders)
        .add_columns(build_orders.c.day.label("own_day"), build_orders.c.stage.label("own_stage"))
        .outerjoin_from(orders, build_orders, live)
        .outerjoin(wait_offers, wait_offers.c.order_id == orders.c.id)
        .where(orders.c.brand_id == work.actor.brand_id, orders.c.state == "scheduled", wait_offers.c.id.is_(None))
        .where(orders.c.origin == OrderOrigin.POOL.value)
        .order_by(orders.c.locked_at, orders.c.id)
        .limit(AT_ONCE)
    )
    if order_ids is not None:
        found = found.where(db.among(orders.c.id, order_ids))
    return [
        (order_from(row).terms, row["own_day"])
        for row in work.connection.execute(found).mappings()
        if row["own_stage"] in (None, Stage.QUEUED.value)
    ]
