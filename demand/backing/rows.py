"""Reads rows of backings into the types of their states."""

from __future__ import annotations

from typing import Any, Protocol

from demand.backing.model import (
    AcknowledgedBacking,
    Backing,
    BackingHead,
    ConvertedBacking,
    EndedBacking,
    HeldBacking,
)


class Row(Protocol):
    """A row by column names."""

    def __getitem__(self, name: str, /) -> Any: ...


def backing_from(row: Row) -> Backing:
    """Read one row into the type of its state."""
    head = BackingHead(**{name: row[name] for name in BackingHead.__dataclass_fields__})
    match row["state"]:
        case "acknowledged":
            return AcknowledgedBacking(head, row["payable_until"])
        case "held":
            return HeldBacking(head, row["state_at"])
        case "converted":
            return ConvertedBacking(head, row["pre_order_id"], row["state_at"])
        case ending:
            return EndedBacking(head, ending, row["state_at"])
