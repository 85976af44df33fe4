"""Reads a stored hold into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.promises.model import Hold, HoldState, Place


def hold_from(row: Mapping[Any, Any]) -> Hold:
    """Read one row of a hold."""
    names = [name for name in Hold.__dataclass_fields__ if name != "place"]
    place = Place(row["week"], tuple(row["from_held"]), tuple(row["from_free"]))
    return Hold(**({name: row[name] for name in names} | {"place": place, "state": HoldState(row["state"])}))
