"""Reads a stored build order into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.plant.model import BuildOrder, Stage

FIELDS: Final = tuple(BuildOrder.__dataclass_fields__)


def build_order_from(row: Mapping[Any, Any]) -> BuildOrder:
    """Read one row."""
    values = {name: row[name] for name in FIELDS}
    return BuildOrder(**(values | {"options": tuple(row["options"]), "stage": Stage(row["stage"])}))
