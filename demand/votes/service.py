"""Use cases of votes: submit, publish, decline, close and merge proposals; cast and revoke a signal vote."""

from __future__ import annotations

from collections.abc import Sequence

from demand.backing.deciding import WITHDRAWN, break_commitment
from demand.backing.model import Outcome
from demand.backing.store import (
    DUE_TIMER,
    PROMISE_TIMER,
    REMIND_TIMER,
    end_backings,
    lock_open_backings,
    save_commitment,
)
from demand.errors import NotVoted, PersonNotVerified
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
    Ballots,
    CommittedProposal,
    DeclinedProposal,
    DraftProposal,
    ExpiredProposal,
    HeldVote,
    MergedProposal,
    NewVote,
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
    append_votes,
    budget_places_used,
    drop_vote,
    drop_votes,
    held_by,
    hold_votes,
    insert_proposal,
    lock_known_proposals,
    lock_proposals,
    merged_into,
    repoint_merged,
    save_proposal,
)
from kernel import policy, record, registry
from kernel.actor import Actor, Permission
from kernel.errors import Conflict, InvalidInput, NotFound, NotSignedIn, Refusal
from kernel.identity.queries import hold_accounts
from kernel.ids import PersonId
from kernel.reasons import because
from kernel.timers import cancel_timer
from kernel.work import Work

REASON_LENGTH_MAX = 400
VOTERS_AN_ENTRY = 500


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
    record.append(work, chain_of(proposal_id), "proposal.published", {})
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
    if isinstance(proposal, CommittedProposal) and proposal.commitment.outcome is not Outcome.BROKEN:
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
    """Merge a duplicate into another proposal, where its votes count from now on and can be revoked.

    Whoever voted for both counts once and has the duplicate's vote back (DOMAIN section 6.2).
    """
    work.actor.require(Permission.POOL_MANAGE)
    duplicate, target = lock_proposals(work, proposal_id, into)
    merged = merge(duplicate, target, now=work.now)
    if isinstance(merged, Refusal):
        raise merged
    save_proposal(work, merged)
    repoint_merged(work, old=proposal_id, new=into)
    _move_votes(work, proposal_id, into)
    work.record(ProposalMerged(work.actor.brand_id, proposal_id, duplicate.head.account_id, into))
    return merged


def _move_votes(work: Work, duplicate_id: str, into: str) -> None:
    """Let a duplicate's votes count elsewhere, each in its place of its quarter's budget, with both locks in hand."""
    held = drop_votes(work, duplicate_id)
    there = held_by(work, [one.person_id for one in held], [into])
    moved = [one for one in held if (into, one.person_id) not in there]
    revoked = [_without_place(work, duplicate_id, one) for one in held if (into, one.person_id) in there]
    append_votes(work, revoked, kind="revoked")
    append_votes(work, [_without_place(work, duplicate_id, one) for one in moved], kind="moved")
    taken = [NewVote(work.new_id(), into, one.person_id, one.quarter, one.budget_place) for one in moved]
    append_votes(work, taken, kind="taken_over")
    held_now = hold_votes(work, taken)
    assert held_now, "nobody votes on a locked proposal, nor in a place of a budget that is taken"
    _chain(work, revoked, "vote.revoked")
    record.append(work, chain_of(duplicate_id), "proposal.merged", {"into": into, "votes": len(moved)})
    # Sorted by their names there, so that no order tells who is who in the other chain.
    voters = sorted(record.pseudonyms(work, chain_of(into), [one.person_id for one in moved]).values())
    record.append_many(
        work,
        [
            record.NewEntry(
                chain_of(into),
                "votes.taken_over",
                {"from": duplicate_id, "voters": voters[first : first + VOTERS_AN_ENTRY]},
            )
            for first in range(0, len(voters), VOTERS_AN_ENTRY)
        ],
    )
    work.record(*(VoteRevoked(work.actor.brand_id, duplicate_id) for _ in revoked))


def _without_place(work: Work, proposal_id: str, held: HeldVote) -> NewVote:
    return NewVote(work.new_id(), proposal_id, held.person_id, held.quarter)


