"""A buyer's order from the lock on: its car, its way, its handover and what is still to be paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import strawberry

from factory_orders import model as deliveries
from factory_orders import queries, service
from factory_orders.errors import (
    AppointmentUnavailable,
    BalanceOpen,
    DisclosureNotAccepted,
    HandoverNotPossible,
    InspectionMissing,
    InvoiceMissing,
)
from factory_orders.model import ShipmentState, order_state
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.types.money import Money, show_minor
from graph.types.offers import OfferState
from graph.types.pages import Node
from graph.types.payments import Payment, show_payment
from kernel import payments
from kernel.actor import Permission
from kernel.payments import (
    AuthorisationExpired,
    AuthorisationNotYours,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentSignatureInvalid,
)
from kernel.work import Work

strawberry.enum(ShipmentState, description="Where a shipment is; the last two are the store's word.")


@object_type(reads=Permission.OWN_READ)
class BuildStage:
    """A stage that the car has reached in the plant."""

    stage: str
    at: datetime


@object_type(reads=Permission.OWN_READ)
class OrderShipment:
    """The car's way to the store."""

    state: ShipmentState
    planned_at: datetime
    loaded_at: datetime | None
    arrived_at: datetime | None
    inspected_at: datetime | None


@object_type(reads=Permission.OWN_READ)
class Disclosure:
    """Something that happened to the car before delivery; you read and accept it, or reject the handover."""

    reason: str
    detail: str = field(about="The reporter's words; empty where another buyer wrote them of a car that was not taken.")
    repair: Money
    at: datetime
    accepted_at: datetime | None


@object_type(reads=Permission.OWN_READ)
class CheckedPoint:
    """One point of the check list at the handover."""

    point: str
    fine: bool
    remark: str


@object_type(reads=Permission.OWN_READ)
class Balance:
    """What is still to be paid: the lines as locked, what was agreed since, third-party lines, less what is set off."""

    vehicle: Money
    guaranteed_other: Money
    third_party: Money
    earnest: Money
    late_credit: Money
    agreed: Money = field(about="What you agreed to after the lock: changes of the car and their fees, or less money.")
    due: Money


@object_type(reads=Permission.OWN_READ)
class Handover:
    """An appointment at the store and what came of it."""

    id: strawberry.ID
    appointment_at: datetime
    state: str
    checklist: list[CheckedPoint] = field(at_most=30)
    balance: Balance | None
    booked_at: datetime
    inspected_at: datetime | None
    ended_at: datetime | None
    reason: str | None


@object_type(reads=Permission.OWN_READ)
class OrderAgreement:
    """Something that you agreed to after the lock, at which stage of your car, and what it does to the price."""

    kind: str
    stage: str
    added: list[str] = field(at_most=60)
    removed: list[str] = field(at_most=60)
    price_difference: Money
    fee: Money
    at: datetime


@object_type(reads=Permission.OWN_READ)
class RepairOffer:
    """A car that is not new any more: you may take it for less until `answerBy`.

    Say nothing, and another one is built. `disclosures` are what had happened to it by then; whoever takes it accepts
    them.
    """

    vin: str
    disclosures: list[Disclosure] = field(at_most=40)
    repair: Money
    reduction: Money
    state: OfferState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None


@object_type(reads=Permission.OWN_READ)
class Order(Node):
    """An order: a locked pre-order with its car."""

    id: strawberry.ID
    code: str
    state: str
    model: str
    options: list[str] = field(at_most=60)
    price: Money
    current_price: Money = field(about="The price with everything that you agreed to after the lock, fees included.")
    agreements: list[OrderAgreement] = field(at_most=50)
    repair_offers: list[RepairOffer] = field(at_most=20)
    promised_by: date | None
    locked_at: datetime
    build_week: date | None
    vin: str | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    stages: list[BuildStage]
    shipments: list[OrderShipment]
    disclosures: list[Disclosure]
    handovers: list[Handover]


@input_type(takes=Permission.OWN_WRITE)
class BookHandoverInput:
    """One of your orders and a full hour at its store."""

    order_id: strawberry.ID
    appointment_at: datetime


@input_type(takes=Permission.OWN_WRITE)
class RebookHandoverInput:
    """A handover and another time."""

    handover_id: strawberry.ID
    appointment_at: datetime


@input_type(takes=Permission.OWN_WRITE)
class OrderInput:
    """One of your orders."""

    order_id: strawberry.ID


@input_type(takes=Permission.OWN_WRITE)
class HandoverInput:
    """One of your handovers."""

    handover_id: strawberry.ID


@input_type(takes=Permission.OWN_WRITE)
class PayBalanceInput:
    """A handover and a provider's signed authorisation over exactly what is due."""

    handover_id: strawberry.ID
    authorisation: str


