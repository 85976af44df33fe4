"""How a buyer answered an offer of another car, or of a repaired one."""

from __future__ import annotations

import strawberry

from factory_orders.offers.model import OfferState

__all__ = ["OfferState"]

strawberry.enum(OfferState, name="CarOfferState", description="Unanswered, an offer lapses and the order stands.")
