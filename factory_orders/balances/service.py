"""Use cases of the balance: asked for, paid, asked anew, lost, taken back with the car; of many buyers at once too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

from factory_orders.deliveries.balance import DEFAULT_TIMER, REMIND_TIMER, Balance, earnest_account_of
from factory_orders.deliveries.handover_store import (
    Held,
    balance_of,
    handover_by_payment,
    hold_handovers,
    late_credit_totals,
    save_handover,
    save_handovers,
    write_balances,
)
from factory_orders.deliveries.model import PAID, Handover, HandoverState, require_state
from factory_orders.deliveries.settlement import balance_transfers, reversed_transfers
from factory_orders.errors import DisclosureNotAccepted, InspectionMissing
from factory_orders.events import BalanceDeclined, BalancePaid, BalanceRequested
from factory_orders.papers.model import PaperKind
from factory_orders.papers.service import ask_papers
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.order_store import lock_order
from factory_orders.policies import HandoverPolicy
from factory_orders.third_party.lines.service import third_parties_now
from factory_orders.vehicles.model import require_sellable
from factory_orders.vehicles.store import lock_vehicles, open_disclosures_of
from kernel import ledger, payments, policy, registry
from kernel.actor import Actor, Permission
from kernel.errors import Refusal
from kernel.ledger import account, book
from kernel.money import Money
from kernel.outcomes import answers, only, outcome_of
from kernel.owed import payable_account
from kernel.payments import Authorisation, Payment, PaymentRequest
from kernel.timers import cancel_timer, set_timer
from kernel.work import Work

BALANCE_PURPOSE: Final = "balance"


def request_balance(work: Work, handover_id: str) -> Payment:
    """Ask for the rest on the buyer's word that the car was inspected; returns the payment that is expected.

    The guaranteed lines as they were locked, the third-party lines of the day, less the earnest money and late credits.
    Refuses InspectionMissing and DisclosureNotAccepted.
    """
    return only(request_balances(work, [(work.actor, handover_id)]))


def request_balances(work: Work, asked: Sequence[tuple[Actor, str]]) -> list[Payment | Refusal]:
    """Ask different buyers for the rest, each answered as `request_balance` does; a refused one spoils no other."""
    held = hold_handovers(work, [handover_id for _, handover_id in asked])
    told = open_disclosures_of(work, [one.vin for one in held.handovers.values()])

    def judge(actor: Actor, handover_id: str) -> Handover:
        actor.require(Permission.OWN_WRITE)
        handover, _ = held.own(actor, handover_id)
        if handover.state is HandoverState.BOOKED:
            raise InspectionMissing
        require_state(handover, HandoverState.INSPECTED)
        if handover.balance_payment_id is None and (count := told.get(handover.vin, 0)):
            raise DisclosureNotAccepted(count)
        return handover

    outcomes = [outcome_of(partial(judge, *one)) for one in asked]
    expected = _expected_already(work, held)
    due = [one for one in answers(outcomes) if one.balance_payment_id is None]
    expected |= _ask(work, [(one, held.orders[one.order_id].terms) for one in due])
    return [one if isinstance(one, Refusal) else expected[one.id] for one in outcomes]


def _expected_already(work: Work, held: Held) -> dict[str, Payment]:
    """Return the payments that handovers wait for or were paid with, by handover."""
    asked = {one.balance_payment_id: one for one in held.handovers.values() if one.balance_payment_id is not None}
    known = payments.payments_of(work, [one.order_id for one in asked.values()])
    return {asked[one.id].id: one for own in known.values() for one in own if one.id in asked}


def _ask(work: Work, due: Sequence[tuple[Handover, OrderTerms]]) -> dict[str, Payment]:
    """Book what buyers owe and expect their payments; returns these by handover."""
    if not due:
        return {}
    balances = balances_now(work, due)
    asked = [(handover, terms, balance) for (handover, terms), balance in zip(due, balances, strict=True)]
    day = work.now.astimezone(registry.own_brand(work).zone).date()
    version = policy.current(work).version
    write_balances(work, [(handover, balance) for handover, _, balance in asked], day=day, policy_version=version)
    book(work, *(transfer for one in asked for transfer in balance_transfers(*one)))
    expected = _expect(work, [(terms, balance.due_minor) for _, terms, balance in asked])
    save_handovers(
        work,
        [
            replace(handover, balance_payment_id=payment.id)
            for (handover, _), payment in zip(due, expected, strict=True)
        ],
    )
    for (handover, terms, balance), payment in zip(asked, expected, strict=True):
        work.record(
            BalanceRequested(handover.brand_id, handover.id, terms.id, terms.account_id, payment.id, balance.due_minor)
        )
    return {handover.id: payment for (handover, _), payment in zip(due, expected, strict=True)}


def balances_now(work: Work, due: Sequence[tuple[Handover, OrderTerms]]) -> list[Balance]:
    """Return what buyers owe as of now, line by line; what is set off for one is not set off for another."""
    third_party = third_parties_now(work, [(terms, handover.vin) for handover, terms in due])
    credits_of = late_credit_totals(work, [terms.id for _, terms in due])
    names = [name for _, terms in due for name in (earnest_account_of(terms), payable_account(terms.account_id))]
    left = dict(ledger.balances_to_spend(work, names))
    balances: list[Balance] = []
    for _, terms in due:
        payable = payable_account(terms.account_id)
        # What two operators have paid out by hand already is not set off once more.
        set_off = min(credits_of.get(terms.id, 0), max(0, left[payable]))
        left[payable] -= set_off
        balances.append(
            Balance(
                vehicle_minor=terms.price_minor,
                guaranteed_other_minor=terms.guaranteed_other_minor,
                third_party_minor=third_party[terms.id],
                earnest_minor=left[earnest_account_of(terms)],
                late_credit_minor=set_off,
                agreed_minor=terms.agreed_minor + terms.fees_minor,
            )
        )
    return balances


def _request(work: Work, terms: OrderTerms, due_minor: int) -> PaymentRequest:
    days = policy.current(work).section(HandoverPolicy).balance_days
    expires_at = work.now + timedelta(days=days)
    return PaymentRequest(terms.brand_id, terms.account_id, BALANCE_PURPOSE, terms.id, Money(due_minor), expires_at)


def _expect(work: Work, due: Sequence[tuple[OrderTerms, int]]) -> list[Payment]:
    assert all(minor > 0 for _, minor in due), "earnest money and late credits are a fraction of the price"
    return payments.request_payments(work, [_request(work, terms, minor) for terms, minor in due])


def renew_balance(work: Work, handover_id: str) -> Payment:
    """Ask anew for a balance whose payment ran out before it was made; the sum stays."""
    work.actor.require(Permission.OWN_WRITE)
    held = hold_handovers(work, [handover_id])
    handover, order = held.own(work.actor, handover_id)
    require_state(handover, HandoverState.INSPECTED)
    if handover.balance_payment_id is None:
        raise InspectionMissing
    payment = _expected_already(work, held)[handover.id]
    if work.now < payment.expires_at:
        return payment
    (fresh,) = _expect(work, [(order.terms, payment.amount.minor)])
    save_handover(work, replace(handover, balance_payment_id=fresh.id))
    return fresh


# --- paid ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BalancePayment:
    """A buyer's signed authorisation over exactly what is due at a handover."""

    handover_id: str
    authorisation: Authorisation


