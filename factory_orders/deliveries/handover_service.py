"""Use cases at the store: an appointment, the inspection, the balance, the signature, or a car that is not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from factory_orders.deliveries.appointments import choose_place
from factory_orders.deliveries.balance import (
    DEFAULT_TIMER,
    REMIND_TIMER,
    Balance,
    earnest_account_of,
)
from factory_orders.deliveries.handover_store import (
    balance_of,
    handover_by_payment,
    insert_handover,
    late_credit_total,
    lock_handover,
    move_handover,
    open_handover,
    save_handover,
    write_balance,
)
from factory_orders.deliveries.model import RECEIVED, CheckedPoint, Handover, HandoverState, require_state
from factory_orders.deliveries.queries import taken_places
from factory_orders.deliveries.settlement import balance_transfers, reversed_transfers
from factory_orders.deliveries.shipment_store import way_to_buyer
from factory_orders.errors import (
    AppointmentUnavailable,
    BalanceOpen,
    ChecklistIncomplete,
    DisclosureNotAccepted,
    HandoverNotPossible,
    InspectionMissing,
)
from factory_orders.events import (
    BalanceDeclined,
    BalancePaid,
    BalanceRequested,
    HandoverBooked,
    HandoverInspected,
    HandoverRejected,
    VehicleDelivered,
)
from factory_orders.hours.queries import given_hours
from factory_orders.papers.model import PaperKind
from factory_orders.papers.service import ask_paper, require_invoice, void_papers
from factory_orders.planning.model import AtStoreOrder, DeliveredOrder, OrderTerms, order_state
from factory_orders.planning.order_service import LATE_CREDIT_TIMER
from factory_orders.planning.order_store import lock_order, save_order
from factory_orders.policies import HandoverPolicy
from factory_orders.store_shares.service import book_share
from factory_orders.third_party.lines.service import third_party_now
from factory_orders.vehicles.model import DisclosureReason
from factory_orders.vehicles.service import accept_what_was_disclosed, deliver_vehicle, disclose
from factory_orders.vehicles.store import lock_vehicle, open_disclosures
from factory_orders.vehicles.vin import require_same_car
from kernel import db, ledger, payments, policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.ledger import account, book
from kernel.money import Money
from kernel.owed import payable_account
from kernel.payments import Authorisation, Payment, PaymentRequest
from kernel.reasons import because
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

REMARK_LENGTH_MAX: Final = 200
REASON_LENGTH_MAX: Final = 400
BALANCE_PURPOSE: Final = "balance"


def book_handover(work: Work, order_id: str, appointment_at: datetime) -> Handover:
    """Book the buyer's appointment at the store where the car stands.

    Asked again for the same time, it is the same one. Refuses another buyer's order (NotFound), a car that is not ready
    there (HandoverNotPossible) and a time the store cannot offer (AppointmentUnavailable with the next free one).
    """
    work.actor.require(Permission.OWN_WRITE)
    order = _own_order_at_store(work, order_id)
    shipment = way_to_buyer(work, order.terms, order.vin)
    if shipment is None or shipment.state not in RECEIVED:
        raise HandoverNotPossible("arrived", because("INSPECTION_NEEDED"))
    existing = open_handover(work, order_id)
    if existing is not None and existing.state is HandoverState.BOOKED and existing.appointment_at == appointment_at:
        return existing
    if existing is not None:
        raise HandoverNotPossible(existing.state.value, because("END_NEEDED"))
    handover = Handover(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        order_id=order_id,
        vin=order.vin,
        store_id=order.terms.store_id,
        appointment_at=appointment_at,
        state=HandoverState.BOOKED,
        checklist=(),
        balance_payment_id=None,
        booked_at=work.now,
    )
    # Somebody quicker may take the place just chosen; the next look sees that, until the hour is full.
    for _ in range(policy.current(work).section(HandoverPolicy).appointments_per_hour):
        if insert_handover(work, handover, place=_place(work, order.terms.store_id, appointment_at)):
            _tell_booked(work, handover, order.terms)
            return handover
    raise AppointmentUnavailable(because("TAKEN_JUST_NOW"), None)


def rebook_handover(work: Work, handover_id: str, appointment_at: datetime) -> Handover:
    """Move an appointment that has not begun to another time of the same store."""
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    require_state(handover, HandoverState.BOOKED)
    if handover.appointment_at == appointment_at:
        return handover
    moved = replace(handover, appointment_at=appointment_at)
    if not move_handover(work, moved, place=_place(work, handover.store_id, appointment_at)):
        raise AppointmentUnavailable(because("TAKEN_JUST_NOW"), None)
    _tell_booked(work, moved, order.terms)
    return moved


def _tell_booked(work: Work, handover: Handover, terms: OrderTerms) -> None:
    work.record(
        HandoverBooked(
            handover.brand_id, handover.id, terms.id, terms.account_id, handover.store_id, handover.appointment_at
        )
    )


def _place(work: Work, store_id: str, appointment_at: datetime) -> int:
    if appointment_at.tzinfo is None:
        raise InvalidInput("appointmentAt", because("ZONE_MISSING"))
    rules = policy.current(work).section(HandoverPolicy)
    until = work.now + timedelta(days=rules.days_ahead_max)
    # Whoever gives or closes the store's hours takes turns with who books them.
    db.take_turns(work.connection, f"hours:{store_id}")
    taken = taken_places(work, store_id, since=work.now, until=until)
    given = given_hours(work, store_id, since=work.now, until=until)
    zone = registry.own_brand(work).zone
    return choose_place(appointment_at, now=work.now, zone=zone, taken=taken, policy=rules, given=given)


def _own_order_at_store(work: Work, order_id: str) -> AtStoreOrder:
    order = lock_order(work, order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("order")
    if not isinstance(order, AtStoreOrder):
        raise HandoverNotPossible(order_state(order), because("CAR_NEEDED"))
    return order


def _own_handover(work: Work, handover_id: str) -> tuple[Handover, AtStoreOrder]:
    """Load the buyer's own handover with its order; the handover is always locked before its order."""
    handover = lock_handover(work, handover_id)
    order = lock_order(work, handover.order_id)
    if order.terms.account_id != work.actor.signed_in():
        raise NotFound("handover")
    if not isinstance(order, AtStoreOrder):
        raise HandoverNotPossible(handover.state.value, because("CAR_NEEDED"))
    return handover, order


