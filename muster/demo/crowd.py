"""Buyers made in-process: verified people, each with a quote in hand and the deposit authorised by their wallet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from configurator.quote_service import QuoteRequest, issue_quotes
from demand.pools.policy import PoolPolicy
from demand.service import PreOrderRequest
from kernel.actor import Actor, Role, system
from kernel.identity.account_service import add_accounts
from kernel.identity.model import NewAccount
from kernel.identity.queries import persons_of
from kernel.identity.session_store import open_session
from kernel.ids import AccountId, PersonId
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
    runtime: Runtime,
    brand: Brand,
    cars: Sequence[Car],
    *,
    first_number: int,
    with_sessions: bool = False,
    wallet: str = "",
) -> list[Buyer]:
    """Make a buyer for each car; people are numbered from `first_number`, so another number makes other people.

    Each pays from a wallet of their own, all of them from `wallet` where one is named.
    """
    made: list[Buyer] = []
    for start in range(0, len(cars), BATCH):
        with runtime.works.change(system(brand.id)) as work:
            batch = cars[start : start + BATCH]
            actors = _add_people(work, runtime, brand, first_number + start, len(batch))
            tokens = [_session(work, runtime, actor) if with_sessions else "" for actor in actors]
            made += equip(work, runtime, list(zip(actors, batch, strict=True)), tokens=tokens, wallet=wallet)
    return made


def add_consumers(runtime: Runtime, brand: Brand, *, first_number: int, count: int) -> list[Actor]:
    """Make verified people who want no car yet, numbered as buyers are."""
    made: list[Actor] = []
    for start in range(0, count, BATCH):
        with runtime.works.change(system(brand.id)) as work:
            made += _add_people(work, runtime, brand, first_number + start, min(BATCH, count - start))
    return made


def _add_people(work: Work, runtime: Runtime, brand: Brand, first_number: int, count: int) -> list[Actor]:
    new = [
        NewAccount(f"buyer{number}@crowd.test", "", id_number=invented_id_number(number))
        for number in range(first_number, first_number + count)
    ]
    accounts = add_accounts(work, runtime.identity.settings, new)
    persons = persons_of(work, accounts)
    return [consumer(brand, account_id, persons[account_id]) for account_id in accounts]


def consumer(brand: Brand, account_id: AccountId, person_id: PersonId | None) -> Actor:
    """Return the owner of a consumer's account as an actor."""
    return Actor(brand.id, frozenset({Role.CONSUMER}), account_id, person_id, locale="zh-CN")


def _session(work: Work, runtime: Runtime, actor: Actor) -> str:
    return open_session(work, runtime.identity.settings, actor.signed_in(), device="").token


def equip(
    work: Work,
    runtime: Runtime,
    wanted: Sequence[tuple[Actor, Car]],
    *,
    tokens: Sequence[str] = (),
    wallet: str = "",
) -> list[Buyer]:
    """Give people a quote for a car each, and the deposit's authorisation."""
    requests = [(actor, QuoteRequest(car.model, car.options, car.store_id)) for actor, car in wanted]
    quotes = [signed.quote for signed in issue_quotes(work, runtime.desk, requests)]
    deposit = Money(PoolPolicy().deposit_minor)
    return [
        Buyer(
            actor,
            token,
            quote.facts.id,
            quote.vehicle_price_minor,
            authorise(work.acting(actor), runtime, deposit, reference=quote.facts.id, wallet=wallet),
        )
        for (actor, _), quote, token in zip(wanted, quotes, tokens or [""] * len(quotes), strict=True)
    ]


def authorise(work: Work, runtime: Runtime, amount: Money, *, reference: str, wallet: str = "") -> str:
    """Let the actor's wallet, or the one that is named, agree to a payment."""
    return runtime.sandbox.authorise(
        account_id=work.actor.signed_in(),
        amount=amount,
        reference=reference,
        wallet=wallet or f"wallet of {work.actor.account_id}",
        expires_at=work.now + AUTHORISED_FOR,
    )
