"""What happened to offers for a long wait, as other rooms may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event, event


@event("factory_orders.wait_offered")
@dataclass(frozen=True, slots=True)
class WaitOffered(Event):
    """A buyer would wait too long and has an offer to answer."""

    order_id: str
    account_id: str
    offer_id: str
    waits_days: int
    credit_minor: int
    answer_by: datetime


@event("factory_orders.wait_offer_answered")
@dataclass(frozen=True, slots=True)
class WaitOfferAnswered(Event):
    """The buyer stays for the credit, or has left free."""

    order_id: str
    account_id: str
    offer_id: str
    accepted: bool
    credit_minor: int
