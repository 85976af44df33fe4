"""What buyers do at a server that dies and comes back: they ask again under the same key until they get an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from sqlalchemy.exc import DBAPIError

from kernel.money import Money
from kernel.sandbox import Sandbox, SignedMessage
from muster.demo.crowd import Buyer
from tests.support.launch import Launch
from tests.support.site import WITHDRAW, Site, raw

PAUSE_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 600.0


@dataclass(slots=True)
class Notes:
    """What the buyers were told: the pre-order that was acknowledged under each one's key, and what else was said."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Crowd:
    """Buyers of one launch: most authorise the deposit, every fourth pays later by a callback, every fifth leaves."""

    launch: Launch
    sandbox: Sandbox
    notes: Notes = field(default_factory=Notes)
    forgives: bool = False
    """Whether an internal error may be answered: the database itself was killed."""

    async def buy(self, site: Site, number: int) -> None:
        """Let one buyer place a pre-order, pay for it, and perhaps leave."""
        buyer = self.launch.buyers[number]
        funded = number % 4 != 0
        placed = await self._until_answered(lambda: site.place(buyer, self.launch.pool_id, funded=funded))
        found = placed["data"]["placePreOrder"]
        if found["__typename"] != "PreOrder":
            self.notes.complaints.append(f"buyer {number}: {found}")
            return
        pre_order_id = raw(found["id"])
        known = self.notes.acknowledged.setdefault(buyer.quote_id, pre_order_id)
        if known != pre_order_id:
            self.notes.complaints.append(f"buyer {number}: one key, two pre-orders {known} and {pre_order_id}")
        if not funded:
            await self._pay(site, buyer, raw(found["payments"][0]["id"]))
        if number % 5 == 2 and buyer.quote_id not in self.notes.withdrawn:
            await self._leave(site, buyer, found["id"])

    async def _pay(self, site: Site, buyer: Buyer, payment_id: str) -> None:
        """Pay what was asked for; the provider calls back until it is heard, and then once more."""
        message = await asyncio.to_thread(self._pay_at_the_provider, buyer, payment_id)
        for _ in range(2):
            answer = await self._until_answered(lambda: self._call_back(site, message))
            if answer["outcome"] not in ("received", "repeated"):
                self.notes.complaints.append(f"payment {payment_id}: {answer}")

    def _pay_at_the_provider(self, buyer: Buyer, payment_id: str) -> SignedMessage:
        """Pay at the provider, whose books are in the same database here; the same reference pays once."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.sandbox.pay(
                    brand_id=self.launch.brand.id,
                    payment_id=payment_id,
                    amount=Money(500_000),
                    reference=f"paid-{payment_id}",
                    wallet=f"wallet of {buyer.actor.account_id}",
                )
            except DBAPIError:
                if not self.forgives or time.monotonic() > patience:
                    raise
                time.sleep(PAUSE_SECONDS)

    async def _call_back(self, site: Site, message: SignedMessage) -> dict[str, Any]:
        answer = await site.client.post(
            f"http://127.0.0.1:{site.port}/payments/callback/sandbox", content=message.body, headers=message.headers
        )
        found: dict[str, Any] = answer.json()
        return found

    async def _leave(self, site: Site, buyer: Buyer, pre_order_id: str) -> None:
        asked = {"input": {"preOrderId": pre_order_id}}
        answer = await self._until_answered(lambda: site.ask(buyer.token, WITHDRAW, asked))
        told = answer["data"]["withdrawPreOrder"]
        if told.get("state") != "withdrawn":
            self.notes.complaints.append(f"leaving {pre_order_id}: {told}")
        self.notes.withdrawn.add(buyer.quote_id)

    async def _until_answered(self, ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Ask again while nobody answers; an answer that is an internal error is a fault unless it is forgiven."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < patience:
            try:
                answer = await ask()
            except (httpx.TransportError, ValueError):
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if "errors" not in answer:
                return answer
            if not self.forgives:
                raise AssertionError(f"the server answered {answer['errors']}")
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"no answer within {PATIENCE_SECONDS} s")
