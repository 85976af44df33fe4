"""Use cases of votes: submit, publish, decline, close and merge proposals; cast and revoke a signal vote."""

from __future__ import annotations

from demand.backing.deciding import WITHDRAWN, break_commitment
from demand.backing.store import (
    DUE_TIMER,
    PROMISE_TIMER,
    REMIND_TIMER,
    end_backings,
    lock_open_backings,
    save_commitment,
)
from demand.errors import AlreadyVoted, NotVoted, PersonNotVerified
from demand.votes.chain import chain_of
from demand.votes.events import (
    ProposalClosedEarly,
    ProposalDeclined,
    ProposalMerged,
    ProposalPublished,
    ProposalSubmitted,
    VoteCast,
    VoteRevoked,
)
from demand.votes.model import (
    BackingProposal,
    CommittedProposal,
    DeclinedProposal,
    DraftProposal,
    ExpiredProposal,
    MergedProposal,
    Proposal,
    ProposalHead,
    ProposalId,
    SignalProposal,
    close,
    decline,
    judge_vote,
    merge,
    publish,
    quarter_of,
)
from demand.votes.policy import VotePolicy
from demand.votes.store import (
    append_vote,
    budget_places_used,
    drop_vote,
    hold_vote,
    holds_vote,
    insert_proposal,
    lock_proposals,
    repoint_merged,
    save_proposal,
)
from kernel import policy, record, registry
from kernel.actor import Permission
from kernel.errors import Conflict, InvalidInput, NotFound, Refusal
from kernel.identity.queries import hold_own_account
from kernel.ids import PersonId
from kernel.reasons import because
from kernel.timers import cancel_timer
from kernel.work import Work

policy.policy_section("votes")(VotePolicy)

REASON_LENGTH_MAX = 400


def _person(work: Work) -> PersonId:
    work.actor.require(Permission.VOTE)
    work.actor.signed_in()
    if work.actor.person_id is None:
        raise PersonNotVerified
    return work.actor.person_id


def submit_proposal(work: Work, *, title: str, text: str) -> DraftProposal:
    """Write down a wish as a draft; a planner publishes it, declines it or merges it."""
    _person(work)
    rules = policy.current(work).section(VotePolicy)
    title, text = title.strip(), text.strip()
    if not 1 <= len(title) <= rules.title_length_max:
        raise InvalidInput("title", because("LENGTH", most=rules.title_length_max))
    if len(text) > rules.text_length_max:
        raise InvalidInput("text", because("LENGTH_MOST", most=rules.text_length_max))
    account_id = work.actor.signed_in()
    head = ProposalHead(
        ProposalId(work.new_id()), work.actor.brand_id, account_id, title, text, work.actor.locale, work.now
    )
    draft = DraftProposal(head)
    insert_proposal(work, draft)
    work.record(ProposalSubmitted(head.brand_id, head.id, account_id))
    return draft


def publish_proposal(work: Work, proposal_id: str) -> SignalProposal:
    """Let a draft take votes; for planners."""
    work.actor.require(Permission.POOL_MANAGE)
    (proposal,) = lock_proposals(work, proposal_id)
    published = publish(proposal)
    if isinstance(published, Refusal):
        raise published
    save_proposal(work, published)
    work.record(ProposalPublished(work.actor.brand_id, proposal_id, proposal.head.account_id))
    return published


def decline_proposal(work: Work, proposal_id: str, *, reason: str) -> DeclinedProposal:
    """Say no with a reason that everybody can read; for planners. Backers get their money back."""
    work.actor.require(Permission.POOL_MANAGE)
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY", most=REASON_LENGTH_MAX))
    (proposal,) = lock_proposals(work, proposal_id)
    declined = decline(proposal, reason=reason.strip(), now=work.now)
    if isinstance(declined, Refusal):
        raise declined
    _send_backers_home(work, proposal, reason="declined")
    save_proposal(work, declined)
    record.append(work, chain_of(proposal_id), "proposal.declined", {})
    work.record(ProposalDeclined(work.actor.brand_id, proposal_id, proposal.head.account_id, declined.reason))
    return declined


def _send_backers_home(work: Work, proposal: Proposal, *, reason: str) -> None:
    """Give every backer the money back; a no after a yes breaks a promise, for all to see."""
    head = proposal.head
    if isinstance(proposal, CommittedProposal):
        save_commitment(work, head.id, break_commitment(proposal.commitment, WITHDRAWN, now=work.now))
        record.append(work, chain_of(head.id), "proposal.promise_broken", {"why": WITHDRAWN})
    if isinstance(proposal, BackingProposal | CommittedProposal):
        open_ones = lock_open_backings(work, head.id)
        end_backings(work, open_ones, ending="refunded", reason=reason)
        for timer in (REMIND_TIMER, DUE_TIMER, PROMISE_TIMER):
            cancel_timer(work, timer, head.id)


