"""Proposals, a type per state, and the decisions about them and their votes (DOMAIN sections 3 and 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NewType, TypeAlias, assert_never
from zoneinfo import ZoneInfo

from demand.backing.model import BackingTerms, Commitment, OrderWindow, Trigger
from demand.errors import AlreadyVoted, ProposalClosed, VotesSpent
from kernel.errors import InvalidInput, Refusal
from kernel.reasons import because

ProposalId = NewType("ProposalId", str)
VoteId = NewType("VoteId", str)


@dataclass(frozen=True, slots=True)
class ProposalHead:
    """What every proposal has; the texts are its author's words in one language."""

    id: ProposalId
    brand_id: str
    account_id: str
    title: str
    text: str
    locale: str
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class DraftProposal:
    """Seen by its author and by planners; takes no votes."""

    head: ProposalHead


@dataclass(frozen=True, slots=True)
class SignalProposal:
    """Takes signal votes."""

    head: ProposalHead


@dataclass(frozen=True, slots=True)
class CompareProposal:
    """Is, or was, compared with eleven others; takes no signal votes any more."""

    head: ProposalHead


@dataclass(frozen=True, slots=True)
class BackingProposal:
    """Takes backings under published terms; once triggered the maker owes an answer."""

    head: ProposalHead
    terms: BackingTerms
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class CommittedProposal:
    """The maker said yes."""

    head: ProposalHead
    terms: BackingTerms
    commitment: Commitment


@dataclass(frozen=True, slots=True)
class InCatalogueProposal:
    """Can be ordered; its backers have a window of time at or below the ceiling."""

    head: ProposalHead
    terms: BackingTerms
    commitment: Commitment
    window: OrderWindow


@dataclass(frozen=True, slots=True)
class ConvertedProposal:
    """Its backers have ordered, or let the window pass."""

    head: ProposalHead
    terms: BackingTerms
    commitment: Commitment
    window: OrderWindow


@dataclass(frozen=True, slots=True)
class MergedProposal:
    """The same wish as another; its votes count there, a person once."""

    head: ProposalHead
    into: ProposalId
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclinedProposal:
    """The maker said no, with a reason that is public."""

    head: ProposalHead
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ExpiredProposal:
    """Closed without an answer being asked for."""

    head: ProposalHead
    at: datetime


EndedProposal: TypeAlias = MergedProposal | DeclinedProposal | ExpiredProposal
PromisedProposal: TypeAlias = CommittedProposal | InCatalogueProposal | ConvertedProposal
Proposal: TypeAlias = (
    DraftProposal | SignalProposal | CompareProposal | BackingProposal | PromisedProposal | EndedProposal
)
PROPOSAL_STATES: Final = (
    *("draft", "signal", "compare", "backing", "committed", "in_catalogue", "converted"),
    *("merged", "declined", "expired"),
)


def proposal_state(proposal: Proposal) -> str:
    """Return the stored word of a proposal's state."""
    match proposal:
        case DraftProposal():
            return "draft"
        case SignalProposal():
            return "signal"
        case CompareProposal():
            return "compare"
        case BackingProposal():
            return "backing"
        case CommittedProposal():
            return "committed"
        case InCatalogueProposal():
            return "in_catalogue"
        case ConvertedProposal():
            return "converted"
        case MergedProposal():
            return "merged"
        case DeclinedProposal():
            return "declined"
        case ExpiredProposal():
            return "expired"
        case _:
            assert_never(proposal)


def publish(proposal: Proposal) -> SignalProposal | Refusal:
    """Let a draft take votes."""
    if isinstance(proposal, DraftProposal):
        return SignalProposal(proposal.head)
    return ProposalClosed(proposal_state(proposal))


def compare(proposal: Proposal) -> CompareProposal | Refusal:
    """Compare what takes votes, or what was compared before."""
    if isinstance(proposal, SignalProposal | CompareProposal):
        return CompareProposal(proposal.head)
    return ProposalClosed(proposal_state(proposal))


