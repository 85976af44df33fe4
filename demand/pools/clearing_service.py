"""Freezes, clears and cancels pools, each in one transaction: a crash leaves the pool as it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from demand.errors import PoolClosed
from demand.pools.chain_store import chain_ended, chain_locked
from demand.pools.clearing import Cleared, NotCleared, clear
from demand.pools.events import (
    ConcernedMember,
    EarlyBonusGranted,
    PoolFailed,
    PoolFreezeNear,
    PoolLocked,
    PreOrderExpired,
    PreOrderLocked,
    PreOrderRolled,
)
from demand.pools.joining import freeze
from demand.pools.model import (
    CancelledPool,
    FailedPool,
    FrozenPool,
    LockedPool,
    LockedPreOrder,
    OpenPool,
    PooledPreOrder,
    PoolHead,
    RolledPool,
    ScheduledPool,
    WaitingPreOrder,
    goes_on,
    may_roll,
    state_of,
)
from demand.pools.policy import PoolPolicy
from demand.pools.pool_store import (
    CLEAR_TIMER,
    FREEZE_TIMER,
    ROLLED_TIMER,
    WELCOME_TIMER,
    end_pool,
    insert_clearing,
    lock_pool,
    open_pool_ids,
)
from demand.pools.pre_order_store import (
    BEYOND_CLEARING,
    POOL_FAILED,
    end_pre_orders,
    grant_bonuses,
    members_of,
    refund_day,
    save_pre_orders,
    turn_into_earnest,
    unpaid_of,
)
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import save_after
from demand.pools.seats.taking_back_service import take_back
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.timers import set_timer
from kernel.work import Work


def freeze_pool(work: Work, pool_id: str, _payload: object = None) -> None:
    """Freeze an open pool whose hour has come; the timer `demand.pool_freeze`."""
    work.actor.require(Permission.SYSTEM)
    stored = lock_pool(work, pool_id)
    if not isinstance(stored.pool, OpenPool):
        return
    if work.now < stored.pool.head.freeze_at:
        set_timer(work, FREEZE_TIMER, pool_id, stored.pool.head.freeze_at)
    else:
        save_after(work, [(stored, StoredPool(freeze(stored.pool), stored.joined))])


def tell_freeze_near(work: Work, pool_id: str, _payload: object = None) -> None:
    """Tell an open pool's members that it freezes soon; the timer `demand.pool_freeze_near`."""
    work.actor.require(Permission.SYSTEM)
    pool = lock_pool(work, pool_id).pool
    if isinstance(pool, OpenPool) and work.now < pool.head.freeze_at:
        head = pool.head
        work.record(PoolFreezeNear(head.brand_id, head.id, head.members, head.freeze_at))


def clear_pool(work: Work, pool_id: str, _payload: object = None) -> None:
    """Clear a pool at its deadline: it locks or fails, in this one change; the timer `demand.pool_clear`.

    Fired again it does nothing. Members who are not in go where they chose beforehand: on to the next pool or home
    with their money.
    """
    work.actor.require(Permission.SYSTEM)
    stored = lock_pool(work, pool_id)
    if not isinstance(stored.pool, OpenPool | FrozenPool):
        return
    if work.now < stored.pool.head.deadline:
        set_timer(work, CLEAR_TIMER, pool_id, stored.pool.head.deadline)
        return
    members = members_of(work, pool_id)
    assert len(members) == stored.pool.head.members, "the count of places is kept with the places"
    outcome = clear([one.head.offer for one, _ in members], stored.pool.head.terms)
    _expire_unpaid(work, pool_id)
    if isinstance(outcome, Cleared):
        _lock(work, stored, members, outcome)
    else:
        _fail(work, stored, members, outcome)


def _expire_unpaid(work: Work, pool_id: str) -> None:
    """End what still waits for its money, and tell whose it is: no place can be taken any more."""
    unpaid = end_pre_orders(
        work, unpaid_of(work, pool_id), ending="expired_unpaid", reason="pool_cleared", refund_by=None
    )
    work.record(*(PreOrderExpired(one.head.brand_id, one.head.id, one.head.account_id, one.pool_id) for one in unpaid))


def _lock(work: Work, stored: StoredPool, members: Sequence[tuple[PooledPreOrder, int]], outcome: Cleared) -> None:
    """Lock those who are in at their price, turn their deposits into earnest money, let the rest go on."""
    locked = [
        (
            LockedPreOrder(one.head, one.pool_id, one.payment_id, one.funded_at, price_minor, work.now),
            number,
        )
        for position, price_minor in zip(outcome.members, outcome.prices_minor, strict=True)
        for one, number in (members[position],)
    ]
    save_pre_orders(work, [(one, number, "cleared") for one, number in locked])
    turn_into_earnest(work, [one for one, _ in locked])
    root = chain_locked(work, stored.pool.head, [one for one, _ in locked], discount_bp=outcome.discount_bp)
    insert_clearing(work, stored.pool.head, root=root)
    inside = set(outcome.members)
    rest = [one for position, (one, _) in enumerate(members) if position not in inside]
    going_on = [one for one in rest if goes_on(one.head)]
    _roll(work, stored.pool.head, _begin_anew(work, going_on), reason=BEYOND_CLEARING, keeps_time=False)
    _refund(work, [one for one in rest if not goes_on(one.head)], reason=BEYOND_CLEARING)
    head = replace(
        stored.pool.head, members=outcome.number, reaching=(outcome.number,) * len(stored.pool.head.reaching)
    )
    end_pool(work, stored, LockedPool(head, outcome.number, outcome.discount_bp, work.now))
    work.record(
        PoolLocked(head.brand_id, head.id, head.plant_code, head.class_key, outcome.number, outcome.discount_bp),
        *(
            PreOrderLocked(head.brand_id, one.head.id, one.head.account_id, head.id, one.price_minor)
            for one, _ in locked
        ),
    )


