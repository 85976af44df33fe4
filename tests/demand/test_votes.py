"""Proposals and signal votes: one verified person, one vote; a quarter's budget; nothing is ever overwritten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from demand.errors import AlreadyVoted, NotVoted, PersonNotVerified, ProposalClosed, VotesSpent
from demand.queries import list_proposals, own_vote_budget, proposals_by_id
from demand.service import (
    cast_vote,
    cast_votes,
    close_proposal,
    decline_proposal,
    merge_proposals,
    publish_proposal,
    revoke_vote,
    submit_proposal,
)
from demand.votes.model import DeclinedProposal, quarter_of
from demand.votes.tables import votes
from kernel import record
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from kernel.ids import AccountId, BrandId, PersonId
from kernel.paging import PageRequest
from kernel.work import Works
from tests.configurator.small_brand import BRAND, GUEST, PLANNER, found_brand


@pytest.fixture(autouse=True)
def brand(works: Works) -> None:
    found_brand(works)


def voter(name: int) -> Actor:
    return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(f"{name:032x}"), PersonId(f"{name:032x}"))


def proposal(works: Works, *, title: str = "A tow hook") -> str:
    """Submit and publish a proposal and return its id."""
    with works.change(voter(99)) as work:
        proposal_id = submit_proposal(work, title=title, text="").head.id
    with works.change(PLANNER) as work:
        publish_proposal(work, proposal_id)
    return proposal_id


def vote(works: Works, name: int, proposal_id: str) -> None:
    with works.change(voter(name)) as work:
        cast_vote(work, proposal_id)


def count(works: Works, proposal_id: str) -> int:
    with works.read(GUEST) as work:
        return proposals_by_id(work, [proposal_id])[proposal_id].votes


def test_a_person_votes_once_for_a_proposal_also_from_a_second_account(works: Works) -> None:
    wanted = proposal(works)
    vote(works, 1, wanted)
    other_account = replace(voter(1), account_id=AccountId("d" * 32))

    with pytest.raises(AlreadyVoted), works.change(other_account) as work:
        cast_vote(work, wanted)

    assert count(works, wanted) == 1


def test_a_revocation_is_an_entry_and_frees_the_vote(works: Works) -> None:
    wanted = proposal(works)
    vote(works, 1, wanted)

    with works.change(voter(1)) as work:
        revoke_vote(work, wanted)
    with pytest.raises(NotVoted), works.change(voter(1)) as work:
        revoke_vote(work, wanted)
    vote(works, 1, wanted)

    with works.read(system(BRAND)) as work:
        kinds = list(work.connection.execute(select(votes.c.kind).order_by(votes.c.id)).scalars())
        entries = record.entries_of(work, f"proposal:{wanted}")
    assert kinds == ["cast", "revoked", "cast"]
    assert record.verify(entries) is None
    assert count(works, wanted) == 1


def test_ten_votes_a_quarter_and_ten_more_in_the_next(works: Works, clock: FixedClock) -> None:
    wishes = [proposal(works, title=f"Wish {number}") for number in range(12)]
    for wish in wishes[:10]:
        vote(works, 1, wish)

    with pytest.raises(VotesSpent) as refused:
        vote(works, 1, wishes[10])
    with works.change(voter(1)) as work:
        revoke_vote(work, wishes[0])
    vote(works, 1, wishes[10])
    assert refused.value == VotesSpent(10, datetime(2026, 12, 31, 16, tzinfo=UTC))

    clock.advance(timedelta(days=40))
    vote(works, 1, wishes[11])
    with works.read(voter(1)) as work:
        assert own_vote_budget(work).left == 9


def test_votes_of_one_person_at_the_same_moment_never_pass_the_budget(works: Works) -> None:
    wishes = [proposal(works, title=f"Wish {number}") for number in range(14)]
    start = threading.Barrier(7)

    def give(number: int) -> int:
        start.wait(30)
        given = 0
        for wish in wishes[number::7]:
            try:
                vote(works, 1, wish)
                given += 1
            except Refusal:
                continue
        return given

    with ThreadPoolExecutor(7) as pool:
        given = sum(pool.map(give, range(7)))

    held = sum(count(works, wish) for wish in wishes)
    assert held == given <= 10


def test_a_merge_counts_a_person_once(works: Works) -> None:
    first, second, third = (proposal(works, title=title) for title in ("Hook", "A hook", "Hooks"))
    for name, wish in ((1, first), (1, second), (2, second), (3, third), (1, third)):
        vote(works, name, wish)

    with works.change(PLANNER) as work:
        merge_proposals(work, second, into=first)
    with works.change(PLANNER) as work:
        merge_proposals(work, first, into=third)

    assert count(works, third) == 3
    with pytest.raises(ProposalClosed):
        vote(works, 4, second)
    with pytest.raises(ProposalClosed), works.change(PLANNER) as work:
        merge_proposals(work, third, into=third)


def test_a_declined_or_closed_proposal_takes_no_votes_and_the_reason_is_public(works: Works) -> None:
    declined, closed = proposal(works), proposal(works)
    with works.change(PLANNER) as work:
        decline_proposal(work, declined, reason="It would not pass the crash test.")
    with works.change(PLANNER) as work:
        close_proposal(work, closed)

    for wish in (declined, closed):
        with pytest.raises(ProposalClosed):
            vote(works, 1, wish)
    with works.read(GUEST) as work:
        shown = proposals_by_id(work, [declined])[declined].proposal
    assert isinstance(shown, DeclinedProposal)
    assert shown.reason == "It would not pass the crash test."


def test_drafts_are_seen_by_their_author_and_planners_only(works: Works) -> None:
    with works.change(voter(1)) as work:
        draft = submit_proposal(work, title="Glass roof", text="Please.").head.id

    seen = {}
    for name, actor in {"author": voter(1), "other": voter(2), "planner": PLANNER, "guest": GUEST}.items():
        with works.read(actor) as work:
            seen[name] = len(list_proposals(work, PageRequest(10)).items)
    with pytest.raises(NotFound):
        vote(works, 2, draft)
    with pytest.raises(ProposalClosed):
        vote(works, 1, draft)

    assert seen == {"author": 1, "other": 0, "planner": 1, "guest": 0}


def test_who_may_not_vote_is_refused_and_nothing_changes(works: Works) -> None:
    wanted = proposal(works)
    unverified = replace(voter(1), person_id=None)
    foreign = replace(voter(1), brand_id=BrandId("9" * 32))

    for actor, refusal in ((unverified, PersonNotVerified), (PLANNER, Forbidden), (foreign, NotFound)):
        with pytest.raises(refusal), works.change(actor) as work:
            cast_vote(work, wanted)
    with pytest.raises(InvalidInput), works.change(voter(1)) as work:
        submit_proposal(work, title="  ", text="")

    assert count(works, wanted) == 0


def test_a_quarter_is_the_brands_own() -> None:
    moment = datetime(2026, 9, 30, 17, tzinfo=UTC)

    assert quarter_of(moment, ZoneInfo("Asia/Shanghai")).name == "2026-Q4"
    assert quarter_of(moment, ZoneInfo("UTC")).name == "2026-Q3"


def test_votes_that_come_together_are_answered_each_by_itself(works: Works) -> None:
    wanted = [proposal(works, title=f"Wish {number}") for number in range(11)]
    closed = proposal(works, title="Over")
    with works.change(PLANNER) as work:
        close_proposal(work, closed)
    nobody = replace(voter(5), person_id=None)
    asked = [
        *((voter(1), one) for one in wanted),
        (voter(2), wanted[0]),
        (voter(2), wanted[0]),
        (voter(2), closed),
        (nobody, wanted[0]),
        (voter(3), "f" * 32),
    ]

    with works.change(PLANNER) as work:
        outcomes = cast_votes(work, asked)

    assert [outcome.code for outcome in outcomes if isinstance(outcome, Refusal)] == [
        VotesSpent.code,
        AlreadyVoted.code,
        ProposalClosed.code,
        PersonNotVerified.code,
        NotFound.code,
    ]
    assert [count(works, one) for one in (wanted[0], wanted[9], wanted[10], closed)] == [2, 1, 0, 0]
    with works.read(system(BRAND)) as work:
        assert record.broken_chains(work) == {}
