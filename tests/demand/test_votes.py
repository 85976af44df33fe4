"""Proposals and signal votes: one verified person, one vote; a quarter's budget; nothing is ever overwritten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from demand.audit_service import CHECKS
from demand.errors import AlreadyVoted, NotVoted, PersonNotVerified, ProposalClosed, VotesSpent
from demand.personal.service import DemandData
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
from kernel.soundness import examine
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
    with pytest.raises(InvalidInput), works.change(PLANNER) as work:
        merge_proposals(work, third, into=third)


def merge(works: Works, duplicate: str, into: str) -> None:
    with works.change(PLANNER) as work:
        merge_proposals(work, duplicate, into=into)


def revoke(works: Works, name: int, proposal_id: str) -> None:
    with works.change(voter(name)) as work:
        revoke_vote(work, proposal_id)


def left(works: Works, name: int) -> int:
    with works.read(voter(name)) as work:
        return own_vote_budget(work).left


def has_voted(works: Works, name: int, proposal_id: str) -> bool:
    with works.read(voter(name)) as work:
        return proposals_by_id(work, [proposal_id])[proposal_id].voted


def test_a_vote_on_a_duplicate_is_one_on_what_it_was_merged_into(works: Works) -> None:
    first, second, third = (proposal(works, title=title) for title in ("Hook", "A hook", "Hooks"))
    vote(works, 1, first)
    merge(works, first, second)
    merge(works, second, third)

    with pytest.raises(AlreadyVoted):
        vote(works, 1, third)

    assert [has_voted(works, 1, one) for one in (first, second, third)] == [False, False, True]
    assert [count(works, one) for one in (first, second, third)] == [0, 0, 1]
    assert left(works, 1) == 9


@pytest.mark.parametrize("named", ["duplicate", "target"])
def test_a_vote_on_a_duplicate_is_revoked_by_either_name(works: Works, named: str) -> None:
    wishes = {"duplicate": proposal(works, title="A hook"), "target": proposal(works)}
    vote(works, 1, wishes["duplicate"])
    merge(works, wishes["duplicate"], wishes["target"])

    revoke(works, 1, wishes[named])

    assert (count(works, wishes["target"]), left(works, 1)) == (0, 10)
    with pytest.raises(NotVoted):
        revoke(works, 1, wishes["target"])
    vote(works, 1, wishes["target"])
    assert (count(works, wishes["target"]), left(works, 1)) == (1, 9)


def test_who_voted_for_both_has_the_vote_on_the_duplicate_back(works: Works, clock: FixedClock) -> None:
    duplicate, target = proposal(works, title="A hook"), proposal(works)
    vote(works, 1, duplicate)
    clock.advance(timedelta(days=40))
    vote(works, 1, target)
    vote(works, 2, duplicate)

    merge(works, duplicate, target)

    assert (count(works, target), left(works, 1), left(works, 2)) == (2, 9, 9)
    revoke(works, 1, target)
    assert (count(works, target), left(works, 1)) == (1, 10)
    with works.read(system(BRAND)) as work:
        told = {one: record.entries_of(work, f"proposal:{one}") for one in (duplicate, target)}
        assert record.broken_chains(work) == {}
        assert [line for one in examine(work, CHECKS) for line in one.violations] == []
    assert [entry.kind for entry in told[duplicate]][-2:] == ["vote.revoked", "proposal.merged"]
    assert told[duplicate][-1].body == {"into": target, "votes": 1}
    assert told[target][-2].kind == "votes.taken_over"
    assert len(told[target][-2].body["voters"]) == 1


def test_votes_that_count_elsewhere_stay_given_where_no_votes_are_taken_any_more(works: Works) -> None:
    duplicate, target = proposal(works, title="A hook"), proposal(works)
    vote(works, 1, duplicate)
    merge(works, duplicate, target)
    with works.change(PLANNER) as work:
        decline_proposal(work, target, reason="It would not pass the crash test.")

    for wish in (duplicate, target):
        with pytest.raises(ProposalClosed):
            revoke(works, 1, wish)

    assert (count(works, target), left(works, 1)) == (1, 9)


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


def test_who_is_erased_while_a_merge_moves_the_vote_takes_it_back_where_it_counts(works: Works) -> None:
    duplicate, target = proposal(works), proposal(works, title="A towing hook")
    vote(works, 1, duplicate)

    def erase() -> None:
        with works.change(voter(1)) as work:
            DemandData().erase(work, voter(1).signed_in())

    with ThreadPoolExecutor(1) as hand:
        with works.change(PLANNER) as work:
            merge_proposals(work, duplicate, into=target)
            erased = hand.submit(erase)
            with pytest.raises(TimeoutError):
                erased.result(timeout=0.3)
        erased.result(timeout=20)

    with works.read(PLANNER) as work:
        assert proposals_by_id(work, [target])[target].votes == 0
