"""Holds a deposit still while money is moved by hand: no clearing runs beside it, and no place loses its money."""

from __future__ import annotations

from demand.errors import DepositBound
from demand.pools.model import PooledPreOrder, WaitingPreOrder, pre_order_state
from demand.pools.seats.store import lock_seat
from kernel.errors import NotFound
from kernel.work import Work


def hold_deposit(work: Work, pre_order_id: str) -> None:
    """Lock a pre-order and its pool until this change has ended; then nobody clears, joins or leaves beside it.

    Refuses DepositBound where a place, or the wait for one, stands on the deposit. An account that belongs to no
    pre-order is held by nobody.
    """
    try:
        pre_order = lock_seat(work, pre_order_id).pre_order
    except NotFound:
        return
    if isinstance(pre_order, PooledPreOrder | WaitingPreOrder):
        raise DepositBound(pre_order_state(pre_order))
