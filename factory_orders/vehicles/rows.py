"""Reads stored cars and disclosures into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.vehicles.model import Disclosure, DisclosureReason, Newness, Vehicle, VehicleState

FIELDS: Final = tuple(Vehicle.__dataclass_fields__)


def vehicle_from(row: Mapping[Any, Any]) -> Vehicle:
    """Read one row of a car."""
    values = {name: row[name] for name in FIELDS}
    read = {
        "options": tuple(row["options"]),
        "state": VehicleState(row["state"]),
        "newness": Newness(row["newness"]),
    }
    return Vehicle(**(values | read))


def disclosure_from(row: Mapping[Any, Any]) -> Disclosure:
    """Read one row of a disclosure."""
    values = {name: row[name] for name in Disclosure.__dataclass_fields__}
    return Disclosure(**(values | {"reason": DisclosureReason(row["reason"])}))
