"""What happened in pools. News of a group is one event with a tuple, so a launch does not flood the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event, event


@event("demand.pool_opened")
@dataclass(frozen=True, slots=True)
class PoolOpened(Event):
    """A pool takes members now."""

    pool_id: str
    class_key: str
    plant_code: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class PlacedPreOrder:
    """One acknowledged pre-order of a group; an unpaid one names the payment it waits for."""

    pre_order_id: str
    account_id: str
    funded: bool
    payment_id: str


@event("demand.pre_orders_placed")
@dataclass(frozen=True, slots=True)
class PreOrdersPlaced(Event):
    """Pre-orders of one pool were acknowledged together."""

    pool_id: str
    placed: tuple[PlacedPreOrder, ...]


@dataclass(frozen=True, slots=True)
class HeldDeposit:
    """One deposit of a group."""

    pre_order_id: str
    account_id: str
    amount_minor: int


@event("demand.deposits_held")
@dataclass(frozen=True, slots=True)
class DepositsHeld(Event):
    """Deposits came in and their pre-orders took places; `members` is the pool's count afterwards.

    `frozen_until` is the deadline of a pool that nobody may leave any more, None where members still leave freely.
    """

    pool_id: str
    members: int
    deposits: tuple[HeldDeposit, ...]
    frozen_until: datetime | None = None


@event("demand.pre_order_expired")
@dataclass(frozen=True, slots=True)
class PreOrderExpired(Event):
    """No money came in time."""

    pre_order_id: str
    account_id: str
    pool_id: str


@event("demand.pre_order_withdrawn")
@dataclass(frozen=True, slots=True)
class PreOrderWithdrawn(Event):
    """A member left before the freeze; the deposit is back by `refund_by` at the latest."""

    pre_order_id: str
    account_id: str
    pool_id: str
    members: int
    refund_by: datetime | None


@event("demand.member_removed")
@dataclass(frozen=True, slots=True)
class MemberRemoved(Event):
    """A member lost the place, or the wait for one (`members` None), for a reason that the pool's chain holds."""

    pre_order_id: str
    account_id: str
    pool_id: str
    reason: str
    members: int | None


@event("demand.member_uncleared")
@dataclass(frozen=True, slots=True)
class MemberUncleared(Event):
    """A member who pays by instalments had no approved finance, or plate, when the pool froze; the money goes back."""

    pre_order_id: str
    account_id: str
    pool_id: str


@event("demand.earnest_lost")
@dataclass(frozen=True, slots=True)
class EarnestLost(Event):
    """The money behind an order's earnest money will never come, or was returned to its payer by the bank."""

    pre_order_id: str
    account_id: str
    pool_id: str


@event("demand.price_cap_raised")
@dataclass(frozen=True, slots=True)
class PriceCapRaised(Event):
    """A member raised the cap."""

    pre_order_id: str
    account_id: str
    pool_id: str
    price_cap_minor: int


@event("demand.pre_order_changed")
@dataclass(frozen=True, slots=True)
class PreOrderChanged(Event):
    """A member changed the car on a new accepted quote."""

    pre_order_id: str
    account_id: str
    pool_id: str
    quote_id: str
    price_cap_minor: int


@dataclass(frozen=True, slots=True)
class ConcernedMember:
    """A member of a pool that something happened to."""

    pre_order_id: str
    account_id: str


@event("demand.pool_freeze_near")
@dataclass(frozen=True, slots=True)
class PoolFreezeNear(Event):
    """The pool freezes at `freeze_at`, soon: the last time to leave it."""

    pool_id: str
    members: int
    freeze_at: datetime


@event("demand.pool_frozen")
@dataclass(frozen=True, slots=True)
class PoolFroze(Event):
    """Nobody leaves any more; the pool clears at `deadline`."""

    pool_id: str
    members: int
    deadline: datetime


@event("demand.pool_locked")
@dataclass(frozen=True, slots=True)
class PoolLocked(Event):
    """The pool cleared at `n` members, who all get the same discount."""

    pool_id: str
    plant_code: str
    class_key: str
    n: int
    discount_basis_points: int


@event("demand.pre_order_locked")
@dataclass(frozen=True, slots=True)
class PreOrderLocked(Event):
    """A pre-order became an order at `price_minor`, the car with its options."""

    pre_order_id: str
    account_id: str
    pool_id: str
    price_minor: int


@event("demand.pool_failed")
@dataclass(frozen=True, slots=True)
class PoolFailed(Event):
    """The pool reached no clearing; `reached` members had agreed to the first tier."""

    pool_id: str
    plant_code: str
    class_key: str
    reached: int
    members: tuple[ConcernedMember, ...]


@event("demand.pool_cancelled")
@dataclass(frozen=True, slots=True)
class PoolCancelled(Event):
    """The planner took the pool back; all money goes back. `members` are also those who had not paid yet."""

    pool_id: str
    plant_code: str
    class_key: str
    reason: str
    members: tuple[ConcernedMember, ...]


@event("demand.pre_order_rolled")
@dataclass(frozen=True, slots=True)
class PreOrderRolled(Event):
    """A member goes on from a pool: into `into_pool_id`, or waits for the next one (None).

    Out of a failed pool the time of funding is kept; who was beyond a clearing has a new one.
    """

    pre_order_id: str
    account_id: str
    pool_id: str
    into_pool_id: str | None
    keeps_time: bool = True


@event("demand.costlier_terms_offered")
@dataclass(frozen=True, slots=True)
class CostlierTermsOffered(Event):
    """A member who waits goes on into a pool with costlier terms only by a new accepted quote, until `answer_by`.

    `model` is that of the member's car, `any_trim` says that the pool is of every trim and not of the car's own.
    """

    pre_order_id: str
    account_id: str
    pool_id: str
    answer_by: datetime
    model: str
    any_trim: bool


@event("demand.deposit_refund_requested")
@dataclass(frozen=True, slots=True)
class DepositRefundRequested(Event):
    """A deposit goes back, by `refund_by` at the latest; `reason` is a stable word."""

    pre_order_id: str
    account_id: str
    pool_id: str
    amount_minor: int
    reason: str
    refund_by: datetime


@event("demand.early_bonus_granted")
@dataclass(frozen=True, slots=True)
class EarlyBonusGranted(Event):
    """An early member of a failed pool gets a bonus (DOMAIN section 6.1)."""

    pre_order_id: str
    account_id: str
    pool_id: str
    amount_minor: int
