"""Reads a stored offer of another order's car into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.exchanges.model import SwapOffer, SwapOfferState


def offer_from(row: Mapping[Any, Any]) -> SwapOffer:
    """Read one row of an offer."""
    values = {name: row[name] for name in SwapOffer.__dataclass_fields__}
    return SwapOffer(**(values | {"state": SwapOfferState(row["state"])}))
