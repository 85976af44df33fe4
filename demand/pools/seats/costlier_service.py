"""Costlier terms of the next pool: who waits is asked, and goes on with a new accepted quote alone (section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from configurator.model import QuoteClaim, QuoteId
from configurator.quote_service import accept_quote
from demand.errors import AlreadyInPool, NoOpenPool, PreOrderClosed, WrongClass
from demand.pools.chain_store import chain_joined, pool_times
from demand.pools.events import CostlierTermsOffered, PreOrderChanged, PreOrderRolled
from demand.pools.joining import admit
from demand.pools.model import (
    ClassLevel,
    Offer,
    PooledPreOrder,
    PoolHead,
    WaitingPreOrder,
    class_keys,
    pre_order_state,
    takes_any_trim,
)
from demand.pools.pool_store import lock_pool, open_pool_ids
from demand.pools.pre_order_store import (
    began_anew,
    lock_pre_order,
    note_question,
    places_of,
    save_car,
    save_pre_orders,
)
from demand.pools.rows import StoredPool
from demand.pools.seats.clearance_store import is_cleared_there, save_after
from demand.pools.tables import pools
from kernel import db
from kernel.errors import Refusal
from kernel.work import Work


def offer_terms(work: Work, head: PoolHead, asked: Sequence[WaitingPreOrder]) -> None:
    """Ask members who wait whether they accept a pool's terms; at the freeze the silent ones get their money back."""
    if not asked:
        return
    note_question(work, asked, head.id)
    any_trim = head.level is ClassLevel.L2
    for one in asked:
        own = one.head
        work.record(
            CostlierTermsOffered(
                own.brand_id, own.id, own.account_id, head.id, head.freeze_at, model=own.model, any_trim=any_trim
            )
        )


def accept_terms(
    work: Work, found: WaitingPreOrder, *, quote_id: str, price_cap_minor: int, pool_id: str | None
) -> PooledPreOrder:
    """Go on into the named pool, else the first of the class, by a new accepted quote, at the time of funding kept.

    Refuses what a quote and a join may be refused for, NoOpenPool where no pool of the class takes members, and
    PreOrderClosed where the pool asks for a larger deposit or the pre-order waits no more.
    """
    stored = _next_pool(work, found, pool_id)
    waiting, _ = lock_pre_order(work, found.head.id)
    if not isinstance(waiting, WaitingPreOrder) or stored.pool.head.terms.deposit_minor > waiting.head.deposit_minor:
        raise PreOrderClosed(pre_order_state(waiting))
    quote = accept_quote(work, QuoteClaim(QuoteId(quote_id), work.actor.signed_in()), reference=waiting.head.id)
    l1_key, l2_key = class_keys(quote.pooling_class)
    if stored.pool.head.class_key not in (l1_key, l2_key):
        raise WrongClass(l1_key, stored.pool.head.class_key)
    head = replace(
        waiting.head,
        quote_id=quote.quote_id,
        version_id=quote.version_id,
        model=quote.model,
        options=quote.options,
        class_l1=l1_key,
        class_l2=l2_key,
        store_id=quote.store_id,
        region=quote.region,
        offer=Offer(quote.vehicle_price_minor, price_cap_minor),
    )
    after = _joined(work, stored, replace(waiting, head=head))
    pooled = PooledPreOrder(head, stored.pool.head.id, waiting.payment_id, waiting.funded_at)
    save_pre_orders(work, [(pooled, after.joined, "rolled_in")])
    save_car(work, pooled)
    chain_joined(work, [(pooled, after.joined)])
    save_after(work, [(stored, after)])
    work.record(
        PreOrderRolled(
            head.brand_id,
            head.id,
            head.account_id,
            waiting.pool_id,
            pooled.pool_id,
            keeps_time=not began_anew(work, [head.id]),
        ),
        PreOrderChanged(head.brand_id, head.id, head.account_id, pooled.pool_id, head.quote_id, price_cap_minor),
    )
    return pooled


def _next_pool(work: Work, waiting: WaitingPreOrder, pool_id: str | None) -> StoredPool:
    """Lock the pool that is named, or that somebody who waits would go on into.

    That is one that may still be left before a frozen one, and one of the own trim before the wider one if agreed to.
    """
    keys = [waiting.head.class_l1]
    if takes_any_trim(waiting.head):
        keys.append(waiting.head.class_l2)
    if pool_id is not None:
        named = lock_pool(work, pool_id)
        if named.pool.head.class_key not in keys:
            raise WrongClass(waiting.head.class_l1, named.pool.head.class_key)
        return named
    found = open_pool_ids(work, keys)
    if not found:
        raise NoOpenPool(waiting.head.class_l1)
    table = pools.c
    first = select(table.id).where(db.among(table.id, found)).order_by(table.state.desc(), table.level, table.id)
    return lock_pool(work, str(work.connection.execute(first.limit(1)).scalar_one()))


def _joined(work: Work, stored: StoredPool, waiting: WaitingPreOrder) -> StoredPool:
    head, pool = waiting.head, stored.pool
    if held := places_of(work, [head.person_id]).get((pool.head.id, head.person_id)):
        raise AlreadyInPool(pool.head.id, held)
    cleared = is_cleared_there(work, head)
    now = pool_times(work, [pool.head.id])[pool.head.id]
    joined = admit(pool, head.offer, accepts_frozen=head.accepts_frozen, cleared=cleared, now=now)
    if isinstance(joined, Refusal):
        raise joined
    return StoredPool(joined, stored.joined + 1)
