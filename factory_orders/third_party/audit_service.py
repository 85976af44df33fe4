"""Whether the lines that follow the day were asked for as they were on that day, counted anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from factory_orders.deliveries.tables import handovers, order_balances, shipments
from factory_orders.planning.model import OrderOrigin
from factory_orders.planning.rows import order_from
from factory_orders.planning.tables import orders
from factory_orders.third_party.lines.service import third_party_due
from kernel.work import Work


def wrong_third_party(work: Work, zone: ZoneInfo) -> Iterator[str]:
    """Work out anew the lines that follow the day: of the day, or of the day without the maker's lateness."""
    asked = order_balances.c
    found = (
        select(orders, asked.day, asked.policy_version.label("of_day"), asked.third_party_minor.label("asked_minor"))
        .add_columns(shipments.c.inspected_at)
        .join(handovers, handovers.c.id == asked.handover_id)
        .join(orders, orders.c.id == asked.order_id)
        .join(shipments, (shipments.c.id == _last_way()))
        .where(asked.brand_id == work.actor.brand_id)
    )
    for row in work.connection.execute(found.order_by(asked.handover_id)).mappings().all():
        due = third_party_due(
            work,
            order_from(row).terms,
            today=row["day"],
            ready_on=row["inspected_at"].astimezone(zone).date(),
            policy_version=row["of_day"],
        )
        if row["asked_minor"] != due:
            yield f"order {row['id']} was asked for {row['asked_minor']} of third-party lines instead of {due}"


def _last_way() -> Any:
    """Select the way on which the car of a handover came: its order's, or the last one of a stock car."""
    way = shipments.alias("ways")
    own = (way.c.order_id == handovers.c.order_id) | (orders.c.origin == OrderOrigin.STOCK.value)
    return (
        select(func.max(way.c.id))
        .where(way.c.vin == handovers.c.vin, own)
        .correlate(handovers, orders)
        .scalar_subquery()
    )
