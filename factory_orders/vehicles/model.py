"""Cars by state, the ladder of newness that only descends, and what has to be disclosed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from factory_orders.errors import VehicleNotNew


class Newness(IntEnum):
    """How new a car is (DOMAIN section 3); a higher rank is less new, and the rank never falls."""

    NEW = 0
    NEW_DISCLOSED = 1
    REPAIRED = 2
    DISPLAY = 3
    DEMO = 4
    RETURNED = 5
    USED = 6

    @property
    def word(self) -> str:
        """Return the stable word."""
        return self.name.lower()


SOLD_AS_NEW: Final = Newness.NEW_DISCLOSED
SOLD_FROM_STOCK: Final = Newness.REPAIRED
"""A repaired car that nobody took is sold from stock as what it is; what was shown or driven is not sold here."""


def descend(now: Newness, to: Newness) -> Newness:
    """Return the newness after something happened: the lower of both."""
    return max(now, to)


def require_sellable(vehicle: Vehicle) -> None:
    """Refuse a car that is not new, unless the buyer of its order has agreed to take it repaired (section 4.4)."""
    if vehicle.consented_for is None or vehicle.newness is not Newness.REPAIRED:
        require_new(vehicle.newness)


def require_new(newness: Newness) -> None:
    """Refuse a car that cannot be allocated or invoiced as new (DOMAIN section 4.4)."""
    if newness > SOLD_AS_NEW:
        raise VehicleNotNew(newness.word)


def newness_after_repair(repair_minor: int, *, repaired_from_minor: int) -> Newness:
    """Return what damage or rework of this cost makes of a new car."""
    return Newness.REPAIRED if repair_minor >= repaired_from_minor else Newness.NEW_DISCLOSED


class VehicleState(StrEnum):
    """A car's life up to its buyer (DOMAIN section 3); what is gone was scrapped at the plant or lost on its way."""

    PLANNED = "planned"
    BUILT = "built"
    ALLOCATED = "allocated"
    DELIVERED = "delivered"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One car; its passport lies in the record's chain under its VIN.

    `consented_for` is the order of a buyer who takes it though it is not new any more.
    """

    vin: str
    brand_id: str
    plant_id: str
    build_order_id: str
    model: str
    options: tuple[str, ...]
    state: VehicleState
    newness: Newness
    identified_at: datetime
    built_at: datetime | None = None
    delivered_at: datetime | None = None
    consented_for: str | None = None


class DisclosureReason(StrEnum):
    """What happened to a car before its delivery."""

    REWORK = "rework"
    TRANSPORT_DAMAGE = "transport_damage"
    REJECTED_HANDOVER = "rejected_handover"
    DISPLAY = "display"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One thing the buyer has to know of and accept; `detail` is the reporter's words, `repair_minor` its cost.

    `shipment_id` is the way on which the car was damaged: what is told of one way says nothing of another.
    """

    id: str
    vin: str
    reason: DisclosureReason
    detail: str
    repair_minor: int
    at: datetime
    accepted_at: datetime | None = None
    shipment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """A car bound to an order; an ended one stays as history."""

    id: str
    vin: str
    order_id: str
    made_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None
