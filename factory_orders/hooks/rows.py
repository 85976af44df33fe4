"""Reads stored hooks and messages into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.hooks.model import HookMessage, MessageState, PlantHook

HOOK_FIELDS: Final = tuple(PlantHook.__dataclass_fields__)
MESSAGE_FIELDS: Final = tuple(HookMessage.__dataclass_fields__)


def hook_from(row: Mapping[Any, Any]) -> PlantHook:
    """Read one row of a hook."""
    return PlantHook(**{name: row[name] for name in HOOK_FIELDS})


def message_from(row: Mapping[Any, Any]) -> HookMessage:
    """Read one row of a message."""
    values = {name: row[name] for name in MESSAGE_FIELDS}
    return HookMessage(**(values | {"state": MessageState(row["state"])}))
