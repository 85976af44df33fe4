"""Reads a stored agreement into its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_orders.agreements.model import Agreement, AgreementKind

FIELDS: Final = tuple(Agreement.__dataclass_fields__)


def agreement_from(row: Mapping[Any, Any]) -> Agreement:
    """Read one row."""
    read = {name: row[name] for name in FIELDS}
    lists = {name: tuple(row[name]) for name in ("options_before", "options_after")}
    return Agreement(**(read | lists | {"kind": AgreementKind(row["kind"])}))
