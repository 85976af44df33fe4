"""Offers of free cars to buyers who wait for an equal one, and the round that found them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

EARLY_TIMER: Final = "factory_orders.early_offer"
"""When an offer that nobody answered ends."""

OFFERS_MAX: Final = 100
"""So many of a buyer's offers are shown, the newest."""


class EarlyState(StrEnum):
    """An offer's life; without the buyer's word nothing changes."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class EarlyRound:
    """Free cars held against waiting orders: what the offers would save in fen, and what no others could more than."""

    id: str
    brand_id: str
    made_at: datetime
    cars: int
    orders: int
    offered: int
    saved_minor: int
    saved_at_most_minor: int


@dataclass(frozen=True, slots=True)
class EarlyOffer:
    """A car that stands there for nobody, kept for a buyer until `answer_by`.

    `from_order_id` is the order that it was built for, once it is taken: its build order goes to who takes it.
    """

    id: str
    brand_id: str
    round_id: str
    order_id: str
    account_id: str
    vin: str
    days_sooner: int
    offered_at: datetime
    answer_by: datetime
    state: EarlyState = EarlyState.OPEN
    answered_at: datetime | None = None
    from_order_id: str | None = None
