"""Locked orders that somebody leaves: how tests end them, and what the books, the news and the audit say then."""

from __future__ import annotations

from sqlalchemy import select

from demand.service import PoolPlan
from factory_orders import queries, service
from factory_orders.planning.model import SLOT
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from factory_orders.service import Cancellation
from kernel import ledger, news, outbox
from kernel.ledger import account
from kernel.soundness import examine
from muster.audit import CHECKS
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, Trade, buyer


def locked_orders(room: PoolRoom) -> tuple[Trade, list[str]]:
    """Take a pool of three buyers to its lock; returns their orders."""
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS))
    placed = room.join(1, 2, 3)
    room.pass_time(days=21)
    while outbox.deliver(room.works, SUBSCRIPTIONS):
        pass
    return Trade(room.works, room.clock, room.sandbox, ""), [one.pre_order_id for one in placed]


def cancel(trade: Trade, order_id: str, number: int = 1) -> Cancellation:
    with trade.works.change(buyer(number)) as work:
        return service.cancel_order(work, order_id)


def sums(trade: Trade, order_id: str, number: int = 1) -> list[int]:
    with trade.works.read(SYSTEM) as work:
        names = [
            account("earnest", order_id),
            account("forfeit", BRAND),
            account("penalty", BRAND),
            account("payable", buyer(number).signed_in()),
        ]
        return list(ledger.balances(work, names).values())


def used(trade: Trade) -> int:
    with trade.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=trade.clock.now().date(), weeks=30)
    return sum(week.used for week in weeks if week.resource == SLOT)


def deliver(room: PoolRoom) -> None:
    while outbox.deliver(room.works, SUBSCRIPTIONS):
        pass


def found_by_audit(room: PoolRoom) -> list[str]:
    with room.works.read(SYSTEM) as work:
        found = examine(work, CHECKS)
    return [f"{one.check.name}: {line}" for one in found for line in one.violations]


def news_of(room: PoolRoom, kind: str) -> list[dict[str, object]]:
    """Return what all news of a kind says, oldest first."""
    of_kind = select(news.outbox.c.payload).where(news.outbox.c.kind == kind).order_by(news.outbox.c.id)
    with room.works.read(SYSTEM) as work:
        return list(work.connection.execute(of_kind).scalars())
