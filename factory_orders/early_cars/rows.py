"""Reads stored offers and rounds into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.early_cars.model import EarlyOffer, EarlyRound, EarlyState


def offer_from(row: Mapping[Any, Any]) -> EarlyOffer:
    """Read one row of an offer."""
    values = {name: row[name] for name in EarlyOffer.__dataclass_fields__}
    return EarlyOffer(**(values | {"state": EarlyState(row["state"])}))


def round_from(row: Mapping[Any, Any]) -> EarlyRound:
    """Read one row of a round."""
    return EarlyRound(**{name: row[name] for name in EarlyRound.__dataclass_fields__})
