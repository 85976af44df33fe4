"""Reads stored checks and damage cases into their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_orders.conditions.model import (
    CaseState,
    Condition,
    ConditionCheck,
    DamageCase,
    HandOver,
    Mark,
    Party,
)


def check_from(row: Mapping[Any, Any]) -> ConditionCheck:
    """Read one row of a check."""
    marks = tuple(Mark.from_code(code) for code in row["marks"])
    return ConditionCheck(
        row["id"],
        row["brand_id"],
        row["shipment_id"],
        row["vin"],
        HandOver(row["at_hand_over"]),
        Condition(row["odometer_km"], tuple(row["photos"]), marks),
        row["by_account_id"],
        row["at"],
    )


def case_from(row: Mapping[Any, Any]) -> DamageCase:
    """Read one row of a damage case."""
    values = {name: row[name] for name in DamageCase.__dataclass_fields__}
    read = {
        "party": Party(row["party"]),
        "marks": tuple(Mark.from_code(code) for code in row["marks"]),
        "state": CaseState(row["state"]),
    }
    return DamageCase(**(values | read))
