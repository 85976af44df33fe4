"""Papers by kind and state, what a provider is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PaperKind(StrEnum):
    """The three papers; the invoice is the one without which no handover is signed."""

    VEHICLE_INVOICE = "vehicle_invoice"
    INSURANCE = "insurance"
    PLATE = "plate"


class PaperState(StrEnum):
    """A paper's life: asked for, issued or refused by its provider; an issued one is taken back when the car is."""

    REQUESTED = "requested"
    ISSUED = "issued"
    REFUSED = "refused"
    VOID_WANTED = "void_wanted"
    VOIDED = "voided"


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
    """One paper of an order's car; the id is the request's."""

    request: PaperRequest
    provider: str
    state: PaperState
    requested_at: datetime
    number: str | None = None
    reason: str | None = None
    answered_at: datetime | None = None
    voided_at: datetime | None = None
