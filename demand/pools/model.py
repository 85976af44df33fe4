"""Pools and pre-orders as values, a type per state, and the decisions about them (DOMAIN sections 3, 4 and 6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NewType, TypeAlias, assert_never

from configurator.model import PoolingClass, Tier, member_price_minor
from demand.errors import TermsUnsound
from kernel.money import BASIS_POINTS, BasisPoints
from kernel.reasons import because

PoolId = NewType("PoolId", str)
PreOrderId = NewType("PreOrderId", str)
MEMBERS_MAX: Final = 200_000
EARNEST_BP_MAX: Final = 2_000
"""Earnest money is at most a fifth of the price of what is sold (law)."""
TIERS_MAX: Final = 20


class ClassLevel(StrEnum):
    """L1 holds one trim, L2 every trim of the class and needs the member's consent."""

    L1 = "L1"
    L2 = "L2"


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

    def discount_at(self, members: int) -> int:
        """Return d(n) in basis points: that of the last tier that starts at or below `members`, n >= M."""
        assert members >= self.minimum
        return max(tier.discount_bp for tier in self.tiers if tier.members <= members)

    def earnest_fits(self, vehicle_price_minor: int) -> bool:
        """Say whether the deposit is lawful earnest money for a car of this price at every tier."""
        least = member_price_minor(vehicle_price_minor, self.tiers[-1].discount_bp)
        return self.deposit_minor * BASIS_POINTS <= EARNEST_BP_MAX * least

    def prices_minor(self, vehicle_price_minor: int) -> tuple[int, ...]:
        """Return p_i at each tier for a car's own pinned price."""
        return tuple(member_price_minor(vehicle_price_minor, tier.discount_bp) for tier in self.tiers)


def check_terms(terms: PoolTerms) -> None:
    """Refuse terms that no pool may have (TermsUnsound)."""
    members = [tier.members for tier in terms.tiers]
    discounts = [tier.discount_bp for tier in terms.tiers]
    for holds, reason in (
        (1 <= len(members) <= TIERS_MAX, because("TIERS", most=TIERS_MAX)),
        (members[:1] == [terms.minimum], because("FIRST_TIER")),
        (members == sorted(set(members)), because("TIERS_RISE")),
        (discounts == sorted(discounts), because("DISCOUNTS_RISE")),
        (
            all(0 <= one < BASIS_POINTS for one in discounts),
            because("DISCOUNT_BOUNDS", most=BasisPoints(BASIS_POINTS - 1)),
        ),
        (1 <= terms.minimum <= terms.capacity <= MEMBERS_MAX, because("MINIMUM")),
        # More never clear: its price would be shown to everybody, and nobody could ever pay it.
        (members[-1:] <= [terms.capacity], because("TIER_ABOVE_CAPACITY", capacity=terms.capacity)),
        (terms.capacity <= terms.member_limit <= 2 * terms.capacity, because("MEMBER_LIMIT")),
        (terms.deposit_minor > 0, because("DEPOSIT")),
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
POOL_STATES: Final = ("scheduled", "open", "frozen", "locked", "failed", "rolled", "cancelled")


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


@lru_cache(maxsize=1024)
def class_keys(cls: PoolingClass) -> tuple[str, str]:
    """Return the keys of the pools a car may join: L1 and L2."""
    return cls.l1_key, cls.l2_key


# --- offers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A member's conditional commitment: buys at p_i(n) if that is at most the cap."""

    vehicle_price_minor: int
    price_cap_minor: int

    def reaches(self, terms: PoolTerms) -> tuple[bool, ...]:
        """Say for each tier whether the cap reaches the member's own price there."""
        return tuple(self.price_cap_minor >= price for price in terms.prices_minor(self.vehicle_price_minor))


# --- pre-orders -----------------------------------------------------------------------------------------------------


class FailureChoice(StrEnum):
    """What a member wants if the pool fails: the money back, the next pool, or a pool of the wider class."""

    REFUND = "refund"
    ROLL = "roll"
    WIDEN = "widen"


class PaymentMethod(StrEnum):
    """How the balance will be paid."""

    CASH = "cash"
    INSTALMENTS = "instalments"


@dataclass(frozen=True, slots=True)
class PreOrderHead:
    """What every pre-order has: who, on which quote, at which store, for how much at most.

    `vehicle_price_minor` is the accepted quote's own price of the car with its options, before any discount.
    `accepts_wider_class` and `accepts_frozen` are the member's consent to an L2 pool, and to one that nobody may leave.
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
    accepts_wider_class: bool = False
    accepts_frozen: bool = False
    finance_approved_at: datetime | None = None
    plate_confirmed_at: datetime | None = None


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
    """Over: expired_unpaid, withdrawn, refunded or removed; `refund_by` is when money is back at the latest, if any is.

    Removed is who lost the place because the payment was returned or a fraud was proven.
    """

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


def is_cleared(head: PreOrderHead, *, needs_plate: bool) -> bool:
    """Say whether a member may be in a frozen pool: pays cash, or has finance, and the plate where one is needed."""
    has_plate = head.plate_confirmed_at is not None or not needs_plate
    return head.method is PaymentMethod.CASH or (head.finance_approved_at is not None and has_plate)


def takes_any_trim(head: PreOrderHead) -> bool:
    """Say whether somebody may go on into a pool of every trim: agreed to one beforehand, or chose to widen."""
    return head.accepts_wider_class or head.failure_choice is FailureChoice.WIDEN


def goes_on(head: PreOrderHead) -> bool:
    """Say whether a member chose to go on to another pool."""
    return head.failure_choice is not FailureChoice.REFUND


def may_roll(head: PreOrderHead, *, rolls_max: int) -> bool:
    """Say whether a member chose to go on and still may out of a failed pool, where the time of funding is kept."""
    return goes_on(head) and head.rolls < rolls_max


def is_costlier(head: PreOrderHead, *, old: PoolTerms, new: PoolTerms) -> bool:
    """Say whether a roll would lead into costlier terms: a larger deposit, or a higher price where the old had none.

    Compared are the first tiers, which are the most one can pay, and the prices at every number of members at which
    both pools could clear. Such a roll needs a new accepted quote, else it is a refund (DOMAIN section 6.1).
    """
    if new.deposit_minor > old.deposit_minor or new.tiers[0].discount_bp < old.tiers[0].discount_bp:
        return True
    price = head.offer.vehicle_price_minor
    least, most = max(old.minimum, new.minimum), min(old.capacity, new.capacity)
    numbers = {least, *(tier.members for terms in (old, new) for tier in terms.tiers)}
    return any(
        member_price_minor(price, new.discount_at(number)) > member_price_minor(price, old.discount_at(number))
        for number in numbers
        if least <= number <= most
    )
