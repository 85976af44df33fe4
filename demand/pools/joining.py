"""Decides who may join, leave, raise or change an offer, and says where a pool stands (DOMAIN section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from configurator.model import Tier
from demand.cubes.policy import K_MIN
from demand.errors import (
    CapNotRaised,
    CapTooLow,
    DepositAboveCeiling,
    FinanceNotApproved,
    FreezeNotAccepted,
    PoolClosed,
    PoolFrozen,
    PoolFull,
)
from demand.pools.model import (
    CancelledPool,
    FailedPool,
    FrozenPool,
    JoinablePool,
    LockedPool,
    Offer,
    OpenPool,
    Pool,
    PoolHead,
    PoolTerms,
    RolledPool,
    ScheduledPool,
    state_of,
)
from kernel.errors import Refusal
from kernel.money import Money
from kernel.reasons import because


def judge_cap(terms: PoolTerms, offer: Offer) -> CapTooLow | None:
    """Refuse a cap below every tier: such an offer can never clear."""
    prices = terms.prices_minor(offer.vehicle_price_minor)
    return CapTooLow.of(offer.price_cap_minor, prices[-1]) if offer.price_cap_minor < prices[-1] else None


def judge_earnest(terms: PoolTerms, offer: Offer) -> DepositAboveCeiling | None:
    """Refuse a car so cheap that the deposit would be more earnest money than the law allows."""
    return None if terms.earnest_fits(offer.vehicle_price_minor) else DepositAboveCeiling(Money(terms.deposit_minor))


def judge_consent(pool: Pool, *, accepts_frozen: bool, now: datetime) -> FreezeNotAccepted | None:
    """Refuse who would join a pool that nobody leaves any more without having agreed to that."""
    is_free = accepts_frozen or not isinstance(pool, OpenPool | FrozenPool) or now >= pool.head.deadline
    return None if is_free or free_until(pool, now=now) else FreezeNotAccepted(pool.head.deadline)


def judge_clearance(pool: Pool, *, cleared: bool, now: datetime) -> FinanceNotApproved | None:
    """Refuse who would be in a pool that nobody leaves without finance that is approved, or cash."""
    is_free = cleared or not isinstance(pool, OpenPool | FrozenPool) or now >= pool.head.deadline
    return None if is_free or free_until(pool, now=now) else FinanceNotApproved()


def _taking_offers(pool: Pool, *, now: datetime) -> JoinablePool | PoolClosed:
    """Return a pool that is open or frozen and before its deadline, or the refusal."""
    match pool:
        case OpenPool() | FrozenPool():
            return PoolClosed(because("PAST_DEADLINE")) if now >= pool.head.deadline else pool
        case ScheduledPool() | LockedPool() | FailedPool() | RolledPool() | CancelledPool():
            return PoolClosed(state_of(pool))
        case _:
            assert_never(pool)


def join(pool: Pool, offer: Offer, *, uncleared: int = 0, now: datetime) -> JoinablePool | Refusal:
    """Take one more member, or refuse: not open, past the deadline, full, or the cap too low.

    Caps below p_i(M) hold at most `capacity` places. Once `capacity` members reach p_i(M) the freeze starts and the
    deadline becomes `freeze_hours` later (DOMAIN section 6.1); `uncleared` of those who reach it, this one among them,
    would not be in the frozen pool and do not fill it.
    """
    taking = _taking_offers(pool, now=now)
    if isinstance(taking, PoolClosed):
        return taking
    head, terms = taking.head, taking.head.terms
    if (short := judge_cap(terms, offer)) is not None:
        return short
    if (above := judge_earnest(terms, offer)) is not None:
        return above
    reaches = offer.reaches(terms)
    if head.members >= terms.member_limit:
        return PoolFull(terms.member_limit, because("ANOTHER_POOL"))
    if not reaches[0] and head.members - head.reaching[0] >= terms.capacity:
        return _full_of_low_offers(terms, offer)
    grown = replace(head, members=head.members + 1, reaching=_plus(head.reaching, reaches))
    return frozen_if_filled(replace(taking, head=grown), uncleared=uncleared, now=now)


def _full_of_low_offers(terms: PoolTerms, offer: Offer) -> PoolFull:
    """Refuse a cap below p_i(M) where the places for such are taken; one that reaches it would be in."""
    first = Money(terms.prices_minor(offer.vehicle_price_minor)[0])
    return PoolFull(terms.capacity, because("CAP_OR_ANOTHER_POOL", price=first))


def admit(
    pool: Pool, offer: Offer, *, accepts_frozen: bool, cleared: bool, uncleared: int = 0, now: datetime
) -> JoinablePool | Refusal:
    """Take one more member who has agreed to what this pool asks for; see `join`, `judge_consent`, `judge_clearance`.

    Nobody is asked to agree to a pool that would not take them anyway. `uncleared` are those before this one.
    """
    joined = join(pool, offer, uncleared=uncleared + counts_uncleared(pool, offer, cleared=cleared), now=now)
    if isinstance(joined, Refusal):
        return joined
    bound = judge_consent(pool, accepts_frozen=accepts_frozen, now=now)
    return bound or judge_clearance(pool, cleared=cleared, now=now) or joined


def _plus(reaching: tuple[int, ...], reaches: tuple[bool, ...]) -> tuple[int, ...]:
    return tuple(count + one for count, one in zip(reaching, reaches, strict=True))


def counts_uncleared(pool: Pool, offer: Offer, *, cleared: bool) -> bool:
    """Say whether somebody reaches p_i(M) and would still not be in the frozen pool."""
    return not cleared and offer.reaches(pool.head.terms)[0]


def frozen_if_filled(pool: JoinablePool, *, uncleared: int = 0, now: datetime) -> JoinablePool:
    """Start the freeze of an open pool in which `capacity` members reach p_i(M) (DOMAIN section 6.1).

    `uncleared` of those who reach it do not count: they would not be in the frozen pool.
    """
    terms = pool.head.terms
    if isinstance(pool, FrozenPool) or pool.head.reaching[0] - uncleared < terms.capacity:
        return pool
    # A pool whose freeze is due and not yet noted keeps its own deadline: what was promised comes no later.
    deadline = min(pool.head.deadline, now + timedelta(hours=terms.freeze_hours))
    return FrozenPool(replace(pool.head, freeze_at=min(pool.head.freeze_at, now), deadline=deadline))


def leave(pool: Pool, offer: Offer, *, now: datetime) -> OpenPool | Refusal:
    """Give a place back; refuses once the pool is frozen or its freeze is due."""
    match pool:
        case OpenPool() if now < pool.head.freeze_at:
            return OpenPool(without_offer(pool.head, offer))
        case OpenPool() | FrozenPool():
            return PoolFrozen(pool.head.deadline)
        case ScheduledPool() | LockedPool() | FailedPool() | RolledPool() | CancelledPool():
            return PoolClosed(state_of(pool))
        case _:
            assert_never(pool)


def free_until(pool: Pool, *, now: datetime) -> datetime | None:
    """Return until when a member may leave for nothing; None where nobody leaves any more, or nobody is in."""
    return pool.head.freeze_at if isinstance(pool, OpenPool) and now < pool.head.freeze_at else None


def remove(pool: Pool, offer: Offer) -> JoinablePool:
    """Take out a member who must not be in it, from a frozen pool too; the freeze and its deadline stay.

    Only a proven fraud or a returned payment removes a member (DOMAIN section 6.1); whoever calls this says which.
    """
    assert isinstance(pool, OpenPool | FrozenPool), "a place is held in a pool that takes members"
    return replace(pool, head=without_offer(pool.head, offer))


def without_offer(head: PoolHead, offer: Offer) -> PoolHead:
    """Return what a pool has once an offer is taken out of it."""
    left = tuple(count - one for count, one in zip(head.reaching, offer.reaches(head.terms), strict=True))
    return replace(head, members=head.members - 1, reaching=left)


def raise_offer(pool: Pool, offer: Offer, *, price_cap_minor: int, now: datetime) -> JoinablePool | Refusal:
    """Raise a member's cap; a cap only rises, also before the freeze, and not past the deadline."""
    taking = _taking_offers(pool, now=now)
    if isinstance(taking, PoolClosed):
        return taking
    if price_cap_minor <= offer.price_cap_minor:
        return CapNotRaised.of(price_cap_minor, offer.price_cap_minor)
    before = offer.reaches(taking.head.terms)
    after = replace(offer, price_cap_minor=price_cap_minor).reaches(taking.head.terms)
    reaching = tuple(count + new - old for count, new, old in zip(taking.head.reaching, after, before, strict=True))
    return frozen_if_filled(replace(taking, head=replace(taking.head, reaching=reaching)), now=now)


