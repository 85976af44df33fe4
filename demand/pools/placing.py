"""Decides where the pre-orders of a group go, in order of arrival: pure, on what was read before."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from configurator.errors import QuoteTaken
from configurator.model import AcceptedQuote
from demand.errors import AlreadyInPool, NoOpenPool, PoolFull, WrongClass
from demand.pools.joining import admit, counts_uncleared, standing
from demand.pools.model import (
    AcknowledgedPreOrder,
    ClassLevel,
    FailureChoice,
    FrozenPool,
    JoinablePool,
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
    """What a group decides on: the locked pools with the places ever taken and the time in them, who holds a place
    by which pre-order, how many of those who reach p_i(M) would not be in the frozen pool, quotes already used.

    It changes as candidates are seated, so each one sees those before it.
    """

    pools: dict[str, Pool]
    joined: dict[str, int]
    times: Mapping[str, datetime]
    holders: dict[tuple[str, str], str]
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
    pools = _pools_for(seating, one)
    if isinstance(pools, Refusal):
        return pools
    full: PoolFull | None = None
    for pool in pools:
        if held := seating.holders.get((pool.head.id, request.actor.person_id)):
            return AlreadyInPool(pool.head.id, held)
        uncleared = seating.uncleared.get(pool.head.id, 0)
        joined = _admitted(one, pool, uncleared=uncleared, now=seating.times[pool.head.id])
        if not isinstance(joined, Refusal):
            _take_place(seating, one, joined)
            return None
        if not isinstance(joined, PoolFull):
            return joined
        full = full or joined
    return full


def _admitted(one: Candidate, pool: Pool, *, uncleared: int = 0, now: datetime) -> JoinablePool | Refusal:
    accepts_frozen = one.request.accepts_frozen
    return admit(pool, one.offer, accepts_frozen=accepts_frozen, cleared=_by_cash(one), uncleared=uncleared, now=now)


def _by_cash(one: Candidate) -> bool:
    return one.request.method is PaymentMethod.CASH


def _take_place(seating: Seating, one: Candidate, joined: JoinablePool) -> None:
    one.pool_id = joined.head.id
    if one.authorisation is not None:
        seating.pools[one.pool_id] = joined
        seating.joined[one.pool_id] += 1
        if counts_uncleared(joined, one.offer, cleared=_by_cash(one)):
            seating.uncleared[one.pool_id] = seating.uncleared.get(one.pool_id, 0) + 1
        seating.holders[one.pool_id, one.request.actor.person_id or ""] = one.id
        one.place_number = seating.joined[one.pool_id]
    seating.quotes_used.add(one.request.quote_id)


def _pools_for(seating: Seating, one: Candidate) -> Sequence[Pool] | Refusal:
    """Return the pool named, if the car is of its class, or those that the car may join, the best one first."""
    assert one.quote is not None
    l1_key, l2_key = class_keys(one.quote.pooling_class)
    if one.request.pool_id is None:
        keys = [l1_key, *([l2_key] if one.request.accepts_wider_class else [])]
        return joinable_pools(seating.pools, keys, times=seating.times) or NoOpenPool(l1_key)
    pool = seating.pools.get(one.request.pool_id)
    if pool is None:
        return NotFound("pool")
    head = pool.head
    fits = (
        head.class_key == l1_key
        if head.level is ClassLevel.L1
        else (head.class_key == l2_key and one.request.accepts_wider_class)
    )
    return [pool] if fits else WrongClass(l1_key, head.class_key)


def say_where_is_room(
    one: Candidate, pools: Mapping[str, Pool], times: Mapping[str, datetime], holders: Container[tuple[str, str]]
) -> None:
    """Name in a refusal for want of places a pool that would take this offer: of the own trim before one of every trim.

    None in which the person holds a place (`holders`, as pool and person). Whoever did not agree to every trim is told
    that this would help.
    """
    full = one.refusal
    assert isinstance(full, PoolFull)
    assert one.quote is not None
    l1_key, l2_key = class_keys(one.quote.pooling_class)
    for pool in joinable_pools(pools, (l1_key, l2_key), times=times):
        if (pool.head.id, one.request.actor.person_id) in holders:
            continue
        if not isinstance(_admitted(one, pool, now=times[pool.head.id]), Refusal):
            as_agreed = pool.head.level is ClassLevel.L1 or one.request.accepts_wider_class
            advice = because("OTHER_POOL" if as_agreed else "WIDER_POOL")
            one.refusal = PoolFull(full.places, advice, pool.head.id)
            return


def joinable_pools(
    pools: Mapping[str, Pool], class_keys: Sequence[str], *, times: Mapping[str, datetime]
) -> list[Pool]:
    """Return the pools that a car of these classes may join, the best one first; `times` is the time in each pool.

    Those of an earlier class come first, but for pools that have no place left or whose deadline is past. In a class
    a frozen pool that lacks members is first: an open one beside it must not take from it those it needs to tip. Then
    comes the open one, then a frozen one that tips anyway.
    """

    def rank(pool: Pool) -> tuple[bool, int, int, str]:
        head = pool.head
        is_over = times[head.id] >= head.deadline
        return is_over or head.members >= head.terms.member_limit, places[head.class_key], _precedence(pool), head.id

    places = {class_key: place for place, class_key in enumerate(class_keys)}
    open_ones = [one for one in pools.values() if isinstance(one, OpenPool | FrozenPool)]
    return sorted((one for one in open_ones if one.head.class_key in places), key=rank)


def joinable_pool(
    pools: Mapping[str, Pool], class_keys: Sequence[str], *, times: Mapping[str, datetime]
) -> Pool | None:
    """Return the best pool that a car of these classes may join, or None."""
    return next(iter(joinable_pools(pools, class_keys, times=times)), None)


def _precedence(pool: Pool) -> int:
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
