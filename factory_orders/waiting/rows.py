"""A row of offers as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from factory_orders.waiting.model import WaitOffer, WaitOfferState


def offer_from(row: Mapping[Any, Any]) -> WaitOffer:
    """Return an offer."""
    values = {field.name: row[field.name] for field in fields(WaitOffer)}
    return WaitOffer(**{**values, "state": WaitOfferState(row["state"])})
