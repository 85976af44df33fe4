"""Writes and reads the columns that the tables of cubes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from demand.cubes.model import Count, Counts, TableKey


def counts_from(stored: Mapping[str, Sequence[int]]) -> Counts:
    """Read counts by code."""
    return {code: Count(*pair) for code, pair in stored.items()}


def table_row(brand_id: str, key: TableKey) -> dict[str, Any]:
    """Return a table's key as columns."""
    return {
        "brand_id": brand_id,
        "cube": str(key.cube),
        "week": key.week,
        "model": key.model,
        "version_id": key.version_id,
    }