def inspect_handover(work: Work, handover_id: str, *, vin: str, points: Sequence[CheckedPoint]) -> Handover:
    """Note what store and buyer found, point by point; `vin` is read from the car.

    Refuses another store's handover (NotFound), another car (VinInvalid) and a list that does not fit
    (ChecklistIncomplete).
    """
    work.actor.require(Permission.DELIVERY_WRITE)
    handover = lock_handover(work, handover_id)
    if handover.store_id != work.actor.own_store():
        raise NotFound("handover")
    require_state(handover, HandoverState.BOOKED)
    require_same_car(vin, handover.vin)
    _check_points(policy.current(work).section(HandoverPolicy), points)
    terms = lock_order(work, handover.order_id).terms
    seen = replace(handover, state=HandoverState.INSPECTED, checklist=tuple(points), inspected_at=work.now)
    save_handover(work, seen)
    work.record(HandoverInspected(seen.brand_id, seen.id, terms.id, terms.account_id, seen.faults))
    return seen


def _check_points(rules: HandoverPolicy, points: Sequence[CheckedPoint]) -> None:
    given = [point.point for point in points]
    missing = tuple(point for point in rules.checklist if point not in given)
    unknown = tuple(sorted(set(given) - set(rules.checklist)))
    if missing or unknown or len(given) != len(set(given)):
        raise ChecklistIncomplete(missing, unknown)
    if any(len(point.remark) > REMARK_LENGTH_MAX for point in points):
        raise InvalidInput("remark", because("LENGTH_MOST", most=REMARK_LENGTH_MAX))


def accept_disclosures(work: Work, order_id: str) -> int:
    """Note that the buyer has read and accepts what happened to the car; returns how many points were open."""
    work.actor.require(Permission.OWN_WRITE)
    return accept_what_was_disclosed(work, _own_order_at_store(work, order_id).vin)


# --- the balance -----------------------------------------------------------------------------------------------------


def request_balance(work: Work, handover_id: str) -> Payment:
    """Ask for the rest on the buyer's word that the car was inspected; returns the payment that is expected.

    The guaranteed lines as they were locked, the third-party lines of the day, less the earnest money and late credits.
    Refuses InspectionMissing and DisclosureNotAccepted.
    """
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    if handover.state is HandoverState.BOOKED:
        raise InspectionMissing
    require_state(handover, HandoverState.INSPECTED)
    if handover.balance_payment_id is not None:
        return _payment(work, handover)
    if told := open_disclosures(work, handover.vin):
        raise DisclosureNotAccepted(told)
    balance = _balance_now(work, handover, order.terms)
    day = work.now.astimezone(registry.own_brand(work).zone).date()
    write_balance(work, handover, balance, day=day, policy_version=policy.current(work).version)
    book(work, *balance_transfers(handover, order.terms, balance))
    payment = _expect(work, handover, order.terms, balance.due_minor)
    save_handover(work, replace(handover, balance_payment_id=payment.id))
    work.record(
        BalanceRequested(
            handover.brand_id, handover.id, order.terms.id, order.terms.account_id, payment.id, balance.due_minor
        )
    )
    return payment


