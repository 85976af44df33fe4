"""Reads stored quotes, holds and purchases of stock cars into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.stock.model import PurchaseState, StockHold, StockPurchase, StockQuote


def quote_from(row: Mapping[Any, Any]) -> StockQuote:
    """Read one row of a quote."""
    return StockQuote(**{name: row[name] for name in StockQuote.__dataclass_fields__})


def hold_from(row: Mapping[Any, Any]) -> StockHold:
    """Read one row of a hold."""
    return StockHold(**{name: row[name] for name in StockHold.__dataclass_fields__})


def purchase_from(row: Mapping[Any, Any]) -> StockPurchase:
    """Read one row of a purchase."""
    values = {name: row[name] for name in StockPurchase.__dataclass_fields__}
    return StockPurchase(**(values | {"state": PurchaseState(row["state"])}))
