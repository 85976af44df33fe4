"""Reads a stored paper into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.papers.model import Paper, PaperKind, PaperRequest, PaperState


def paper_from(row: Mapping[Any, Any]) -> Paper:
    """Read one row."""
    request = PaperRequest(
        paper_id=row["id"],
        brand_id=row["brand_id"],
        order_id=row["order_id"],
        account_id=row["account_id"],
        vin=row["vin"],
        kind=PaperKind(row["kind"]),
        amount_minor=row["amount_minor"],
        newness=row["newness"],
    )
    names = ("provider", "requested_at", "number", "reason", "answered_at", "voided_at", "due_at", "attempts")
    return Paper(request, state=PaperState(row["state"]), **{name: row[name] for name in names})
