"""Reads a stored order into the type of its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.planning.model import (
    AtStoreOrder,
    BuiltOrder,
    CancelledOrder,
    DeliveredOrder,
    InTransitOrder,
    Order,
    OrderOrigin,
    OrderTerms,
    ScheduledOrder,
    StockedOrder,
)

TERMS: Final = tuple(OrderTerms.__dataclass_fields__)


def order_from(row: Mapping[Any, Any]) -> Order:
    """Read one row."""
    read = {"options": tuple(row["options"]), "origin": OrderOrigin(row["origin"])}
    terms = OrderTerms(**({name: row[name] for name in TERMS} | read))
    match row["state"]:
        case "scheduled":
            return ScheduledOrder(terms)
        case "built":
            return BuiltOrder(terms, row["vin"])
        case "in_transit":
            return InTransitOrder(terms, row["vin"])
        case "at_store":
            return AtStoreOrder(terms, row["vin"], row["arrived_at"])
        case "delivered":
            return DeliveredOrder(terms, row["vin"], row["ended_at"])
        case "cancelled":
            return CancelledOrder(terms, row["reason"], row["ended_at"])
        case "stocked":
            return StockedOrder(terms, row["vin"], row["ended_at"])
        case state:
            raise AssertionError(f"an order cannot be {state}")