def close_proposal(work: Work, proposal_id: str) -> ExpiredProposal:
    """End a vote without an answer; for planners."""
    work.actor.require(Permission.POOL_MANAGE)
    (proposal,) = lock_proposals(work, proposal_id)
    closed = close(proposal, now=work.now)
    if isinstance(closed, Refusal):
        raise closed
    _send_backers_home(work, proposal, reason="closed")
    save_proposal(work, closed)
    record.append(work, chain_of(proposal_id), "proposal.closed", {})
    work.record(ProposalClosedEarly(work.actor.brand_id, proposal_id, proposal.head.account_id))
    return closed


def merge_proposals(work: Work, proposal_id: str, *, into: str) -> MergedProposal:
    """Merge a duplicate into another proposal; whoever voted for both counts once (DOMAIN section 6.2)."""
    work.actor.require(Permission.POOL_MANAGE)
    duplicate, target = lock_proposals(work, proposal_id, into)
    merged = merge(duplicate, target, now=work.now)
    if isinstance(merged, Refusal):
        raise merged
    save_proposal(work, merged)
    repoint_merged(work, old=proposal_id, new=into)
    record.append(work, chain_of(proposal_id), "proposal.merged", {"into": into})
    work.record(ProposalMerged(work.actor.brand_id, proposal_id, duplicate.head.account_id, into))
    return merged


def cast_vote(work: Work, proposal_id: str) -> str:
    """Give one of the quarter's votes to a proposal and return the vote's id.

    Refuses a person who is not verified, a proposal that takes no votes, a second vote (AlreadyVoted) and one beyond
    the quarter's votes (VotesSpent); both limits are keys in the database.
    """
    person_id = _person(work)
    hold_own_account(work)
    proposal = _lock_known(work, proposal_id)
    limit = policy.current(work).section(VotePolicy).votes_per_quarter
    quarter = quarter_of(work.now, registry.own_brand(work).zone)
    used = budget_places_used(work, person_id, quarter)
    refusal = judge_vote(proposal, given=len(used), votes_per_quarter=limit, renewed_at=quarter.ends_at)
    if holds_vote(work, proposal_id, person_id):
        raise AlreadyVoted
    if refusal is not None:
        raise refusal
    place = min(set(range(1, limit + 1)) - used)
    vote_id = append_vote(work, proposal_id, person_id, kind="cast", quarter=quarter.name)
    if not hold_vote(work, proposal_id, person_id, vote_id=vote_id, quarter=quarter.name, budget_place=place):
        raise Conflict("vote", because("VOTING_ELSEWHERE"))
    _chain(work, proposal_id, person_id, "vote.cast")
    work.record(VoteCast(work.actor.brand_id, proposal_id))
    return vote_id


def revoke_vote(work: Work, proposal_id: str) -> str:
    """Take a vote back while the proposal takes votes; it returns to the quarter it was given in."""
    person_id = _person(work)
    proposal = _lock_known(work, proposal_id)
    refusal = judge_vote(proposal, given=0, votes_per_quarter=1, renewed_at=work.now)
    if refusal is not None:
        raise refusal
    return take_back_vote(work, proposal_id, person_id)


def take_back_vote(work: Work, proposal_id: str, person_id: str) -> str:
    """Append the revocation of a vote that a person holds, with the proposal's lock in hand; refuses NotVoted."""
    quarter = drop_vote(work, proposal_id, person_id)
    if quarter is None:
        raise NotVoted
    vote_id = append_vote(work, proposal_id, person_id, kind="revoked", quarter=quarter)
    _chain(work, proposal_id, person_id, "vote.revoked")
    work.record(VoteRevoked(work.actor.brand_id, proposal_id))
    return vote_id


def _lock_known(work: Work, proposal_id: str) -> Proposal:
    """Lock a proposal that the voter may know of: another's draft is as if there were none."""
    (proposal,) = lock_proposals(work, proposal_id)
    if isinstance(proposal, DraftProposal) and proposal.head.account_id != work.actor.account_id:
        raise NotFound("proposal")
    return proposal


def _chain(work: Work, proposal_id: str, person_id: str, kind: str) -> None:
    name = record.pseudonyms(work, chain_of(proposal_id), [person_id])[person_id]
    record.append(work, chain_of(proposal_id), kind, {"voter": name})
