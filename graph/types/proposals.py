"""Wishes for the next car: proposals, and the one vote that a verified person has for each."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import strawberry
from strawberry.types import Info

from demand import model, queries, service
from demand.errors import AlreadyVoted, NotVoted, PersonNotVerified, ProposalClosed, VotesSpent
from graph.access import field, input_type, object_type, resolved
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types import commitments
from graph.types.pages import Connection, Node, known_words, show_page
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.paging import page_request
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class Proposal(Node):
    """A wish with the persons who voted for it, each counted once; who they are is nobody's business."""

    id: strawberry.ID
    state: str
    title: str
    text: str
    locale: str
    votes: int
    voted: bool
    submitted_at: datetime
    merged_into: strawberry.ID | None
    reason: str | None
    code: str = field(about="What `fulfils_proposal` of a catalogue's options.csv names.")
    backing: commitments.ProposalBacking | None
    commitment: commitments.Commitment | None
    raw: strawberry.Private[str]

    @resolved(about="How many cars carry it, in tens; null where fewer than ten persons ordered them.")
    async def cars(self, info: Info[Request, None]) -> int | None:
        """Load the count."""
        return cast("int | None", await info.context.load("proposal_cars", queries.car_counts, self.raw))


@object_type(reads=Permission.VOTE)
class VoteBudget:
    """Your votes of this quarter."""

    quarter: str
    votes: int
    left: int


@input_type(takes=Permission.VOTE)
class SubmitProposalInput:
    """A wish in your own words."""

    title: str
    text: str = ""


@input_type(takes=Permission.VOTE)
class VoteInput:
    """A proposal."""

    proposal_id: strawberry.ID


@input_type(takes=Permission.POOL_MANAGE)
class ProposalInput:
    """A proposal."""

    proposal_id: strawberry.ID


@input_type(takes=Permission.POOL_MANAGE)
class DeclineProposalInput:
    """A proposal, and the reason that everybody can read."""

    proposal_id: strawberry.ID
    reason: str


@input_type(takes=Permission.POOL_MANAGE)
class MergeProposalsInput:
    """A duplicate, and the proposal it is merged into."""

    proposal_id: strawberry.ID
    into: strawberry.ID


def show_proposal(view: queries.ProposalView, *, now: datetime) -> Proposal:
    """Return a proposal."""
    found, head = view.proposal, view.proposal.head
    return Proposal(
        id=write_id("Proposal", head.id),
        state=view.state,
        title=head.title,
        text=head.text,
        locale=head.locale,
        votes=view.votes,
        voted=view.voted,
        submitted_at=head.submitted_at,
        merged_into=write_id("Proposal", found.into) if isinstance(found, model.MergedProposal) else None,
        reason=found.reason if isinstance(found, model.DeclinedProposal) else None,
        code=head.id,
        backing=commitments.show_backing(view, now=now),
        commitment=commitments.show_commitment(view),
        raw=head.id,
    )


def load_proposals(work: Work, proposal_ids: list[str]) -> dict[str, Proposal]:
    """Return the proposals this actor may see by id."""
    return {key: show_proposal(view, now=work.now) for key, view in queries.proposals_by_id(work, proposal_ids).items()}


def _now(work: Work, raw: str) -> Proposal:
    found = load_proposals(work, [raw]).get(raw)
    if found is None:
        raise NotFound("proposal")
    return found


@query(reads=Permission.PUBLIC_READ)
def proposals(
    work: Work,
    first: int,
    after: Cursor | None = None,
    states: list[str] | None = None,
    outcomes: list[str] | None = None,
) -> Connection[Proposal]:
    """The proposals of the brand, newest first; drafts only to their author and to planners.

    With `outcomes` (pending, kept, broken) those that the maker promised, and what became of it.
    """
    found = queries.list_proposals(
        work,
        page_request(first, after),
        states=known_words("states", states, model.PROPOSAL_STATES),
        outcomes=known_words("outcomes", outcomes, model.Outcome),
    )
    return show_page(found, lambda view: show_proposal(view, now=work.now))


@query(reads=Permission.PUBLIC_READ)
def proposal(work: Work, id: strawberry.ID) -> Proposal | None:  # noqa: A002  # the API's word
    """One proposal."""
    raw = raw_id(id, "Proposal")
    return load_proposals(work, [raw]).get(raw)


@query(reads=Permission.VOTE)
def my_votes(work: Work) -> VoteBudget:
    """How many votes you have left this quarter."""
    found = queries.own_vote_budget(work)
    return VoteBudget(quarter=found.quarter, votes=found.votes, left=found.left)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified,), result="SubmitProposalResult")
def submit_proposal(work: Work, input: SubmitProposalInput) -> Proposal:  # noqa: A002  # the API's word
    """Hand in a wish; a planner publishes it, declines it or merges it."""
    made = service.submit_proposal(work, title=input.title, text=input.text)
    return show_proposal(queries.ProposalView(made, model.proposal_state(made), 0, voted=False), now=work.now)


@mutation(
    does=Permission.VOTE,
    refuses=(PersonNotVerified, ProposalClosed, AlreadyVoted, VotesSpent),
    result="CastVoteResult",
)
def cast_vote(work: Work, input: VoteInput) -> Proposal:  # noqa: A002  # the API's word
    """Give one of your quarter's votes to a proposal."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.cast_vote(work, raw)
    return _now(work, raw)


@mutation(does=Permission.VOTE, refuses=(PersonNotVerified, ProposalClosed, NotVoted), result="RevokeVoteResult")
def revoke_vote(work: Work, input: VoteInput) -> Proposal:  # noqa: A002  # the API's word
    """Take your vote back."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.revoke_vote(work, raw)
    return _now(work, raw)


@mutation(does=Permission.POOL_MANAGE, refuses=(ProposalClosed,), result="PublishProposalResult")
def publish_proposal(work: Work, input: ProposalInput) -> Proposal:  # noqa: A002  # the API's word
    """Let a draft take votes."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.publish_proposal(work, raw)
    return _now(work, raw)


@mutation(does=Permission.POOL_MANAGE, refuses=(ProposalClosed,), result="DeclineProposalResult")
def decline_proposal(work: Work, input: DeclineProposalInput) -> Proposal:  # noqa: A002  # the API's word
    """Say no, with a reason."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.decline_proposal(work, raw, reason=input.reason)
    return _now(work, raw)


@mutation(does=Permission.POOL_MANAGE, refuses=(ProposalClosed,), result="CloseProposalResult")
def close_proposal(work: Work, input: ProposalInput) -> Proposal:  # noqa: A002  # the API's word
    """End a vote without an answer."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.close_proposal(work, raw)
    return _now(work, raw)


@mutation(does=Permission.POOL_MANAGE, refuses=(ProposalClosed,), result="MergeProposalsResult")
def merge_proposals(work: Work, input: MergeProposalsInput) -> Proposal:  # noqa: A002  # the API's word
    """Merge a duplicate; its votes count there from now on, and whoever voted for both has one back."""
    raw = raw_id(input.proposal_id, "Proposal")
    service.merge_proposals(work, raw, into=raw_id(input.into, "Proposal"))
    return _now(work, raw)