def _fail(work: Work, stored: StoredPool, members: Sequence[tuple[PooledPreOrder, int]], outcome: NotCleared) -> None:
    """Do what each member chose beforehand; the first third of those who agreed to p_i(M) get a bonus."""
    everyone = [one for one, _ in members]
    old = stored.pool.head
    _grant_early_bonus(work, old, everyone)
    chain_ended(work, old, "pool.failed", {"reached": outcome.reached, "members": len(everyone)})
    rolls_max = policy.pinned(work, old.policy_version).section(PoolPolicy).rolls_max
    rolling = [one for one in everyone if may_roll(one.head, rolls_max=rolls_max)]
    _roll(work, old, _keep_time(rolling), reason=POOL_FAILED, keeps_time=True)
    _refund(work, [one for one in everyone if not may_roll(one.head, rolls_max=rolls_max)], reason=POOL_FAILED)
    head = replace(old, members=0, reaching=(0,) * len(old.reaching))
    end_pool(work, stored, RolledPool(head, work.now) if rolling else FailedPool(head, work.now))
    concerned = tuple(ConcernedMember(one.head.id, one.head.account_id) for one in everyone)
    work.record(PoolFailed(head.brand_id, head.id, head.plant_code, head.class_key, outcome.reached, concerned))


def _keep_time(members: Sequence[PooledPreOrder]) -> list[WaitingPreOrder]:
    """Let members of a failed pool wait with the time they were funded at; it counts as one of their rolls."""
    return [
        WaitingPreOrder(replace(one.head, rolls=one.head.rolls + 1), one.pool_id, one.payment_id, one.funded_at)
        for one in members
    ]


def _begin_anew(work: Work, members: Sequence[PooledPreOrder]) -> list[WaitingPreOrder]:
    """Let those beyond a clearing wait with a new time; among themselves they keep their order.

    The original time is kept out of a failed pool only, at most twice (DOMAIN section 6.1): this pool did not fail,
    so it is none of those rolls.
    """
    return [
        WaitingPreOrder(one.head, one.pool_id, one.payment_id, work.now - timedelta(microseconds=len(members) - place))
        for place, one in enumerate(members, start=1)
    ]


def _roll(work: Work, head: PoolHead, waiting: Sequence[WaitingPreOrder], *, reason: str, keeps_time: bool) -> None:
    """Write those who go on, and have the pools that they could join look for them after this change."""
    save_pre_orders(work, [(one, None, reason) for one in waiting])
    work.record(
        *(
            PreOrderRolled(one.head.brand_id, one.head.id, one.head.account_id, one.pool_id, None, keeps_time)
            for one in waiting
        )
    )
    wanted = {one.head.class_l1 for one in waiting} | {one.head.class_l2 for one in waiting}
    if wanted:
        set_timer(work, ROLLED_TIMER, head.id, work.now, payload=sorted(wanted))


def tell_pools(work: Work, _pool_id: str, payload: object = None) -> None:
    """Have the pools of these classes look for who rolled over; the timer `demand.pool_rolled`.

    A change of its own, since a pool may open beside the clearing: neither sees what the other has not committed.
    Whichever is the later has a timer that fires after both.
    """
    work.actor.require(Permission.SYSTEM)
    assert isinstance(payload, list)
    for pool_id in open_pool_ids(work, payload):
        set_timer(work, WELCOME_TIMER, pool_id, work.now)


def _refund(work: Work, members: Sequence[PooledPreOrder], *, reason: str) -> None:
    if members:
        end_pre_orders(work, members, ending="refunded", reason=reason, refund_by=refund_day(work))


def _grant_early_bonus(work: Work, head: PoolHead, members: Sequence[PooledPreOrder]) -> None:
    """Grant the bonus to the earliest third, once per person and calendar year of the brand's zone."""
    amount_minor = policy.pinned(work, head.policy_version).section(PoolPolicy).early_bonus_minor
    agreed = [one for one in members if one.head.offer.reaches(head.terms)[0]]
    early = agreed[: -(-len(agreed) // 3)]
    if not early or not amount_minor:
        return
    year = work.now.astimezone(ZoneInfo(registry.own_brand(work).timezone)).year
    granted = grant_bonuses(work, early, year=year, amount_minor=amount_minor)
    work.record(
        *(
            EarlyBonusGranted(one.head.brand_id, one.head.id, one.head.account_id, one.pool_id, amount_minor)
            for one in granted
        )
    )


def cancel_pool(work: Work, pool_id: str, *, reason: str) -> CancelledPool:
    """Take a pool back before its deadline: every deposit goes back, unpaid pre-orders end."""
    work.actor.require(Permission.POOL_MANAGE)
    if not 1 <= len(reason.strip()) <= 200:
        raise InvalidInput("reason", because("WHY_CANCELLED"))
    stored = lock_pool(work, pool_id)
    if not isinstance(stored.pool, ScheduledPool | OpenPool | FrozenPool):
        raise PoolClosed(state_of(stored.pool))
    return take_back(work, stored, reason=reason.strip())