def change_offer(pool: Pool, old: Offer, new: Offer, *, now: datetime) -> JoinablePool | Refusal:
    """Take another car's offer in the place of a member's.

    In a frozen pool the cap must rise by at least as much as the car's price, and never fall (DOMAIN section 6.1).
    """
    taking = _taking_offers(pool, now=now)
    if isinstance(taking, PoolClosed):
        return taking
    if (short := judge_cap(taking.head.terms, new)) is not None:
        return short
    if (above := judge_earnest(taking.head.terms, new)) is not None:
        return above
    least = old.price_cap_minor + max(0, new.vehicle_price_minor - old.vehicle_price_minor)
    if (isinstance(taking, FrozenPool) or now >= taking.head.freeze_at) and new.price_cap_minor < least:
        return CapNotRaised.of(new.price_cap_minor, least)
    before, after = old.reaches(taking.head.terms), new.reaches(taking.head.terms)
    reaching = tuple(count + new - old for count, new, old in zip(taking.head.reaching, after, before, strict=True))
    if taking.head.members - reaching[0] > taking.head.terms.capacity:
        return _full_of_low_offers(taking.head.terms, new)
    return frozen_if_filled(replace(taking, head=replace(taking.head, reaching=reaching)), now=now)


def freeze(pool: OpenPool) -> FrozenPool:
    """Start the freeze of a pool whose hour has come."""
    return FrozenPool(pool.head)


