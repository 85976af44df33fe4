"""From a quote to a place in a pool through the API: once, for one's own, followed live, with few statements."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import db
from kernel.actor import Actor, Role
from kernel.ids import AccountId, PersonId
from tests.graph.client import Http
from tests.graph.conftest import Town
from tests.graph.support import Passes, counted_statements, data

CHEAPEST = 'query { model(code: "L5") { cheapestOptions } stores(first: 1) { nodes { id } } }'
ISSUE = """mutation($input: IssueQuoteInput!) { issueQuote(input: $input) {
  __typename
  ... on Quote { id total { minor } vehiclePrice { minor } poolingClass { key } lines { code amount { text } } }
  ... on Refusal { code message }
} }"""
OPEN = """mutation($input: OpenPoolInput!) { openPool(input: $input) {
  __typename ... on Pool { id state members deposit { minor } } ... on Refusal { code message }
} }"""
AUTHORISE = """mutation($minor: Long!) { authoriseInSandbox(input: {amount: {minor: $minor}}) {
  __typename ... on SandboxAuthorisation { token } ... on Refusal { code message }
} }"""
PLACE = """mutation($input: PlacePreOrderInput!) { placePreOrder(input: $input) {
  __typename
  ... on PreOrder { id state model pool { id members } store { code } quote { id } payments { state amount { minor } } }
  ... on Refusal { code message }
} }"""
MINE = """query($n: Int!) { myPreOrders(first: $n) { nodes {
  id state pool { members } store { name } quote { total { minor } } payments { state } order { vin }
  timeline { concerns state reason }
} } }"""


class Buyers:
    """Signed-in, verified people of a town, and its planner."""

    def __init__(self, http: Http, town: Town, passes: Passes) -> None:
        self.http = http
        self._town = town
        self._passes = passes
        planner = Actor(town.brand.id, frozenset({Role.PLANNER}), AccountId("f" * 32), locale="en")
        self.planner = passes.hand_out(planner)
        self._number = 0

    def one(self) -> str:
        """Return the token of somebody new."""
        self._number += 1
        number = f"{self._number:032x}"
        actor = Actor(self._town.brand.id, frozenset({Role.CONSUMER}), AccountId(number), PersonId(number), locale="en")
        self.write_person(number)
        return self._passes.hand_out(actor)

    def write_person(self, number: str) -> None:
        """Write the rows that foreign keys ask for."""
        tables = db.metadata.tables
        with self._town.works.engine.begin() as connection:
            moment = self._town.works.clock.now()
            person = {"id": number, "brand_id": self._town.brand.id, "identity_hash": number, "verified_at": moment}
            connection.execute(tables["persons"].insert().values(**person))

    def quote(self, token: str | None = None) -> dict[str, Any]:
        """Issue a quote for the cheapest L5."""
        found = data(self.http, CHEAPEST)
        given = {
            "model": "L5",
            "options": found["model"]["cheapestOptions"],
            "storeId": found["stores"]["nodes"][0]["id"],
        }
        quote: dict[str, Any] = data(self.http, ISSUE, {"input": given}, token=token)["issueQuote"]
        assert quote["__typename"] == "Quote", quote
        return quote

    def open_pool(self, quote: dict[str, Any], **terms: Any) -> dict[str, Any]:
        """Open the pool of a quote's class."""
        given = {"classKey": quote["poolingClass"]["key"], "capacity": 60, **terms}
        pool: dict[str, Any] = data(self.http, OPEN, {"input": given}, token=self.planner)["openPool"]
        assert pool["__typename"] == "Pool", pool
        return pool

    def place(self, token: str, quote: dict[str, Any], **given: Any) -> dict[str, Any]:
        """Place a pre-order with an authorised deposit."""
        deposit = data(self.http, AUTHORISE, {"minor": 500_000}, token=token)["authoriseInSandbox"]["token"]
        asked = {
            "idempotencyKey": "key-" + quote["id"][-20:],
            "quoteId": quote["id"],
            "priceCap": {"minor": quote["vehiclePrice"]["minor"]},
            "authorisation": deposit,
            **given,
        }
        placed: dict[str, Any] = data(self.http, PLACE, {"input": asked}, token=token)["placePreOrder"]
        return placed


@pytest.fixture
def buyers(http: Http, town: Town, passes: Passes) -> Buyers:
    return Buyers(http, town, passes)


@pytest.fixture
def buyers_on_both(http_on_both: Http, town_on_both: Town, passes: Passes) -> Buyers:
    return Buyers(http_on_both, town_on_both, passes)


