"""The operations that the benchmark of the API drives: GraphQL documents, and requests of which no two are the same.

Only the list "from the byte cache" repeats itself. The others differ in their variables, so that no kept answer serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

import orjson

from benchmarks.load import post
from benchmarks.scene import CHOICES_OF_A_STEP_MAX, Scene
from graph.identifiers import write_id
from muster.demo.crowd import Buyer

PATH: Final = "/graphql"
LIST_SIZE: Final = 10
MONEY: Final = "{ minor currency text }"

PLACE: Final = f"""
mutation Place($input: PlacePreOrderInput!) {{
  placePreOrder(input: $input) {{
    ... on PreOrder {{
      id state model options poolId quoteId storeId placedAt fundedAt
      vehiclePrice {MONEY} priceCap {MONEY} deposit {MONEY}
    }}
    ... on Refusal {{ code message }}
  }}
}}"""
LIST: Final = f"""
query Cars($first: Int!, $region: String!) {{
  models(first: $first, region: $region) {{
    nodes {{
      id code name energy basePrice {MONEY} fromPrice {MONEY}
      categories {{ code name options {{ code name price {MONEY} }} }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
CAR: Final = f"""
query Car($code: String!, $region: String!) {{
  model(code: $code, region: $region) {{
    id code name platform plant energy basePrice {MONEY} fromPrice {MONEY} cheapestOptions catalogueVersionId
    categories {{
      code name
      options {{
        code name description category longLead constrained always fulfilsProposal
        price {MONEY}
      }}
    }}
  }}
}}"""
CONFIGURE: Final = f"""
query Step($input: ConfigureInput!) {{
  configure(input: $input) {{
    ... on ConfigurationStep {{
      model isComplete options catalogueVersionId
      price {MONEY}
      lines {{ kind code text amount {MONEY} }}
      cheapest {{ options price {MONEY} }}
      standings {{ option state }}
    }}
    ... on Refusal {{ code message }}
  }}
}}"""
QUOTE: Final = f"""
mutation Quote($input: IssueQuoteInput!) {{
  issueQuote(input: $input) {{
    ... on Quote {{
      id total {MONEY} guaranteedTotal {MONEY} priceNow {MONEY}
      lines {{ kind code text guaranteed amount {MONEY} }}
      tiers {{ members total {MONEY} }}
      expiresAt signature
    }}
    ... on Refusal {{ code message }}
  }}
}}"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table: its name, its requests without end, and how its answer begins when all went well.

    `cpu_ms_max` is the CPU of server and database that the project set itself for one of it at 16 callers.
    """

    name: str
    requests: Iterator[bytes]
    good: bytes
    cpu_ms_max: float | None = None
    is_scarce: bool = False

    def is_good(self, body: bytes) -> bool:
        """Say whether an answer is what was asked for, neither a refusal nor an error."""
        return body.startswith(self.good)


def operations(scene: Scene) -> tuple[Operation, ...]:
    """Return every operation of the table, in its order; pre-orders last as long as the scene has buyers."""
    return (
        Operation("place a pre-order", _places(scene), b'{"data":{"placePreOrder":{"id":', 4.0, is_scarce=True),
        Operation("list of 10 cars, fresh", _lists(), b'{"data":{"models":{"nodes":[{"id":', 5.0),
        Operation("list of 10 cars, kept bytes", _kept_lists(), b'{"data":{"models":{"nodes":[{"id":', 0.3),
        Operation("one car in full, fresh", _cars(scene), b'{"data":{"model":{"id":', 2.5),
        Operation("configuration step", _steps(scene), b'{"data":{"configure":{"model":', 2.0),
        Operation("issue a quote", _quotes(scene), b'{"data":{"issueQuote":{"id":'),
    )


def request(document: str, variables: dict[str, Any], *, token: str | None = None) -> bytes:
    """Build the bytes of one GraphQL request, of a guest or of whoever holds the token."""
    headers = {"Accept-Language": "zh-CN", "X-Muster-Brand": "qilan"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return post(PATH, orjson.dumps({"query": document, "variables": variables}), headers)


def place_input(buyer: Buyer, pool_id: str) -> dict[str, Any]:
    """Return what a buyer sends to take a place in the pool with the deposit authorised."""
    return {
        "idempotencyKey": f"bench-{buyer.quote_id}",
        "quoteId": write_id("Quote", buyer.quote_id),
        "priceCap": {"minor": buyer.vehicle_price_minor},
        "acceptsFrozen": True,
        "poolId": write_id("Pool", pool_id),
        "authorisation": buyer.authorisation,
    }


def _places(scene: Scene) -> Iterator[bytes]:
    # Built ahead, as bytes: what the generator does meanwhile is taken from the cores under test.
    return iter([request(PLACE, {"input": place_input(one, scene.pool_id)}, token=one.token) for one in scene.buyers])


def _lists() -> Iterator[bytes]:
    # A variable that the document does not declare changes nothing but the key under which an answer is kept.
    return (request(LIST, {"first": LIST_SIZE, "region": "", "number": number}) for number in count(1))


def _kept_lists() -> Iterator[bytes]:
    always = request(LIST, {"first": LIST_SIZE, "region": ""})
    while True:
        yield always


def _cars(scene: Scene) -> Iterator[bytes]:
    for number in count():
        asked = {"code": scene.models[number % len(scene.models)], "region": "", "number": number}
        yield request(CAR, asked)


def _steps(scene: Scene) -> Iterator[bytes]:
    """Ask for steps on the way to buildable cars: a few of a car's options, in chance order."""
    chance = Random(11)
    while True:
        model, options = chance.choice(scene.cars)
        chosen = chance.sample(options, chance.randint(1, CHOICES_OF_A_STEP_MAX))
        choices = [{"option": option} for option in chosen]
        yield request(CONFIGURE, {"input": {"model": model, "region": "east", "choices": choices}})


def _quotes(scene: Scene) -> Iterator[bytes]:
    chance = Random(13)
    while True:
        model, options = chance.choice(scene.cars)
        buyer = chance.choice(scene.buyers)
        wanted = {"model": model, "options": options, "storeId": write_id("Store", scene.store_id)}
        yield request(QUOTE, {"input": wanted}, token=buyer.token)
