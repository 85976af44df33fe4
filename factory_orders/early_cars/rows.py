"""Reads a stored round into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.early_cars.model import EarlyRound


def round_from(row: Mapping[Any, Any]) -> EarlyRound:
    """Read one row of a round."""
    return EarlyRound(**{name: row[name] for name in EarlyRound.__dataclass_fields__})
