"""Decides where the pre-orders of a group go, in order of arrival: pure, on what was read before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from configurator.errors import QuoteTaken
from configurator.model import AcceptedQuote
from demand.errors import AlreadyInPool, NoOpenPool, WrongClass
from demand.pools.joining import admit, counts_uncleared, standing
from demand.pools.model import (
    AcknowledgedPreOrder,
    ClassLevel,
    FailureChoice,
    FrozenPool,
    Offer,
    OpenPool,
    PaymentMethod,
    Pool,
    PooledPreOrder,
    PoolId,
    PreOrder,
    PreOrderHead,
    PreOrderId,
    class_keys,
)
from kernel.actor import Actor
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.idempotency import Fresh, Keyed
from kernel.payments import Authorisation
from kernel.reasons import because

CAP_MINOR_MAX: Final = 10**12


def check_cap(price_cap_minor: int) -> None:
    """Refuse a cap that is no price of a car (InvalidInput)."""
    if not 0 < price_cap_minor <= CAP_MINOR_MAX:
        raise InvalidInput("priceCap", because("CAR_CAP"))


@dataclass(frozen=True, slots=True)
class PreOrderRequest:
    """One person's wish to buy on a quote for at most `price_cap_minor`, the car with its options.

    `authorisation` is a provider's signed token: with it the pre-order takes its place at once, without it a payment
    is asked for. `pool_id` None means the pool of the car's class; `accepts_wider_class` is the consent to join an L2
    pool, `accepts_frozen` to join one that nobody leaves any more. `store_id`, `quote_signature` and
    `vehicle_price_minor`, where given, are what the buyer has in hand and must be the quote's.
    """

    actor: Actor
    idempotency_key: str
    quote_id: str
    price_cap_minor: int
    pool_id: str | None = None
    store_id: str | None = None
    failure_choice: FailureChoice = FailureChoice.REFUND
    method: PaymentMethod = PaymentMethod.CASH
    accepts_wider_class: bool = False
    accepts_frozen: bool = False
    authorisation: str | None = None
    quote_signature: str | None = None
    vehicle_price_minor: int | None = None

    def keyed(self) -> Keyed:
        """Return the request under its idempotency key."""
        body = {
            "quote_id": self.quote_id,
            "price_cap_minor": self.price_cap_minor,
            "pool_id": self.pool_id,
            "store_id": self.store_id,
            "failure_choice": self.failure_choice.value,
            "method": self.method.value,
            "accepts_wider_class": self.accepts_wider_class,
            "accepts_frozen": self.accepts_frozen,
            "authorisation": self.authorisation,
            "quote_signature": self.quote_signature,
            "vehicle_price_minor": self.vehicle_price_minor,
        }
        return Keyed(self.actor.account_id or "", self.idempotency_key, body)


@dataclass(slots=True, eq=False)
class Candidate:
    """A request on its way through a group: what is known of it so far."""

    request: PreOrderRequest
    id: PreOrderId
    authorisation: Authorisation | None = None
    fresh: Fresh | None = None
    quote: AcceptedQuote | None = None
    refusal: Refusal | None = None
    pool_id: str = ""
    place_number: int | None = None
    payment_id: str = ""
    pre_order: PreOrder | None = None

    @property
    def offer(self) -> Offer:
        assert self.quote is not None
        return Offer(self.quote.vehicle_price_minor, self.request.price_cap_minor)


@dataclass(slots=True)
class Seating:
    """What a group decides on: the locked pools with the places ever taken and the time in them, who holds a place,
    how many of those who reach p_i(M) would not be in the frozen pool, quotes already used.

    It changes as candidates are seated, so each one sees those before it.
    """

    pools: dict[str, Pool]
    joined: dict[str, int]
    times: Mapping[str, datetime]
    holders: set[tuple[str, str]]
    uncleared: dict[str, int] = field(default_factory=dict)
    quotes_used: set[str] = field(default_factory=set)


def seat(seating: Seating, candidates: Sequence[Candidate]) -> None:
    """Give each candidate a pool, a place where it is funded, or a refusal."""
    for one in candidates:
        one.place_number = None
        one.refusal = _seat_one(seating, one)


def _seat_one(seating: Seating, one: Candidate) -> Refusal | None:
    request, quote = one.request, one.quote
    assert quote is not None
    assert request.actor.person_id is not None
    if request.quote_id in seating.quotes_used:
        return QuoteTaken("accepted")
    pool = _pool_for(seating, one)
    if isinstance(pool, Refusal):
        return pool
    head = pool.head
    if (head.id, request.actor.person_id) in seating.holders:
        return AlreadyInPool()
    time = seating.times[head.id]
    by_cash = request.method is PaymentMethod.CASH
    uncleared = seating.uncleared.get(head.id, 0)
    joined = admit(
        pool, one.offer, accepts_frozen=request.accepts_frozen, cleared=by_cash, uncleared=uncleared, now=time
    )
    if isinstance(joined, Refusal):
        return joined
    one.pool_id = head.id
    if one.authorisation is not None:
        seating.pools[head.id] = joined
        seating.joined[head.id] += 1
        seating.uncleared[head.id] = uncleared + counts_uncleared(pool, one.offer, cleared=by_cash)
        seating.holders.add((head.id, request.actor.person_id))
        one.place_number = seating.joined[head.id]
    seating.quotes_used.add(request.quote_id)
    return None


def _pool_for(seating: Seating, one: Candidate) -> Pool | Refusal:
    """Return the pool named, if the car is of its class, or the one of the car's class that takes members."""
    assert one.quote is not None
    l1_key, l2_key = class_keys(one.quote.pooling_class)
    if one.request.pool_id is None:
        keys = [l1_key, *([l2_key] if one.request.accepts_wider_class else [])]
        found = joinable_pool(seating.pools, keys, times=seating.times)
        return found or NoOpenPool(l1_key)
    pool = seating.pools.get(one.request.pool_id)
    if pool is None:
        return NotFound("pool")
    head = pool.head
    fits = (
        head.class_key == l1_key
        if head.level is ClassLevel.L1
        else (head.class_key == l2_key and one.request.accepts_wider_class)
    )
    return pool if fits else WrongClass(l1_key, head.class_key)