@input_type(takes=Permission.OWN_WRITE)
class RejectHandoverInput:
    """A handover and why you do not take the car."""

    handover_id: strawberry.ID
    reason: str


@object_type(reads=Permission.OWN_READ)
class DisclosuresAccepted:
    """How many points were open and are accepted now."""

    accepted: int


def show_handover(one: deliveries.Handover, balance: Any = None) -> Handover:
    """Return a handover, with its balance once that is asked for."""
    return Handover(
        id=write_id("Handover", one.id),
        appointment_at=one.appointment_at,
        state=one.state.value,
        checklist=[CheckedPoint(point=point.point, fine=point.fine, remark=point.remark) for point in one.checklist],
        balance=None if balance is None else _show_balance(balance),
        booked_at=one.booked_at,
        inspected_at=one.inspected_at,
        ended_at=one.ended_at,
        reason=one.reason,
    )


def _show_with_balance(work: Work, one: deliveries.Handover) -> Handover:
    return show_handover(one, queries.balances_of_handovers(work, [one.id]).get(one.id))


def _show_balance(balance: Any) -> Balance:
    return Balance(
        vehicle=show_minor(balance.vehicle_minor),
        guaranteed_other=show_minor(balance.guaranteed_other_minor),
        third_party=show_minor(balance.third_party_minor),
        earnest=show_minor(balance.earnest_minor),
        late_credit=show_minor(balance.late_credit_minor),
        agreed=show_minor(balance.agreed_minor),
        due=show_minor(balance.due_minor),
    )


def load_orders(work: Work, order_ids: list[str]) -> dict[str, Order]:
    """Return the orders this actor may see by id, with everything about them, in a fixed number of statements."""
    found = queries.orders_by_id(work, order_ids)
    ids = list(found)
    if not ids:
        return {}
    stages = queries.stages_of_orders(work, ids)
    built = queries.build_orders_of_orders(work, ids)
    shipments = queries.shipments_of_orders(work, ids)
    agreed = queries.agreements_of_orders(work, ids)
    offers = queries.repair_offers_of_orders(work, ids)
    handovers = queries.handovers_of_orders(work, ids)
    balances = queries.balances_of_handovers(work, [one.id for ones in handovers.values() for one in ones])
    vins = [vin for order in found.values() if (vin := getattr(order, "vin", None)) is not None]
    disclosures = queries.disclosures_of(work, [*vins, *(one.vin for ones in offers.values() for one in ones)])
    return {
        key: _show_order(
            order,
            stages=[BuildStage(stage=one.stage, at=one.occurred_at) for one in stages[key]],
            build_week=built[key].week if key in built else None,
            shipments=[_show_shipment(one) for one in shipments[key]],
            handovers=[show_handover(one, balances.get(one.id)) for one in handovers[key]],
            disclosures=disclosures,
            agreements=[_show_agreement(one) for one in agreed[key]],
            repair_offers=[show_repair_offer(one, disclosures[one.vin]) for one in offers[key]],
        )
        for key, order in found.items()
    }


def _show_shipment(one: deliveries.Shipment) -> OrderShipment:
    return OrderShipment(
        state=one.state,
        planned_at=one.planned_at,
        loaded_at=one.loaded_at,
        arrived_at=one.arrived_at,
        inspected_at=one.inspected_at,
    )


def show_repair_offer(one: deliveries.RepairOffer, told: Sequence[deliveries.Disclosure]) -> RepairOffer:
    """Return an offer of a repaired car with what was told of it by then; what came later is none of the offer's."""
    return RepairOffer(
        vin=one.vin,
        disclosures=[_show_disclosure(point) for point in told if point.at <= one.offered_at],
        repair=show_minor(one.repair_minor),
        reduction=show_minor(one.reduction_minor),
        state=one.state,
        offered_at=one.offered_at,
        answer_by=one.answer_by,
        answered_at=one.answered_at,
    )


def _show_disclosure(one: deliveries.Disclosure) -> Disclosure:
    return Disclosure(
        reason=one.reason.value,
        detail=one.detail,
        repair=show_minor(one.repair_minor),
        at=one.at,
        accepted_at=one.accepted_at,
    )


def _show_agreement(one: deliveries.Agreement) -> OrderAgreement:
    before, after = set(one.options_before), set(one.options_after)
    return OrderAgreement(
        kind=one.kind.value,
        stage=one.stage,
        added=[option for option in one.options_after if option not in before],
        removed=[option for option in one.options_before if option not in after],
        price_difference=show_minor(one.price_delta_minor),
        fee=show_minor(one.fee_minor),
        at=one.at,
    )


