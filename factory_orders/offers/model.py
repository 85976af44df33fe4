"""An offer to a buyer by its states, and what every offer of another car says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

OFFERS_MAX: Final = 100
"""So many of a buyer's offers of a kind are shown, the newest."""


class OfferState(StrEnum):
    """An offer's life; without the buyer's word nothing changes."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarOffer:
    """An equal car for an order instead of its own one, `days_sooner`; its buyer answers until `answer_by`."""

    id: str
    brand_id: str
    order_id: str
    account_id: str
    days_sooner: int
    offered_at: datetime
    answer_by: datetime
    state: OfferState = OfferState.OPEN
    answered_at: datetime | None = None