def cast_vote(work: Work, proposal_id: str) -> str:
    """Give one of the quarter's votes to a proposal and return the vote's id.

    Refuses a person who is not verified, a proposal that takes no votes, a second vote (AlreadyVoted) and one beyond
    the quarter's votes (VotesSpent); both limits are keys in the database.
    """
    (outcome,) = cast_votes(work, [(work.actor, proposal_id)])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def cast_votes(work: Work, wanted: Sequence[tuple[Actor, str]]) -> list[str | Refusal]:
    """Give votes of a brand's people to proposals, in order of arrival; each has an outcome of its own.

    Returns the vote's id, or what `cast_vote` refuses; a refused one changes and spoils nothing. Where somebody votes
    elsewhere at this moment the whole is refused (Conflict) and nothing is written.
    """
    quarter = quarter_of(work.now, registry.own_brand(work).zone)
    limit = policy.current(work).section(VotePolicy).votes_per_quarter
    gone = hold_accounts(work, [actor.account_id for actor, _ in wanted if actor.account_id is not None])
    known = {str(one.head.id): one for one in lock_known_proposals(work, [proposal_id for _, proposal_id in wanted])}
    persons = [actor.person_id for actor, _ in wanted if actor.person_id is not None]
    ballots = Ballots(budget_places_used(work, persons, quarter), held_by(work, persons, list(known)), limit)
    outcomes: list[str | Refusal] = []
    new: list[NewVote] = []
    for actor, proposal_id in wanted:
        try:
            person_id = _person(work.acting(actor))
            if actor.account_id in gone:
                raise NotSignedIn
            proposal = _known_to(actor, known.get(proposal_id))
            place = ballots.take(proposal, person_id, renewed_at=quarter.ends_at)
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        new.append(NewVote(work.new_id(), proposal_id, person_id, quarter.name, place))
        outcomes.append(new[-1].id)
    append_votes(work, new, kind="cast")
    if not hold_votes(work, new):
        raise Conflict("vote", because("VOTING_ELSEWHERE"))
    _chain(work, new, "vote.cast")
    work.record(*(VoteCast(work.actor.brand_id, one.proposal_id) for one in new))
    return outcomes


def revoke_vote(work: Work, proposal_id: str) -> str:
    """Take a vote back while the proposal takes votes; it returns to the quarter it was given in.

    A vote that was given to a duplicate is found where it counts.
    """
    person_id = _person(work)
    proposal_id = merged_into(work, [proposal_id]).get(proposal_id, proposal_id)
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
    revoked = NewVote(work.new_id(), proposal_id, person_id, quarter)
    append_votes(work, [revoked], kind="revoked")
    _chain(work, [revoked], "vote.revoked")
    work.record(VoteRevoked(work.actor.brand_id, proposal_id))
    return revoked.id


def _lock_known(work: Work, proposal_id: str) -> Proposal:
    """Lock a proposal that the voter may know of."""
    (proposal,) = lock_proposals(work, proposal_id)
    return _known_to(work.actor, proposal)


def _known_to(actor: Actor, proposal: Proposal | None) -> Proposal:
    """Return a proposal; another's draft is as if there were none."""
    if proposal is None or (isinstance(proposal, DraftProposal) and proposal.head.account_id != actor.account_id):
        raise NotFound("proposal")
    return proposal


def _chain(work: Work, new: Sequence[NewVote], kind: str) -> None:
    """Enter votes into their proposals' chains, each voter under the pseudonym there."""
    names: dict[tuple[str, str], str] = {}
    for proposal_id in dict.fromkeys(one.proposal_id for one in new):
        voters = [one.person_id for one in new if one.proposal_id == proposal_id]
        found = record.pseudonyms(work, chain_of(proposal_id), voters)
        names |= {(proposal_id, person_id): name for person_id, name in found.items()}
    record.append_many(
        work,
        [
            record.NewEntry(chain_of(one.proposal_id), kind, {"voter": names[one.proposal_id, one.person_id]})
            for one in new
        ],
    )
