"""Pools and pre-orders as values, a type per state, and the decisions about them (DOMAIN sections 3, 4 and 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, TypeAlias, assert_never

from configurator.model import PoolingClass, Tier, member_price_minor
from demand.errors import CapNotRaised, CapTooLow, PoolClosed, PoolFrozen, PoolFull, TermsUnsound
from kernel.errors import Refusal

PoolId = NewType("PoolId", str)
PreOrderId = NewType("PreOrderId", str)
MEMBERS_MAX: Final = 200_000
TIERS_MAX: Final = 20


class ClassLevel(StrEnum):
    """L1 holds one trim, L2 every trim of the class and needs the member's consent."""

    L1 = "L1"
    L2 = "L2"


class FailureChoice(StrEnum):
    """What a member wants if the pool fails: the money back, the next pool, or a pool of the wider class."""

    REFUND = "refund"
    ROLL = "roll"
    WIDEN = "widen"


class PaymentMethod(StrEnum):
    """How the balance will be paid."""

    CASH = "cash"
    INSTALMENTS = "instalments"


# --- pools -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """What a pool offers; immutable once the first deposit is in. `tiers` ascend, the first one starts at `minimum`."""

    minimum: int
    capacity: int
    member_limit: int
    tiers: tuple[Tier, ...]
    deposit_minor: int
    freeze_hours: int

    def prices_minor(self, vehicle_price_minor: int) -> tuple[int, ...]:
        """Return p_i at each tier for a car's own pinned price."""
        return tuple(member_price_minor(vehicle_price_minor, tier.discount_bp) for tier in self.tiers)


def check_terms(terms: PoolTerms) -> None:
    """Refuse terms that no pool may have (TermsUnsound)."""
    members = [tier.members for tier in terms.tiers]
    discounts = [tier.discount_bp for tier in terms.tiers]
    for holds, reason in (
        (1 <= len(members) <= TIERS_MAX, f"give 1 to {TIERS_MAX} tiers"),
        (members[:1] == [terms.minimum], "the first tier starts at the minimum"),
        (members == sorted(set(members)), "tiers start at ever more members"),
        (discounts == sorted(discounts), "a discount never falls with more members"),
        (1 <= terms.minimum <= terms.capacity <= MEMBERS_MAX, "the minimum lies between 1 and the capacity"),
        (terms.capacity <= terms.member_limit <= 2 * terms.capacity, "the member limit is at most twice the capacity"),
        (terms.deposit_minor > 0, "a deposit is above zero"),
    ):
        if not holds:
            raise TermsUnsound(reason)


@dataclass(frozen=True, slots=True)
class PoolHead:
    """What every pool has in every state.

    `reaching[k]` counts the members whose cap reaches their own price at tier k; the first one falls short of
    `members` by those whose cap lies below p_i(M).
    """

    id: PoolId
    brand_id: str
    level: ClassLevel
    class_key: str
    plant_code: str
    terms: PoolTerms
    policy_version: int
    opens_at: datetime
    freeze_at: datetime
    deadline: datetime
    members: int
    reaching: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScheduledPool:
    """Opens at `head.opens_at`."""

    head: PoolHead


@dataclass(frozen=True, slots=True)
class OpenPool:
    """Takes members, who may leave."""

    head: PoolHead


@dataclass(frozen=True, slots=True)
class FrozenPool:
    """Takes members until the deadline; nobody leaves, no offer weakens."""

    head: PoolHead


@dataclass(frozen=True, slots=True)
class LockedPool:
    """Cleared at `cleared` members, who all get `discount_bp`."""

    head: PoolHead
    cleared: int
    discount_bp: int
    at: datetime


@dataclass(frozen=True, slots=True)
class FailedPool:
    """Reached no clearing; nobody of it rolled on."""

    head: PoolHead
    at: datetime


@dataclass(frozen=True, slots=True)
class RolledPool:
    """Reached no clearing; members wait for the next pool or are in it."""

    head: PoolHead
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelledPool:
    """Taken back by the planner before its deadline; all money went back."""

    head: PoolHead
    at: datetime


Pool: TypeAlias = ScheduledPool | OpenPool | FrozenPool | LockedPool | FailedPool | RolledPool | CancelledPool
JoinablePool: TypeAlias = OpenPool | FrozenPool


def state_of(pool: Pool) -> str:
    """Return the stored word of a pool's state."""
    match pool:
        case ScheduledPool():
            return "scheduled"
        case OpenPool():
            return "open"
        case FrozenPool():
            return "frozen"
        case LockedPool():
            return "locked"
        case FailedPool():
            return "failed"
        case RolledPool():
            return "rolled"
        case CancelledPool():
            return "cancelled"
        case _:
            assert_never(pool)


