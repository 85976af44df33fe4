"""Reads stored shipments and handovers into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.deliveries.model import CheckedPoint, Handover, HandoverState, Shipment, ShipmentState

SHIPMENT_FIELDS: Final = tuple(Shipment.__dataclass_fields__)
HANDOVER_FIELDS: Final = tuple(Handover.__dataclass_fields__)


def shipment_from(row: Mapping[Any, Any]) -> Shipment:
    """Read one row of a shipment."""
    values = {name: row[name] for name in SHIPMENT_FIELDS}
    return Shipment(**(values | {"state": ShipmentState(row["state"])}))


def handover_from(row: Mapping[Any, Any]) -> Handover:
    """Read one row of a handover."""
    values = {name: row[name] for name in HANDOVER_FIELDS}
    points = tuple(CheckedPoint(**point) for point in row["checklist"])
    return Handover(**(values | {"state": HandoverState(row["state"]), "checklist": points}))
