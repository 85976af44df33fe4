"""A refusal of a room becomes a type of its own with its facts; one that nobody declared is a bug."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLUnionType
from strawberry.schema.config import StrawberryConfig

from demand.errors import AlreadyInPool
from graph.access import object_type, read_access
from graph.context import Request
from graph.documents import Documents
from graph.execution import read_variables, run
from graph.identifiers import write_id
from graph.operations import query
from graph.refusals import refusal_type, show_refusal
from graph.scalars import SCALARS
from graph.schema import build_api
from graph.services import Services, Threads
from kernel.actor import Actor, Permission
from kernel.errors import Refusal
from kernel.ids import BrandId
from kernel.money import Money
from tests.graph.client import Http
from tests.graph.support import data

CONFIGURE = """query($input: ConfigureInput!) { configure(input: $input) {
  __typename
  ... on ConfigurationStep { isComplete price { text } }
  ... on Refusal { code message }
  ... on OptionExcluded { option because rules giveUp }
  ... on ModelUnknown { model models }
} }"""


@dataclass(unsafe_hash=True)
class BridgeOut(Refusal):
    """The bridge is out."""

    code = "BRIDGE_OUT"
    en = "The bridge is out until {until}: {reason}. The toll is {toll_minor}."
    zh = "桥梁暂停通行至{until}：{reason_zh}。"
    until: datetime
    toll_minor: int
    price: Money
    reason: str
    reason_zh: str
    ways: tuple[str, ...]


@object_type(reads=Permission.PUBLIC_READ)
class Bridge:
    """Where one gets across."""

    name: str


def bridge_out() -> BridgeOut:
    return BridgeOut(datetime(2026, 11, 23, tzinfo=UTC), 1200, Money(500), "ice", "结冰", ("north", "south"))


@pytest.mark.parametrize(("locale", "reason"), [("en", "ice"), ("zh-CN", "结冰")])
def test_facts_become_fields_in_the_readers_language(locale: str, reason: str) -> None:
    shown = show_refusal(bridge_out(), locale)

    assert shown.code == "BRIDGE_OUT"
    assert shown.message == bridge_out().text(locale)
    assert shown.reason == reason
    assert not hasattr(shown, "reason_zh")
    assert (shown.toll.minor, shown.toll.text) == (1200, "¥12")
    assert shown.price.minor == 500
    assert shown.ways == ["north", "south"]
    assert refusal_type(BridgeOut) is type(shown)


def test_a_refusal_names_things_by_the_ids_of_the_api() -> None:
    shown = show_refusal(AlreadyInPool("the pool", "the pre-order"), "en")

    assert (shown.pool_id, shown.pre_order_id) == (write_id("Pool", "the pool"), write_id("PreOrder", "the pre-order"))


def test_a_rule_that_says_no_is_an_answer_and_no_error(http: Http) -> None:
    answer = data(http, CONFIGURE, {"input": {"model": "X9"}})["configure"]

    assert answer["__typename"] == "ModelUnknown"
    assert answer["code"] == "MODEL_UNKNOWN"
    assert answer["models"] == ["L5", "S6", "M7"]
    assert answer["message"] == "There is no model “X9” in this catalogue. Choose one of: L5, S6, M7."


def test_whatever_may_be_excluded_by_rules_may_also_be_too_hard_to_prove() -> None:
    unions = {
        name: {one.name for one in kind.types}
        for name, kind in build_api().schema.type_map.items()
        if isinstance(kind, GraphQLUnionType)
    }
    asking = {name for name, members in unions.items() if "OptionExcluded" in members}

    assert len(asking) > 8
    assert {name for name in asking if "AnswerTooHard" not in unions[name]} == set()


def test_too_much_input_is_refused_with_its_field(http: Http) -> None:
    explain = ["P_CLOUD_WHITE"] * 500

    answer = data(http, CONFIGURE, {"input": {"model": "L5", "explain": explain}})["configure"]

    assert (answer["__typename"], answer["code"]) == ("InvalidInput", "INVALID_INPUT")


def find_bridge(request: Request) -> Bridge:
    raise bridge_out()


QueryOfBridges = strawberry.type(
    type(
        "QueryOfBridges",
        (),
        {
            "declared": query(reads=Permission.PUBLIC_READ, refuses=(BridgeOut,), result="DeclaredResult")(find_bridge),
            "forgotten": query(reads=Permission.PUBLIC_READ, result="ForgottenResult")(find_bridge),
            "plain": query(reads=Permission.PUBLIC_READ)(find_bridge),
        },
    )
)


def ask_bridges(services: Services, document: str) -> ExecutionResult:
    schema = strawberry.Schema(query=QueryOfBridges, config=StrawberryConfig(scalar_map=SCALARS))._schema
    prepared = Documents(schema, read_access(schema)).prepare(document)
    request = Request(services, Threads(1), Actor(BrandId("b")), "request")
    return asyncio.run(run(schema, prepared, variables=read_variables(schema, prepared, {}), context=request))


def test_only_a_declared_refusal_is_an_answer(services: Services) -> None:
    declared = ask_bridges(services, "{ declared { __typename ... on BridgeOut { ways } } }")
    forgotten = ask_bridges(services, "{ forgotten { __typename } }")

    assert declared.data == {"declared": {"__typename": "BridgeOut", "ways": ["north", "south"]}}
    assert forgotten.errors is not None
    assert isinstance(forgotten.errors[0].original_error, BridgeOut)


def test_a_read_without_a_union_answers_a_refusal_as_an_error_with_its_code(services: Services) -> None:
    found = ask_bridges(services, "{ plain { name } }")

    assert found.errors is not None
    assert found.errors[0].extensions is not None
    assert found.errors[0].extensions["code"] == "BAD_USER_INPUT"
    assert found.errors[0].extensions["refusal"] == "BRIDGE_OUT"