# --- what is shown ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pool stands now, as anybody may see it.

    `clears` is the n it would clear at this moment (None: at none), with its discount. It and `needed` leave out those
    whose caps fall short only in steps of k persons, since a cap is a choice (DOMAIN section 4.12); the tier is exact.
    """

    clears: int | None
    discount_bp: int
    needed: int
    next_tier: Tier | None


def standing(head: PoolHead) -> Standing:
    """Say from the counts alone what the clearing would do now; its tier agrees with `clearing.clear` on the offers."""
    found = clearing_number(head.terms, head.reaching)
    shown = [head.members - (head.members - count) // K_MIN * K_MIN for count in head.reaching]
    if found is None:
        needed = max(1, head.terms.minimum - shown[0])
        return Standing(None, head.terms.tiers[0].discount_bp, needed, head.terms.tiers[0])
    index = found[1]
    number = min(shown[index], _last_number(head.terms, index))
    following = head.terms.tiers[index + 1] if index + 1 < len(head.terms.tiers) else None
    if following is not None and following.members > head.terms.capacity:
        following = None
    return Standing(number, head.terms.tiers[index].discount_bp, 0, following)


def clearing_number(terms: PoolTerms, reaching: Sequence[int]) -> tuple[int, int] | None:
    """Return the largest n with M ≤ n ≤ C at which n members reach p_i(n), and its tier's index (section 6.1).

    `reaching[k]` counts the members whose cap reaches their price at tier k; d is the same within a tier.
    """
    for index in range(len(terms.tiers) - 1, -1, -1):
        number = min(reaching[index], _last_number(terms, index))
        if number >= terms.tiers[index].members:
            return number, index
    return None


def _last_number(terms: PoolTerms, index: int) -> int:
    """Return the largest n that clears in a tier."""
    last = terms.tiers[index + 1].members - 1 if index + 1 < len(terms.tiers) else terms.capacity
    return min(last, terms.capacity)