def _show_order(order: Any, *, disclosures: Mapping[str, list[Any]], **parts: Any) -> Order:
    terms = order.terms
    vin = getattr(order, "vin", None)
    return Order(
        id=write_id("Order", terms.id),
        code=queries.order_code(terms.id),
        state=order_state(order),
        model=terms.model,
        options=list(terms.options),
        price=show_minor(terms.price_minor),
        current_price=show_minor(terms.vehicle_minor + terms.fees_minor),
        promised_by=terms.promised_by,
        locked_at=terms.locked_at,
        vin=vin,
        delivered_at=getattr(order, "delivered_at", None),
        cancelled_at=getattr(order, "cancelled_at", None),
        disclosures=[_show_disclosure(one) for one in disclosures.get(vin or "", ())],
        **parts,
    )


def order_raw(text: str) -> str:
    """Return the raw id of an order, which may also be named by its pre-order: it is the same thing."""
    raw = raw_id(text, "Order")
    return raw if raw != "none" else raw_id(text, "PreOrder")


@query(reads=Permission.OWN_READ)
def order(work: Work, id: strawberry.ID) -> Order | None:  # noqa: A002  # the API's word
    """One of your orders, by its own id or its pre-order's."""
    raw = order_raw(id)
    return load_orders(work, [raw]).get(raw)


@mutation(does=Permission.OWN_WRITE, refuses=(HandoverNotPossible, AppointmentUnavailable), result="BookHandoverResult")
def book_handover(work: Work, input: BookHandoverInput) -> Handover:  # noqa: A002  # the API's word
    """Book your appointment at the store where the car stands."""
    return show_handover(service.book_handover(work, order_raw(input.order_id), input.appointment_at))


@mutation(
    does=Permission.OWN_WRITE, refuses=(HandoverNotPossible, AppointmentUnavailable), result="RebookHandoverResult"
)
def rebook_handover(work: Work, input: RebookHandoverInput) -> Handover:  # noqa: A002  # the API's word
    """Move an appointment that has not begun."""
    raw = raw_id(input.handover_id, "Handover")
    return show_handover(service.rebook_handover(work, raw, input.appointment_at))


@mutation(does=Permission.OWN_WRITE, refuses=(HandoverNotPossible,), result="AcceptDisclosuresResult")
def accept_disclosures(work: Work, input: OrderInput) -> DisclosuresAccepted:  # noqa: A002  # the API's word
    """Accept what happened to the car; you have read it."""
    return DisclosuresAccepted(accepted=service.accept_disclosures(work, order_raw(input.order_id)))


@mutation(
    does=Permission.OWN_WRITE,
    refuses=(HandoverNotPossible, InspectionMissing, DisclosureNotAccepted),
    result="RequestBalanceResult",
)
def request_balance(work: Work, input: HandoverInput) -> Payment:  # noqa: A002  # the API's word
    """Ask for what is still to be paid, once you have inspected the car."""
    return show_payment(service.request_balance(work, raw_id(input.handover_id, "Handover")))


@mutation(does=Permission.OWN_WRITE, refuses=(HandoverNotPossible, InspectionMissing), result="RenewBalanceResult")
def renew_balance(work: Work, input: HandoverInput) -> Payment:  # noqa: A002  # the API's word
    """Ask anew for a balance whose payment ran out; the sum stays."""
    return show_payment(service.renew_balance(work, raw_id(input.handover_id, "Handover")))


@mutation(
    does=Permission.OWN_WRITE,
    refuses=(
        HandoverNotPossible,
        InspectionMissing,
        PaymentSignatureInvalid,
        PaymentAmountMismatch,
        PaymentAlreadyMade,
        AuthorisationNotYours,
        AuthorisationExpired,
    ),
    result="PayBalanceResult",
)
def pay_balance(work: Work, request: Request, input: PayBalanceInput) -> Handover:  # noqa: A002  # the API's word
    """Pay what is due with a signed authorisation; a used one is not taken twice."""
    given = payments.read_authorisation(request.services.providers, input.authorisation)
    return _show_with_balance(work, service.pay_balance(work, raw_id(input.handover_id, "Handover"), given))


@mutation(
    does=Permission.OWN_WRITE,
    refuses=(HandoverNotPossible, InspectionMissing, BalanceOpen, DisclosureNotAccepted, InvoiceMissing),
    result="SignHandoverResult",
)
def sign_handover(work: Work, input: HandoverInput) -> Handover:  # noqa: A002  # the API's word
    """Sign for the car: it is yours."""
    return _show_with_balance(work, service.sign_handover(work, raw_id(input.handover_id, "Handover")))


@mutation(does=Permission.OWN_WRITE, refuses=(HandoverNotPossible,), result="RejectHandoverResult")
def reject_handover(work: Work, input: RejectHandoverInput) -> Handover:  # noqa: A002  # the API's word
    """Do not take the car; what you paid at this handover goes back, the order stands."""
    rejected = service.reject_handover(work, raw_id(input.handover_id, "Handover"), input.reason)
    return _show_with_balance(work, rejected)
