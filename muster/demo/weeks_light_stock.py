"""What the weeks hold of light inventory before the story of every demo: sales, and a car that nobody waits for.

A car stands aside at its plant until it is so late that its buyer leaves with the earnest money twice (DOMAIN section
6.1). It is built for nobody then, the morning's flow sends it to a store, and the ledger of fairness counts it.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Final

from sqlalchemy import select

from factory_orders import service
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.tables import orders
from factory_orders.plant.tables import build_orders
from factory_orders.policies import CancellationPolicy
from kernel.actor import Actor, Role, system
from kernel.ids import AccountId
from muster.demo.light_stock import (
    ADVISERS,
    BINJIANG,
    FIRST_PLANS,
    GAOXIN,
    HAIDIAN,
    PUDONG,
    LightStock,
    Wanted,
)

EARLIER_ORDERS: Final = (Wanted(PUDONG, "L5", 2), Wanted(HAIDIAN, "S6", 1), Wanted(GAOXIN, "M7", 1))


def begin_earlier(story: LightStock) -> None:
    """Take into a story what happens in the weeks before it."""
    story.add(
        (-151, partial(story.expect, FIRST_PLANS)),
        (-150, partial(story.order, EARLIER_ORDERS)),
        (-140, partial(set_aside, story)),
        *((-96, partial(story.price, store)) for store in ADVISERS),
        *((-95 + number, partial(story.sell, store)) for number, store in enumerate((PUDONG, HAIDIAN, PUDONG, GAOXIN))),
        (-15, partial(story.accept_moves, BINJIANG)),
    )


def set_aside(story: LightStock) -> None:
    """Set the first car aside that a buyer waits for; its buyer leaves once the promise is broken by long enough."""
    stage, built = story.stage, build_orders.c
    first = (
        select(built.id, orders.c.id.label("order_id"), orders.c.account_id, orders.c.promised_by)
        .join(orders, orders.c.id == built.order_id)
        .where(
            built.brand_id == stage.brand.id,
            built.stage == "queued",
            orders.c.origin == OrderOrigin.POOL.value,
            orders.c.promised_by.is_not(None),
        )
        .order_by(orders.c.promised_by, built.id)
        .limit(1)
    )
    with stage.works.read(system(stage.brand.id)) as work:
        row = work.connection.execute(first).first()
    if row is None:
        return
    stage.aside.add(row.id)
    story.add((leaving_day(row.promised_by, story), partial(_leave, story, row.id, row.order_id, row.account_id)))


def leaving_day(promised_by: date, story: LightStock) -> int:
    """Return the day of a story on which a car is later than a buyer has to bear."""
    late = promised_by + timedelta(days=CancellationPolicy().rescind_after_days + 1)
    return (late - story.until.astimezone(story.stage.brand.zone).date()).days + 1


def _leave(story: LightStock, build_order_id: str, order_id: str, account_id: str) -> None:
    """Let the buyer leave, the plant go on with the car, and what is free then be shared out."""
    stage = story.stage
    buyer = Actor(stage.brand.id, frozenset({Role.CONSUMER}), AccountId(account_id))
    with stage.works.change(buyer) as work:
        service.cancel_order(work, order_id)
    stage.aside.discard(build_order_id)
    today = (stage.clock.now() - story.until).days
    story.add((today + 2, story.share_out))
