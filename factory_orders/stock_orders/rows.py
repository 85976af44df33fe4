"""Reads a stored order for stock into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.stock_orders.model import StockOrder


def stock_order_from(row: Mapping[Any, Any]) -> StockOrder:
    """Read one row."""
    values = {name: row[name] for name in StockOrder.__dataclass_fields__}
    return StockOrder(**(values | {"options": tuple(row["options"])}))
