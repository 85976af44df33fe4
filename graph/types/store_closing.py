"""A store closes, and its buyers pick another one at the same price."""

from __future__ import annotations

from datetime import datetime

import strawberry

from factory_orders import queries, service
from factory_orders.store_closing.errors import StoreHasCars, StoreStillOpen
from graph.access import input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from kernel.actor import Permission
from kernel.work import Work


@object_type(reads=Permission.STORE_CLOSE)
class StoreClosed:
    """A store that is closed; `asked` buyers were told to pick another one."""

    store_id: strawberry.ID
    closed_at: datetime
    asked: int


@object_type(reads=Permission.STORE_CLOSE)
class StoreOutlook:
    """What closing a store would mean: `standing` cars have a buyer or may have one, and keep it open.

    So many buyers `toAsk` would pick another store, `members` of pools after their lock; `stock` cars for nobody and
    those `onOrder` would be shared out.
    """

    store_id: strawberry.ID
    closed_at: datetime | None
    standing: int
    to_ask: int
    members: int
    stock: int
    on_order: int


@object_type(reads=Permission.OWN_READ)
class StorePicked:
    """Your order, and the store that its car goes to now."""

    order_id: strawberry.ID
    store_id: strawberry.ID


@input_type(takes=Permission.STORE_CLOSE)
class CloseStoreInput:
    """A store that closes for good."""

    store_id: strawberry.ID


@input_type(takes=Permission.OWN_WRITE)
class PickStoreInput:
    """Your order whose store has closed, and the one that you want to go to."""

    order_id: strawberry.ID
    store_id: strawberry.ID


@query(reads=Permission.STORE_CLOSE)
def store_outlook(work: Work, store_id: strawberry.ID) -> StoreOutlook:
    """What closing a store would mean; nothing is changed."""
    found = queries.store_outlook(work, raw_id(store_id, "Store"))
    return StoreOutlook(
        store_id=write_id("Store", found.store_id),
        closed_at=found.closed_at,
        standing=found.standing,
        to_ask=found.to_ask,
        members=found.members,
        stock=found.stock,
        on_order=found.on_order,
    )


@mutation(does=Permission.STORE_CLOSE, refuses=(StoreHasCars,), result="CloseStoreResult")
def close_store(work: Work, input: CloseStoreInput) -> StoreClosed:  # noqa: A002  # the API's word
    """Close a store for good; buyers whose cars would go there are told to pick another one."""
    done = service.close_store(work, raw_id(input.store_id, "Store"))
    return StoreClosed(store_id=write_id("Store", done.store_id), closed_at=done.closed_at, asked=done.asked)


@mutation(does=Permission.OWN_WRITE, refuses=(StoreStillOpen,), result="PickStoreResult")
def pick_store(work: Work, input: PickStoreInput) -> StorePicked:  # noqa: A002  # the API's word
    """Pick another store for your car where yours has closed; price and contract date stay."""
    done = service.pick_store(work, raw_id(input.order_id, "Order"), raw_id(input.store_id, "Store"))
    return StorePicked(order_id=write_id("Order", done.order_id), store_id=write_id("Store", done.store_id))
