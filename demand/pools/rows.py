"""Reads rows of pools and pre-orders into the types of their states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from configurator.model import Tier
from demand.pools.model import (
    AcknowledgedPreOrder,
    CancelledPool,
    ClassLevel,
    EndedPreOrder,
    FailedPool,
    FailureChoice,
    FrozenPool,
    LockedPool,
    LockedPreOrder,
    Offer,
    OpenPool,
    PaymentMethod,
    Pool,
    PooledPreOrder,
    PoolHead,
    PoolId,
    PoolTerms,
    PreOrder,
    PreOrderHead,
    PreOrderId,
    RolledPool,
    ScheduledPool,
    WaitingPreOrder,
)


class Row(Protocol):
    """A row by column names."""

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class StoredPool:
    """A pool with the number of places that were ever taken in it."""

    pool: Pool
    joined: int


def pool_from(row: Row) -> StoredPool:
    """Read one row."""
    head = PoolHead(
        id=PoolId(row["id"]),
        brand_id=row["brand_id"],
        level=ClassLevel(row["level"]),
        class_key=row["class_key"],
        plant_code=row["plant_code"],
        terms=PoolTerms(
            row["minimum"],
            row["capacity"],
            row["member_limit"],
            tuple(Tier(members, discount_bp) for members, discount_bp in row["tiers"]),
            row["deposit_minor"],
            row["freeze_hours"],
        ),
        policy_version=row["policy_version"],
        opens_at=row["opens_at"],
        freeze_at=row["freeze_at"],
        deadline=row["deadline"],
        members=row["members"],
        reaching=tuple(row["reaching"]),
    )
    return StoredPool(_typed(head, row), row["joined"])


def _typed(head: PoolHead, row: Row) -> Pool:
    match row["state"]:
        case "scheduled":
            return ScheduledPool(head)
        case "open":
            return OpenPool(head)
        case "frozen":
            return FrozenPool(head)
        case "locked":
            return LockedPool(head, row["cleared"], row["discount_bp"], row["state_at"])
        case "failed":
            return FailedPool(head, row["state_at"])
        case "rolled":
            return RolledPool(head, row["state_at"])
        case state:
            assert state == "cancelled", state
            return CancelledPool(head, row["state_at"])


def pre_order_from(row: Row) -> PreOrder:
    """Read one row into the type of its state."""
    head = PreOrderHead(
        id=PreOrderId(row["id"]),
        brand_id=row["brand_id"],
        account_id=row["account_id"],
        person_id=row["person_id"],
        quote_id=row["quote_id"],
        version_id=row["version_id"],
        policy_version=row["policy_version"],
        model=row["model"],
        options=tuple(row["options"]),
        class_l1=row["class_l1"],
        class_l2=row["class_l2"],
        plant_code=row["plant_code"],
        store_id=row["store_id"],
        region=row["region"],
        offer=Offer(row["vehicle_price_minor"], row["price_cap_minor"]),
        method=PaymentMethod(row["method"]),
        failure_choice=FailureChoice(row["failure_choice"]),
        deposit_minor=row["deposit_minor"],
        placed_at=row["placed_at"],
        rolls=row["rolls"],
        accepts_wider_class=bool(row["accepts_wider_class"]),
        accepts_frozen=bool(row["accepts_frozen"]),
        finance_approved_at=row["finance_approved_at"],
        plate_confirmed_at=row["plate_confirmed_at"],
    )
    pool_id, payment_id, funded_at = PoolId(row["pool_id"]), row["payment_id"], row["funded_at"]
    match row["state"]:
        case "acknowledged":
            return AcknowledgedPreOrder(head, pool_id, payment_id, row["payable_until"])
        case "pooled":
            return PooledPreOrder(head, pool_id, payment_id, funded_at)
        case "rolled_over":
            return WaitingPreOrder(head, pool_id, payment_id, funded_at)
        case "locked":
            return LockedPreOrder(head, pool_id, payment_id, funded_at, row["price_minor"], row["state_at"])
        case ending:
            return EndedPreOrder(head, pool_id, payment_id, ending, row["state_at"], row["refund_by"])
