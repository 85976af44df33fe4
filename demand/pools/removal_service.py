"""Takes a member out whose deposit is lost or whose fraud is proven: from a frozen pool too, on the record.

Nobody else's price is raised by a decision of the member's own; these are the two things that may (DOMAIN section 6.1).
"""

from __future__ import annotations

import re
from typing import Final, assert_never

from demand.errors import PreOrderClosed
from demand.pools.chain_store import chain_removed
from demand.pools.events import EarnestLost, MemberRemoved
from demand.pools.joining import remove
from demand.pools.model import (
    AcknowledgedPreOrder,
    EndedPreOrder,
    LockedPreOrder,
    PooledPreOrder,
    PreOrder,
    WaitingPreOrder,
    pre_order_state,
)
from demand.pools.pool_store import save_pools
from demand.pools.pre_order_store import (
    DEPOSIT,
    deposit_account,
    earnest_account,
    end_pre_orders,
    mark_removed,
    refund_day,
)
from demand.pools.rows import StoredPool
from demand.pools.seats.store import lock_seat
from kernel import payments
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.money import Money
from kernel.payments import Payment, PaymentState
from kernel.reasons import because
from kernel.work import Work

LOSSES: Final = {PaymentState.DECLINED: "payment_declined", PaymentState.CHARGED_BACK: "payment_returned"}
"""Why a member is removed, by how the deposit was lost."""
FRAUD: Final = "fraud"
CASE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{2,39}")


def lose_deposit(work: Work, payment: Payment, missing: Money) -> PreOrder:
    """Act on a deposit that was counted and is lost: declined for good, or returned to its payer by the bank.

    It runs in the change that notes it.

    A member loses the place, in an open pool and in a frozen one, and whoever waits for the next pool the wait. An
    order stays the factory's, which hears of it (`EarnestLost`); the others' prices stand.
    """
    work.actor.require(Permission.SYSTEM)
    assert payment.purpose == DEPOSIT
    seat = lock_seat(work, payment.subject_id)
    stored, pre_order = seat.stored, seat.pre_order
    head = pre_order.head
    match pre_order:
        case PooledPreOrder():
            smaller = remove(stored.pool, head.offer)
            save_pools(work, [(stored, StoredPool(smaller, stored.joined))])
            chain_removed(work, pre_order, reason=LOSSES[payment.state])
            _remove(work, pre_order, payment, missing, members=smaller.head.members)
        case WaitingPreOrder():
            _remove(work, pre_order, payment, missing, members=None)
        case LockedPreOrder():
            payments.take_back(work, payment, missing, out_of=earnest_account(head.id))
            work.record(EarnestLost(head.brand_id, head.id, head.account_id, pre_order.pool_id))
        case AcknowledgedPreOrder() | EndedPreOrder():
            payments.take_back(work, payment, missing, out_of=deposit_account(head.id))
        case _:
            assert_never(pre_order)
    return pre_order


def remove_member(work: Work, pre_order_id: str, *, case: str) -> EndedPreOrder:
    """Take out a member whose fraud is proven, on an operator's word; the deposit goes back the way it came.

    `case` is the number under which the proof is kept; it goes on the pool's record. Refuses a case that is no number
    (InvalidInput), and PreOrderClosed for who holds no place and waits for none.
    """
    work.actor.require(Permission.MEMBER_REMOVE)
    if CASE.fullmatch(case) is None:
        raise InvalidInput("case", because("CASE_FORM"))
    seat = lock_seat(work, pre_order_id)
    stored, pre_order = seat.stored, seat.pre_order
    if not isinstance(pre_order, PooledPreOrder | WaitingPreOrder):
        raise PreOrderClosed(pre_order_state(pre_order))
    members = None
    if isinstance(pre_order, PooledPreOrder):
        smaller = remove(stored.pool, pre_order.head.offer)
        save_pools(work, [(stored, StoredPool(smaller, stored.joined))])
        chain_removed(work, pre_order, reason=FRAUD, case=case)
        members = smaller.head.members
    (ended,) = end_pre_orders(work, [pre_order], ending="removed", reason=FRAUD, refund_by=refund_day(work))
    head = ended.head
    work.record(MemberRemoved(head.brand_id, head.id, head.account_id, ended.pool_id, FRAUD, members))
    return ended


def _remove(
    work: Work,
    pre_order: PooledPreOrder | WaitingPreOrder,
    payment: Payment,
    missing: Money,
    *,
    members: int | None,
) -> None:
    head = pre_order.head
    payments.take_back(work, payment, missing, out_of=deposit_account(head.id))
    reason = LOSSES[payment.state]
    mark_removed(work, pre_order, reason=reason)
    work.record(MemberRemoved(head.brand_id, head.id, head.account_id, pre_order.pool_id, reason, members))