def _balance_now(work: Work, handover: Handover, terms: OrderTerms) -> Balance:
    payable = payable_account(terms.account_id)
    return Balance(
        vehicle_minor=terms.price_minor,
        guaranteed_other_minor=terms.guaranteed_other_minor,
        third_party_minor=third_party_now(work, terms, handover.vin),
        earnest_minor=ledger.balance_to_spend(work, earnest_account_of(terms)),
        # What two operators have paid out by hand already is not set off once more.
        late_credit_minor=min(late_credit_total(work, terms.id), max(0, ledger.balance_to_spend(work, payable))),
        agreed_minor=terms.agreed_minor + terms.fees_minor,
    )


def _request(work: Work, terms: OrderTerms, due_minor: int) -> PaymentRequest:
    days = policy.current(work).section(HandoverPolicy).balance_days
    expires_at = work.now + timedelta(days=days)
    return PaymentRequest(terms.brand_id, terms.account_id, BALANCE_PURPOSE, terms.id, Money(due_minor), expires_at)


def _expect(work: Work, handover: Handover, terms: OrderTerms, due_minor: int) -> Payment:
    assert due_minor > 0, "earnest money and late credits are a fraction of the price"
    return payments.request_payments(work, [_request(work, terms, due_minor)])[0]


def _payment(work: Work, handover: Handover) -> Payment:
    known = payments.payments_of(work, [handover.order_id])[handover.order_id]
    return next(payment for payment in known if payment.id == handover.balance_payment_id)


def renew_balance(work: Work, handover_id: str) -> Payment:
    """Ask anew for a balance whose payment ran out before it was made; the sum stays."""
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    require_state(handover, HandoverState.INSPECTED)
    if handover.balance_payment_id is None:
        raise InspectionMissing
    payment = _payment(work, handover)
    if work.now < payment.expires_at:
        return payment
    fresh = _expect(work, handover, order.terms, payment.amount.minor)
    save_handover(work, replace(handover, balance_payment_id=fresh.id))
    return fresh


def pay_balance(work: Work, handover_id: str, authorisation: Authorisation) -> Handover:
    """Pay the rest with a signed authorisation over exactly what is due; the same one again changes nothing."""
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    if handover.state is HandoverState.BALANCE_PAID and _is_paid_with(work, handover, authorisation):
        return handover
    require_state(handover, HandoverState.INSPECTED)
    if handover.balance_payment_id is None:
        raise InspectionMissing
    expected = _payment(work, handover)
    request = _request(work, order.terms, expected.amount.minor)
    outcome = payments.receive_authorised(work, [(request, authorisation)])[0]
    if isinstance(outcome, Refusal):
        raise outcome
    payments.close_payments(work, [expected.id])
    paid = replace(handover, balance_payment_id=outcome.id)
    save_handover(work, paid)
    return _settle(work, paid, order.terms, outcome)


def _is_paid_with(work: Work, handover: Handover, authorisation: Authorisation) -> bool:
    paid = _payment(work, handover)
    given = authorisation.provider, authorisation.provider_reference
    return (paid.provider, paid.provider_reference) == given and paid.account_id == authorisation.account_id


def receive_balance(work: Work, payment: Payment) -> Handover | None:
    """Take a balance that a provider's callback told of.

    None for a payment that no handover waits for any more (it was rejected, or paid another way): it goes back whole.
    """
    work.actor.require(Permission.SYSTEM)
    handover = handover_by_payment(work, payment.id)
    if handover is None or handover.state is not HandoverState.INSPECTED:
        payments.send_back(work, payment, "late")
        return None
    return _settle(work, handover, lock_order(work, handover.order_id).terms, payment)


def lose_balance(work: Work, payment: Payment, missing: Money) -> None:
    """Act on a balance that was counted and is lost (declined for good, or returned to its payer by the bank).

    It runs in the change that notes it. The order owes again and is asked anew; once the car was signed for, the claim
    stands on `uncollected:<payment>`.
    """
    work.actor.require(Permission.SYSTEM)
    handover = handover_by_payment(work, payment.id)
    is_claim = handover is None or handover.state is not HandoverState.BALANCE_PAID
    if handover is None or is_claim:
        payments.take_back(work, payment, missing, out_of=payments.late_account(payment.id))
    else:
        terms = lock_order(work, handover.order_id).terms
        book(work, payments.undone(payment, missing, out_of=account("receivable", terms.id)))
        fresh = _expect(work, handover, terms, missing.minor)
        save_handover(work, replace(handover, state=HandoverState.INSPECTED, balance_payment_id=fresh.id))
        _begin_waiting(work, terms)
    if handover is not None and handover.state is not HandoverState.REJECTED:
        work.record(BalanceDeclined(payment.brand_id, payment.subject_id, payment.account_id, missing.minor, is_claim))


