"""Reads a stored offer into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.consents.model import RepairOffer
from factory_orders.offers.model import OfferState

FIELDS: Final = tuple(RepairOffer.__dataclass_fields__)


def offer_from(row: Mapping[Any, Any]) -> RepairOffer:
    """Read one row."""
    return RepairOffer(**({name: row[name] for name in FIELDS} | {"state": OfferState(row["state"])}))
