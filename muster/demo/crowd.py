"""Buyers made in-process: verified people, each with a quote in hand and the deposit authorised by their wallet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from configurator.quote_service import QuoteRequest, issue_quote
from demand.pools.policy import PoolPolicy
from demand.service import PreOrderRequest
from kernel.actor import Actor, Role, system
from kernel.identity.account_service import add_accounts
from kernel.identity.model import NewAccount
from kernel.identity.queries import persons_of
from kernel.identity.session_store import open_session
from kernel.ids import AccountId
from kernel.money import Money
from kernel.registry import Brand
from kernel.work import Work
from muster.demo.people import invented_id_number
from muster.wiring import Runtime

BATCH: Final = 500
AUTHORISED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Car:
    """What somebody wants to buy, and where: a complete car at a store."""

    model: str
    options: tuple[str, ...]
    store_id: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody at the door with everything in hand; `token` is an open session's where one was asked for."""

    actor: Actor
    token: str
    quote_id: str
    vehicle_price_minor: int
    authorisation: str

    def request(self, *, pool_id: str | None = None, price_cap_minor: int | None = None) -> PreOrderRequest:
        """Return the pre-order this buyer would place; the cap is the car's own price unless told otherwise."""
        return PreOrderRequest(
            actor=self.actor,
            idempotency_key=f"buyer-{self.quote_id}",
            quote_id=self.quote_id,
            price_cap_minor=price_cap_minor or self.vehicle_price_minor,
            pool_id=pool_id,
            accepts_frozen=True,
            authorisation=self.authorisation,
        )


def add_buyers(
    runtime: Runtime, brand: Brand, cars: Sequence[Car], *, first_number: int, with_sessions: bool = False
) -> list[Buyer]:
    """Make a buyer for each car; people are numbered from `first_number`, so another number makes other people."""
    made: list[Buyer] = []
    for start in range(0, len(cars), BATCH):
        with runtime.works.change(system(brand.id)) as work:
            batch = cars[start : start + BATCH]
            accounts = _add_people(work, runtime, first_number + start, len(batch))
            persons = persons_of(work, accounts)
            for account_id, car in zip(accounts, batch, strict=True):
                actor = Actor(brand.id, frozenset({Role.CONSUMER}), account_id, persons[account_id], locale="zh-CN")
                token = (
                    open_session(work, runtime.identity.settings, account_id, device="").token if with_sessions else ""
                )
                made.append(equip(work, runtime, actor, car, token=token))
    return made


def _add_people(work: Work, runtime: Runtime, first_number: int, count: int) -> list[AccountId]:
    new = [
        NewAccount(f"buyer{number}@crowd.test", "", id_number=invented_id_number(number))
        for number in range(first_number, first_number + count)
    ]
    return add_accounts(work, runtime.identity.settings, new)


def equip(work: Work, runtime: Runtime, actor: Actor, car: Car, *, token: str = "") -> Buyer:
    """Give somebody a quote for a car and the deposit's authorisation."""
    quote = issue_quote(work.acting(actor), runtime.desk, QuoteRequest(car.model, car.options, car.store_id)).quote
    authorisation = runtime.sandbox.authorise(
        account_id=actor.signed_in(),
        amount=Money(PoolPolicy().deposit_minor),
        reference=quote.facts.id,
        wallet=f"wallet of {actor.account_id}",
        expires_at=work.now + AUTHORISED_FOR,
    )
    return Buyer(actor, token, quote.facts.id, quote.vehicle_price_minor, authorisation)
