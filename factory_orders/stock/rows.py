"""Reads stored quotes and holds of stock cars into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.stock.model import StockHold, StockQuote


def quote_from(row: Mapping[Any, Any]) -> StockQuote:
    """Read one row of a quote."""
    return StockQuote(**{name: row[name] for name in StockQuote.__dataclass_fields__})


def hold_from(row: Mapping[Any, Any]) -> StockHold:
    """Read one row of a hold."""
    return StockHold(**{name: row[name] for name in StockHold.__dataclass_fields__})
