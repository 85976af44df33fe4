"""Money on its way in: asked for, authorised, told of by callbacks that may come twice, late or out of order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select, update

from kernel import db
from kernel.actor import system
from kernel.errors import NotFound, Refusal
from kernel.ids import BrandId
from kernel.ledger import Transfer, book
from kernel.payments.lost import charge_back, decline
from kernel.payments.model import (
    STRAY,
    Authorisation,
    Callback,
    CallbackOutcome,
    Payment,
    PaymentAlreadyMade,
    PaymentProvider,
    PaymentRequest,
    PaymentSignatureInvalid,
    PaymentState,
    Received,
    judge_authorisation,
    judge_callback,
)
from kernel.payments.refunds import RefundOrder, request_refunds
from kernel.payments.store import (
    late_account,
    payment_from,
    receipt,
    refund_account,
    request_rows,
    select_payments,
)
from kernel.payments.tables import payment_callbacks, payments
from kernel.work import Work

TOKEN_LENGTH_MAX = 2000
BODY_LENGTH_MAX = 20_000


def request_payments(work: Work, requests: Sequence[PaymentRequest]) -> list[Payment]:
    """Ask for payments: pending rows, written in one statement, in the order of the requests."""
    rows = request_rows(work, requests)
    db.insert_many(work.connection, payments, rows)
    return [payment_from(row) for row in rows]


def read_authorisation(providers: Mapping[str, PaymentProvider], token: str) -> Authorisation:
    """Read a token `<provider>.<rest>` that came with a request; touches no storage.

    Refuses PaymentSignatureInvalid for an unknown provider, a wrong signature and what is no token at all.
    """
    name, _, _ = token[:TOKEN_LENGTH_MAX].partition(".")
    if name not in providers or len(token) > TOKEN_LENGTH_MAX:
        raise PaymentSignatureInvalid(", ".join(providers))
    return providers[name].read_authorisation(token)


def receive_authorised(work: Work, offers: Sequence[tuple[PaymentRequest, Authorisation]]) -> list[Payment | Refusal]:
    """Take authorised money at once: rows `received` in one statement; a refused one spoils no other.

    The provider is asked for the money itself by the worker (`capture_due`), after the commit. Refuses another
    amount, another account, one that ran out, and a reference that was used before (also by another process).
    """
    outcomes: list[Payment | Refusal | None] = [
        judge_authorisation(request, given, now=work.now) for request, given in offers
    ]
    good = [index for index, outcome in enumerate(outcomes) if outcome is None]
    rows = dict(zip(good, request_rows(work, [offers[index][0] for index in good]), strict=True))
    for index, row in rows.items():
        _, given = offers[index]
        row |= {
            "provider": given.provider,
            "state": PaymentState.RECEIVED.value,
            "provider_reference": given.provider_reference,
            "instrument": given.instrument,
            "received_at": work.now,
        }
    # Sorted, so that two processes with the same references never wait for each other in a circle.
    ordered = sorted(rows.values(), key=lambda row: (row["provider"], row["provider_reference"], row["id"]))
    taken = db.insert_new(work.connection, payments, ordered, returning="id")
    for index, row in rows.items():
        outcomes[index] = payment_from(row) if row["id"] in taken else PaymentAlreadyMade()
    return [outcome for outcome in outcomes if outcome is not None]


def receive_callback(work: Work, provider: PaymentProvider, headers: Mapping[str, str], body: bytes) -> Received:
    """Take a provider's signed message; the caller lets the room act on `received` in this same change.

    Refuses a wrong signature and an unknown payment. Money that does not fit the payment (short, over, another
    currency, a second time) is not raised, because it has arrived: it is kept as a payment of its own, booked to
    `late:<that payment>` and sent back, and `Received.refusal` says why (`PaymentAmountMismatch`,
    `PaymentAlreadyMade`). Late money goes the same way under the payment's own id.
    """
    if len(body) > BODY_LENGTH_MAX:
        raise PaymentSignatureInvalid(provider.name)
    callback = provider.read_callback(headers, body, now=work.now)
    payment = _payment_of(work, provider.name, callback)
    own = work.acting(system(BrandId(payment.brand_id)))
    known = _outcome_known(own, provider.name, callback, payment)
    if known is not None:
        return Received(payment, known)
    outcome, refusal = judge_callback(payment, callback, now=work.now)
    _note(own, provider.name, callback, outcome)
    match outcome:
        case "received":
            payment = _fill(own, payment, provider.name, callback)
        case "late":
            payment = send_back(own, _fill(own, payment, provider.name, callback), "late")
        case "returned":
            send_back(own, _stray(own, payment, provider.name, callback), "does_not_fit")
        case "declined":
            payment, missing = decline(own, payment, "told by the provider")
            return Received(payment, outcome, missing=missing)
        case "charged_back":
            payment, missing = charge_back(own, payment)
            return Received(payment, outcome, missing=missing)
        case "failed":
            _set_failed(own, payment)
            payment = replace(payment, state=PaymentState.FAILED)
        case "repeated" | "ignored":
            pass
    return Received(payment, outcome, refusal)


def close_payments(work: Work, payment_ids: Sequence[str]) -> None:
    """End unpaid payments now (their subject is gone): money that still comes for them is late and goes back."""
    if payment_ids:
        work.connection.execute(
            update(payments)
            .where(
                db.among(payments.c.id, payment_ids),
                payments.c.brand_id == work.actor.brand_id,
                payments.c.received_at.is_(None),
                payments.c.expires_at > work.now,
            )
            .values(expires_at=work.now)
        )


def _payment_of(work: Work, provider: str, callback: Callback) -> Payment:
    """Load the payment that a message is about; a charge back is about the one that its money was put into."""
    if callback.kind == "charged_back":
        found = select(payments.c.id).where(
            payments.c.provider == provider, payments.c.provider_reference == callback.provider_reference
        )
        return _locked(work, work.connection.execute(found).scalar() or callback.payment_id)
    return _locked(work, callback.payment_id)


def _locked(work: Work, payment_id: str) -> Payment:
    """Load the payment and keep every other callback for it waiting until this change is over."""
    row = work.connection.execute(select_payments().where(payments.c.id == payment_id).with_for_update()).mappings()
    found = row.first()
    if found is None:
        raise NotFound("payment")
    return payment_from(found)


def _outcome_known(work: Work, provider: str, callback: Callback, payment: Payment) -> CallbackOutcome | None:
    """Recognise a message that came before, and money that another row has already taken in or that has gone again."""
    calls = payment_callbacks.c
    again = select(calls.outcome).where(calls.provider == provider, calls.message_id == callback.message_id)
    if work.connection.execute(again).first() is not None:
        return "repeated"
    if callback.kind == "captured":
        other = select(payments.c.id).where(
            payments.c.provider == provider,
            payments.c.provider_reference == callback.provider_reference,
            payments.c.id != payment.id,
        )
        gone = select(calls.outcome).where(
            calls.provider == provider,
            calls.provider_reference == callback.provider_reference,
            calls.kind == "charged_back",
        )
        if any(work.connection.execute(one).first() is not None for one in (other, gone)):
            return "repeated"
    return None


def _note(work: Work, provider: str, callback: Callback, outcome: CallbackOutcome) -> None:
    work.connection.execute(
        payment_callbacks.insert().values(
            provider=provider,
            message_id=callback.message_id,
            payment_id=callback.payment_id,
            kind=callback.kind,
            provider_reference=callback.provider_reference,
            amount_minor=callback.amount.minor,
            currency=callback.amount.currency,
            outcome=outcome,
            at=work.now,
        )
    )


def _fill(work: Work, payment: Payment, provider: str, callback: Callback) -> Payment:
    """Put the money that came into the payment it was asked for."""
    work.connection.execute(
        update(payments)
        .where(payments.c.id == payment.id)
        .values(
            provider=provider,
            state=PaymentState.RECEIVED.value,
            provider_reference=callback.provider_reference,
            instrument=callback.instrument,
            received_at=work.now,
            captured_at=work.now,
        )
    )
    return replace(
        payment,
        provider=provider,
        state=PaymentState.RECEIVED,
        provider_reference=callback.provider_reference,
        captured=True,
    )


def _stray(work: Work, payment: Payment, provider: str, callback: Callback) -> Payment:
    """Keep money that fits nothing as a payment of its own about the payment it was sent for."""
    request = PaymentRequest(
        payment.brand_id, payment.account_id, STRAY, payment.id, callback.amount, expires_at=work.now
    )
    (row,) = request_rows(work, [request])
    row |= {
        "provider": provider,
        "state": PaymentState.RECEIVED.value,
        "provider_reference": callback.provider_reference,
        "instrument": callback.instrument,
        "received_at": work.now,
        "captured_at": work.now,
    }
    db.insert_many(work.connection, payments, [row])
    return payment_from(row)


def send_back(work: Work, payment: Payment, reason: str) -> Payment:
    """Book money that came and cannot be taken, and ask for its return; once a payment.

    A room calls this for a payment whose subject is gone: the change that ended it may have begun later and still
    have come first.
    """
    late = late_account(payment.id)
    book(
        work,
        receipt(payment, kind="late_received", to=late),
        Transfer("late_returned", payment.id, late, refund_account(payment.id), payment.amount),
    )
    return request_refunds(work, [RefundOrder(payment.id, reason)])[0]


def _set_failed(work: Work, payment: Payment) -> None:
    work.connection.execute(update(payments).where(payments.c.id == payment.id).values(state=PaymentState.FAILED.value))
