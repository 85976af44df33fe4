"""A comparison through the API: dealt, answered, released; everybody reads the shares, planners the take rates."""

from __future__ import annotations

from typing import Any

import pytest

from muster.audit import audit
from tests.journeys import documents as ask
from tests.journeys.test_votes import proposals
from tests.journeys.town import Buyer, Town

STAND = {"region": "east", "owner": False, "model": "N1"}


@pytest.fixture
def comparison(borealis: Town) -> str:
    """Let the planner open a comparison of twelve wishes, quick to work out."""
    values = [{"name": "draws", "json": "100"}]
    borealis.staff("admin").do(
        ask.mutation("changePolicy", "ChangePolicyInput", "... on PolicyVersion { version }"),
        input={"baseVersion": 0, "section": "compare", "values": values, "reason": "quick tests"},
    )
    items = [
        {"proposalId": one["id"], "plannedPrice": {"minor": 300_000 + 1_000 * number}}
        for number, one in enumerate(proposals(borealis, 12))
    ]
    market = [STAND | {"persons": 60_000}, STAND | {"owner": True, "persons": 40_000}]
    opened = borealis.staff("planner").do(
        ask.OPEN_COMPARISON, input={"title": "Spring", "items": items, "market": market}
    )
    assert opened["state"] == "open"
    found: str = opened["id"]
    return found


def fill_in(buyer: Buyer, comparison: str) -> dict[str, Any]:
    """Join and answer everything: the first shown is best, the last worst."""
    sheet = buyer.at.do(ask.JOIN_COMPARISON, input={"comparisonId": comparison} | STAND)
    for one in sheet["sets"]:
        chosen = {"best": one["proposalIds"][0], "worst": one["proposalIds"][-1]}
        buyer.at.do(ask.ANSWER_SET, input={"comparisonId": comparison, "set": one["number"]} | chosen)
    done: dict[str, Any] = buyer.at.do(ask.ANSWER_PRICE, input={"comparisonId": comparison, "wouldTake": True})
    return done


def test_ten_persons_compare_and_everybody_reads_what_came_of_it(borealis: Town, comparison: str) -> None:
    house = borealis.house
    first = borealis.buyer()

    done = fill_in(first, comparison)
    with house.unchanged():
        assert first.at.do(ask.ANSWER_PRICE, input={"comparisonId": comparison, "wouldTake": True}) == done
        assert first.at.refusal(ask.ANSWER_PRICE, input={"comparisonId": comparison, "wouldTake": False}) == (
            "ALREADY_ANSWERED"
        )
        swapped = {"best": done["sets"][0]["worst"], "worst": done["sets"][0]["best"]}
        assert first.at.refusal(ask.ANSWER_SET, input={"comparisonId": comparison, "set": 1} | swapped) == (
            "ALREADY_ANSWERED"
        )
    for _ in range(9):
        fill_in(borealis.buyer(), comparison)
    borealis.staff("planner").do(ask.CLOSE_COMPARISON, input={"comparisonId": comparison})
    house.work_off()

    found = borealis.guest().ask(ask.COMPARISON, id=comparison)["comparison"]
    assert done["completedAt"] is not None
    assert (found["state"], found["persons"]) == ("released", 10)
    assert sum(one["share"]["value"] for one in found["items"]) == pytest.approx(1, abs=0.05)
    assert {one["proposal"]["state"] for one in found["items"]} == {"compare"}
    rates = "query($id: ID!) { comparison(id: $id) { items { takeRate { value } utility { value } } } }"
    assert borealis.guest().error(rates, id=comparison) == "NOT_SIGNED_IN"
    assert borealis.buyer().at.error(rates, id=comparison) == "FORBIDDEN"
    seen = borealis.staff("planner").ask(rates, id=comparison)["comparison"]["items"]
    assert [one["takeRate"] for one in seen] == [None] * 12
    (audited,) = audit(house.works, house.runtime.checks)
    assert audited.is_sound, [finding for finding in audited.findings if finding.violations]


def test_what_was_not_dealt_or_is_over_is_refused_and_changes_nothing(borealis: Town, comparison: str) -> None:
    buyer, stranger = borealis.buyer(), borealis.buyer()
    sheet = buyer.at.do(ask.JOIN_COMPARISON, input={"comparisonId": comparison} | STAND)
    shown = sheet["sets"][0]["proposalIds"]
    elsewhere = next(one for each in sheet["sets"] for one in each["proposalIds"] if one not in shown)
    answer = {"comparisonId": comparison, "set": 1, "best": shown[0], "worst": shown[1]}

    with borealis.house.unchanged():
        assert buyer.at.refusal(ask.ANSWER_SET, input=answer | {"worst": elsewhere}) == "OUTSIDE_DESIGN"
        assert buyer.at.refusal(ask.ANSWER_SET, input=answer | {"set": 10}) == "OUTSIDE_DESIGN"
        assert stranger.at.refusal(ask.ANSWER_SET, input=answer) == "NOT_JOINED"
        moved = {"comparisonId": comparison} | STAND | {"owner": True}
        assert buyer.at.refusal(ask.JOIN_COMPARISON, input=moved) == "ALREADY_JOINED"
        assert buyer.at.refusal(ask.VOTE, input={"proposalId": shown[0]}) == "PROPOSAL_CLOSED"
        again = [{"proposalId": one, "plannedPrice": {"minor": 1}} for one in shown]
        plan = {"title": "Again", "items": again, "market": [STAND | {"persons": 1}]}
        assert borealis.staff("planner").refusal(ask.OPEN_COMPARISON, input=plan) == "INVALID_INPUT"
        assert buyer.at.refusal(ask.OPEN_COMPARISON, input=plan) == "FORBIDDEN"

    borealis.staff("planner").do(ask.CLOSE_COMPARISON, input={"comparisonId": comparison})
    with borealis.house.unchanged():
        assert buyer.at.refusal(ask.ANSWER_SET, input=answer) == "COMPARISON_OVER"
        assert stranger.at.refusal(ask.JOIN_COMPARISON, input={"comparisonId": comparison} | STAND) == "COMPARISON_OVER"