def _settle(work: Work, handover: Handover, terms: OrderTerms, payment: Payment) -> Handover:
    receivable = account("receivable", terms.id)
    book(work, payments.receipt(payment, kind="balance_received", to=receivable))
    if ledger.balance(work, receivable) != 0:
        return handover
    paid = replace(handover, state=HandoverState.BALANCE_PAID)
    save_handover(work, paid)
    ask_paper(work, terms, handover.vin, PaperKind.VEHICLE_INVOICE)
    work.record(BalancePaid(paid.brand_id, paid.id, terms.id, terms.account_id))
    return paid


# --- how it ends -----------------------------------------------------------------------------------------------------


def sign_handover(work: Work, handover_id: str) -> Handover:
    """Sign for the car: it is delivered. Refuses InspectionMissing, BalanceOpen and InvoiceMissing."""
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    terms = order.terms
    if handover.state is HandoverState.BOOKED:
        raise InspectionMissing
    if handover.state is HandoverState.INSPECTED:
        asked = balance_of(work, handover.id)
        raise BalanceOpen(Money((asked or _balance_now(work, handover, terms)).due_minor))
    require_state(handover, HandoverState.BALANCE_PAID)
    owed = -ledger.balance(work, account("receivable", terms.id))
    if owed != 0:
        raise BalanceOpen(Money(owed))
    if told := open_disclosures(work, handover.vin):
        raise DisclosureNotAccepted(told)
    require_invoice(work, terms.id, handover.vin)
    deliver_vehicle(work, handover.vin)
    book_share(work, terms, handover.vin)
    save_order(work, DeliveredOrder(terms, handover.vin, work.now))
    signed = replace(handover, state=HandoverState.SIGNED, ended_at=work.now)
    save_handover(work, signed)
    for timer in (LATE_CREDIT_TIMER, REMIND_TIMER, DEFAULT_TIMER):
        cancel_timer(work, timer, terms.id)
    work.record(VehicleDelivered(signed.brand_id, signed.vin, terms.id, terms.account_id, signed.store_id, work.now))
    return signed


def reject_handover(work: Work, handover_id: str, reason: str) -> Handover:
    """Do not take the car after the inspection: it is disclosed from now on, what was booked or paid goes back.

    The order stands; another appointment may be booked once the disclosure is accepted.
    """
    work.actor.require(Permission.OWN_WRITE)
    handover, order = _own_handover(work, handover_id)
    require_state(handover, HandoverState.INSPECTED, HandoverState.BALANCE_PAID)
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidInput("reason", because("WHY", most=REASON_LENGTH_MAX))
    take_back_balance(work, handover, order.terms)
    void_papers(work, order.terms.id, handover.vin)
    disclose(
        work,
        lock_vehicle(work, handover.vin),
        order.terms,
        reason=DisclosureReason.REJECTED_HANDOVER,
        detail=reason,
        repair_minor=0,
        at=work.now,
    )
    rejected = replace(handover, state=HandoverState.REJECTED, ended_at=work.now, reason=reason.strip())
    save_handover(work, rejected)
    # What was wrong is the store's to see to; the time to take the car begins anew.
    _begin_waiting(work, order.terms)
    work.record(
        HandoverRejected(rejected.brand_id, rejected.id, order.terms.id, order.terms.account_id, rejected.store_id)
    )
    return rejected


def _begin_waiting(work: Work, terms: OrderTerms) -> None:
    """Give the buyer the whole time again to pay and take the car."""
    notice_days = policy.pinned(work, terms.policy_version).section(HandoverPolicy).second_notice_days
    cancel_timer(work, DEFAULT_TIMER, terms.id)
    set_timer(work, REMIND_TIMER, terms.id, work.now + timedelta(days=notice_days))


def take_back_balance(work: Work, handover: Handover, terms: OrderTerms) -> None:
    """Undo what a handover asked for: its bookings are reversed, what was paid goes back, what was not is closed."""
    balance = balance_of(work, handover.id)
    if balance is None or handover.balance_payment_id is None:
        return
    book(work, *reversed_transfers(balance_transfers(handover, terms, balance)))
    payment = _payment(work, handover)
    if handover.state is not HandoverState.BALANCE_PAID:
        payments.close_payments(work, [payment.id])
        return
    receivable, way_out = account("receivable", terms.id), payments.refund_account(payment.id)
    book(work, ledger.Transfer("balance_returned", payment.id, receivable, way_out, payment.amount))
    payments.request_refund(work, payment.id, "handover_rejected")