def test_a_funded_pre_order_takes_its_place_and_is_the_buyers_own(buyers_on_both: Buyers) -> None:
    buyers = buyers_on_both
    token, other = buyers.one(), buyers.one()
    quote = buyers.quote(token)
    pool = buyers.open_pool(quote)

    placed = buyers.place(token, quote)

    assert (placed["__typename"], placed["state"]) == ("PreOrder", "pooled"), placed
    assert placed["pool"] == {"id": pool["id"], "members": 1}
    assert placed["payments"] == [{"state": "RECEIVED", "amount": {"minor": 500_000}}]
    assert [one["id"] for one in data(buyers.http, MINE, {"n": 5}, token=token)["myPreOrders"]["nodes"]] == [
        placed["id"]
    ]
    assert data(buyers.http, MINE, {"n": 5}, token=other)["myPreOrders"]["nodes"] == []
    assert data(buyers.http, "query($id: ID!) { node(id: $id) { id } }", {"id": placed["id"]}, token=other) == {
        "node": None
    }


def test_the_key_of_a_class_says_the_level_of_its_pool(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    wide = quote["poolingClass"]["key"].rpartition("/")[0]
    asked = {"classKey": wide, "capacity": 60}
    both = "mutation($input: OpenPoolInput!) { openPool(input: $input) { ... on Pool { level classKey } } }"
    narrow = {**asked, "level": "L1"}

    refused = data(buyers.http, OPEN, {"input": narrow}, token=buyers.planner)["openPool"]
    opened = data(buyers.http, both, {"input": asked}, token=buyers.planner)["openPool"]
    alone = buyers.place(token, quote)
    joined = buyers.place(token, quote, acceptsWiderClass=True)

    assert "InvalidInput" in str(refused), refused
    assert opened == {"level": "L2", "classKey": wide}
    assert (alone["__typename"], joined["state"]) == ("NoOpenPool", "pooled")


def test_the_same_key_answers_the_same_pre_order_and_another_body_is_refused(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    buyers.open_pool(quote)
    deposit = data(buyers.http, AUTHORISE, {"minor": 500_000}, token=token)["authoriseInSandbox"]["token"]

    first = buyers.place(token, quote, authorisation=deposit)
    again = buyers.place(token, quote, authorisation=deposit)
    other = buyers.place(token, quote, authorisation=deposit, method="INSTALMENTS")

    assert first["__typename"] == "PreOrder", first
    assert first["id"] == again["id"]
    assert other["__typename"] == "IdempotencyMismatch"


def test_what_a_pool_refuses_is_typed(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)

    nowhere = buyers.place(token, quote)
    buyers.open_pool(quote)
    altered = buyers.place(token, quote, authorisation="sandbox.AAAA.AAAA")
    low = buyers.place(token, quote, priceCap={"minor": 1})
    made_up = buyers.place(token, {**quote, "id": "made-up-quote-id-that-is-long"})
    short = buyers.place(token, quote, idempotencyKey="x")

    assert [one["__typename"] for one in (nowhere, altered, low, made_up, short)] == [
        "NoOpenPool",
        "PaymentSignatureInvalid",
        "CapTooLow",
        "NotFound",
        "InvalidInput",
    ]


def test_statements_do_not_grow_with_the_list(buyers_on_both: Buyers, town_on_both: Town) -> None:
    buyers = buyers_on_both
    token = buyers.one()
    first = buyers.quote(token)
    buyers.open_pool(first)
    assert buyers.place(token, first)["__typename"] == "PreOrder"
    count = statements_of(buyers, town_on_both, token)
    cancel = "mutation($id: ID!) { withdrawPreOrder(input: {preOrderId: $id}) { __typename } }"
    for _ in range(3):
        newest = data(buyers.http, MINE, {"n": 1}, token=token)["myPreOrders"]["nodes"][0]
        assert (
            data(buyers.http, cancel, {"id": newest["id"]}, token=token)["withdrawPreOrder"]["__typename"] == "PreOrder"
        )
        assert buyers.place(token, buyers.quote(token))["__typename"] == "PreOrder"

    assert len(data(buyers.http, MINE, {"n": 50}, token=token)["myPreOrders"]["nodes"]) == 4
    assert statements_of(buyers, town_on_both, token) == count


def statements_of(buyers: Buyers, town: Town, token: str) -> int:
    """Count the statements of reading one's pre-orders with everything below."""
    with counted_statements(town.works.engine) as seen:
        data(buyers.http, MINE, {"n": 50}, token=token)
    return len(seen)


def test_a_pools_progress_is_followed_and_arrives_once_it_changes(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    pool = buyers.open_pool(quote)
    document = "subscription($id: ID!) { poolProgress(poolId: $id) { members state } }"

    with buyers.http.socket() as socket:
        socket.send({"type": "connection_init"})
        assert socket.receive() == {"type": "connection_ack"}
        socket.send({"id": "1", "type": "subscribe", "payload": {"query": document, "variables": {"id": pool["id"]}}})
        before = socket.receive()
        buyers.place(token, quote)
        after = socket.receive()

    assert before == {"id": "1", "type": "next", "payload": {"data": {"poolProgress": {"members": 0, "state": "open"}}}}
    assert after["payload"]["data"]["poolProgress"]["members"] == 1


def test_an_order_is_followed_by_its_owner_only(buyers: Buyers) -> None:
    token, other = buyers.one(), buyers.one()
    quote = buyers.quote(token)
    buyers.open_pool(quote)
    placed = buyers.place(token, quote)
    document = "subscription($id: ID!) { myOrder(orderId: $id) { state timeline { state } } }"
    asked = {"query": document, "variables": {"id": placed["id"]}}

    answers = []
    for sent in ({"token": token}, {"token": other}, {}):
        with buyers.http.socket() as socket:
            socket.send({"type": "connection_init", "payload": sent})
            assert socket.receive() == {"type": "connection_ack"}
            socket.send({"id": "a", "type": "subscribe", "payload": asked})
            answers.append(socket.receive())

    assert answers[0]["payload"]["data"]["myOrder"]["state"] == "pooled"
    assert [one["type"] for one in answers[1:]] == ["error", "error"]
    assert [one["payload"][0]["extensions"]["code"] for one in answers[1:]] == ["NOT_FOUND", "NOT_SIGNED_IN"]


@pytest.mark.parametrize(
    ("say", "closed"),
    [
        (["no json"], 4400),
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "nonsense"}], 4400),
        ([{"type": "connection_init", "payload": {"token": "no such session"}}], 4401),
    ],
)
def test_whoever_breaks_the_protocol_is_hung_up_on(http: Http, say: list[Any], closed: int) -> None:
    with http.socket() as socket:
        for message in say:
            socket.send(message)
        last = socket.receive()
        while last.get("type") == "connection_ack":
            last = socket.receive()

    assert last == {"closed": closed}


