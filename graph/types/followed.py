"""What can be followed as it changes: a pool, one's own order or purchase, a stock quote, a store, a plant, a batch.

A state is read once and shared by all who may follow the thing, so it holds nothing that one of them may not see.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any, Final

import strawberry
from strawberry.types import Info

from graph.access import ACCESS_KEY, Access
from graph.context import Request
from graph.identifiers import NO_ID
from graph.live import Topic, Watched, owner_of
from graph.types.hours import StoreArrivals, read_arrivals
from graph.types.orders import load_orders
from graph.types.plant import Batch, BuildQueue, load_batches, read_queues
from graph.types.pools import Pool, read_progress
from graph.types.pre_orders import PreOrder, load_pre_orders
from graph.types.stock import StockQuoteStanding, read_standings
from graph.types.stock_purchases import StockPurchase, load_purchases
from kernel.actor import Actor, Permission
from kernel.work import Work

_APART: Final = "/"
EACH_SECOND: Final = 1.0
"""Who waits for a car or for work sees it within a second; each look reads all that comes to a store or a plant."""


def owned(actor: Actor, raw: str) -> str:
    """Return what is watched of an own thing: its id with the account it must belong to."""
    return f"{raw}{_APART}{actor.account_id or ''}"


def of_own_store(actor: Actor, raw: str) -> str:
    """Return a store's id to those who work there; to all others it is nobody's."""
    return raw if raw == actor.store_id else NO_ID


def of_own_plant(actor: Actor, raw: str) -> str:
    """Return a plant's id to its own system; to all others it is nobody's."""
    return raw if raw == actor.plant_id else NO_ID


def read_own_orders(work: Work, keys: Sequence[str]) -> dict[str, PreOrder]:
    """Return watched pre-orders whose account is the one that watches, each with the order that it has become.

    From the lock on it is the order that changes, so a state without it would be the last one.
    """
    wanted = {key: key.split(_APART) for key in keys}
    found = load_pre_orders(work, [raw for raw, _ in wanted.values()])
    became = load_orders(work, list(found))
    return {
        key: replace(found[raw], became=became.get(raw))
        for key, (raw, account_id) in wanted.items()
        if raw in found and found[raw].raw.head.account_id == account_id
    }


def read_own_purchases(work: Work, keys: Sequence[str]) -> dict[str, StockPurchase]:
    """Return watched purchases whose account is the one that watches, each with the order that it has become."""
    wanted = {key: key.split(_APART) for key in keys}
    found = load_purchases(work, [raw for raw, _ in wanted.values()])
    became = load_orders(work, list(found))
    return {
        key: replace(found[raw], became=became.get(raw))
        for key, (raw, account_id) in wanted.items()
        if raw in found and found[raw].raw.account_id == account_id
    }


WATCHED: Final = {
    "poolProgress": Watched(argument="poolId", kinds=("Pool",), read=read_progress),
    "myOrder": Watched(argument="orderId", kinds=("PreOrder", "Order"), read=read_own_orders, topic_id=owned),
    "liveStockQuote": Watched(argument="quoteId", kinds=("StockQuote",), read=read_standings),
    "myStockPurchase": Watched(
        argument="stockPurchaseId", kinds=("StockPurchase",), read=read_own_purchases, topic_id=owned
    ),
    "storeArrivals": Watched(
        argument="storeId", kinds=("Store",), read=read_arrivals, topic_id=of_own_store, every_seconds=EACH_SECOND
    ),
    "buildQueue": Watched(
        argument="plantId", kinds=("Plant",), read=read_queues, topic_id=of_own_plant, every_seconds=EACH_SECOND
    ),
    "batchProgress": Watched(argument="batchId", kinds=("Batch",), read=load_batches, every_seconds=EACH_SECOND),
}


async def _states(info: Info[Request, None], name: str, given: str) -> AsyncGenerator[Any, None]:
    """Yield the states of a thing through the one ticker of this process; for callers inside the process."""
    request = info.context
    assert request.hub is not None
    watched, actor = WATCHED[name], request.actor
    topic = Topic(name, actor.brand_id, watched.topic_id(actor, watched.raw(given)), actor.locale)
    async for state in request.hub.states(topic, owner=owner_of(actor, request.address)):
        yield state


async def _pool_progress(info: Info[Request, None], pool_id: strawberry.ID) -> AsyncGenerator[Pool, None]:
    async for state in _states(info, "poolProgress", pool_id):
        yield state


async def _my_order(info: Info[Request, None], order_id: strawberry.ID) -> AsyncGenerator[PreOrder, None]:
    async for state in _states(info, "myOrder", order_id):
        yield state


async def _live_stock_quote(
    info: Info[Request, None], quote_id: strawberry.ID
) -> AsyncGenerator[StockQuoteStanding, None]:
    async for state in _states(info, "liveStockQuote", quote_id):
        yield state


async def _my_stock_purchase(
    info: Info[Request, None], stock_purchase_id: strawberry.ID
) -> AsyncGenerator[StockPurchase, None]:
    async for state in _states(info, "myStockPurchase", stock_purchase_id):
        yield state


async def _store_arrivals(info: Info[Request, None], store_id: strawberry.ID) -> AsyncGenerator[StoreArrivals, None]:
    async for state in _states(info, "storeArrivals", store_id):
        yield state


async def _build_queue(info: Info[Request, None], plant_id: strawberry.ID) -> AsyncGenerator[BuildQueue, None]:
    async for state in _states(info, "buildQueue", plant_id):
        yield state


async def _batch_progress(info: Info[Request, None], batch_id: strawberry.ID) -> AsyncGenerator[Batch, None]:
    async for state in _states(info, "batchProgress", batch_id):
        yield state


def _followed(resolver: Any, about: str, *, reads: Permission) -> Any:
    return strawberry.subscription(resolver=resolver, description=about, metadata={ACCESS_KEY: Access(reads)})


pool_progress = _followed(
    _pool_progress,
    "A pool as it fills; the newest state, at most four times a second.",
    reads=Permission.PUBLIC_READ,
)
my_order = _followed(
    _my_order,
    "Your own pre-order, and the order it becomes, by the id of either, as it changes.",
    reads=Permission.OWN_READ,
)
live_stock_quote = _followed(
    _live_stock_quote,
    "Whether a stock quote can be taken: held by somebody, free again, repriced, gone.",
    reads=Permission.PUBLIC_READ,
)
my_stock_purchase = _followed(
    _my_stock_purchase,
    "Your own purchase of a stock car, and the order it becomes once its deposit is there, as it changes.",
    reads=Permission.PREORDER,
)
store_arrivals = _followed(
    _store_arrivals,
    "What comes to your store, cars and people, as it changes; at most once a second.",
    reads=Permission.DELIVERY_READ,
)
build_queue = _followed(
    _build_queue,
    "What your plant has to build, as build orders come, move and are withdrawn; at most once a second.",
    reads=Permission.PLANT_REPORT,
)
batch_progress = _followed(
    _batch_progress,
    "A batch on its way through the plant; at most once a second.",
    reads=Permission.BATCH_READ,
)
