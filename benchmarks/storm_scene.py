"""The crowd of a launch, tens of thousands: people, sessions and signed quotes written in bulk, all of them real.

The first buyer of a car gets the quote by the way that everybody does; the others get the same one under their own id
and account, signed anew, which is what that way would have come to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Final

from configurator.model import Context, PoolingClass, QuoteId, SignedQuote
from configurator.pooling import pooling_class
from configurator.queries import open_showroom
from configurator.quote_service import QuoteRequest, issue_quote
from configurator.signing import sign_quote
from configurator.store import insert_quotes
from demand.pools.policy import PoolPolicy
from demand.service import Placed, PoolPlan, open_pool, place_pre_orders
from kernel import db, registry
from kernel.actor import Actor, Role, system
from kernel.identity.account_service import add_accounts
from kernel.identity.model import NewAccount
from kernel.identity.queries import persons_of
from kernel.identity.tables import sessions
from kernel.identity.tokens import fingerprint, new_secret
from kernel.ids import AccountId
from kernel.money import Money
from kernel.registry import Brand
from kernel.work import Work
from muster.demo.crowd import AUTHORISED_FOR, Buyer, Car
from muster.demo.people import invented_id_number
from muster.migrate import upgrade
from muster.wiring import Runtime
from tests.support.launch import REGION, add_qilan

BATCH: Final = 500
EARLIER: Final = 500
FIRST_NUMBER: Final = 1_000_000
DRAWS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class Hall:
    """A pool and those who want a place in it."""

    pool_id: str
    buyers: tuple[Buyer, ...]


@dataclass(frozen=True, slots=True)
class Storm:
    """A prepared database: one pool that everybody wants, and many with a few buyers each."""

    brand: Brand
    hot: Hall
    spread: tuple[Hall, ...]


def prepare_storm(runtime: Runtime, *, places: int, buyers: int, pools: int, buyers_each: int) -> Storm:
    """Migrate an empty database and fill it: a hot pool of so many places, and up to `pools` others.

    Another pool has members already, as there are where a brand is open: over empty tables PostgreSQL plans to read all
    of them, for each reference to a payment too, and a session keeps such a plan however many rows come.
    """
    upgrade(runtime.works.engine)
    brand = add_qilan(runtime)
    (earlier, *cars) = _cars_of_classes(runtime, brand, pools + 2)
    numbers = iter(range(FIRST_NUMBER, FIRST_NUMBER + 10_000_000))
    _join(runtime, brand, _hall(runtime, brand, earlier, numbers, places=EARLIER, buyers=EARLIER))
    hot = _hall(runtime, brand, cars[0], numbers, places=places, buyers=buyers)
    spread = [_hall(runtime, brand, one, numbers, places=buyers_each, buyers=buyers_each) for one in cars[1:]]
    return Storm(brand, hot, tuple(spread))


def _hall(
    runtime: Runtime, brand: Brand, kind: tuple[PoolingClass, Car], numbers: Iterator[int], *, places: int, buyers: int
) -> Hall:
    cls, car = kind
    with runtime.works.change(system(brand.id)) as work:
        pool = open_pool(work, PoolPlan(cls, capacity=max(places // 2, 60), member_limit=max(places, 60)))
    return Hall(pool.head.id, tuple(_crowd(runtime, brand, car, list(islice(numbers, buyers)))))


def _join(runtime: Runtime, brand: Brand, hall: Hall) -> None:
    requests = [one.request(pool_id=hall.pool_id) for one in hall.buyers]
    with runtime.works.change(system(brand.id)) as work:
        outcomes = place_pre_orders(work, runtime.providers, requests)
    assert all(isinstance(one, Placed) for one in outcomes), outcomes


def _cars_of_classes(runtime: Runtime, brand: Brand, count: int) -> list[tuple[PoolingClass, Car]]:
    """Draw buildable cars until there is one of each of so many pooling classes; fewer where so many are not found."""
    chance = Random(3)
    with runtime.works.read(system(brand.id)) as work:
        version, room = open_showroom(work, region=REGION)
        store = next(one for one in registry.list_stores(work) if one.region == REGION)
        codes = {option.code for option in room.catalogue.options}
        found: dict[str, tuple[PoolingClass, Car]] = {}
        for draw in range(DRAWS_MAX):
            if len(found) == count:
                break
            model = room.catalogue.models[draw % len(room.catalogue.models)].code
            weights = {code: chance.randint(-9, 9) for code in sorted(codes)}
            drawn = room.engine.minimum({model: True}, Context(REGION, room.context.day), weights)
            assert drawn is not None, "every model can be built in the east"
            cls = pooling_class(version.catalogue, model=model, features=frozenset(drawn.features))
            found.setdefault(cls.l1_key, (cls, Car(model, tuple(sorted(set(drawn.features) & codes)), store.id)))
    return list(found.values())


def _crowd(runtime: Runtime, brand: Brand, car: Car, numbers: Sequence[int]) -> Iterator[Buyer]:
    template: SignedQuote | None = None
    for start in range(0, len(numbers), BATCH):
        with runtime.works.change(system(brand.id)) as work:
            people = _add_people(work, runtime, numbers[start : start + BATCH])
            if template is None:
                wanted = QuoteRequest(car.model, car.options, car.store_id)
                template = issue_quote(work.acting(people[0]), runtime.desk, wanted)
            signed = [_quote_like(work, runtime, template, one) for one in people]
            insert_quotes(work, signed)
            tokens = _open_sessions(work, runtime, people)
            yield from [
                _equipped(work, runtime, one, token, quote)
                for one, token, quote in zip(people, tokens, signed, strict=True)
            ]


def _add_people(work: Work, runtime: Runtime, numbers: Sequence[int]) -> list[Actor]:
    new = [NewAccount(f"buyer{one}@crowd.test", "", id_number=invented_id_number(one)) for one in numbers]
    accounts = add_accounts(work, runtime.identity.settings, new)
    persons = persons_of(work, accounts)
    consumer = frozenset({Role.CONSUMER})
    return [Actor(work.actor.brand_id, consumer, one, persons[one], locale="zh-CN") for one in accounts]


def _quote_like(work: Work, runtime: Runtime, template: SignedQuote, owner: Actor) -> SignedQuote:
    facts = replace(template.quote.facts, id=QuoteId(work.new_id()), account_id=AccountId(owner.signed_in()))
    return sign_quote(replace(template.quote, facts=facts), runtime.desk.key)


def _open_sessions(work: Work, runtime: Runtime, people: Sequence[Actor]) -> list[str]:
    tokens = [new_secret() for _ in people]
    rows = [
        {
            "id": work.new_id(),
            "account_id": one.account_id,
            "token_hash": fingerprint(token),
            "device": "",
            "created_at": work.now,
            "seen_at": work.now,
            "expires_at": work.now + runtime.identity.settings.session_absolute,
        }
        for one, token in zip(people, tokens, strict=True)
    ]
    db.insert_many(work.connection, sessions, rows)
    return tokens


def _equipped(work: Work, runtime: Runtime, actor: Actor, token: str, signed: SignedQuote) -> Buyer:
    quote = signed.quote
    authorisation = runtime.sandbox.authorise(
        account_id=actor.signed_in(),
        amount=Money(PoolPolicy().deposit_minor),
        reference=quote.facts.id,
        wallet=f"wallet of {actor.account_id}",
        expires_at=work.now + AUTHORISED_FOR,
    )
    return Buyer(actor, token, quote.facts.id, quote.vehicle_price_minor, authorisation)
