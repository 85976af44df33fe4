"""What can be followed as it changes: a pool's progress, and one's own order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import strawberry
from strawberry.types import Info

from graph.access import ACCESS_KEY, Access
from graph.context import Request
from graph.identifiers import raw_id
from graph.live import Topic, Watched, owner_of
from graph.types.pools import Pool, read_progress
from graph.types.pre_orders import PreOrder, load_pre_orders
from kernel.actor import Actor, Permission
from kernel.work import Work

_APART: Final = "/"


def owned(actor: Actor, raw: str) -> str:
    """Return what is watched of an own thing: its id with the account it must belong to."""
    return f"{raw}{_APART}{actor.account_id or ''}"


def read_own_orders(work: Work, keys: Sequence[str]) -> dict[str, PreOrder]:
    """Return watched pre-orders whose account is the one that watches."""
    wanted = {key: key.split(_APART) for key in keys}
    found = load_pre_orders(work, [raw for raw, _ in wanted.values()])
    return {
        key: found[raw]
        for key, (raw, account_id) in wanted.items()
        if raw in found and found[raw].raw.head.account_id == account_id
    }


WATCHED: Final = {
    "poolProgress": Watched(argument="poolId", kind="Pool", read=read_progress),
    "myOrder": Watched(argument="orderId", kind="PreOrder", read=read_own_orders, topic_id=owned),
}


async def _states(info: Info[Request, None], name: str, given: str) -> AsyncGenerator[Any, None]:
    """Yield the states of a thing through the one ticker of this process; for callers inside the process."""
    request = info.context
    assert request.hub is not None
    watched, actor = WATCHED[name], request.actor
    topic = Topic(name, actor.brand_id, watched.topic_id(actor, raw_id(given, watched.kind)), actor.locale)
    async for state in request.hub.states(topic, owner=owner_of(actor, request.address)):
        yield state


async def _pool_progress(info: Info[Request, None], pool_id: strawberry.ID) -> AsyncGenerator[Pool, None]:
    async for state in _states(info, "poolProgress", pool_id):
        yield state


async def _my_order(info: Info[Request, None], order_id: strawberry.ID) -> AsyncGenerator[PreOrder, None]:
    async for state in _states(info, "myOrder", order_id):
        yield state


pool_progress = strawberry.subscription(
    resolver=_pool_progress,
    description="A pool as it fills; the newest state, at most four times a second.",
    metadata={ACCESS_KEY: Access(Permission.PUBLIC_READ)},
)
my_order = strawberry.subscription(
    resolver=_my_order,
    description="Your own pre-order, and the order it becomes, as it changes.",
    metadata={ACCESS_KEY: Access(Permission.OWN_READ)},
)
