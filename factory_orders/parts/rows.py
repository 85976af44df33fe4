"""Reads a stored call-off into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.parts.model import CallOff, CallOffState

FIELDS: Final = tuple(CallOff.__dataclass_fields__)


def call_off_from(row: Mapping[Any, Any]) -> CallOff:
    """Read one row."""
    return CallOff(**({name: row[name] for name in FIELDS} | {"state": CallOffState(row["state"])}))