def class_keys(cls: PoolingClass) -> tuple[str, str]:
    """Return the keys of the pools a car may join: L1 and L2."""
    return cls.l1_key, cls.l2_key


# --- joining ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A member's conditional commitment: buys at p_i(n) if that is at most the cap."""

    vehicle_price_minor: int
    price_cap_minor: int

    def reaches(self, terms: PoolTerms) -> tuple[bool, ...]:
        """Say for each tier whether the cap reaches the member's own price there."""
        return tuple(self.price_cap_minor >= price for price in terms.prices_minor(self.vehicle_price_minor))


def judge_cap(terms: PoolTerms, offer: Offer) -> CapTooLow | None:
    """Refuse a cap below every tier: such an offer can never clear."""
    prices = terms.prices_minor(offer.vehicle_price_minor)
    return CapTooLow.of(offer.price_cap_minor, prices[-1]) if offer.price_cap_minor < prices[-1] else None


def join(pool: Pool, offer: Offer, *, now: datetime) -> JoinablePool | Refusal:
    """Take one more member, or refuse: not open, past the deadline, full, or the cap too low.

    Caps below p_i(M) hold at most `capacity` places. Once `capacity` members reach p_i(M) the freeze starts and the
    deadline becomes `freeze_hours` later (DOMAIN section 6.1).
    """
    match pool:
        case OpenPool() | FrozenPool():
            pass
        case ScheduledPool() | LockedPool() | FailedPool() | RolledPool() | CancelledPool():
            return PoolClosed(state_of(pool))
        case _:
            assert_never(pool)
    head, terms = pool.head, pool.head.terms
    if now >= head.deadline:
        return PoolClosed("past its deadline")
    if (short := judge_cap(terms, offer)) is not None:
        return short
    reaches = offer.reaches(terms)
    if head.members >= terms.member_limit:
        return PoolFull(terms.member_limit)
    if not reaches[0] and head.members - head.reaching[0] >= terms.capacity:
        return PoolFull(terms.capacity)
    grown = replace(head, members=head.members + 1, reaching=_plus(head.reaching, reaches))
    return _frozen_if_filled(replace(pool, head=grown), now=now)


def _plus(reaching: tuple[int, ...], reaches: tuple[bool, ...]) -> tuple[int, ...]:
    return tuple(count + one for count, one in zip(reaching, reaches, strict=True))


def _frozen_if_filled(pool: JoinablePool, *, now: datetime) -> JoinablePool:
    terms = pool.head.terms
    if isinstance(pool, FrozenPool) or pool.head.reaching[0] < terms.capacity:
        return pool
    deadline = now + timedelta(hours=terms.freeze_hours)
    return FrozenPool(replace(pool.head, freeze_at=now, deadline=deadline))


def leave(pool: Pool, offer: Offer, *, now: datetime) -> OpenPool | Refusal:
    """Give a place back; refuses once the pool is frozen or its freeze is due."""
    match pool:
        case OpenPool() if now < pool.head.freeze_at:
            reaches = offer.reaches(pool.head.terms)
            left = tuple(count - one for count, one in zip(pool.head.reaching, reaches, strict=True))
            return OpenPool(replace(pool.head, members=pool.head.members - 1, reaching=left))
        case OpenPool() | FrozenPool():
            return PoolFrozen(pool.head.deadline)
        case ScheduledPool() | LockedPool() | FailedPool() | RolledPool() | CancelledPool():
            return PoolClosed(state_of(pool))
        case _:
            assert_never(pool)


def raise_offer(pool: Pool, offer: Offer, *, price_cap_minor: int, now: datetime) -> JoinablePool | Refusal:
    """Raise a member's cap; a cap only rises, also before the freeze, and not past the deadline."""
    match pool:
        case OpenPool() | FrozenPool():
            pass
        case ScheduledPool() | LockedPool() | FailedPool() | RolledPool() | CancelledPool():
            return PoolClosed(state_of(pool))
        case _:
            assert_never(pool)
    if now >= pool.head.deadline:
        return PoolClosed("past its deadline")
    if price_cap_minor <= offer.price_cap_minor:
        return CapNotRaised.of(price_cap_minor, offer.price_cap_minor)
    before = offer.reaches(pool.head.terms)
    after = replace(offer, price_cap_minor=price_cap_minor).reaches(pool.head.terms)
    reaching = tuple(count + new - old for count, new, old in zip(pool.head.reaching, after, before, strict=True))
    return _frozen_if_filled(replace(pool, head=replace(pool.head, reaching=reaching)), now=now)


def freeze(pool: OpenPool) -> FrozenPool:
    """Start the freeze of a pool whose hour has come."""
    return FrozenPool(pool.head)


