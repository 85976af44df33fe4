"""Offers of repaired cars by state, and how much less such a car costs (DOMAIN section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from factory_orders.offers.model import OfferState
from kernel.money import MINOR_PER_MAJOR, divide_half_up, share_basis_points


@dataclass(frozen=True, slots=True)
class RepairOffer:
    """A car that is not new any more, for its own buyer, for less; amounts in fen."""

    id: str
    brand_id: str
    order_id: str
    vin: str
    repair_minor: int
    reduction_minor: int
    offered_at: datetime
    answer_by: datetime
    state: OfferState = OfferState.OPEN
    answered_at: datetime | None = None


def reduction_of(price_minor: int, repair_minor: int, *, price_share_bp: int, repair_share_bp: int) -> int:
    """Return how much less a repaired car costs: a share of its price and one of its repairs, in whole yuan.

    Rounded half up, and never more than half the price.
    """
    exact = share_basis_points(price_minor, price_share_bp) + share_basis_points(repair_minor, repair_share_bp)
    return min(divide_half_up(exact, MINOR_PER_MAJOR), price_minor // MINOR_PER_MAJOR // 2) * MINOR_PER_MAJOR
