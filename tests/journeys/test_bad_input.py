"""What bad input gets through the API: a typed refusal in the reader's language that says what to do, and no change."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from configurator.model import Tier
from demand.pools.model import ClassLevel
from demand.pools.tables import pools, pre_orders
from demand.service import PoolPlan, open_pool
from factory_orders.plant.tables import build_orders
from graph.identifiers import write_id
from kernel import db, registry
from kernel.actor import Actor
from kernel.clock import FixedClock
from kernel.ids import BrandId, SeededIds, StoreId
from kernel.money import yuan
from kernel.work import Works
from tests.configurator.small_brand import EAST_STORE, PLAIN_CAR, PLANNER, found_brand
from tests.conftest import DATABASES, MONDAY_MORNING
from tests.demand.pool_room import ANY_PRICE, placed
from tests.graph.client import Http, open_http
from tests.graph.support import ask
from tests.support.databases import copy_sqlite, make_schema, postgres_database
from tests.support.served import Served, buyer, serve
from tests.support.sound_world import SoundWorld, make_sound_world

ELM: Final = BrandId("e" * 32)
ELM_STORE: Final = StoreId("f" * 32)
STRANGER, FROZEN, KEYED, LATE = 60, 50, 62, 63
KNOWN_KEY: Final = "a key that was used"


@dataclass(frozen=True, slots=True)
class Place:
    """A served brand where every kind of bad input has something to meet."""

    http: Http
    served: Served
    world: SoundWorld
    stale_quote: str
    open_pool: str
    frozen_pool: str
    locked_pool: str

    def everything(self) -> dict[str, list[str]]:
        """Return every row there is."""
        with self.world.works.engine.connect() as connection:
            return {
                table.name: sorted(repr(row) for row in connection.execute(select(table)))
                for table in db.metadata.sorted_tables
            }

    def one(self, column: Any, where: Any) -> str:
        """Return one value of the brand's rows."""
        with self.world.works.engine.connect() as connection:
            found: str = connection.execute(select(column).where(where).order_by(column).limit(1)).scalar_one()
        return found

    def order(self, number: int, **given: Any) -> dict[str, Any]:
        """Return the input of a pre-order in the open pool that nothing is wrong with but what is given."""
        who = buyer(number)
        quote_id = given.pop("quote_id", None) or self.quotes(who, given.pop("options", PLAIN_CAR))
        asked = {
            "idempotencyKey": f"another key of {number}",
            "quoteId": write_id("Quote", quote_id),
            "priceCap": {"minor": ANY_PRICE},
            "poolId": write_id("Pool", self.open_pool),
            "authorisation": self.token(who),
        }
        return asked | given

    def token(self, who: Actor, *, reference: str = "never taken", amount_yuan: int = 5_000) -> str:
        """Authorise a deposit from a buyer's wallet."""
        return self.served.runtime.sandbox.authorise(
            account_id=who.signed_in(),
            amount=yuan(amount_yuan),
            reference=reference,
            wallet="wallet",
            expires_at=self.world.works.clock.now() + timedelta(days=1),
        )

    def quotes(self, who: Actor, options: tuple[str, ...] = PLAIN_CAR) -> str:
        """Issue a quote and return its id."""
        return self.world.room.quote(who, options=options)


