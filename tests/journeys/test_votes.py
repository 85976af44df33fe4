"""Proposals and votes through the API: ten a quarter, one per person and proposal, revocable, never another brand's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from muster.audit import audit
from tests.journeys import documents as ask
from tests.journeys.town import Town, add_town


def proposals(town: Town, count: int) -> list[dict[str, Any]]:
    """Let somebody hand in wishes and the planner publish them."""
    author, planner = town.buyer(), town.staff("planner")
    drafts = [author.at.do(ask.SUBMIT, input={"title": f"Wish {number}"}) for number in range(count)]
    assert [draft["state"] for draft in drafts] == ["draft"] * count
    return [planner.do(ask.PUBLISH, input={"proposalId": draft["id"]}) for draft in drafts]


def test_a_person_has_ten_votes_a_quarter_and_one_per_proposal(borealis: Town) -> None:
    house, voter = borealis.house, borealis.buyer()
    wishes = [{"proposalId": one["id"]} for one in proposals(borealis, 11)]

    first = voter.at.do(ask.VOTE, input=wishes[0])
    with house.unchanged():
        assert voter.at.refusal(ask.VOTE, input=wishes[0]) == "ALREADY_VOTED"
    for wish in wishes[1:10]:
        voter.at.do(ask.VOTE, input=wish)
    with house.unchanged():
        assert voter.at.refusal(ask.VOTE, input=wishes[10]) == "VOTES_SPENT"

    assert (first["votes"], first["voted"]) == (1, True)
    assert voter.at.ask(ask.MY_VOTES)["myVotes"] == {"votes": 10, "left": 0}
    house.pass_time(timedelta(days=39))
    assert voter.at.ask(ask.MY_VOTES)["myVotes"] == {"votes": 10, "left": 10}
    assert voter.at.do(ask.VOTE, input=wishes[10])["votes"] == 1


def test_a_vote_can_be_taken_back_and_given_elsewhere(borealis: Town) -> None:
    house, voter = borealis.house, borealis.buyer()
    one, other = ({"proposalId": wish["id"]} for wish in proposals(borealis, 2))
    voter.at.do(ask.VOTE, input=one)

    taken_back = voter.at.do(ask.REVOKE, input=one)
    with house.unchanged():
        assert voter.at.refusal(ask.REVOKE, input=one) == "NOT_VOTED"
    given = voter.at.do(ask.VOTE, input=other)

    assert (taken_back["votes"], taken_back["voted"], given["votes"]) == (0, False, 1)
    assert voter.at.ask(ask.MY_VOTES)["myVotes"]["left"] == 9
    house.work_off()
    (found,) = audit(house.works, house.runtime.checks)
    assert found.is_sound, [finding for finding in found.findings if finding.violations]


def test_a_draft_is_its_authors_and_takes_no_votes(borealis: Town) -> None:
    author, voter = borealis.buyer(), borealis.buyer()
    draft = author.at.do(ask.SUBMIT, input={"title": "A wish of mine"})
    shown = "query($id: ID!) { proposal(id: $id) { state } }"

    with borealis.house.unchanged():
        assert voter.at.refusal(ask.VOTE, input={"proposalId": draft["id"]}) == "NOT_FOUND"
        assert voter.at.refusal(ask.PUBLISH, input={"proposalId": draft["id"]}) == "FORBIDDEN"

    assert voter.at.ask(shown, id=draft["id"]) == {"proposal": None}
    assert author.at.ask(shown, id=draft["id"]) == {"proposal": {"state": "draft"}}


def test_nobody_votes_on_a_proposal_of_another_brand(borealis: Town) -> None:
    stranger = add_town(borealis.house, "qilan").buyer()
    (wish,) = proposals(borealis, 1)

    with borealis.house.unchanged():
        assert stranger.at.refusal(ask.VOTE, input={"proposalId": wish["id"]}) == "NOT_FOUND"

    assert stranger.at.ask("query($id: ID!) { proposal(id: $id) { votes } }", id=wish["id"]) == {"proposal": None}
