"""What a request carries, and what the server is made of; filled by the composition root with plain values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import anyio.to_thread
from anyio import CapacityLimiter
from strawberry.dataloader import DataLoader

from graph.limits import DEFAULT_LIMITS, Limits
from kernel import registry
from kernel.actor import Actor, Permission
from kernel.errors import NotFound
from kernel.group import Group
from kernel.money_by_hand import AccountHold
from kernel.outward import Network
from kernel.payments import LostUse
from kernel.work import Work, Works

ResultT = TypeVar("ResultT")
THREADS_DEFAULT: Final = 8
FOLLOWERS_DEFAULT: Final = 5_000

PaymentUse = Callable[[Work, Any], object]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the doors need.

    `pre_order_door` gathers pre-orders for one commit; `providers` are the payment providers by name;
    `payment_uses` names the use case that a received payment goes to, by its purpose, and `lost_uses` that of one
    whose money is lost; `account_holds` keep still what is moved by hand, by the account's kind; `quote_desk` signs
    quotes and knows pools and promises; `outlook` knows free weeks and take rates; `identity` is the sign-in service.
    `brand_hosts` gives a host name its brand; a request may also name its brand in `X-Muster-Brand`; else it is
    `default_brand`. `metrics_token` opens /metrics; without one it is open in the demo alone. `strict` lets a bug of
    ours fail loudly (tests). `at_close` is called when the server stops, after the last answer.
    """

    works: Works
    default_brand: str
    brand_hosts: Mapping[str, str] = field(default_factory=dict)
    pre_order_door: Group[Any, Any] | None = None
    providers: Mapping[str, Any] = field(default_factory=dict)
    payment_uses: Mapping[str, PaymentUse] = field(default_factory=dict)
    lost_uses: Mapping[str, LostUse] = field(default_factory=dict)
    account_holds: Mapping[str, AccountHold] = field(default_factory=dict)
    quote_desk: Any = None
    outlook: Any = None
    identity: Any = None
    personal_data: Sequence[Any] = ()
    trusted_documents: Sequence[str] = ()
    trusted_documents_only: bool = False
    demo: bool = False
    public_url: str = ""
    webhook_networks: tuple[Network, ...] = ()
    metrics_token: str = ""
    strict: bool = False
    threads: int = THREADS_DEFAULT
    followers_max: int = FOLLOWERS_DEFAULT
    limits: Limits = DEFAULT_LIMITS
    is_migrated: Callable[[], bool] | None = None
    advance_demo_time: Callable[[Work, timedelta], datetime] | None = None
    at_close: Sequence[Callable[[], object]] = ()
    zones: dict[str, ZoneInfo] = field(default_factory=dict)


class Threads:
    """The threads on which rooms run: as many at once as there are database connections."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._limiter: CapacityLimiter | None = None

    async def run(self, function: Callable[..., ResultT], *arguments: Any, **named: Any) -> ResultT:
        """Run a plain function on a thread: the one hop from async to ordinary Python."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._threads)
        return await anyio.to_thread.run_sync(partial(function, *arguments, **named), limiter=self._limiter)


Batch = Callable[[Work, list[Any]], Mapping[Any, Any]]


@dataclass(slots=True)
class Request:
    """One request: who asks, for which brand, in which language, with loaders that live as long as it does."""

    services: Services
    threads: Threads
    actor: Actor
    request_id: str
    address: str = ""
    token: str | None = None
    new_token: str | None = None
    signed_out: bool = False
    old_tokens: list[str | None] = field(default_factory=list)
    retry_after_seconds: int | None = None
    hub: Any = None
    loaders: dict[str, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def locale(self) -> str:
        """Return the language to answer in, `zh-CN` or `en`."""
        return self.actor.locale

    def may(self, permission: Permission) -> bool:
        """Say whether the actor may."""
        return self.actor.may(permission)

    async def brand_zone(self) -> ZoneInfo | None:
        """Return the zone that people of this brand live in; None where there is no such brand.

        It never changes, so it is read once a process.
        """
        known = self.services.zones.get(self.actor.brand_id)
        if known is None:
            try:
                known = self.services.zones[self.actor.brand_id] = (await self.read(registry.own_brand)).zone
            except NotFound:
                return None
        return known

    async def read(self, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Run `function(work, *arguments)` in a read of this actor, on a thread."""
        return await self.threads.run(_in_read, self.services.works, self.actor, function, *arguments)

    async def change(self, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Run `function(work, *arguments)` in a change of this actor, on a thread; it commits at the end."""
        return await self.threads.run(_in_change, self.services.works, self.actor, function, *arguments)

    def load(self, name: str, batch: Batch, key: Any) -> Awaitable[Any]:
        """Return what belongs to a key, or None; all keys asked for together are read by one `batch`."""
        loader = self.loaders.get(name)
        if loader is None:

            async def load_many(keys: list[Any]) -> list[Any]:
                found = await self.read(batch, keys)
                return [found.get(one) for one in keys]

            loader = self.loaders[name] = DataLoader(load_fn=load_many)
        return loader.load(key)


def _in_read(works: Works, actor: Actor, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
    with works.read(actor) as work:
        return function(work, *arguments)


def _in_change(works: Works, actor: Actor, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
    return works.run(actor, lambda work: function(work, *arguments))
