"""Who pays by instalments has the finance approved, and the plate quota where the city asks for one, before the freeze.

What becomes of who has neither and did not choose cash stands in `seats.clearance_store`.
"""

from __future__ import annotations

from dataclasses import replace

from demand.errors import PoolFrozen, PreOrderClosed
from demand.pools.joining import free_until, frozen_if_filled
from demand.pools.model import (
    AcknowledgedPreOrder,
    OpenPool,
    PaymentMethod,
    PooledPreOrder,
    PreOrder,
    WaitingPreOrder,
    pre_order_state,
)
from demand.pools.pre_order_store import save_clearance
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import save_after
from demand.pools.seats.store import Seat, lock_seat
from kernel.actor import Permission
from kernel.work import Work


def choose_method(work: Work, pre_order_id: str, *, method: PaymentMethod) -> PreOrder:
    """Choose how the balance will be paid; cash at any time before the lock, instalments until the freeze.

    Refuses PoolFrozen for instalments in a frozen pool, PreOrderClosed for one that is over or an order already.
    """
    work.actor.require(Permission.PREORDER)
    seat = _open_seat(work, pre_order_id, owner=work.actor.signed_in())
    pool = seat.stored.pool
    # Who waits for the next pool is in none that could be frozen.
    is_in = not isinstance(seat.pre_order, WaitingPreOrder)
    if is_in and method is not PaymentMethod.CASH and free_until(pool, now=seat.now) is None:
        raise PoolFrozen(pool.head.deadline)
    return _save(work, seat, reason="method_chosen", method=method)


def confirm_plate(work: Work, pre_order_id: str) -> PreOrder:
    """Note the member's word that they hold a plate quota for the store's city; saying it again changes nothing."""
    work.actor.require(Permission.PREORDER)
    seat = _open_seat(work, pre_order_id, owner=work.actor.signed_in())
    if seat.pre_order.head.plate_confirmed_at is not None:
        return seat.pre_order
    return _save(work, seat, reason="plate_confirmed", plate=True)


def approve_finance(work: Work, pre_order_id: str) -> PreOrder:
    """Note that the finance of a pre-order is approved; for whoever approves it. Again it changes nothing."""
    work.actor.require(Permission.FINANCE_APPROVE)
    seat = _open_seat(work, pre_order_id, owner=None)
    if seat.pre_order.head.finance_approved_at is not None:
        return seat.pre_order
    return _save(work, seat, reason="finance_approved", finance=True)


def _open_seat(work: Work, pre_order_id: str, *, owner: str | None) -> Seat:
    seat = lock_seat(work, pre_order_id, owner=owner)
    if not isinstance(seat.pre_order, AcknowledgedPreOrder | PooledPreOrder | WaitingPreOrder):
        raise PreOrderClosed(pre_order_state(seat.pre_order))
    return seat


def _save(
    work: Work,
    seat: Seat,
    *,
    reason: str,
    method: PaymentMethod | None = None,
    plate: bool = False,
    finance: bool = False,
) -> PreOrder:
    head = seat.pre_order.head
    changed = replace(
        seat.pre_order,
        head=replace(
            head,
            method=method or head.method,
            plate_confirmed_at=work.now if plate else head.plate_confirmed_at,
            finance_approved_at=work.now if finance else head.finance_approved_at,
        ),
    )
    save_clearance(work, changed, reason=reason)
    # A pool with enough members may have waited for this one to be cleared.
    stored = seat.stored
    if isinstance(changed, PooledPreOrder) and isinstance(stored.pool, OpenPool):
        filled = frozen_if_filled(stored.pool, now=seat.now)
        if filled is not stored.pool:
            save_after(work, [(stored, StoredPool(filled, stored.joined))])
    return changed
