"""Papers by kind and state, what a provider is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class PaperKind(StrEnum):
    """The three papers; the invoice is the one without which no handover is signed."""

    VEHICLE_INVOICE = "vehicle_invoice"
    INSURANCE = "insurance"
    PLATE = "plate"


class PaperState(StrEnum):
    """A paper's life: asked for, issued or refused by its provider; taken back when the car is, issued or not yet."""

    REQUESTED = "requested"
    ISSUED = "issued"
    REFUSED = "refused"
    VOID_WANTED = "void_wanted"
    VOIDED = "voided"


ASK_AGAIN_MAX: Final = timedelta(hours=1)
LIVE = (PaperState.REQUESTED, PaperState.ISSUED)


@dataclass(frozen=True, slots=True)
class PaperRequest:
    """What a provider needs to know; `amount_minor` is what the invoice is over, `newness` as what the car is sold.

    The rest it asks the buyer.
    """

    paper_id: str
    brand_id: str
    order_id: str
    account_id: str
    vin: str
    kind: PaperKind
    amount_minor: int
    newness: str = "new"


@dataclass(frozen=True, slots=True)
class Issued:
    """The provider has issued it, under its own number."""

    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will not issue it; `reason` is its code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper of an order's car; the id is the request's.

    Its provider is asked at `due_at`, for the paper or to take it back, and has been `attempts` times in vain. One that
    is taken back before its provider has answered has no `number`: whatever is issued of it goes back.
    """

    request: PaperRequest
    provider: str
    state: PaperState
    requested_at: datetime
    number: str | None = None
    reason: str | None = None
    answered_at: datetime | None = None
    voided_at: datetime | None = None
    due_at: datetime | None = None
    attempts: int = 0


def ask_again(paper: Paper, *, now: datetime) -> Paper:
    """Let a paper wait for its provider, which had no answer: after a pause that doubles up to an hour."""
    pause = min(timedelta(seconds=2.0 ** min(paper.attempts + 1, 12)), ASK_AGAIN_MAX)
    return replace(paper, attempts=paper.attempts + 1, due_at=now + pause)


def answered(paper: Paper, answer: Issued | Refused, *, now: datetime) -> Paper:
    """Take a provider's answer to a request; what nobody needs any more when it is issued goes back."""
    match paper.state, answer:
        case PaperState.REQUESTED, Issued(number=number):
            return replace(paper, state=PaperState.ISSUED, number=number, answered_at=now, due_at=None)
        case PaperState.REQUESTED, Refused(reason=reason):
            return replace(paper, state=PaperState.REFUSED, reason=reason[:80], answered_at=now, due_at=None)
        case ((PaperState.VOID_WANTED | PaperState.VOIDED), Issued(number=number)) if paper.number is None:
            # Issued while it was taken back: whether that came before or after, its provider is asked once more.
            wanted = PaperState.VOID_WANTED
            return replace(paper, state=wanted, number=number, voided_at=None, due_at=now, attempts=0)
        case _:
            return paper


def voided(paper: Paper, *, now: datetime) -> Paper:
    """Note that a provider has taken a paper back, or never issues it."""
    return replace(paper, state=PaperState.VOIDED, voided_at=now, due_at=None)
