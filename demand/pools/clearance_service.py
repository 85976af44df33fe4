"""Who pays by instalments has the finance approved, and the plate quota where the city asks for one, before the freeze.

What becomes of who has neither and did not choose cash stands in `seats.clearance_store`.
"""

from __future__ import annotations

from dataclasses import replace

from demand.errors import PoolFrozen, PreOrderClosed
from demand.pools.joining import free_until
from demand.pools.model import (
    AcknowledgedPreOrder,
    PaymentMethod,
    PooledPreOrder,
    PreOrder,
    WaitingPreOrder,
    pre_order_state,
)
from demand.pools.pre_order_store import save_clearance
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
    if is_in and method is not PaymentMethod.CASH and free_until(pool, now=work.now) is None:
        raise PoolFrozen(pool.head.deadline)
    return _save(work, seat.pre_order, reason="method_chosen", method=method)


def confirm_plate(work: Work, pre_order_id: str) -> PreOrder:
    """Note the member's word that they hold a plate quota for the store's city; saying it again changes nothing."""
    work.actor.require(Permission.PREORDER)
    pre_order = _open_seat(work, pre_order_id, owner=work.actor.signed_in()).pre_order
    if pre_order.head.plate_confirmed_at is not None:
        return pre_order
    return _save(work, pre_order, reason="plate_confirmed", plate=True)


def approve_finance(work: Work, pre_order_id: str) -> PreOrder:
    """Note that the finance of a pre-order is approved; for whoever approves it. Again it changes nothing."""
    work.actor.require(Permission.FINANCE_APPROVE)
    pre_order = _open_seat(work, pre_order_id, owner=None).pre_order
    if pre_order.head.finance_approved_at is not None:
        return pre_order
    return _save(work, pre_order, reason="finance_approved", finance=True)


def _open_seat(work: Work, pre_order_id: str, *, owner: str | None) -> Seat:
    seat = lock_seat(work, pre_order_id, owner=owner)
    if not isinstance(seat.pre_order, AcknowledgedPreOrder | PooledPreOrder | WaitingPreOrder):
        raise PreOrderClosed(pre_order_state(seat.pre_order))
    return seat


def _save(
    work: Work,
    pre_order: PreOrder,
    *,
    reason: str,
    method: PaymentMethod | None = None,
    plate: bool = False,
    finance: bool = False,
) -> PreOrder:
    head = pre_order.head
    changed = replace(
        pre_order,
        head=replace(
            head,
            method=method or head.method,
            plate_confirmed_at=work.now if plate else head.plate_confirmed_at,
            finance_approved_at=work.now if finance else head.finance_approved_at,
        ),
    )
    save_clearance(work, changed, reason=reason)
    return changed
