"""Reads stored rounds, moves and lines of fairness into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.light_stock.model import AllocationRound, FairnessLine, MoveState, StockMove


def round_from(row: Mapping[Any, Any]) -> AllocationRound:
    """Read one row of a round."""
    return AllocationRound(**{name: row[name] for name in AllocationRound.__dataclass_fields__})


def move_from(row: Mapping[Any, Any]) -> StockMove:
    """Read one row of a move."""
    values = {name: row[name] for name in StockMove.__dataclass_fields__}
    return StockMove(**(values | {"state": MoveState(row["state"])}))


def line_from(row: Mapping[Any, Any]) -> FairnessLine:
    """Read one row of the ledger of fairness."""
    return FairnessLine(**{name: row[name] for name in FairnessLine.__dataclass_fields__})
