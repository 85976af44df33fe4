"""The record through the API: an auditor reads a long chain page by page, and each page verifies."""

from __future__ import annotations

import pytest

from demand.service import submit_proposal
from graph.identifiers import write_id
from kernel import record
from kernel.actor import Actor, Role, system
from kernel.ids import AccountId, PersonId
from kernel.record import NewEntry
from tests.graph.client import Http
from tests.graph.conftest import Town
from tests.graph.support import Passes, ask, data

NOT_ALLOWED = "Your roles do not allow you to read the books and the record. Ask your brand administrator."
NAMED = "query($chain: String!) { recordChain(chain: $chain) { verifies entries { sequence } } }"
CHAIN = 'query($after: Int!) { recordChain(chain: "vin:1", after: $after) { verifies entries { sequence } } }'


def test_every_page_of_a_long_chain_verifies(http_on_both: Http, town_on_both: Town, passes: Passes) -> None:
    brand = town_on_both.brand
    with town_on_both.works.change(system(brand.id)) as work:
        record.append_many(work, [NewEntry("vin:1", "test.noted", {"n": number}) for number in range(250)])
    token = passes.hand_out(Actor(brand.id, frozenset({Role.AUDITOR}), AccountId("a" * 32), locale="en"))

    pages = [data(http_on_both, CHAIN, {"after": after}, token=token)["recordChain"] for after in (0, 100, 200, 250)]

    assert [len(page["entries"]) for page in pages] == [100, 100, 50, 0]
    assert all(page["verifies"] for page in pages)


@pytest.mark.parametrize("kind", ["Pool", "Proposal", "Comparison"])
def test_a_chain_is_read_by_the_id_that_the_api_shows(http: Http, town: Town, passes: Passes, kind: str) -> None:
    shown = write_id(kind, "c" * 32)
    with town.works.change(system(town.brand.id)) as work:
        record.append(work, f"{kind.lower()}:{'c' * 32}", "test.noted", {})
    token = passes.hand_out(Actor(town.brand.id, frozenset({Role.AUDITOR}), AccountId("a" * 32), locale="en"))

    by_id = data(http, NAMED, {"chain": shown}, token=token)
    by_name = data(http, NAMED, {"chain": f"{kind.lower()}:{shown}"}, token=token)

    assert by_id == by_name == {"recordChain": {"verifies": True, "entries": [{"sequence": 1}]}}


def test_an_unknown_chain_is_not_found_and_that_of_a_new_proposal_is_empty(
    http: Http, town: Town, passes: Passes
) -> None:
    person = Actor(town.brand.id, frozenset({Role.CONSUMER}), AccountId("b" * 32), PersonId("b" * 32))
    with town.works.change(person) as work:
        draft = submit_proposal(work, title="A tow bar", text="For a caravan.")
    with town.works.change(system(town.foreign.id)) as work:
        record.append(work, "vin:2", "test.noted", {})
    token = passes.hand_out(Actor(town.brand.id, frozenset({Role.AUDITOR}), AccountId("a" * 32), locale="en"))

    empty = data(http, NAMED, {"chain": write_id("Proposal", draft.head.id)}, token=token)
    unknown = [
        ask(http, NAMED, {"chain": chain}, token=token)["errors"][0]["extensions"]["refusal"]
        for chain in ("pool:nothing", "vin:2", write_id("Pool", "d" * 32), write_id("Store", "d" * 32), "")
    ]

    assert empty == {"recordChain": {"verifies": True, "entries": []}}
    assert unknown == ["NOT_FOUND"] * 5


@pytest.mark.parametrize(
    ("role", "asked", "text"),
    [
        (
            Role.CARRIER,
            "",
            NOT_ALLOWED,
        ),
        (
            Role.CARRIER,
            "*",
            NOT_ALLOWED,
        ),
        (Role.CARRIER, "zh-CN,en;q=0.5", "您的角色没有以下权限：查看账目和记录链。请联系品牌管理员。"),
        (Role.PLANNER, "en", "您的角色没有以下权限：查看账目和记录链。请联系品牌管理员。"),
    ],
)
def test_who_may_not_is_told_in_words_and_a_system_in_english_unless_it_asks_otherwise(
    http: Http, town: Town, passes: Passes, role: Role, asked: str, text: str
) -> None:
    locale = "en" if role is Role.CARRIER else "zh-CN"
    token = passes.hand_out(Actor(town.brand.id, frozenset({role}), AccountId("a" * 32), locale=locale))

    refused = ask(http, NAMED, {"chain": "vin:1"}, token=token, locale=asked)

    assert [(one["extensions"]["code"], one["message"]) for one in refused["errors"]] == [("FORBIDDEN", text)]
