"""Takes a member out whose deposit turned out never to come: also from a frozen pool, and on the record (section 6.1).

Nobody else's price is raised by a decision of the member's own; a returned payment is one of the two things that may.
"""

from __future__ import annotations

from typing import assert_never

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
)
from demand.pools.pool_store import lock_pool, save_pools
from demand.pools.pre_order_store import (
    DEPOSIT,
    deposit_account,
    earnest_account,
    find_pre_order,
    lock_pre_order,
    mark_removed,
)
from demand.pools.rows import StoredPool
from kernel import payments
from kernel.actor import Permission
from kernel.errors import Conflict
from kernel.money import Money
from kernel.payments import Payment
from kernel.work import Work

PAYMENT_DECLINED = "payment_declined"


def lose_deposit(work: Work, payment: Payment, missing: Money) -> PreOrder:
    """Act on a deposit that was counted and that the provider declined for good; runs in the change that notes it.

    A member loses the place, in an open pool and in a frozen one, and whoever waits for the next pool the wait. An
    order stays the factory's, which hears of it (`EarnestLost`); the others' prices stand.
    """
    work.actor.require(Permission.SYSTEM)
    assert payment.purpose == DEPOSIT
    found, _ = find_pre_order(work, payment.subject_id)
    stored = lock_pool(work, found.pool_id)
    pre_order, _ = lock_pre_order(work, payment.subject_id)
    if pre_order.pool_id != found.pool_id:
        raise Conflict("pre_order", "it has moved to another pool")
    head = pre_order.head
    match pre_order:
        case PooledPreOrder():
            smaller = remove(stored.pool, head.offer)
            save_pools(work, [(stored, StoredPool(smaller, stored.joined))])
            chain_removed(work, pre_order, reason=PAYMENT_DECLINED)
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
    mark_removed(work, pre_order, reason=PAYMENT_DECLINED)
    work.record(MemberRemoved(head.brand_id, head.id, head.account_id, pre_order.pool_id, PAYMENT_DECLINED, members))
