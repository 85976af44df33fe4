"""What happened to promises, as others may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kernel.events import Event, event


@event("factory_orders.promise_hold_ending")
@dataclass(frozen=True, slots=True)
class PromiseHoldEnding(Event):
    """A date that somebody holds while ordering is given to others soon, unless they order."""

    hold_id: str
    account_id: str
    promised_by: date
    expires_at: datetime
