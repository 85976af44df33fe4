"""Takes a pool back before its deadline: everybody in it has the deposit back."""

from __future__ import annotations

from dataclasses import replace

from demand.pools.chain_store import chain_ended
from demand.pools.events import ConcernedMember, PoolCancelled
from demand.pools.model import CancelledPool
from demand.pools.pool_store import end_pool
from demand.pools.pre_order_store import end_pre_orders, members_of, refund_day, unpaid_of
from demand.pools.rows import StoredPool
from kernel.work import Work


def take_back(work: Work, stored: StoredPool, *, reason: str) -> CancelledPool:
    """End a locked pool before its deadline; whoever calls this says why, and that it is not over yet."""
    members = [one for one, _ in members_of(work, stored.pool.head.id)]
    unpaid = unpaid_of(work, stored.pool.head.id)
    refund_by = refund_day(work)
    end_pre_orders(work, members, ending="refunded", reason="pool_cancelled", refund_by=refund_by)
    end_pre_orders(work, unpaid, ending="withdrawn", reason="pool_cancelled", refund_by=None)
    head = replace(stored.pool.head, members=0, reaching=(0,) * len(stored.pool.head.reaching))
    cancelled = CancelledPool(head, work.now)
    end_pool(work, stored, cancelled)
    chain_ended(work, head, "pool.cancelled", {"members": len(members)})
    heads = [one.head for one in members] + [one.head for one in unpaid]
    concerned = tuple(ConcernedMember(head.id, head.account_id) for head in heads)
    work.record(PoolCancelled(head.brand_id, head.id, head.plant_code, head.class_key, reason, concerned))
    return cancelled
