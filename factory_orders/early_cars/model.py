"""Offers of free cars to buyers who wait for an equal one, and the round that found them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from factory_orders.offers.model import CarOffer

EARLY_TIMER: Final = "factory_orders.early_offer"
"""When an offer that nobody answered ends."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyOffer(CarOffer):
    """A car that stands there for nobody, kept for a buyer until `answer_by`.

    `from_order_id` is the order that it was built for, once it is taken: its build order goes to who takes it.
    """

    round_id: str
    vin: str
    from_order_id: str | None = None
