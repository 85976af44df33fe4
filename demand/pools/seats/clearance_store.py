"""Saves pools; one that freezes is first left by those who are not cleared for it, in the same change.

By instalments a place in a frozen pool takes approved finance, and a plate where the city asks for one (DOMAIN 6.1);
whoever has neither goes before the freeze, since nobody leaves afterwards. So they do not count where a pool freezes
early because it is filled: one refundable deposit would else shorten a pool that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from demand.pools.chain_store import chain_member
from demand.pools.events import MemberUncleared
from demand.pools.joining import without_offer
from demand.pools.model import (
    FrozenPool,
    JoinablePool,
    OpenPool,
    PaymentMethod,
    Pool,
    PooledPreOrder,
    PreOrderHead,
    is_cleared,
)
from demand.pools.pool_store import save_pools
from demand.pools.pre_order_store import end_pre_orders, refund_day, stores_with_plate_quota, uncleared_of
from demand.pools.rows import StoredPool
from kernel.work import Work


def is_cleared_there(work: Work, head: PreOrderHead) -> bool:
    """Say whether somebody may be in a frozen pool for a car at the store that the head names."""
    by_instalments = head.method is PaymentMethod.INSTALMENTS
    needs_plate = by_instalments and bool(stores_with_plate_quota(work, [head.store_id]))
    return is_cleared(head, needs_plate=needs_plate)


def uncleared_in(work: Work, pools: Sequence[Pool], *, newcomers: int) -> dict[str, int]:
    """Count by open pool those who reach p_i(M) and would not be in it once it is frozen.

    Asked only of pools that so many newcomers could fill; of the others it does not matter yet.
    """
    near = [
        one
        for one in pools
        if isinstance(one, OpenPool) and one.head.reaching[0] + newcomers >= one.head.terms.capacity
    ]
    return {one.head.id: _reaching(one, uncleared_of(work, one.head.id)) for one in near}


def save_after(work: Work, changed: Sequence[tuple[StoredPool, StoredPool]]) -> list[StoredPool]:
    """Save pools before and after; one that freezes is first left by those who are not cleared for it.

    What its members offer must be written before. Returns the pools as they are then.
    """
    saved = [(before, _cleared(work, before, after)) for before, after in changed]
    save_pools(work, saved)
    return [after for _, after in saved]


def _cleared(work: Work, before: StoredPool, after: StoredPool) -> StoredPool:
    if isinstance(before.pool, FrozenPool) or not isinstance(after.pool, FrozenPool):
        return after
    pool = after.pool
    uncleared = uncleared_of(work, pool.head.id)
    if pool.head.freeze_at < before.pool.head.freeze_at and not _is_filled_without(pool, uncleared):
        own = before.pool.head
        return StoredPool(OpenPool(replace(pool.head, freeze_at=own.freeze_at, deadline=own.deadline)), after.joined)
    for one in uncleared:
        pool = replace(pool, head=without_offer(pool.head, one.head.offer))
        chain_member(work, "pool.left", one)
        work.record(MemberUncleared(one.head.brand_id, one.head.id, one.head.account_id, one.pool_id))
    if uncleared:
        end_pre_orders(work, uncleared, ending="refunded", reason="not_cleared", refund_by=refund_day(work))
    return StoredPool(pool, after.joined)


def _is_filled_without(pool: FrozenPool, uncleared: Sequence[PooledPreOrder]) -> bool:
    """Say whether as many as there are places reach p_i(M) also without those who will not be in the frozen pool."""
    return pool.head.reaching[0] - _reaching(pool, uncleared) >= pool.head.terms.capacity


def _reaching(pool: JoinablePool, members: Sequence[PooledPreOrder]) -> int:
    return sum(one.head.offer.reaches(pool.head.terms)[0] for one in members)