def decline(proposal: Proposal, *, reason: str, now: datetime) -> DeclinedProposal | Refusal:
    """Say no with a reason, before a yes or, breaking it, after one; not once it is in the catalogue."""
    match proposal:
        case DraftProposal() | SignalProposal() | CompareProposal() | BackingProposal() | CommittedProposal():
            return DeclinedProposal(proposal.head, reason, now)
        case InCatalogueProposal() | ConvertedProposal() | MergedProposal() | DeclinedProposal() | ExpiredProposal():
            return ProposalClosed(proposal_state(proposal))
        case _:
            assert_never(proposal)


def close(proposal: Proposal, *, now: datetime) -> ExpiredProposal | Refusal:
    """End a draft, a vote, a comparison or a backing that nothing hangs on yet, without an answer.

    Once the threshold is reached the maker owes an answer: yes, or no with a reason.
    """
    open_still = isinstance(proposal, DraftProposal | SignalProposal | CompareProposal) or (
        isinstance(proposal, BackingProposal) and proposal.trigger is None
    )
    return ExpiredProposal(proposal.head, now) if open_still else ProposalClosed(proposal_state(proposal))


def merge(proposal: Proposal, into: Proposal, *, now: datetime) -> MergedProposal | Refusal:
    """Merge a duplicate into one that is still on its way; never into itself."""
    goes_on = SignalProposal | CompareProposal | BackingProposal | CommittedProposal
    if into.head.id == proposal.head.id:
        return InvalidInput("into", because("INTO_ITSELF"))
    if not isinstance(into, goes_on):
        return ProposalClosed(proposal_state(into))
    if isinstance(proposal, DraftProposal | SignalProposal):
        return MergedProposal(proposal.head, into.head.id, now)
    return ProposalClosed(proposal_state(proposal))


def judge_vote(proposal: Proposal, *, given: int, votes_per_quarter: int, renewed_at: datetime) -> Refusal | None:
    """Refuse a vote on what takes none, and one beyond the quarter's votes; `given` counts those not taken back."""
    if not isinstance(proposal, SignalProposal):
        return ProposalClosed(proposal_state(proposal))
    return VotesSpent(votes_per_quarter, renewed_at) if given >= votes_per_quarter else None


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the year in the brand's zone, as `2026-Q4`, and when the next one starts."""

    name: str
    ends_at: datetime


def quarter_of(moment: datetime, zone: ZoneInfo) -> Quarter:
    """Return the quarter that a moment falls in where the brand's people live."""
    local = moment.astimezone(zone)
    number = (local.month - 1) // 3 + 1
    year, month = (local.year + 1, 1) if number == 4 else (local.year, number * 3 + 1)
    return Quarter(f"{local.year}-Q{number}", datetime(year, month, 1, tzinfo=zone).astimezone(moment.tzinfo))


@dataclass(frozen=True, slots=True)
class NewVote:
    """One vote that a person gives, in a place of the quarter's budget, or its revocation, which has no place (0)."""

    id: str
    proposal_id: str
    person_id: str
    quarter: str
    budget_place: int = 0


@dataclass(frozen=True, slots=True)
class HeldVote:
    """A vote that a person holds on a proposal: the quarter it was given in, and the place of its budget."""

    person_id: str
    quarter: str
    budget_place: int


@dataclass(slots=True)
class Ballots:
    """What people hold of a quarter's votes: the places that are used by person, and who holds a vote where."""

    used: Mapping[str, set[int]]
    held: set[tuple[str, str]]
    votes_per_quarter: int

    def take(self, proposal: Proposal, person_id: str, *, renewed_at: datetime) -> int:
        """Take the lowest free place for a vote and return it.

        Refuses AlreadyVoted, ProposalClosed and VotesSpent, and takes none then.
        """
        places = self.used[person_id]
        refusal = judge_vote(
            proposal, given=len(places), votes_per_quarter=self.votes_per_quarter, renewed_at=renewed_at
        )
        if (proposal.head.id, person_id) in self.held:
            raise AlreadyVoted
        if refusal is not None:
            raise refusal
        place = min(set(range(1, self.votes_per_quarter + 1)) - places)
        places.add(place)
        self.held.add((proposal.head.id, person_id))
        return place
