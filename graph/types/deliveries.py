"""What a store sees of the cars that come to it, and what store and carrier report; nothing of the buyers."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from factory_orders import model as deliveries
from factory_orders import queries, service
from factory_orders.errors import (
    ChecklistIncomplete,
    ConditionCheckMissing,
    DamageNotTold,
    HandoverNotPossible,
    ShipmentOutOfOrder,
    VinInvalid,
)
from factory_orders.model import ORDER_STATES, ShipmentState
from graph.access import field, input_type, object_type
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.money import MoneyInput, read_money
from graph.types.pages import Connection, known_words, show_page
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import page_request
from kernel.reasons import because
from kernel.work import Work

POINTS_MAX = 100


@object_type(reads=Permission.DELIVERY_READ)
class Delivery:
    """An order on its way to your store; you know it by its code."""

    id: strawberry.ID
    code: str
    model: str
    options: list[str] = field(at_most=60)
    state: str
    week: date | None
    promised_by: date | None
    vin: str | None
    newness: str | None
    shipment_id: strawberry.ID | None
    shipment_state: ShipmentState | None
    handover_id: strawberry.ID | None
    handover_state: str | None
    appointment_at: datetime | None


@object_type(reads=Permission.PUBLIC_READ)
class Shipment:
    """A car's way to a store."""

    id: strawberry.ID
    vin: str
    store_id: strawberry.ID
    state: ShipmentState
    planned_at: datetime
    loaded_at: datetime | None
    arrived_at: datetime | None
    inspected_at: datetime | None


@object_type(reads=Permission.DELIVERY_READ)
class HandoverInspected:
    """What store and buyer found at a handover."""

    handover_id: strawberry.ID
    state: str
    faults: int


@input_type(takes=Permission.DELIVERY_WRITE)
class DamageInput:
    """What is wrong with a car that arrived, and what its repair costs."""

    detail: str
    repair: MoneyInput


@input_type(takes=Permission.DELIVERY_WRITE)
class InspectArrivalInput:
    """A shipment, the number read from the car, and its damage if there is any."""

    shipment_id: strawberry.ID
    vin: str
    damage: DamageInput | None = None


@input_type(takes=Permission.DELIVERY_WRITE)
class CheckedPointInput:
    """One point of the check list: fine, or what is wrong with it."""

    point: str
    fine: bool
    remark: str = ""


@input_type(takes=Permission.DELIVERY_WRITE)
class InspectHandoverInput:
    """A handover, the number read from the car, and every point of the check list."""

    handover_id: strawberry.ID
    vin: str
    points: list[CheckedPointInput]


@input_type(takes=Permission.SHIPMENT_WRITE)
class ReportShipmentInput:
    """A leg of a shipment and when it happened."""

    shipment_id: strawberry.ID
    state: ShipmentState
    occurred_at: datetime


def _optional_id(kind: str, raw: str | None) -> strawberry.ID | None:
    return None if raw is None else write_id(kind, raw)


def show_delivery(one: queries.Delivery) -> Delivery:
    """Return an order as its store sees it."""
    return Delivery(
        id=write_id("Delivery", one.order_id),
        code=one.code,
        model=one.model,
        options=list(one.options),
        state=one.state,
        week=one.week,
        promised_by=one.promised_by,
        vin=one.vin,
        newness=one.newness,
        shipment_id=_optional_id("Shipment", one.shipment_id),
        shipment_state=None if one.shipment_state is None else ShipmentState(one.shipment_state),
        handover_id=_optional_id("Handover", one.handover_id),
        handover_state=one.handover_state,
        appointment_at=one.appointment_at,
    )


def show_shipment(one: deliveries.Shipment) -> Shipment:
    """Return a shipment."""
    return Shipment(
        id=write_id("Shipment", one.id),
        vin=one.vin,
        store_id=write_id("Store", one.store_id),
        state=one.state,
        planned_at=one.planned_at,
        loaded_at=one.loaded_at,
        arrived_at=one.arrived_at,
        inspected_at=one.inspected_at,
    )


@query(reads=Permission.DELIVERY_READ)
def store_deliveries(
    work: Work, first: int, after: Cursor | None = None, state: str | None = None
) -> Connection[Delivery]:
    """The orders that come to your store; delivered and cancelled ones where `state` asks for them."""
    if state is not None:
        known_words("state", [state], ORDER_STATES.values())
    return show_page(queries.store_deliveries(work, page_request(first, after), state=state), show_delivery)


@query(reads=Permission.SHIPMENT_WRITE)
def carrier_shipments(work: Work, first: int, after: Cursor | None = None) -> Connection[Shipment]:
    """The shipments a carrier may load, and those it has on the way."""
    return show_page(queries.carrier_shipments(work, page_request(first, after)), show_shipment)


@mutation(
    does=Permission.DELIVERY_WRITE,
    refuses=(ShipmentOutOfOrder, VinInvalid, ConditionCheckMissing, DamageNotTold),
    result="InspectArrivalResult",
)
def inspect_arrival(work: Work, input: InspectArrivalInput) -> Shipment:  # noqa: A002  # the API's word
    """Say whether a car arrived whole; damage is disclosed to its buyer."""
    damage = None
    if input.damage is not None:
        damage = service.Damage(input.damage.detail, read_money(input.damage.repair, "repair").minor)
    raw = raw_id(input.shipment_id, "Shipment")
    return show_shipment(service.inspect_arrival(work, raw, vin=input.vin, damage=damage))


@mutation(
    does=Permission.DELIVERY_WRITE,
    refuses=(HandoverNotPossible, VinInvalid, ChecklistIncomplete),
    result="InspectHandoverResult",
)
def inspect_handover(work: Work, input: InspectHandoverInput) -> HandoverInspected:  # noqa: A002  # the API's word
    """Note what store and buyer found at the handover, point by point."""
    if len(input.points) > POINTS_MAX:
        raise InvalidInput("points", because("COUNT_MOST", most=POINTS_MAX))
    points = [deliveries.CheckedPoint(one.point, one.fine, one.remark) for one in input.points]
    raw = raw_id(input.handover_id, "Handover")
    seen = service.inspect_handover(work, raw, vin=input.vin, points=points)
    return HandoverInspected(handover_id=write_id("Handover", seen.id), state=seen.state.value, faults=seen.faults)


@mutation(
    does=Permission.SHIPMENT_WRITE, refuses=(ShipmentOutOfOrder, ConditionCheckMissing), result="ReportShipmentResult"
)
def report_shipment(work: Work, input: ReportShipmentInput) -> Shipment:  # noqa: A002  # the API's word
    """Report a leg as the carrier; the same leg again changes nothing."""
    raw = raw_id(input.shipment_id, "Shipment")
    return show_shipment(service.report_shipment(work, raw, input.state, occurred_at=input.occurred_at))
