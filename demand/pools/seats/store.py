"""Locks a pre-order in the order that everybody follows, its pool first, so that no two wait for each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from demand.pools.chain_store import pool_times
from demand.pools.model import PreOrder
from demand.pools.pool_store import lock_pool
from demand.pools.pre_order_store import find_pre_order, lock_pre_order
from demand.pools.rows import StoredPool
from kernel.errors import Conflict, NotFound
from kernel.reasons import because
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Seat:
    """A locked pre-order in its locked pool; `number` is the place's, None while none is taken.

    `now` is the time in the pool, by which everything in it is decided (`pool_times`).
    """

    stored: StoredPool
    pre_order: PreOrder
    number: int | None
    now: datetime


def lock_seat(work: Work, pre_order_id: str, *, owner: str | None = None) -> Seat:
    """Lock a pre-order's pool and then itself.

    Refuses NotFound where it is not the `owner`'s, and Conflict where it rolled on between finding it and locking its
    pool; the next try sees the new pool.
    """
    found, _ = find_pre_order(work, pre_order_id)
    if owner is not None and found.head.account_id != owner:
        raise NotFound("pre_order")
    stored = lock_pool(work, found.pool_id)
    pre_order, number = lock_pre_order(work, pre_order_id)
    if pre_order.pool_id != found.pool_id:
        raise Conflict("pre_order", because("ELSEWHERE"))
    return Seat(stored, pre_order, number, pool_times(work, [pre_order.pool_id])[pre_order.pool_id])
