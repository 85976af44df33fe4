"""Waiting at the door of pre-orders: an outcome, or when to ask again; never a silent wait, never half a decision."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from graphql import GraphQLError

from graph.app import build_app
from graph.context import Request
from graph.services import Services, Threads
from graph.waiting import ASK_AGAIN_SECONDS, outcome_of
from kernel.actor import Actor, Role
from kernel.errors import TooBusy
from kernel.group import Group
from kernel.ids import BrandId
from tests.graph.client import open_http
from tests.graph.conftest import Town
from tests.graph.support import Passes
from tests.graph.test_pre_orders import PLACE, Buyers


class Stuck:
    """A decision that does not end before it is let go, as with a database that does not answer."""

    def __init__(self) -> None:
        self.decided: list[int] = []
        self.go = threading.Event()
        self.entered = threading.Event()

    def decide(self, requests: Sequence[int]) -> Sequence[int]:
        self.entered.set()
        assert self.go.wait(10)
        self.decided += requests
        return requests


def somebody(services: Services) -> Request:
    return Request(services, Threads(1), Actor(BrandId("b" * 32), frozenset({Role.GUEST})), "request")


def test_who_waits_too_long_in_the_queue_is_told_when_to_come_back_and_is_not_decided(services: Services) -> None:
    stuck = Stuck()
    door: Group[int, int] = Group(stuck.decide, name="stuck", patience_seconds=0.3)
    first = door.submit(1)
    assert stuck.entered.wait(10)
    behind = [door.submit(2)]

    async def wait() -> TooBusy:
        door._pace.note(1, 0.0)
        with pytest.raises(TooBusy) as refused:
            await outcome_of(door, 3, somebody(services))
        return refused.value

    told = asyncio.run(wait())
    stuck.go.set()

    assert told.retry_after_seconds >= 1
    assert [first.result(10), behind[0].result(10)] == [1, 2]
    assert stuck.decided == [1, 2]
    door.close()


def test_who_is_being_decided_is_told_to_ask_again_under_the_same_key(services: Services) -> None:
    stuck = Stuck()
    door: Group[int, int] = Group(stuck.decide, name="stuck", patience_seconds=0.05)
    request = somebody(services)

    async def wait() -> GraphQLError:
        with pytest.raises(GraphQLError) as told:
            await outcome_of(door, 1, request, deciding_seconds=0.05)
        stuck.go.set()
        return told.value

    told = asyncio.run(wait())
    door.close()

    assert told.extensions == {"code": "STILL_DECIDING"}
    assert request.retry_after_seconds == ASK_AGAIN_SECONDS
    assert stuck.decided == [1]


def test_a_full_door_answers_at_once_with_the_seconds_in_the_answer_and_in_its_head(
    services: Services, town: Town, passes: Passes
) -> None:
    stuck = Stuck()
    door: Group[int, int] = Group(stuck.decide, name="stuck", queue_max=1)
    door.submit(1)
    assert stuck.entered.wait(10)
    door.submit(2)

    with open_http(build_app(replace(services, pre_order_door=door))) as http:
        buyers = Buyers(http, town, passes)
        token = buyers.one()
        quote = buyers.quote(token)
        buyers.open_pool(quote)
        asked = {"idempotencyKey": "key-" + quote["id"], "quoteId": quote["id"], "priceCap": {"minor": 1}}
        query = PLACE.replace("code message", "code message ... on TooBusy { retryAfterSeconds }")
        answer = http.post(
            "/graphql",
            json={"query": query, "variables": {"input": asked}},
            headers={"authorization": f"Bearer {token}", "accept-language": "en"},
        )
    stuck.go.set()
    door.close()

    assert answer.json()["data"]["placePreOrder"] == {
        "__typename": "TooBusy",
        "code": "TOO_BUSY",
        "message": "Many people are here right now. Try again in 2 s; nothing was charged.",
        "retryAfterSeconds": 2,
    }
    assert (answer.status_code, answer.headers["retry-after"]) == (200, "2")
