"""Places pre-orders, many in one commit: each gets its own outcome, a refused one spoils no other (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from configurator.errors import QuoteTaken
from configurator.model import QuoteClaim, QuoteId
from configurator.quote_service import accept_quotes, examine_quotes
from demand.errors import PersonNotVerified, PoolFull
from demand.pools.chain_store import chain_joined, pool_times
from demand.pools.events import DepositsHeld, HeldDeposit, PlacedPreOrder, PreOrdersPlaced
from demand.pools.joining import free_until
from demand.pools.model import (
    PooledPreOrder,
    PreOrder,
    PreOrderId,
    class_keys,
    pre_order_state,
)
from demand.pools.placing import (
    Candidate,
    PreOrderRequest,
    Seating,
    check_cap,
    pre_order_of,
    say_where_is_room,
    seat,
)
from demand.pools.policy import PoolPolicy
from demand.pools.pool_store import lock_pools
from demand.pools.pre_order_store import (
    DEPOSIT,
    EXPIRE_TIMER,
    deposit_account,
    insert_pre_orders,
    places_of,
    pre_orders_by_id,
)
from demand.pools.queries import pools_of_classes
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import save_after, uncleared_in
from kernel import payments, policy, registry
from kernel.actor import Permission
from kernel.errors import IdempotencyMismatch, InvalidInput, NotFound, NotSignedIn, Refusal
from kernel.idempotency import Fresh, Keyed, Replay, claim_many, release
from kernel.identity.queries import hold_accounts
from kernel.ledger import Transfer, book
from kernel.money import Money
from kernel.payments import Payment, PaymentProvider, PaymentRequest
from kernel.reasons import because
from kernel.timers import set_new_timers
from kernel.work import Work

REQUESTS_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Placed:
    """An acknowledged pre-order; `payment` is what it waits for unless it is funded. `repeated`: known already."""

    pre_order: PreOrder
    payment_id: str
    repeated: bool = False

    @property
    def pre_order_id(self) -> PreOrderId:
        return self.pre_order.head.id

    @property
    def state(self) -> str:
        return pre_order_state(self.pre_order)


Outcome: TypeAlias = "Placed | Refusal"


class _SpoiltError(Exception):
    """Another process took a quote or an authorisation in between: the group is decided anew without `dropped`."""

    def __init__(self, dropped: list[Candidate]) -> None:
        super().__init__()
        self.dropped = dropped


def place_pre_orders(
    work: Work, providers: Mapping[str, PaymentProvider], requests: Sequence[PreOrderRequest]
) -> list[Outcome]:
    """Place pre-orders in order of arrival and return an outcome for each; the caller commits once.

    Refuses per request: no permission, no verified person, a quote that is unknown, expired, taken; a pool that is
    closed, full or of another class; a second place by the same person; a cap below every tier; an authorisation
    that is not signed, short, used before; an idempotency key with another body.
    """
    assert len(requests) <= REQUESTS_MAX
    keyed = [request.keyed() for request in requests]
    first: dict[tuple[str, str], int] = {}
    for index, key in enumerate(keyed):
        first.setdefault((key.account_id, key.key), index)
    outcomes: dict[int, Outcome] = {}
    by_brand: dict[str, list[int]] = {}
    for index in first.values():
        by_brand.setdefault(requests[index].actor.brand_id, []).append(index)
    for brand_id in sorted(by_brand):
        own = by_brand[brand_id]
        brand_actor = replace(requests[own[0]].actor, account_id=None, person_id=None)
        decided = _place(
            work.acting(brand_actor), providers, [requests[index] for index in own], [keyed[index] for index in own]
        )
        outcomes |= dict(zip(own, decided, strict=True))
    return [
        _settled(outcomes[first[key.account_id, key.key]], keyed, first[key.account_id, key.key], index)
        for index, key in enumerate(keyed)
    ]


def _settled(outcome: Outcome, keyed: Sequence[Keyed], first: int, index: int) -> Outcome:
    """Give a repeated key in one group the outcome of its first, or refuse another body."""
    if index == first:
        return outcome
    if keyed[index].body != keyed[first].body:
        return IdempotencyMismatch()
    return replace(outcome, repeated=True) if isinstance(outcome, Placed) else outcome


def _place(
    work: Work,
    providers: Mapping[str, PaymentProvider],
    requests: Sequence[PreOrderRequest],
    keyed: Sequence[Keyed],
) -> list[Outcome]:
    candidates = [
        Candidate(request, PreOrderId(new_id))
        for request, new_id in zip(requests, work.new_ids(len(requests)), strict=True)
    ]
    for one in candidates:
        one.refusal = _judge_request(one, providers)
    repeated = _claim(work, candidates, keyed)
    _read_quotes(work, [one for one in candidates if one.fresh is not None])
    ready = [one for one in candidates if one.quote is not None]
    while ready:
        news_before = len(work.news)
        try:
            with work.connection.begin_nested():
                _seat_and_write(work, ready)
            break
        except _SpoiltError as spoilt:
            del work.news[news_before:]
            ready = [one for one in ready if one not in spoilt.dropped]
            for one in ready:
                one.refusal = None
    _look_for_room(work, [one for one in candidates if isinstance(one.refusal, PoolFull)])
    release(work, [one.fresh for one in candidates if one.refusal is not None and one.fresh is not None])
    return [_outcome(one, repeated) for one in candidates]


def _look_for_room(work: Work, refused: Sequence[Candidate]) -> None:
    """Say to those who found no place which other pool has one."""
    keys = {key for one in refused if one.quote is not None for key in class_keys(one.quote.pooling_class)}
    if not keys:
        return
    found = pools_of_classes(work, keys)
    times = pool_times(work, found)
    holders = places_of(work, [one.request.actor.person_id or "" for one in refused])
    for one in refused:
        say_where_is_room(one, found, times, holders)


def _outcome(one: Candidate, repeated: Mapping[str, PreOrder]) -> Outcome:
    if one.refusal is not None:
        return one.refusal
    if one.id in repeated:
        pre_order = repeated[one.id]
        return Placed(pre_order, pre_order.payment_id, repeated=True)
    assert one.pre_order is not None
    return Placed(one.pre_order, one.payment_id)


# --- each request alone ----------------------------------------------------------------------------------------------


def _judge_request(one: Candidate, providers: Mapping[str, PaymentProvider]) -> Refusal | None:
    """Check what needs no storage: who asks, the numbers, the authorisation's signature."""
    request = one.request
    try:
        request.actor.require(Permission.PREORDER)
        request.actor.signed_in()
        if request.authorisation is not None:
            one.authorisation = payments.read_authorisation(providers, request.authorisation)
        if request.actor.person_id is None:
            return PersonNotVerified()
        check_cap(request.price_cap_minor)
    except Refusal as refusal:
        return refusal
    return None


