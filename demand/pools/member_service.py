"""What happens to one pre-order: money that comes later, expiry, leaving, a higher cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from configurator.model import QuoteClaim, QuoteId
from configurator.quote_service import accept_quote
from demand.errors import AlreadyInPool, PreOrderClosed, WrongClass
from demand.pools.chain_store import chain_joined, chain_member
from demand.pools.events import (
    DepositsHeld,
    HeldDeposit,
    PreOrderChanged,
    PreOrderExpired,
    PreOrderWithdrawn,
    PriceCapRaised,
)
from demand.pools.joining import admit, change_offer, free_until, judge_clearance, leave, raise_offer
from demand.pools.model import (
    AcknowledgedPreOrder,
    EndedPreOrder,
    LockedPreOrder,
    Offer,
    PooledPreOrder,
    PreOrder,
    PreOrderHead,
    WaitingPreOrder,
    class_keys,
    pre_order_state,
)
from demand.pools.placing import check_cap
from demand.pools.pool_store import save_pools
from demand.pools.pre_order_store import (
    DEPOSIT,
    EXPIRE_TIMER,
    deposit_account,
    end_pre_orders,
    find_pre_order,
    give_back,
    lock_pre_order,
    places_of,
    refund_day,
    save_car,
    save_pre_orders,
    with_offer,
)
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import is_cleared_there, save_after
from demand.pools.seats.costlier_service import accept_terms
from demand.pools.seats.store import lock_seat
from kernel import payments
from kernel.actor import Permission
from kernel.errors import NotFound, Refusal
from kernel.ledger import book
from kernel.payments import Payment
from kernel.timers import cancel_timer
from kernel.work import Work


def fund_pre_order(work: Work, payment: Payment) -> PreOrder:
    """Take a deposit that a provider's callback brought: the pre-order joins its pool, or the money goes back.

    Runs in the change that received the payment. A pool that is closed or full by now, one that nobody leaves any more
    and whose freeze was not agreed to, or a place that the person holds already, ends the pre-order; the deposit is
    booked and goes back whole.
    """
    work.actor.require(Permission.SYSTEM)
    assert payment.purpose == DEPOSIT
    seat = lock_seat(work, payment.subject_id)
    stored, pre_order = seat.stored, seat.pre_order
    book(work, payments.receipt(payment, kind="deposit_held", to=deposit_account(pre_order.head.id)))
    if not isinstance(pre_order, AcknowledgedPreOrder) or pre_order.payment_id != payment.id:
        give_back(work, [(pre_order.head, pre_order.pool_id, payment.id)], reason="late", refund_by=refund_day(work))
        return pre_order
    cancel_timer(work, EXPIRE_TIMER, pre_order.head.id)
    pooled = PooledPreOrder(pre_order.head, pre_order.pool_id, payment.id, seat.now)
    joined = _join(work, stored, pre_order.head, now=seat.now)
    if isinstance(joined, Refusal):
        reason = joined.code.lower()
        return end_pre_orders(work, [pooled], ending="refunded", reason=reason, refund_by=refund_day(work))[0]
    save_pre_orders(work, [(pooled, joined.joined, "funded")])
    chain_joined(work, [(pooled, joined.joined)])
    (joined,) = save_after(work, [(stored, joined)])
    deposit = HeldDeposit(pooled.head.id, pooled.head.account_id, pooled.head.deposit_minor)
    frozen_until = None if free_until(joined.pool, now=seat.now) else joined.pool.head.deadline
    members = joined.pool.head.members
    work.record(DepositsHeld(work.actor.brand_id, pooled.pool_id, members, (deposit,), frozen_until))
    return pooled


def _join(work: Work, stored: StoredPool, head: PreOrderHead, *, now: datetime) -> StoredPool | Refusal:
    pool_id = stored.pool.head.id
    if held := places_of(work, [head.person_id]).get((pool_id, head.person_id)):
        return AlreadyInPool(pool_id, held)
    cleared = is_cleared_there(work, head)
    joined = admit(stored.pool, head.offer, accepts_frozen=head.accepts_frozen, cleared=cleared, now=now)
    return joined if isinstance(joined, Refusal) else StoredPool(joined, stored.joined + 1)


def expire_pre_order(work: Work, pre_order_id: str, _payload: object = None) -> None:
    """End a pre-order whose money did not come in time; the timer `demand.pre_order_expire`."""
    work.actor.require(Permission.SYSTEM)
    pre_order, _ = lock_pre_order(work, pre_order_id)
    if isinstance(pre_order, AcknowledgedPreOrder) and work.now >= pre_order.payable_until:
        end_pre_orders(work, [pre_order], ending="expired_unpaid", reason="no_money_in_time", refund_by=None)
        head = pre_order.head
        work.record(PreOrderExpired(work.actor.brand_id, head.id, head.account_id, pre_order.pool_id))


# --- what a member may do --------------------------------------------------------------------------------------------


def withdraw(work: Work, pre_order_id: str) -> EndedPreOrder:
    """Leave freely until the freeze; the deposit is asked back in the same change.

    Refuses PoolFrozen from the freeze on, PreOrderClosed for one that is over or an order already, and NotFound for
    another person's.
    """
    work.actor.require(Permission.PREORDER)
    seat = lock_seat(work, pre_order_id, owner=work.actor.signed_in())
    stored, pre_order = seat.stored, seat.pre_order
    if isinstance(pre_order, EndedPreOrder | LockedPreOrder):
        raise PreOrderClosed(pre_order_state(pre_order))
    left = stored
    if isinstance(pre_order, PooledPreOrder):
        smaller = leave(stored.pool, pre_order.head.offer, now=seat.now)
        if isinstance(smaller, Refusal):
            raise smaller
        left = StoredPool(smaller, stored.joined)
        save_pools(work, [(stored, left)])
        chain_member(work, "pool.left", pre_order)
    cancel_timer(work, EXPIRE_TIMER, pre_order.head.id)
    refund_by = refund_day(work)
    (ended,) = end_pre_orders(work, [pre_order], ending="withdrawn", reason="withdrawn", refund_by=refund_by)
    work.record(
        PreOrderWithdrawn(
            work.actor.brand_id,
            ended.head.id,
            ended.head.account_id,
            ended.pool_id,
            left.pool.head.members,
            ended.refund_by,
        )
    )
    return ended


def raise_cap(work: Work, pre_order_id: str, *, price_cap_minor: int) -> PooledPreOrder:
    """Raise the most that a member would pay; refuses anything but more (CapNotRaised), and a closed pool."""
    work.actor.require(Permission.PREORDER)
    check_cap(price_cap_minor)
    seat = lock_seat(work, pre_order_id, owner=work.actor.signed_in())
    stored, pre_order = seat.stored, seat.pre_order
    if not isinstance(pre_order, PooledPreOrder):
        raise PreOrderClosed(pre_order_state(pre_order))
    raised = raise_offer(stored.pool, pre_order.head.offer, price_cap_minor=price_cap_minor, now=seat.now)
    if isinstance(raised, Refusal):
        raise raised
    better = with_offer(pre_order, Offer(pre_order.head.offer.vehicle_price_minor, price_cap_minor))
    save_pre_orders(work, [(better, seat.number, "cap_raised")])
    chain_member(work, "pool.cap_raised", better)
    save_after(work, [(stored, StoredPool(raised, stored.joined))])
    work.record(
        PriceCapRaised(work.actor.brand_id, better.head.id, better.head.account_id, better.pool_id, price_cap_minor)
    )
    return better


def change_car(
    work: Work, pre_order_id: str, *, quote_id: str, price_cap_minor: int, pool_id: str | None = None
) -> PooledPreOrder:
    """Change to the car of a new quote of the same class, with a new cap; the place and its time stay.

    In a frozen pool the cap must rise by at least as much as the price (CapNotRaised), and by instalments a store whose
    city asks for a plate takes one (FinanceNotApproved). Refuses what a quote may be refused for, a car of another
    class, and a cap below every tier. Who waits for the next pool joins it by this, also on costlier terms; `pool_id`
    says which, where several would take the answer, and is else the pool that one is in (NotFound).
    """
    work.actor.require(Permission.PREORDER)
    check_cap(price_cap_minor)
    found, _ = find_pre_order(work, pre_order_id)
    if isinstance(found, WaitingPreOrder) and found.head.account_id == work.actor.signed_in():
        return accept_terms(work, found, quote_id=quote_id, price_cap_minor=price_cap_minor, pool_id=pool_id)
    seat = lock_seat(work, pre_order_id, owner=work.actor.signed_in())
    stored, pre_order = seat.stored, seat.pre_order
    if pool_id not in (None, stored.pool.head.id):
        raise NotFound("pool")
    if not isinstance(pre_order, PooledPreOrder):
        raise PreOrderClosed(pre_order_state(pre_order))
    quote = accept_quote(work, QuoteClaim(QuoteId(quote_id), work.actor.signed_in()), reference=pre_order.head.id)
    l1_key, l2_key = class_keys(quote.pooling_class)
    if stored.pool.head.class_key not in (l1_key, l2_key):
        raise WrongClass(l1_key, stored.pool.head.class_key)
    offer = Offer(quote.vehicle_price_minor, price_cap_minor)
    changed = change_offer(stored.pool, pre_order.head.offer, offer, now=seat.now)
    if isinstance(changed, Refusal):
        raise changed
    head = replace(
        pre_order.head,
        quote_id=quote.quote_id,
        version_id=quote.version_id,
        model=quote.model,
        options=quote.options,
        class_l1=l1_key,
        class_l2=l2_key,
        store_id=quote.store_id,
        region=quote.region,
        offer=offer,
    )
    lacking = judge_clearance(stored.pool, cleared=is_cleared_there(work, head), now=seat.now)
    if lacking is not None:
        raise lacking
    other = replace(pre_order, head=head)
    save_car(work, other)
    chain_member(work, "pool.car_changed", other)
    save_after(work, [(stored, StoredPool(changed, stored.joined))])
    work.record(PreOrderChanged(head.brand_id, head.id, head.account_id, other.pool_id, head.quote_id, price_cap_minor))
    return other
