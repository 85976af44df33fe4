"""Reads rows of circles."""

from __future__ import annotations

from typing import Any

from demand.circles.model import Circle, CircleAccess, CircleId, CircleKind


def circle_from(row: Any) -> Circle:
    """Read one row."""
    return Circle(
        id=CircleId(row["id"]),
        brand_id=row["brand_id"],
        kind=CircleKind(row["kind"]),
        subject=row["subject"],
        title=row["title"],
        text=row["text"],
        access=CircleAccess(row["access"]),
        founded_at=row["founded_at"],
        closed_at=row["closed_at"],
    )
