"""Shipments and handovers by state, and what moves them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from factory_orders.errors import HandoverNotPossible, ShipmentOutOfOrder
from factory_orders.planning.model import AtStoreOrder, Order, order_state
from kernel.errors import NotFound
from kernel.reasons import because
from kernel.words import ApiName


class ShipmentState(StrEnum):
    """A shipment's life (DOMAIN section 3); inspected and damaged are the store's word, lost is the carrier's."""

    PLANNED = "planned"
    LOADED = "loaded"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    INSPECTED = "inspected"
    DAMAGED = "damaged"
    LOST = "lost"


LEGS: Final[Mapping[ShipmentState, tuple[ShipmentState, ...]]] = {
    ShipmentState.PLANNED: (ShipmentState.LOADED,),
    ShipmentState.LOADED: (ShipmentState.IN_TRANSIT, ShipmentState.LOST),
    ShipmentState.IN_TRANSIT: (ShipmentState.ARRIVED, ShipmentState.LOST),
    ShipmentState.ARRIVED: (ShipmentState.INSPECTED, ShipmentState.DAMAGED),
    ShipmentState.INSPECTED: (),
    ShipmentState.DAMAGED: (),
    ShipmentState.LOST: (),
}
RECEIVED: Final = frozenset({ShipmentState.INSPECTED, ShipmentState.DAMAGED})


@dataclass(frozen=True, slots=True)
class Shipment:
    """A car's way to its store; for stock where it has no order.

    `carrier_account_id` is who loaded it and alone reports its legs from then on.
    """

    id: str
    brand_id: str
    vin: str
    order_id: str | None
    store_id: str
    state: ShipmentState
    carrier_account_id: str | None
    planned_at: datetime
    loaded_at: datetime | None = None
    arrived_at: datetime | None = None
    inspected_at: datetime | None = None


def check_leg(state: ShipmentState, to: ShipmentState) -> None:
    """Refuse a leg that cannot follow."""
    if to not in LEGS[state]:
        raise ShipmentOutOfOrder(ApiName(state.name), ApiName(to.name), tuple(ApiName(leg.name) for leg in LEGS[state]))


class HandoverState(StrEnum):
    """A handover's life (DOMAIN section 3)."""

    BOOKED = "booked"
    INSPECTED = "inspected"
    BALANCE_PAID = "balance_paid"
    SIGNED = "signed"
    REJECTED = "rejected"


OPEN: Final = frozenset({HandoverState.BOOKED, HandoverState.INSPECTED, HandoverState.BALANCE_PAID})
PAID: Final = frozenset({HandoverState.BALANCE_PAID, HandoverState.SIGNED})


@dataclass(frozen=True, slots=True)
class CheckedPoint:
    """One point of the check list: fine, or what is wrong with it."""

    point: str
    fine: bool
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """An appointment of a buyer at the store and what came of it; `balance_payment_id` once the rest is asked for."""

    id: str
    brand_id: str
    order_id: str
    vin: str
    store_id: str
    appointment_at: datetime
    state: HandoverState
    checklist: tuple[CheckedPoint, ...]
    balance_payment_id: str | None
    booked_at: datetime
    inspected_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None

    @property
    def faults(self) -> int:
        """Count the points that were not fine."""
        return sum(not point.fine for point in self.checklist)


def require_state(handover: Handover, *states: HandoverState) -> None:
    """Refuse unless the handover is at one of these steps."""
    if handover.state not in states:
        raise HandoverNotPossible(
            handover.state.value, because("STATES_NEEDED", states=tuple(state.value for state in states))
        )


def own_at_store(order: Order | None, account_id: str) -> AtStoreOrder:
    """Return a buyer's own order whose car stands at the store; refuses NotFound, and HandoverNotPossible."""
    if order is None or order.terms.account_id != account_id:
        raise NotFound("order")
    if not isinstance(order, AtStoreOrder):
        raise HandoverNotPossible(order_state(order), because("CAR_NEEDED"))
    return order