def _claim(work: Work, candidates: Sequence[Candidate], keyed: Sequence[Keyed]) -> dict[str, PreOrder]:
    """Claim the idempotency keys; a repeated request takes the id of its pre-order, which is returned by id."""
    claiming = [(one, key) for one, key in zip(candidates, keyed, strict=True) if one.refusal is None]
    if not claiming:
        return {}
    claims = claim_many(work, [key for _, key in claiming], [{"pre_order_id": one.id} for one, _ in claiming])
    replayed: list[Candidate] = []
    for (one, _), claim in zip(claiming, claims, strict=True):
        match claim:
            case Fresh():
                one.fresh = claim
            case Replay(outcome):
                if not isinstance(outcome, dict) or "pre_order_id" not in outcome:
                    one.refusal = IdempotencyMismatch()
                else:
                    one.id = PreOrderId(outcome["pre_order_id"])
                    replayed.append(one)
            case refusal:
                one.refusal = refusal
    found = pre_orders_by_id(work, [one.id for one in replayed]) if replayed else {}
    return {pre_order_id: pre_order for pre_order_id, (pre_order, _) in found.items()}


def _read_quotes(work: Work, fresh: Sequence[Candidate]) -> None:
    """Examine the quotes of all fresh requests in one statement."""
    claims = [
        QuoteClaim(
            QuoteId(one.request.quote_id),
            one.request.actor.account_id or "",
            one.request.quote_signature,
            one.request.vehicle_price_minor,
        )
        for one in fresh
    ]
    for one, examined in zip(fresh, examine_quotes(work, claims), strict=True):
        if isinstance(examined, Refusal):
            one.refusal = examined
        elif one.request.store_id is not None and one.request.store_id != examined.store_id:
            one.refusal = _refuse_store(work, one.request.store_id)
        else:
            one.quote = examined


def _refuse_store(work: Work, store_id: str) -> Refusal:
    """Say of a store that is not the quote's that it is another one; one of another brand looks like none."""
    is_own = store_id in registry.stores_by_id(work, [store_id])
    return InvalidInput("storeId", because("QUOTE_OF_OTHER_STORE")) if is_own else NotFound("store")


# --- the group together ----------------------------------------------------------------------------------------------