def joinable_pool(
    pools: Mapping[str, Pool], class_keys: Sequence[str], *, times: Mapping[str, datetime]
) -> Pool | None:
    """Return the pool that a car of these classes joins, in the first class with one; `times` is the time in each pool.

    A frozen pool that lacks members comes first: an open one beside it must not take from it those it needs to tip.
    Then the open one, then a frozen one that tips anyway, last one whose deadline is past.
    """
    for class_key in class_keys:
        own = [
            pool
            for pool in pools.values()
            if pool.head.class_key == class_key and isinstance(pool, OpenPool | FrozenPool)
        ]
        for pool in sorted(own, key=lambda one: (_precedence(one, times[one.head.id]), one.head.id)):
            return pool
    return None


def _precedence(pool: Pool, now: datetime) -> int:
    if now >= pool.head.deadline:
        return 3
    if isinstance(pool, OpenPool):
        return 1
    return 0 if standing(pool.head).needed > 0 else 2


def pre_order_of(
    one: Candidate,
    *,
    brand_id: str,
    deposit_minor: int,
    policy_version: int,
    payable_until: datetime,
    now: datetime,
    pool_time: datetime,
) -> PreOrder:
    """Make the pre-order of a seated candidate whose payment is known; a place is taken at the time in its pool."""
    request, quote = one.request, one.quote
    assert quote is not None
    assert request.actor.account_id is not None
    assert request.actor.person_id is not None
    l1_key, l2_key = class_keys(quote.pooling_class)
    head = PreOrderHead(
        id=one.id,
        brand_id=brand_id,
        account_id=request.actor.account_id,
        person_id=request.actor.person_id,
        quote_id=quote.quote_id,
        version_id=quote.version_id,
        policy_version=policy_version,
        model=quote.model,
        options=quote.options,
        class_l1=l1_key,
        class_l2=l2_key,
        plant_code=quote.pooling_class.plant,
        store_id=quote.store_id,
        region=quote.region,
        offer=one.offer,
        method=request.method,
        failure_choice=request.failure_choice,
        deposit_minor=deposit_minor,
        placed_at=now,
        accepts_wider_class=request.accepts_wider_class,
        accepts_frozen=request.accepts_frozen,
    )
    pool_id = PoolId(one.pool_id)
    if one.place_number is None:
        return AcknowledgedPreOrder(head, pool_id, one.payment_id, payable_until)
    return PooledPreOrder(head, pool_id, one.payment_id, pool_time)
