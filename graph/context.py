"""What one request carries: who asks, for which brand, and the loaders that live as long as it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from strawberry.dataloader import DataLoader

from graph.services import Services, Threads
from kernel import registry
from kernel.actor import Actor, Permission
from kernel.errors import NotFound
from kernel.work import Work, Works

ResultT = TypeVar("ResultT")

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