@pytest.fixture(scope="module", params=DATABASES)
def place(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Make the place once on each kind of database: nothing that is refused changes it."""
    if request.param == "sqlite":
        yield from _open(copy_sqlite(sqlite_template, tmp_path_factory.mktemp("bad") / "bad.db"))
        return
    with postgres_database(request.getfixturevalue("postgres"), f"muster_bad_{os.getpid()}") as url:
        make_schema(url)
        yield from _open(url)


def _open(url: str) -> Iterator[Place]:
    engine = db.open_engine(url)
    clock = FixedClock(MONDAY_MORNING)
    works = Works(engine, clock=clock, ids=SeededIds(1))
    world = make_sound_world(works, clock)
    _found_elm(works)
    stale = world.room.quote(buyer(LATE))
    clock.advance(timedelta(days=8))
    room = world.room
    with works.change(PLANNER) as work:
        plan = PoolPlan(
            room.cls,
            3,
            level=ClassLevel.L2,
            minimum=3,
            member_limit=3,
            tiers=(Tier(3, 0),),
            deadline=work.now + timedelta(days=9),
        )
        frozen = open_pool(work, plan).head.id
    for number in (FROZEN, FROZEN + 1, FROZEN + 2):
        request = replace(
            room.request(buyer(number), pool_id=frozen),
            accepts_wider_class=True,
            authorisation=room.token(buyer(number), reference=f"used once by {number}"),
        )
        placed(*room.place(request))
    placed(*room.place(room.request(buyer(KEYED), key=KNOWN_KEY)))
    served = serve(url, works)
    with engine.connect() as connection:
        states = {state: pool_id for pool_id, state in connection.execute(select(pools.c.id, pools.c.state))}
    with open_http(served.app) as http:
        yield Place(http, served, world, stale, states["open"], states["frozen"], states["locked"])
    engine.dispose()


def _found_elm(works: Works) -> None:
    """Found another brand beside it, with a store."""
    found_brand(works, brand_id=ELM, code="elm")
    name = {"zh-CN": "榆", "en": "Elm"}
    with works.change(Actor(ELM)) as work:
        registry.add_stores(
            work, [registry.Store(ELM_STORE, ELM, "east", name, name, "east", 31.0, 120.0, False, 100_000)]
        )


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad request: who sends it, to which mutation, with what, and the refusal it gets."""

    name: str
    who: str
    mutation: str
    given: Callable[[Place], dict[str, Any]]
    refusal: str


def _changed(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")


def _car(*options: str, store: str = EAST_STORE) -> Callable[[Place], dict[str, Any]]:
    return lambda _place: {"model": "A1", "options": list(options), "storeId": write_id("Store", store)}


def _own_pre_order(number: int, **given: Any) -> Callable[[Place], dict[str, Any]]:
    def make(place: Place) -> dict[str, Any]:
        own = place.one(pre_orders.c.id, pre_orders.c.account_id == buyer(number).account_id)
        return {"preOrderId": write_id("PreOrder", own)} | given

    return make


def _report(stage: str, build_order: Callable[[Place], str]) -> Callable[[Place], dict[str, Any]]:
    return lambda place: {
        "buildOrderId": write_id("BuildOrder", build_order(place)),
        "eventId": "event-1",
        "stage": stage,
        "occurredAt": place.world.works.clock.now().isoformat(),
    }


ME: Final = f"buyer-{STRANGER}"
PLACE: Final = "placePreOrder"
BAD: Final = (
    Bad(
        "an option that the rules forbid", ME, "issueQuote", _car("RED", "W19", "PT_SMALL", "TR_BASE"), "OptionExcluded"
    ),
    Bad("an unknown option", ME, "issueQuote", _car("RED", "W18", "PT_SMALL", "TR_BASE"), "OptionUnknown"),
    Bad("a store of another brand", ME, "issueQuote", _car(*PLAIN_CAR, store=ELM_STORE), "NotFound"),
    Bad("a store that is made up", ME, "issueQuote", _car(*PLAIN_CAR, store="0" * 32), "NotFound"),
    Bad(
        "a quote that expired",
        f"buyer-{LATE}",
        PLACE,
        lambda place: place.order(LATE, quote_id=place.stale_quote),
        "QuoteExpired",
    ),
    Bad("an altered quote", ME, PLACE, lambda place: place.order(STRANGER, quoteSignature="forged"), "QuoteAltered"),
    Bad(
        "a price that does not match",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, vehiclePrice={"minor": 100}),
        "PriceMismatch",
    ),
    Bad(
        "another person's quote",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, quote_id=place.quotes(buyer(70))),
        "NotFound",
    ),
    Bad(
        "a deposit that was paid before",
        f"buyer-{FROZEN}",
        PLACE,
        lambda place: place.order(FROZEN, authorisation=place.token(buyer(FROZEN), reference=f"used once by {FROZEN}")),
        "PaymentAlreadyMade",
    ),
    Bad(
        "a deposit that is short",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, authorisation=place.token(buyer(STRANGER), amount_yuan=4_999)),
        "PaymentAmountMismatch",
    ),
    Bad(
        "an authorisation that was altered",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, authorisation=_changed(place.token(buyer(STRANGER)))),
        "PaymentSignatureInvalid",
    ),
    Bad(
        "another person's authorisation",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, authorisation=place.token(buyer(70))),
        "AuthorisationNotYours",
    ),
    Bad(
        "a pool that is closed",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, poolId=write_id("Pool", place.locked_pool)),
        "PoolClosed",
    ),
    Bad(
        "a pool that is full",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, poolId=write_id("Pool", place.frozen_pool), acceptsWiderClass=True),
        "PoolFull",
    ),
    Bad(
        "a pool of another class",
        ME,
        PLACE,
        lambda place: place.order(STRANGER, options=("RED", "W17", "PT_BIG", "TR_BASE")),
        "WrongClass",
    ),
    Bad("a cap below every tier", ME, PLACE, lambda place: place.order(STRANGER, priceCap={"minor": 100}), "CapTooLow"),
    Bad("a second slot by the same person", "buyer-20", PLACE, lambda place: place.order(20), "AlreadyInPool"),
    Bad(
        "a key with another body",
        f"buyer-{KEYED}",
        PLACE,
        lambda place: place.order(KEYED, idempotencyKey=KNOWN_KEY),
        "IdempotencyMismatch",
    ),
    Bad("a key too short", ME, PLACE, lambda place: place.order(STRANGER, idempotencyKey="short"), "InvalidInput"),
    Bad("leaving a frozen pool", f"buyer-{FROZEN}", "withdrawPreOrder", _own_pre_order(FROZEN), "PoolFrozen"),
    Bad("another person's pre-order", ME, "withdrawPreOrder", _own_pre_order(FROZEN), "NotFound"),
    Bad(
        "a cap that falls",
        "buyer-20",
        "raisePriceCap",
        _own_pre_order(20, priceCap={"minor": ANY_PRICE - 1}),
        "CapNotRaised",
    ),
    Bad(
        "a plant event out of order",
        "plant",
        "reportBuild",
        _report("PASSED", lambda place: place.one(build_orders.c.id, build_orders.c.stage == "queued")),
        "PlantEventOutOfOrder",
    ),
    Bad("a plant event for an unknown order", "plant", "reportBuild", _report("BODY", lambda _: "0" * 32), "NotFound"),
    Bad("what a role may not do", "dealer", PLACE, lambda place: place.order(STRANGER), "Forbidden"),
    Bad("what only people do who are signed in", "", PLACE, lambda place: place.order(STRANGER), "NotSignedIn"),
)


