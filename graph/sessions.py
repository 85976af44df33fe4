"""From a request's headers to its actor: which brand, whose session, which language."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from graph import http
from graph.documents import Refused
from graph.limits import limit_error
from graph.services import Services, Threads
from kernel import registry
from kernel.actor import MACHINE_LOCALE, Actor, Role
from kernel.ids import BrandId

BRAND_SECONDS: Final = 10.0
SESSION_SECONDS: Final = 2.0
SESSIONS_MAX: Final = 20_000
TOGETHER_MAX: Final = 256
TOKEN_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the actor, the token it came with, and whether a browser added that by itself."""

    actor: Actor
    token: str | None
    by_cookie: bool
    address: str = ""


class Sessions:
    """Finds the actor of a request. A session is believed for two seconds before it is looked up again."""

    def __init__(self, services: Services, threads: Threads) -> None:
        self._services = services
        self._threads = threads
        self._brands: dict[str, BrandId] = {}
        self._brands_read = 0.0
        self._actors: dict[tuple[str, str], tuple[float, Actor]] = {}
        self._waiting: list[tuple[str, Actor, asyncio.Future[Actor]]] = []
        self._looking: asyncio.Task[None] | None = None
        self.cookie = http.DEMO_COOKIE if services.demo else http.SAFE_COOKIE

    async def caller(self, headers: Mapping[bytes, bytes], *, token: str | None = None, address: str = "") -> Caller:
        """Return the caller of a request; an unknown or ended session makes a guest."""
        brand_id = await self.brand_id(headers)
        language = http.text_header(headers, b"accept-language")
        guest = Actor(brand_id, frozenset({Role.GUEST}), locale=http.choose_locale(language))
        bearer = token or http.bearer_token(headers)
        found = bearer or http.cookie_token(headers, self.cookie)
        if found is None or len(found) > TOKEN_LENGTH_MAX or not found.isascii():
            return Caller(guest, None, by_cookie=False, address=address)
        actor = await self._actor(found, guest)
        if actor.is_machine:
            # A person's account has its language; a system asks for one with each request, if it does.
            actor = replace(actor, locale=http.choose_locale(language, default=MACHINE_LOCALE))
        return Caller(actor, found, by_cookie=bearer is None, address=address)

    async def _actor(self, token: str, guest: Actor) -> Actor:
        now = time.monotonic()
        key = (token, guest.brand_id)
        known = self._actors.get(key)
        if known is not None and now - known[0] < SESSION_SECONDS:
            return known[1]
        actor = await self._look_up(token, guest)
        if len(self._actors) >= SESSIONS_MAX:
            self._actors.clear()
        self._actors[key] = (now, actor)
        return actor

    async def _look_up(self, token: str, guest: Actor) -> Actor:
        """Look a session up together with whatever came in while the last ones were looked up; nothing lingers."""
        found: asyncio.Future[Actor] = asyncio.get_running_loop().create_future()
        self._waiting.append((token, guest, found))
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look_up_waiting())
        return await found

    async def _look_up_waiting(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                try:
                    actors = await self._threads.run(self._read_actors, [(token, guest) for token, guest, _ in taken])
                except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                    for _, _, found in taken:
                        if not found.done():
                            found.set_exception(error)
                    continue
                for (_, _, found), actor in zip(taken, actors, strict=True):
                    if not found.done():
                        found.set_result(actor)
        finally:
            self._looking = None

    def _read_actors(self, asked: Sequence[tuple[str, Actor]]) -> list[Actor]:
        """Return whose the tokens are, in one read: a hop, a connection and a statement a brand for all of them."""
        identity = self._services.identity
        if identity is None:
            return [guest for _, guest in asked]
        by_brand: dict[BrandId, tuple[Actor, list[str]]] = {}
        for token, guest in asked:
            by_brand.setdefault(guest.brand_id, (guest, []))[1].append(token)
        found: dict[tuple[BrandId, str], Actor] = {}
        with self._services.works.read(asked[0][1]) as work:
            for brand_id, (guest, tokens) in by_brand.items():
                actors = identity.actors_of(work.acting(guest), tokens)
                found |= {(brand_id, token): one for token, one in actors.items() if one.brand_id == brand_id}
        return [found.get((guest.brand_id, token), guest) for token, guest in asked]

    def forget(self, token: str | None) -> None:
        """Look a session up again at once: it has ended, or its roles changed."""
        for key in [key for key in self._actors if key[0] == token]:
            del self._actors[key]

    async def brand_id(self, headers: Mapping[bytes, bytes]) -> BrandId:
        """Return the brand a request names, by header, by host, or by default; refuses an unknown one."""
        named = http.text_header(headers, b"x-muster-brand")
        host = http.text_header(headers, b"host").partition(":")[0].lower()
        code = named or self._services.brand_hosts.get(host) or self._services.default_brand
        found = self._brands.get(code)
        if found is None and time.monotonic() - self._brands_read > (BRAND_SECONDS if self._brands else 0.5):
            self._brands = await self._threads.run(self._read_brands)
            self._brands_read = time.monotonic()
            found = self._brands.get(code)
        if found is None:
            raise Refused(limit_error("UNKNOWN_BRAND", "There is no such brand here."))
        return found

    def _read_brands(self) -> dict[str, BrandId]:
        with self._services.works.read(Actor(BrandId(""))) as work:
            return {brand.code: brand.id for brand in registry.all_brands(work)}
