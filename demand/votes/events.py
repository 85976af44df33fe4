"""What happened to proposals and votes; who voted stays out of the news."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("demand.proposal_submitted")
@dataclass(frozen=True, slots=True)
class ProposalSubmitted(Event):
    """Somebody wishes for something."""

    proposal_id: str
    account_id: str


@event("demand.proposal_published")
@dataclass(frozen=True, slots=True)
class ProposalPublished(Event):
    """A proposal takes votes."""

    proposal_id: str
    account_id: str


@event("demand.proposal_declined")
@dataclass(frozen=True, slots=True)
class ProposalDeclined(Event):
    """The maker said no; the reason is public."""

    proposal_id: str
    account_id: str
    reason: str


@event("demand.proposal_merged")
@dataclass(frozen=True, slots=True)
class ProposalMerged(Event):
    """A duplicate's votes count elsewhere from now on."""

    proposal_id: str
    account_id: str
    into_proposal_id: str


@event("demand.proposal_closed")
@dataclass(frozen=True, slots=True)
class ProposalClosedEarly(Event):
    """A proposal was closed without an answer."""

    proposal_id: str
    account_id: str


@event("demand.vote_cast")
@dataclass(frozen=True, slots=True)
class VoteCast(Event):
    """A proposal has one more vote."""

    proposal_id: str


@event("demand.vote_revoked")
@dataclass(frozen=True, slots=True)
class VoteRevoked(Event):
    """A proposal has one vote less."""

    proposal_id: str