def pay_balance(work: Work, handover_id: str, authorisation: Authorisation) -> Handover:
    """Pay the rest with a signed authorisation over exactly what is due; the same one again changes nothing.

    Another one for what is paid already is refused (PaymentAlreadyMade), before anything is taken with it.
    """
    return only(pay_balances(work, [(work.actor, BalancePayment(handover_id, authorisation))]))


def pay_balances(work: Work, offered: Sequence[tuple[Actor, BalancePayment]]) -> list[Handover | Refusal]:
    """Take what different buyers pay, each answered as `pay_balance` does; a refused one spoils no other."""
    held = hold_handovers(work, [one.handover_id for _, one in offered])
    expected = _expected_already(work, held)
    vehicles = lock_vehicles(work, [one.vin for one in held.handovers.values()])

    def judge(actor: Actor, offer: BalancePayment) -> Handover:
        actor.require(Permission.OWN_WRITE)
        handover = held.of_buyer(actor, offer.handover_id)
        payment = expected.get(handover.id)
        if handover.state in PAID:
            if not _is_paid_with(payment, offer.authorisation):
                raise payments.PaymentAlreadyMade
            return handover
        handover, _ = held.own(actor, handover.id)
        require_state(handover, HandoverState.INSPECTED)
        if payment is None:
            raise InspectionMissing
        # It is invoiced once it is paid.
        require_sellable(vehicles[handover.vin])
        return handover

    outcomes: list[Handover | Refusal] = [outcome_of(partial(judge, *one)) for one in offered]
    authorised = {one.handover_id: one.authorisation for _, one in offered}
    paying = [one for one in answers(outcomes) if one.state is HandoverState.INSPECTED]
    requests = [_request(work, held.orders[one.order_id].terms, expected[one.id].amount.minor) for one in paying]
    received = payments.receive_authorised(
        work, [(request, authorised[one.id]) for one, request in zip(paying, requests, strict=True)]
    )
    taken = {one.id: outcome for one, outcome in zip(paying, received, strict=True)}
    paid = {handover_id: payment for handover_id, payment in taken.items() if isinstance(payment, Payment)}
    payments.close_payments(work, [expected[handover_id].id for handover_id in paid])
    settled = _settle(
        work,
        [
            (replace(one, balance_payment_id=paid[one.id].id), held.orders[one.order_id].terms, paid[one.id])
            for one in paying
            if one.id in paid
        ],
    )
    refused = {handover_id: outcome for handover_id, outcome in taken.items() if isinstance(outcome, Refusal)}
    return [one if isinstance(one, Refusal) else (refused | settled).get(one.id, one) for one in outcomes]