# --- what is shown ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pool stands now: `clears` is the n it would clear at this moment (None: at none), with its discount."""

    clears: int | None
    discount_bp: int
    needed: int
    next_tier: Tier | None


def standing(head: PoolHead) -> Standing:
    """Say from the counts alone what the clearing would do now; agrees with `clearing.clear` on the offers."""
    found = clearing_number(head.terms, head.reaching)
    if found is None:
        return Standing(
            None, head.terms.tiers[0].discount_bp, head.terms.minimum - head.reaching[0], head.terms.tiers[0]
        )
    number, index = found
    following = head.terms.tiers[index + 1] if index + 1 < len(head.terms.tiers) else None
    if following is not None and following.members > head.terms.capacity:
        following = None
    return Standing(number, head.terms.tiers[index].discount_bp, 0, following)


def clearing_number(terms: PoolTerms, reaching: Sequence[int]) -> tuple[int, int] | None:
    """Return the largest n with M ≤ n ≤ C at which n members reach p_i(n), and its tier's index (section 6.1).

    `reaching[k]` counts the members whose cap reaches their price at tier k; d is the same within a tier.
    """
    for index in range(len(terms.tiers) - 1, -1, -1):
        last = terms.tiers[index + 1].members - 1 if index + 1 < len(terms.tiers) else terms.capacity
        number = min(reaching[index], last, terms.capacity)
        if number >= terms.tiers[index].members:
            return number, index
    return None


# --- pre-orders ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreOrderHead:
    """What every pre-order has: who, on which quote, at which store, for how much at most.

    `vehicle_price_minor` is the accepted quote's own price of the car with its options, before any discount.
    """

    id: PreOrderId
    brand_id: str
    account_id: str
    person_id: str
    quote_id: str
    version_id: str
    policy_version: int
    model: str
    options: tuple[str, ...]
    class_l1: str
    class_l2: str
    plant_code: str
    store_id: str
    region: str
    offer: Offer
    method: PaymentMethod
    failure_choice: FailureChoice
    deposit_minor: int
    placed_at: datetime
    rolls: int = 0


@dataclass(frozen=True, slots=True)
class AcknowledgedPreOrder:
    """Waits for its money until `payable_until`; holds no place."""

    head: PreOrderHead
    pool_id: PoolId
    payment_id: str
    payable_until: datetime


@dataclass(frozen=True, slots=True)
class PooledPreOrder:
    """Funded, and holds a place; `funded_at` decides who is earlier."""

    head: PreOrderHead
    pool_id: PoolId
    payment_id: str
    funded_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingPreOrder:
    """Funded and rolled over out of `pool_id`; joins the next pool of its class."""

    head: PreOrderHead
    pool_id: PoolId
    payment_id: str
    funded_at: datetime


@dataclass(frozen=True, slots=True)
class LockedPreOrder:
    """Bought at `price_minor`, the car with its options; from here on it is an order."""

    head: PreOrderHead
    pool_id: PoolId
    payment_id: str
    funded_at: datetime
    price_minor: int
    locked_at: datetime


@dataclass(frozen=True, slots=True)
class EndedPreOrder:
    """Over: expired_unpaid, withdrawn or refunded; `refund_by` is when money is back at the latest, if any came."""

    head: PreOrderHead
    pool_id: PoolId
    payment_id: str
    ending: str
    at: datetime
    refund_by: datetime | None


PreOrder: TypeAlias = AcknowledgedPreOrder | PooledPreOrder | WaitingPreOrder | LockedPreOrder | EndedPreOrder


def pre_order_state(pre_order: PreOrder) -> str:
    """Return the stored word of a pre-order's state."""
    match pre_order:
        case AcknowledgedPreOrder():
            return "acknowledged"
        case PooledPreOrder():
            return "pooled"
        case WaitingPreOrder():
            return "rolled_over"
        case LockedPreOrder():
            return "locked"
        case EndedPreOrder():
            return pre_order.ending
        case _:
            assert_never(pre_order)


def may_roll(head: PreOrderHead, *, rolls_max: int) -> bool:
    """Say whether a member chose to go on and still may."""
    return head.failure_choice is not FailureChoice.REFUND and head.rolls < rolls_max


def is_costlier(head: PreOrderHead, *, old: PoolTerms, new: PoolTerms) -> bool:
    """Say whether a roll would lead into costlier terms: a higher price at any tier that both could reach.

    Such a roll needs a new accepted quote, else it is a refund (DOMAIN section 6.1).
    """
    price = head.offer.vehicle_price_minor
    first = member_price_minor(price, new.tiers[0].discount_bp) > member_price_minor(price, old.tiers[0].discount_bp)
    return first or new.deposit_minor > old.deposit_minor
