"""A buyer's one timeline: what demand and the factory tell of a pre-order, or a bought stock car, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from demand import queries
from factory_orders import queries as factory
from factory_orders.agreements.model import AgreementKind
from factory_orders.model import CancelledOrder, Order, Rebuild, Shipment
from graph.access import object_type
from kernel.actor import Permission
from kernel.work import Work

SHIPMENT_MOMENTS: Final = {state: f"{state}_at" for state in ("planned", "loaded", "arrived", "inspected")}
AGREED: Final = {
    AgreementKind.AMENDMENT: "amended",
    AgreementKind.REDUCTION: "reduced",
    AgreementKind.REDUCTION_ENDED: "reduction_ended",
}
HANDOVER_MOMENTS: Final = {"booked": "booked_at", "inspected": "inspected_at", "ended": "ended_at"}


@object_type(reads=Permission.OWN_READ)
class TimelineEntry:
    """One thing that happened: what it concerns, what it is, and when.

    It concerns the pre-order or the purchase of a stock car, the order, the car, the shipment or the handover. A car
    that is `swapped` is another, equal one from then on: what is told of its stages before is that one's. An order that
    is `built_again` has lost its car, of which no more is told. `reason` is there for a pre-order: what moved it, or
    what was changed while it stayed as it was (`car_changed`, `cap_raised`).
    """

    concerns: str
    state: str
    at: datetime
    reason: str | None = None


def load_timelines(work: Work, pre_order_ids: list[str]) -> dict[str, list[TimelineEntry]]:
    """Return what demand and the factory tell of pre-orders, together in order of time; statements do not grow."""
    steps = queries.pre_order_timelines(work, pre_order_ids)
    entries = {
        key: [TimelineEntry(concerns="pre_order", state=one.state, at=one.at, reason=one.reason) for one in ones]
        for key, ones in steps.items()
    }
    return _sorted_with_orders(work, entries)


def load_purchase_timelines(work: Work, purchase_ids: list[str]) -> dict[str, list[TimelineEntry]]:
    """Return what is told of purchases of stock cars and the orders they became; statements do not grow."""
    entries = {
        key: [TimelineEntry(concerns="purchase", state=state, at=at) for state, at in one.steps]
        for key, one in factory.purchases_by_id(work, purchase_ids).items()
        if one.account_id == work.actor.account_id
    }
    return _sorted_with_orders(work, entries)


def _sorted_with_orders(work: Work, entries: dict[str, list[TimelineEntry]]) -> dict[str, list[TimelineEntry]]:
    """Return the entries with what the factory tells of the orders of the same ids, in order of time."""
    orders = factory.orders_by_id(work, list(entries))
    orders_seen = list(orders)
    if orders_seen:
        for key, agreed in factory.agreements_of_orders(work, orders_seen).items():
            entries[key] += [TimelineEntry(concerns="order", state=AGREED[one.kind], at=one.at) for one in agreed]
        rebuilds = factory.rebuilds_of_orders(work, orders_seen)
        for key, order in orders.items():
            if isinstance(order, CancelledOrder):
                entries[key].append(TimelineEntry(concerns="order", state="cancelled", at=order.cancelled_at))
        for key, stages in factory.stages_of_orders(work, orders_seen).items():
            entries[key] += [TimelineEntry(concerns="car", state=one.stage, at=one.occurred_at) for one in stages]
        for key, swaps in factory.swap_times_of_orders(work, orders_seen).items():
            entries[key] += [TimelineEntry(concerns="car", state="swapped", at=at) for at in swaps]
        for key, shipments in factory.shipments_of_orders(work, orders_seen).items():
            for shipment in shipments:
                lost = None if _has_car(orders[key], shipment.vin) else _loss(rebuilds[key], shipment)
                told = _moments("shipment", shipment, SHIPMENT_MOMENTS)
                entries[key] += [one for one in told if lost is None or (one.at <= lost.at and shipment.id < lost.id)]
        for key, again in rebuilds.items():  # Behind the way on which a car was lost, at the same moment.
            entries[key] += [TimelineEntry(concerns="order", state="built_again", at=one.at) for one in again]
        for key, handovers in factory.handovers_of_orders(work, orders_seen).items():
            entries[key] += [one for handover in handovers for one in _moments("handover", handover, HANDOVER_MOMENTS)]
    return {key: sorted(ones, key=lambda one: one.at) for key, ones in entries.items()}


def _has_car(order: Order, vin: str) -> bool:
    return getattr(order, "vin", None) == vin


def _loss(rebuilds: Sequence[Rebuild], shipment: Shipment) -> Rebuild | None:
    """Return when an order lost the car of a shipment, the last time."""
    return next((one for one in reversed(rebuilds) if one.vin == shipment.vin), None)


def _moments(concerns: str, thing: object, names: Mapping[str, str]) -> list[TimelineEntry]:
    found = [(state, getattr(thing, name)) for state, name in names.items()]
    return [TimelineEntry(concerns=concerns, state=state, at=at) for state, at in found if at is not None]