def _seat_and_write(work: Work, ready: Sequence[Candidate]) -> None:
    """Lock the pools, seat everybody, take money and quotes, write it all; raises where somebody was quicker."""
    ready = _still_there(work, ready)
    stored = _lock(work, ready)
    seating = Seating(
        pools={pool_id: one.pool for pool_id, one in stored.items()},
        joined={pool_id: one.joined for pool_id, one in stored.items()},
        times=pool_times(work, stored),
        holders=places_of(work, [one.request.actor.person_id or "" for one in ready]),
        uncleared=uncleared_in(work, [one.pool for one in stored.values()], newcomers=len(ready)),
    )
    seat(seating, ready)
    seated = [one for one in ready if one.refusal is None]
    if not seated:
        return
    rules = policy.current(work)
    payable_until = work.now + timedelta(minutes=rules.section(PoolPolicy).payment_minutes)
    transfers = _take_money(work, seated, seating, payable_until=payable_until)
    _take_quotes(work, seated)
    for one in seated:
        one.pre_order = pre_order_of(
            one,
            brand_id=work.actor.brand_id,
            deposit_minor=seating.pools[one.pool_id].head.terms.deposit_minor,
            policy_version=rules.version,
            payable_until=payable_until,
            now=work.now,
            pool_time=seating.times[one.pool_id],
        )
    # From here on hardly anything is read: the database writes what it has been sent while the next rows are laid out.
    chain_joined(
        work,
        [
            (one.pre_order, one.place_number)
            for one in seated
            if isinstance(one.pre_order, PooledPreOrder) and one.place_number is not None
        ],
    )
    book(work, *transfers)
    insert_pre_orders(work, [(one.pre_order, one.place_number) for one in seated if one.pre_order is not None])
    filled = {one.pool_id for one in seated if one.place_number is not None}
    saved = save_after(
        work,
        [(stored[pool_id], StoredPool(seating.pools[pool_id], seating.joined[pool_id])) for pool_id in sorted(filled)],
    )
    seating.pools.update({one.pool.head.id: one.pool for one in saved})
    set_new_timers(work, EXPIRE_TIMER, {one.id: payable_until for one in seated if one.place_number is None})
    _tell(work, seated, seating)


def _still_there(work: Work, ready: Sequence[Candidate]) -> list[Candidate]:
    """Refuse those whose account ended a moment ago, and let nobody else erase theirs until this is written."""
    gone = hold_accounts(work, [one.request.actor.signed_in() for one in ready])
    for one in ready:
        if one.request.actor.account_id in gone:
            one.refusal = NotSignedIn()
    return [one for one in ready if one.refusal is None]


def _lock(work: Work, ready: Sequence[Candidate]) -> dict[str, StoredPool]:
    named = [one.request.pool_id for one in ready if one.request.pool_id is not None]
    keys = [
        key
        for one in ready
        if one.request.pool_id is None and one.quote is not None
        for key in class_keys(one.quote.pooling_class)
    ]
    return lock_pools(work, named, keys)


def _take_money(
    work: Work, seated: Sequence[Candidate], seating: Seating, *, payable_until: datetime
) -> list[Transfer]:
    """Take in authorised deposits and ask for the others; returns what is to be booked of what came in."""

    def wanted(one: Candidate) -> PaymentRequest:
        deposit = Money(seating.pools[one.pool_id].head.terms.deposit_minor)
        account_id = one.request.actor.signed_in()
        return PaymentRequest(work.actor.brand_id, account_id, DEPOSIT, one.id, deposit, payable_until)

    offered = [(one, one.authorisation) for one in seated if one.authorisation is not None]
    received = payments.receive_authorised(work, [(wanted(one), given) for one, given in offered])
    _drop([(one, outcome) for (one, _), outcome in zip(offered, received, strict=True)])
    transfers = []
    for (one, _), payment in zip(offered, received, strict=True):
        assert isinstance(payment, Payment)
        one.payment_id = payment.id
        transfers.append(payments.receipt(payment, kind="deposit_held", to=deposit_account(one.id)))
    unpaid = [one for one in seated if one.authorisation is None]
    for one, payment in zip(unpaid, payments.request_payments(work, [wanted(one) for one in unpaid]), strict=True):
        one.payment_id = payment.id
    return transfers


def _take_quotes(work: Work, seated: Sequence[Candidate]) -> None:
    free = accept_quotes(
        work, {QuoteId(one.request.quote_id): (one.request.actor.signed_in(), one.id) for one in seated}
    )
    _drop([(one, None if one.request.quote_id in free else QuoteTaken("accepted")) for one in seated])


def _drop(judged: Sequence[tuple[Candidate, object]]) -> None:
    """Refuse those that somebody was quicker than; places taken since must be given anew, so all is rolled back."""
    dropped = []
    for one, outcome in judged:
        if isinstance(outcome, Refusal):
            one.refusal = outcome
            dropped.append(one)
    if dropped:
        raise _SpoiltError(dropped)


def _tell(work: Work, seated: Sequence[Candidate], seating: Seating) -> None:
    """Record one piece of news a pool for the whole group, and one more for the deposits in it."""
    brand_id = work.actor.brand_id
    for pool_id in sorted({one.pool_id for one in seated}):
        own = [one.pre_order for one in seated if one.pool_id == pool_id and one.pre_order is not None]
        placed = tuple(
            PlacedPreOrder(one.head.id, one.head.account_id, isinstance(one, PooledPreOrder), one.payment_id)
            for one in own
        )
        work.record(PreOrdersPlaced(brand_id, pool_id, placed))
        deposits = tuple(
            HeldDeposit(one.head.id, one.head.account_id, one.head.deposit_minor)
            for one in own
            if isinstance(one, PooledPreOrder)
        )
        if deposits:
            pool = seating.pools[pool_id]
            frozen_until = None if free_until(pool, now=seating.times[pool_id]) else pool.head.deadline
            work.record(DepositsHeld(brand_id, pool_id, pool.head.members, deposits, frozen_until))
