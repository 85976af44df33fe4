"""What happened to backings and to what makers promised; who is to be told is named by account only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kernel.events import Event, event


@dataclass(frozen=True, slots=True)
class ConcernedAccount:
    """Somebody who is to be told."""

    account_id: str


@event("demand.backing_opened")
@dataclass(frozen=True, slots=True)
class BackingOpened(Event):
    """A proposal's threshold is published, and money can be put behind it."""

    proposal_id: str
    threshold: int


@event("demand.backing_held")
@dataclass(frozen=True, slots=True)
class BackingHeld(Event):
    """The money of a backing is here."""

    proposal_id: str
    backing_id: str
    account_id: str
    title: str
    amount_minor: int


@event("demand.backing_left")
@dataclass(frozen=True, slots=True)
class BackingLeft(Event):
    """A backing that counted counts no more."""

    proposal_id: str
    backing_id: str


@event("demand.backing_refund_requested")
@dataclass(frozen=True, slots=True)
class BackingRefundRequested(Event):
    """The money of a backing is on its way back; `reason` is a stable word."""

    backing_id: str
    account_id: str
    amount_minor: int
    refund_by: datetime
    reason: str


@event("demand.answer_wanted")
@dataclass(frozen=True, slots=True)
class AnswerWanted(Event):
    """A proposal's lower bound has reached its threshold: the maker answers until `due_at`."""

    proposal_id: str
    title: str
    due_at: datetime
    planners: tuple[ConcernedAccount, ...]


@event("demand.answer_reminded")
@dataclass(frozen=True, slots=True)
class AnswerReminded(Event):
    """An answer is due soon."""

    proposal_id: str
    title: str
    due_at: datetime
    planners: tuple[ConcernedAccount, ...]


@event("demand.answer_overdue")
@dataclass(frozen=True, slots=True)
class AnswerOverdue(Event):
    """No answer came in time; everybody sees that."""

    proposal_id: str
    title: str
    planners: tuple[ConcernedAccount, ...]


@event("demand.proposal_committed")
@dataclass(frozen=True, slots=True)
class ProposalCommitted(Event):
    """The maker said yes, with a day and a ceiling."""

    proposal_id: str
    title: str
    available_by: date
    ceiling_minor: int
    backers: tuple[ConcernedAccount, ...]


@event("demand.commitment_broken")
@dataclass(frozen=True, slots=True)
class CommitmentBroken(Event):
    """A promise was not kept; `why` is late, above_ceiling or withdrawn."""

    proposal_id: str
    title: str
    why: str
    backers: tuple[ConcernedAccount, ...]


@event("demand.proposal_in_catalogue")
@dataclass(frozen=True, slots=True)
class ProposalInCatalogue(Event):
    """What was wished for can be ordered; backers have until `ends_at`, for at most the ceiling."""

    proposal_id: str
    title: str
    option: str
    ceiling_minor: int
    opens_at: datetime
    ends_at: datetime
    backers: tuple[ConcernedAccount, ...]


@event("demand.proposal_converted")
@dataclass(frozen=True, slots=True)
class ProposalConverted(Event):
    """The time in which backers order is over; their orders and lapses count for the next proposals."""

    proposal_id: str