def send(place: Place, bad: Bad, given: dict[str, Any], *, locale: str = "en") -> dict[str, Any]:
    """Send a bad request and return what it was answered."""
    kind = bad.mutation[0].upper() + bad.mutation[1:]
    kind = {"WithdrawPreOrder": "PreOrder", "RaisePriceCap": "RaiseCap"}.get(kind, kind)
    document = f"""mutation($input: {kind}Input!) {{ {bad.mutation}(input: $input) {{
      __typename ... on Refusal {{ code message }}
    }} }}"""
    # The token says the language of whoever is signed in; a header decides for guests.
    answer = ask(place.http, document, {"input": given}, token=bad.who or None, locale=locale)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"][bad.mutation]
    return found


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_refused_with_its_type_and_changes_nothing(place: Place, bad: Bad) -> None:
    given = bad.given(place)
    before = place.everything()

    refused = send(place, bad, given)

    assert refused["__typename"] == bad.refusal, refused
    assert len(refused["message"]) > 20
    assert place.everything() == before


def test_a_foreign_store_reads_exactly_as_one_that_does_not_exist(place: Place) -> None:
    foreign, made_up = (
        next(bad for bad in BAD if bad.name == f"a store {what}") for what in ("of another brand", "that is made up")
    )

    assert send(place, foreign, foreign.given(place)) == send(place, made_up, made_up.given(place))


def test_a_number_with_a_wrong_digit_is_no_vin(place: Place) -> None:
    vin = place.served.words["vin"][0]
    wrong = vin[:8] + ("1" if vin[8] != "1" else "2") + vin[9:]
    document = "query($vin: String!) { passport(vin: $vin) { __typename ... on VinInvalid { message } } }"

    answer = ask(place.http, document, {"vin": wrong})

    assert answer["data"]["passport"]["__typename"] == "VinInvalid"
    assert "check digit" in answer["data"]["passport"]["message"]
    assert ask(place.http, document, {"vin": vin})["data"]["passport"]["__typename"] == "Passport"


def test_another_persons_things_read_as_nothing(place: Place) -> None:
    theirs = place.one(pre_orders.c.id, pre_orders.c.account_id == buyer(FROZEN).account_id)
    document = "query($id: ID!) { preOrder(id: $id) { id } node(id: $id) { id } }"
    asked = {"id": write_id("PreOrder", theirs)}

    assert ask(place.http, document, asked, token=ME)["data"] == {"preOrder": None, "node": None}
    own = ask(place.http, document, asked, token=f"buyer-{FROZEN}")["data"]
    assert own == {"preOrder": asked, "node": asked}


def test_a_callback_with_a_wrong_signature_changes_nothing(place: Place) -> None:
    (waiting,) = place.world.room.payments_of(
        place.one(pre_orders.c.id, pre_orders.c.account_id == buyer(24).account_id)
    )
    message = place.served.runtime.sandbox.pay(
        brand_id=waiting.brand_id, payment_id=waiting.id, amount=waiting.amount, reference="never told", wallet="w"
    )
    before = place.everything()

    forged = {**message.headers, "webhook-signature": "v1,AAAA"}
    answers = [
        place.http.post("/payments/callback/sandbox", content=message.body, headers=forged),
        place.http.post("/payments/callback/sandbox", content=message.body + b" ", headers=message.headers),
        place.http.post("/payments/callback/sandbox", content=message.body, headers={}),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["code"] for answer in answers} == {"PAYMENT_SIGNATURE_INVALID"}
    assert place.everything() == before


def test_guests_are_refused_in_their_language(place: Place) -> None:
    bad = next(bad for bad in BAD if bad.refusal == "NotSignedIn")
    given = bad.given(place)

    english, chinese = (send(place, bad, given, locale=locale)["message"] for locale in ("en", "zh-CN"))

    assert english.isascii()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese)