def test_a_socket_from_a_page_of_another_site_is_refused(http: Http) -> None:
    with http.socket(headers={"origin": "http://evil.example"}) as socket:
        assert socket.receive() == {"closed": 4403}
    with http.socket(protocol="graphql-ws") as socket:
        assert socket.receive() == {"closed": 4406}


def test_a_query_over_a_socket_is_sent_to_post(http: Http) -> None:
    with http.socket() as socket:
        socket.send({"type": "connection_init"})
        socket.receive()
        socket.send({"id": "1", "type": "subscribe", "payload": {"query": "{ brand { name } }"}})
        answer = socket.receive()

    assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "BAD_REQUEST")


def test_a_deposit_paid_later_comes_by_callback(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    buyers.open_pool(quote)
    placed = buyers.place(token, quote, authorisation=None)
    pay = "mutation($id: ID!) { payInSandbox(input: {preOrderId: $id}) { __typename ... on Payment { state } } }"

    paid = data(buyers.http, pay, {"id": placed["id"]}, token=token)["payInSandbox"]
    again = data(buyers.http, pay, {"id": placed["id"]}, token=token)["payInSandbox"]

    assert placed["state"] == "acknowledged"
    assert again == {"__typename": "PaymentAlreadyMade"}
    assert paid == {"__typename": "Payment", "state": "RECEIVED"}
    assert data(buyers.http, MINE, {"n": 1}, token=token)["myPreOrders"]["nodes"][0]["state"] == "pooled"


def test_a_callback_that_nobody_signed_changes_nothing(http: Http) -> None:
    forged = http.post("/payments/callback/sandbox", content=b"{}")
    unknown = http.post("/payments/callback/nobody", content=b"{}")

    assert (forged.status_code, forged.json()["code"]) == (401, "PAYMENT_SIGNATURE_INVALID")
    assert unknown.status_code == 404


TWO_CHANGES = """mutation($id: ID!, $cap: Long!) {
  first: raisePriceCap(input: {preOrderId: $id, priceCap: {minor: $cap}}) { ... on PreOrder { pool { members } } }
  second: withdrawPreOrder(input: {preOrderId: $id}) { ... on PreOrder { pool { members } } }
}"""


def test_a_change_tells_of_what_is_so_after_it_also_behind_another_change(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    buyers.open_pool(quote)
    placed = buyers.place(token, quote)
    cap = quote["vehiclePrice"]["minor"] + 100

    told = data(buyers.http, TWO_CHANGES, {"id": placed["id"], "cap": cap}, token=token)

    assert told == {"first": {"pool": {"members": 1}}, "second": {"pool": {"members": 0}}}


def test_a_timeline_says_what_was_changed_while_the_state_stayed(buyers: Buyers) -> None:
    token = buyers.one()
    quote = buyers.quote(token)
    buyers.open_pool(quote)
    placed = buyers.place(token, quote)
    data(buyers.http, TWO_CHANGES, {"id": placed["id"], "cap": quote["vehiclePrice"]["minor"] + 100}, token=token)

    (mine,) = data(buyers.http, MINE, {"n": 5}, token=token)["myPreOrders"]["nodes"]

    assert [(one["state"], one["reason"]) for one in mine["timeline"]][-2:] == [
        ("pooled", "cap_raised"),
        ("withdrawn", "withdrawn"),
    ]
