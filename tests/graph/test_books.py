"""The record through the API: an auditor reads a long chain page by page, and each page verifies."""

from __future__ import annotations

from kernel import record
from kernel.actor import Actor, Role, system
from kernel.ids import AccountId
from kernel.record import NewEntry
from tests.graph.client import Http
from tests.graph.conftest import Town
from tests.graph.support import Passes, data

CHAIN = 'query($after: Int!) { recordChain(chain: "vin:1", after: $after) { verifies entries { sequence } } }'


def test_every_page_of_a_long_chain_verifies(http_on_both: Http, town_on_both: Town, passes: Passes) -> None:
    brand = town_on_both.brand
    with town_on_both.works.change(system(brand.id)) as work:
        record.append_many(work, [NewEntry("vin:1", "test.noted", {"n": number}) for number in range(250)])
    token = passes.hand_out(Actor(brand.id, frozenset({Role.AUDITOR}), AccountId("a" * 32), locale="en"))

    pages = [data(http_on_both, CHAIN, {"after": after}, token=token)["recordChain"] for after in (0, 100, 200, 250)]

    assert [len(page["entries"]) for page in pages] == [100, 100, 50, 0]
    assert all(page["verifies"] for page in pages)
