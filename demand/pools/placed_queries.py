"""Reads of what persons pre-ordered within a time, whatever has become of it since; for the system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from demand.pools.tables import pre_order_changes, pre_orders
from kernel import db
from kernel.actor import Permission
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """A pre-order as it stands: whether its money ever came, and until when it is waited for where it has not yet."""

    id: str
    person_id: str
    options: tuple[str, ...]
    had_money: bool
    payable_until: datetime | None


def placed_by_persons(
    work: Work, person_ids: Sequence[str], *, first_at: datetime, before: datetime
) -> list[PlacedOrder]:
    """Return what these persons pre-ordered from a moment on and before another, in the order in which they did."""
    work.actor.require(Permission.SYSTEM)
    table, changes = pre_orders.c, pre_order_changes.c
    funded = select(changes.serial).where(changes.pre_order_id == table.id, changes.state == "pooled").exists()
    found = (
        select(table.id, table.person_id, table.options, table.state, table.payable_until, funded.label("had_money"))
        .where(
            table.brand_id == work.actor.brand_id,
            db.among(table.person_id, person_ids),
            table.placed_at >= first_at,
            table.placed_at < before,
        )
        .order_by(table.placed_at, table.id)
    )
    return [
        PlacedOrder(
            row.id,
            row.person_id,
            tuple(row.options),
            bool(row.had_money),
            row.payable_until if row.state == "acknowledged" else None,
        )
        for row in work.connection.execute(found)
    ]
