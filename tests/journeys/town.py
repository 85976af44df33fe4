"""The whole of Muster in one process for the journeys: the server, its worker by hand, a clock that is moved, mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from configurator.service import publish_folder
from graph.app import build_app
from graph.identifiers import raw_id
from kernel import db
from kernel.actor import Role, system
from kernel.clock import FixedClock
from kernel.identity.account_service import add_accounts
from kernel.identity.model import IdentitySettings, NewAccount, PasswordCost
from kernel.identity.passwords import Hasher
from kernel.identity.persons import SandboxPersonVerifier
from kernel.identity.service import Identity
from kernel.identity.session_store import open_session
from kernel.ids import AccountId, BrandId
from kernel.notice_sending import send_due
from kernel.notices import Address, Message
from kernel.registry import Brand
from kernel.sandbox import SignedMessage
from kernel.work import Works
from muster.brands import BrandFolder, add_brand_from_folder
from muster.demo.client import Client
from muster.demo.documents import LEDGER, MACHINES, ROTATE_KEY, SIGN_IN
from muster.demo.people import Cast, add_cast, invented_id_number, read_cast
from muster.settings import read_settings
from muster.telling import IdentityAddresses, WithTokens
from muster.wiring import Runtime, services, wire
from muster.worker import Chores, run_until_idle
from tests.graph.client import Http, open_http
from tests.journeys import documents as ask

DEMO: Final = Path(__file__).resolve().parents[2] / "muster" / "demo"
CHEAP: Final = PasswordCost(memory_kib=64, passes=1)
DEPOSIT_MINOR: Final = 500_000
# What a sign-in, a look at a page or a refused attempt may write: sessions and what throttles attempts.
WRITTEN_BY_ASKING: Final = frozenset({"sessions", "throttles"})


@dataclass(slots=True)
class Mailbox:
    """The channel that takes every notice, as it leaves."""

    name: str = "mailbox"
    messages: list[Message] = field(default_factory=list)

    def reaches(self, address: Address) -> bool:
        """Reach everybody who has an address."""
        return bool(address.email)

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        """Keep them all."""
        self.messages += messages
        return {}

    def token(self, email: str) -> str:
        """Return the one-time token in the newest message to somebody."""
        newest = next(one for one in reversed(self.messages) if one.to == email)
        return newest.body.strip().splitlines()[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(Client):
    """Somebody at the API of the same process."""

    http: Http

    def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run one operation and return the whole answer, errors and all."""
        return self._post(orjson.dumps({"query": document, "variables": variables}))

    def first_state(self, document: str, **variables: Any) -> dict[str, Any]:
        """Follow a subscription until its first state, which is returned like an answer, errors and all."""
        named: dict[str, Any] = {"brand": self.brand, "locale": self.locale}
        with self.http.socket() as socket:
            socket.send({"type": "connection_init", "payload": named | ({"token": self.token} if self.token else {})})
            socket.receive()
            socket.send({"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables}})
            message = socket.receive()
        return {"errors": message["payload"]} if message["type"] == "error" else dict(message["payload"])

    def refusal(self, document: str, **variables: Any) -> str:
        """Run a mutation that is refused; returns the code of its typed refusal, which says what to do in words.

        What no form would send (InvalidInput) names the field and why, in the words of the API.
        """
        ((_, result),) = self.ask(document, **variables).items()
        assert "code" in result, result
        code: str = result["code"]
        ending = (".", "。") if code != "INVALID_INPUT" else ""
        assert len(result["message"]) > 8 and result["message"].endswith(ending), result["message"]
        return code

    def error(self, document: str, **variables: Any) -> str:
        """Run an operation that is stopped before it runs; returns the code of its one error."""
        answer = self.answer(document, **variables)
        (error,) = answer["errors"]
        assert not answer.get("data"), answer
        code: str = error["extensions"]["code"]
        return code

    def _post(self, body: bytes) -> dict[str, Any]:
        headers = {
            "content-type": "application/json",
            "accept-language": self.locale,
            "x-muster-brand": self.brand,
        } | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        answer: dict[str, Any] = self.http.post("/graphql", content=body, headers=headers).json()
        return answer


@dataclass(slots=True)
class House:
    """One installation: what every brand in it shares."""

    works: Works
    clock: FixedClock
    runtime: Runtime
    chores: Chores
    http: Http
    mailbox: Mailbox
    whenever_time_passes: list[Callable[[], None]] = field(default_factory=list)

    def work_off(self) -> None:
        """Do what the worker does until nothing is due."""
        run_until_idle(self.works, self.chores)

    def pass_time(self, by: timedelta) -> None:
        """Let time pass and the worker work; people sign in anew."""
        self.clock.advance(by)
        for forget in self.whenever_time_passes:
            forget()
        self.work_off()

    def pass_until(self, moment: str | datetime) -> None:
        """Let time pass up to a moment."""
        target = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        self.pass_time(target - self.clock.now())

    def call_back(self, message: SignedMessage) -> tuple[int, dict[str, Any]]:
        """Send what the payment provider sends; returns the status and the answer."""
        answer = self.http.post("/payments/callback/sandbox", content=message.body, headers=message.headers)
        return answer.status_code, answer.json()

    def rows(self) -> dict[str, list[str]]:
        """Return every row of every table: what a refusal must leave as it was."""
        raw = self.works.engine.raw_connection()
        try:
            cursor = raw.cursor()
            found = {}
            for name in sorted(set(db.metadata.tables) - WRITTEN_BY_ASKING):
                cursor.execute(f"SELECT * FROM {name}")
                found[name] = sorted(map(repr, cursor.fetchall()))
            cursor.close()
            return found
        finally:
            raw.rollback()
            raw.close()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Assert that what happens inside writes, changes and deletes no row anywhere."""
        before = self.rows()
        yield
        after = self.rows()
        changed = {name: set(after[name]) ^ set(before[name]) for name in before if after[name] != before[name]}
        assert changed == {}


@dataclass(slots=True)
class Town:
    """One brand in the house with its people; everything they do goes through the API."""

    house: House
    brand: Brand
    cast: Cast
    accounts: dict[str, AccountId]
    callers: dict[str, Caller] = field(default_factory=dict)
    next_number: int = 1
    store_ids: dict[str, str] = field(default_factory=dict)
    cheapest: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.house.whenever_time_passes.append(self._forget_people)

    def _forget_people(self) -> None:
        self.callers = {name: one for name, one in self.callers.items() if name.startswith("machine ")}

    # --- who asks ---

    def guest(self, locale: str = "en") -> Caller:
        """Return somebody who is not signed in."""
        return Caller("in this process", self.brand.code, http=self.house.http, locale=locale)

    def with_token(self, token: str, locale: str = "en") -> Caller:
        """Return whoever a token belongs to."""
        return replace(self.guest(locale), token=token)

    def person(self, email: str, locale: str = "en") -> Caller:
        """Return somebody of the cast, signed in through the API."""
        if email not in self.callers:
            asked = {"email": email, "password": self.cast.password}
            self.callers[email] = self.with_token(self.guest().do(SIGN_IN, input=asked)["token"], locale)
        return self.callers[email]

    def staff(self, name: str) -> Caller:
        """Return a member of the brand's staff by the part before the @."""
        email = next(email for email in self.accounts if email.partition("@")[0] == name)
        return self.person(email)

    def machine(self, label: str) -> Caller:
        """Return a machine's client, with a key that the administrator has just made."""
        name = f"machine {label}"
        if name not in self.callers:
            admin = self.staff("admin")
            machine = next(one for one in admin.ask(MACHINES)["machines"] if one["label"] == label)
            made = admin.do(ROTATE_KEY, input={"machineId": machine["id"], "overlapHours": 1})
            self.callers[name] = self.with_token(made["key"])
        return self.callers[name]

    def buyer(self, locale: str = "en") -> Buyer:
        """Return a new verified person, signed in."""
        number = self.next_number
        self.next_number += 1
        email = f"buyer{number}@{self.brand.code}.test"
        id_number = invented_id_number(number + sum(map(ord, self.brand.code)) * 1000)
        with self.house.works.change(system(self.brand.id)) as work:
            new = NewAccount(email, f"Buyer {number}", locale=locale, id_number=id_number)
            (account_id,) = add_accounts(work, self.house.runtime.identity.settings, [new])
        return Buyer(self, account_id, locale)

    # --- what is there ---

    def balance(self, *accounts: str) -> list[int]:
        """Return balances of the ledger in fen, as the auditor reads them."""
        seen = self.staff("auditor").ask(LEDGER, accounts=list(accounts))["ledgerBalances"]
        found = {one["account"]: one["balance"]["minor"] for one in seen}
        return [found[name] for name in accounts]

    def store(self, code: str) -> str:
        """Return the id of a store by its code."""
        if not self.store_ids:
            stores = self.guest().ask("{ stores(first: 100) { nodes { id code } } }")["stores"]["nodes"]
            self.store_ids = {one["code"]: one["id"] for one in stores}
        return self.store_ids[code]

    def car(self, model: str, wanted: Sequence[str]) -> list[str]:
        """Return the options of the cheapest car of a model with what is wanted."""
        if (model, *wanted) not in self.cheapest:
            asked = {"model": model, "region": "east", "choices": [{"option": one} for one in wanted]}
            self.cheapest[model, *wanted] = self.guest().do(ask.CHEAPEST, input=asked)["cheapest"]["options"]
        return self.cheapest[model, *wanted]

    def open_pool(self, class_key: str, **terms: Any) -> dict[str, Any]:
        """Open a small pool as the planner: three make it tip, six have a place to be built."""
        tiers = [{"members": 3, "discountBasisPoints": 0}, {"members": 5, "discountBasisPoints": 200}]
        given = {"classKey": class_key, "capacity": 6, "minimum": 3, "tiers": tiers} | terms
        return self.staff("planner").do(ask.OPEN_POOL, input=given)


@dataclass(slots=True)
class Buyer:
    """A verified person who wants a car; asks the API with a session of the own account."""

    town: Town
    account_id: AccountId
    locale: str
    signed_in_at: datetime | None = None
    caller: Caller | None = None

    @property
    def at(self) -> Caller:
        """Return the client of this person; the session is opened anew when time has passed."""
        now = self.town.house.clock.now()
        if self.caller is None or self.signed_in_at != now:
            house = self.town.house
            with house.works.change(system(self.town.brand.id)) as work:
                session = open_session(work, house.runtime.identity.settings, self.account_id, device="")
            self.caller, self.signed_in_at = self.town.with_token(session.token, self.locale), now
        return self.caller

    def quote(self, model: str = "", store: str = "", wanted: Sequence[str] = ()) -> dict[str, Any]:
        """Get a quote for the cheapest car with the wished options, at a store of the brand."""
        model, store = model or MODELS[self.town.brand.code], store or STORES[self.town.brand.code]
        asked = {"model": model, "options": self.town.car(model, wanted), "storeId": self.town.store(store)}
        return self.at.do(ask.QUOTE, input=asked)

    def authorise(self, minor: int = DEPOSIT_MINOR) -> str:
        """Let the own wallet authorise an amount once."""
        token: str = self.at.do(ask.AUTHORISE, input={"amount": {"minor": minor}})["token"]
        return token

    def request(self, quote: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Return the pre-order of a quote with everything in hand, at the car's own price."""
        return {
            "idempotencyKey": f"key-{quote['id']}"[:80],
            "quoteId": quote["id"],
            "priceCap": {"minor": quote["vehiclePrice"]["minor"]},
            "authorisation": self.authorise() if more.get("authorisation", "") == "" else more["authorisation"],
        } | {name: value for name, value in more.items() if name != "authorisation"}

    def place(self, quote: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Place a pre-order with an authorised deposit; `authorisation=None` leaves the money for later."""
        return self.at.do(ask.PLACE, input=self.request(quote, **more))

    def pre_order(self, pre_order_id: str) -> dict[str, Any]:
        """Read one of the own pre-orders."""
        found: dict[str, Any] = self.at.ask(ask.MINE, id=pre_order_id)["preOrder"]
        return found

    def notices(self) -> list[str]:
        """Return the kinds of what this person was told, oldest first."""
        nodes = self.at.ask(ask.NOTICES)["myNotices"]["nodes"]
        return [one["kind"] for one in reversed(nodes)]


MODELS: Final = {"qilan": "S6", "borealis": "N1"}
STORES: Final = {"qilan": "shanghai-pudong", "borealis": "shanghai-jingan"}


def deposit_of(pre_order: Mapping[str, Any]) -> str:
    """Return the ledger's account of a pre-order's deposit."""
    return f"deposit:{raw_id(pre_order['id'], 'PreOrder')}"


def earnest_of(pre_order: Mapping[str, Any]) -> str:
    """Return the ledger's account of an order's earnest money."""
    return f"earnest:{raw_id(pre_order['id'], 'PreOrder')}"


# --- building it -----------------------------------------------------------------------------------------------------


@contextmanager
def open_house(works: Works, clock: FixedClock, database_url: str) -> Iterator[House]:
    """Wire the whole of Muster over a database, as the server and its worker are, with bugs failing loudly."""
    settings = read_settings({"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": database_url})
    runtime = wire(settings, works=works)
    runtime.identity.close()
    identity = IdentitySettings(identity_key=settings.secrets.identity, password_cost=CHEAP)
    runtime = replace(runtime, identity=Identity(works, identity, SandboxPersonVerifier()))
    mailbox = Mailbox()
    send = partial(send_due, channels=[WithTokens(mailbox, settings.secrets.identity)], addresses=IdentityAddresses())
    chores = replace(runtime.chores, loops=(*runtime.chores.loops[:-1], send))
    made = replace(services(runtime), strict=True)
    with open_http(build_app(made)) as http:
        yield House(works, clock, runtime, chores, http, mailbox)
    assert made.pre_order_door is not None
    made.pre_order_door.close()
    runtime.identity.close()


def add_town(house: House, code: str) -> Town:
    """Add a demo brand with its catalogue and its cast; a brand without one gets auditor, operators and a carrier."""
    folder = DEMO / code
    settings = house.runtime.identity.settings
    cast = read_cast(folder)
    hasher = Hasher(CHEAP, at_once=1, queue_max=1)
    with house.works.change(system(BrandId("platform"))) as work:
        brand = add_brand_from_folder(work, BrandFolder(folder))
        own = work.acting(system(brand.id))
        publish_folder(own, folder / "catalogue")
        accounts = add_cast(own, cast, settings, hasher)
        missing = {
            f"{name}@{code}.test": role
            for name, role in EXTRAS.items()
            if not any(email.startswith(f"{name}@") for email in accounts)
        }
        password_hash = hasher.hash(cast.password)
        new = [
            NewAccount(email, email, locale="en", password_hash=password_hash, roles=(role,))
            for email, role in missing.items()
        ]
        accounts |= dict(zip(missing, add_accounts(own, settings, new) if new else [], strict=True))
    return Town(house, brand, cast, accounts)


EXTRAS: Final = {"auditor": Role.AUDITOR, "operator1": Role.OPERATOR, "operator2": Role.OPERATOR}
