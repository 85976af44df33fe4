"""Use cases of a store that closes: the operator closes it, and the buyers whose cars would go there pick another one.

Price and contract date stay (DOMAIN section 6.6); the store's stock is shared out with the next round. Cars of buyers
that stand there are handed over first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from demand.pools.queries import open_at_store
from factory_orders.planning.model import (
    BuiltOrder,
    InTransitOrder,
    OrderTerms,
    ScheduledOrder,
    order_state,
)
from factory_orders.planning.order_store import lock_order
from factory_orders.store_closing.errors import StoreHasCars, StoreStillOpen
from factory_orders.store_closing.events import OrderStoreChanged, OrderStoreClosed, PreOrderStoreClosed
from factory_orders.store_closing.model import PICK_AGAIN_AFTER, PICK_TIMER
from factory_orders.store_closing.queries import cars_standing
from factory_orders.store_closing.store import orders_under_way, write_store
from kernel import registry
from kernel.actor import Permission
from kernel.errors import Conflict, NotFound
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class ClosedStore:
    """A store that is closed, since when, and how many buyers were asked to pick another one."""

    store_id: str
    closed_at: datetime
    asked: int


@dataclass(frozen=True, slots=True)
class PickedStore:
    """An order and the store that its car goes to."""

    order_id: str
    store_id: str


def close_store(work: Work, store_id: str) -> ClosedStore:
    """Close a store for good: nobody is quoted or received there any more, and its buyers are told to pick another one.

    Who stands in a pool for it is told that this choice comes with the lock. The same again changes nothing. Refuses
    another brand's store (NotFound), and one at which cars of buyers stand, or of who may still be one (StoreHasCars).
    """
    work.actor.require(Permission.STORE_CLOSE)
    store = registry.lock_store(work, store_id)
    if store.closed_at is not None:
        return ClosedStore(store.id, store.closed_at, 0)
    # Locked before they are counted: none of them arrives in between.
    waiting = orders_under_way(work, store.id)
    if standing := cars_standing(work, store.id):
        raise StoreHasCars(standing)
    registry.close_store(work, store.id)
    for order in waiting:
        _ask_to_pick(work, order.terms)
    for pre_order_id, account_id in open_at_store(work, store.id):
        work.record(PreOrderStoreClosed(work.actor.brand_id, pre_order_id, account_id, store.id))
    return ClosedStore(store.id, work.now, len(waiting))


def _ask_to_pick(work: Work, terms: OrderTerms) -> None:
    """Tell a buyer to pick another store, and again in a week."""
    work.record(OrderStoreClosed(terms.brand_id, terms.id, terms.account_id, terms.store_id))
    set_timer(work, PICK_TIMER, terms.id, work.now + PICK_AGAIN_AFTER)


def remind_to_pick(work: Work, order_id: str, _payload: object = None) -> None:
    """Tell a buyer who has picked no other store yet again, while the car is still to come; the timer of an order."""
    work.actor.require(Permission.SYSTEM)
    order = lock_order(work, order_id)
    if not isinstance(order, ScheduledOrder | BuiltOrder | InTransitOrder):
        return
    if registry.stores_by_id(work, [order.terms.store_id])[order.terms.store_id].closed_at is not None:
        _ask_to_pick(work, order.terms)


def pick_store(work: Work, order_id: str, store_id: str) -> PickedStore:
    """Pick another store for an order whose store has closed, at the same price; the same again changes nothing.

    Refuses a store that is closed or none, and another buyer's order (NotFound), StoreStillOpen, and Conflict once the
    car stands at its store or the order has ended.
    """
    work.actor.require(Permission.OWN_WRITE)
    chosen = registry.hold_open_store(work, store_id)
    order = lock_order(work, order_id)
    terms = order.terms
    if terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    if terms.store_id == chosen.id:
        return PickedStore(order_id, chosen.id)
    if registry.stores_by_id(work, [terms.store_id])[terms.store_id].closed_at is None:
        raise StoreStillOpen
    if not isinstance(order, ScheduledOrder | BuiltOrder | InTransitOrder):
        raise Conflict("order", because("STANDS_AT", state=order_state(order)))
    write_store(work, terms, chosen.id)
    cancel_timer(work, PICK_TIMER, order_id)
    moved = replace(terms, store_id=chosen.id)
    work.record(OrderStoreChanged(moved.brand_id, moved.id, moved.account_id, terms.store_id, moved.store_id))
    return PickedStore(order_id, chosen.id)