def _is_paid_with(paid: Payment | None, given: Authorisation) -> bool:
    if paid is None:
        return False
    known = paid.provider, paid.provider_reference, paid.account_id
    return known == (given.provider, given.provider_reference, given.account_id)


def receive_balance(work: Work, payment: Payment) -> Handover | None:
    """Take a balance that a provider's callback told of.

    None for a payment that no handover waits for any more (it was rejected, or paid another way): it goes back whole.
    """
    work.actor.require(Permission.SYSTEM)
    handover = handover_by_payment(work, payment.id)
    if handover is None or handover.state is not HandoverState.INSPECTED:
        payments.send_back(work, payment, "late")
        return None
    terms = lock_order(work, handover.order_id).terms
    return _settle(work, [(handover, terms, payment)])[handover.id]


def _settle(work: Work, paid: Sequence[tuple[Handover, OrderTerms, Payment]]) -> dict[str, Handover]:
    """Book balances that came and ask for the invoices of what is paid in full; returns where each handover stands."""
    receivables = [account("receivable", terms.id) for _, terms, _ in paid]
    received = zip(paid, receivables, strict=True)
    book(work, *(payments.receipt(payment, kind="balance_received", to=to) for (*_, payment), to in received))
    left = ledger.balances(work, receivables)
    settled = [
        (replace(one, state=HandoverState.BALANCE_PAID) if left[name] == 0 else one, terms)
        for (one, terms, _), name in zip(paid, receivables, strict=True)
    ]
    save_handovers(work, [one for one, _ in settled])
    whole = [(one, terms) for one, terms in settled if one.state is HandoverState.BALANCE_PAID]
    vehicles = lock_vehicles(work, [one.vin for one, _ in whole])
    ask_papers(work, [(terms, vehicles[one.vin]) for one, terms in whole], PaperKind.VEHICLE_INVOICE)
    for one, terms in whole:
        work.record(BalancePaid(one.brand_id, one.id, terms.id, terms.account_id))
    return {one.id: one for one, _ in settled}


# --- lost, and taken back --------------------------------------------------------------------------------------------


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
        (fresh,) = _expect(work, [(terms, missing.minor)])
        save_handover(work, replace(handover, state=HandoverState.INSPECTED, balance_payment_id=fresh.id))
        begin_waiting(work, terms)
    if handover is not None and handover.state is not HandoverState.REJECTED:
        work.record(BalanceDeclined(payment.brand_id, payment.subject_id, payment.account_id, missing.minor, is_claim))


def begin_waiting(work: Work, terms: OrderTerms) -> None:
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
    known = payments.payments_of(work, [handover.order_id])[handover.order_id]
    payment = next(payment for payment in known if payment.id == handover.balance_payment_id)
    if handover.state is not HandoverState.BALANCE_PAID:
        payments.close_payments(work, [payment.id])
        return
    receivable, way_out = account("receivable", terms.id), payments.refund_account(payment.id)
    book(work, ledger.Transfer("balance_returned", payment.id, receivable, way_out, payment.amount))
    payments.request_refund(work, payment.id, "handover_rejected")
