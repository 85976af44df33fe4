"""Payments: money asked for, authorised, received and sent back through providers; rooms book what it is for.

A room asks (`request_payments`) or takes an authorisation (`receive_authorised`), books what came with `receipt`, and
books what goes back into `refund_account(payment.id)` with `request_refund`. The worker runs `capture_due` and
`carry_out_refunds`. Where a provider declines authorised money for good, or the payer's bank takes it back, the room
gives it up with `take_back`. The surface is what this package exports; its modules are nobody else's business.
"""

from kernel.payments.captures import capture_due
from kernel.payments.events import PaymentChargedBack, PaymentDeclined, PaymentRefunded, RefundRequested
from kernel.payments.lost import LostUse, settle_lost, take_back, undone
from kernel.payments.model import (
    Authorisation,
    AuthorisationExpired,
    AuthorisationNotYours,
    Callback,
    CallbackOutcome,
    Capture,
    MoneyTakenBack,
    Payment,
    PaymentAlreadyMade,
    PaymentAmountMismatch,
    PaymentProvider,
    PaymentRequest,
    PaymentSignatureInvalid,
    PaymentState,
    ProviderUnavailable,
    Received,
    StatementLine,
)
from kernel.payments.receiving import (
    close_payments,
    read_authorisation,
    receive_authorised,
    receive_callback,
    request_payments,
    send_back,
)
from kernel.payments.refunds import (
    RefundOrder,
    carry_out_refunds,
    is_going_back,
    refund_of,
    request_refund,
    request_refunds,
)
from kernel.payments.store import (
    late_account,
    payments_of,
    provider_account,
    receipt,
    refund_account,
    uncollected_account,
)

__all__ = [
    "Authorisation",
    "AuthorisationExpired",
    "AuthorisationNotYours",
    "Callback",
    "CallbackOutcome",
    "Capture",
    "LostUse",
    "MoneyTakenBack",
    "Payment",
    "PaymentAlreadyMade",
    "PaymentAmountMismatch",
    "PaymentChargedBack",
    "PaymentDeclined",
    "PaymentProvider",
    "PaymentRefunded",
    "PaymentRequest",
    "PaymentSignatureInvalid",
    "PaymentState",
    "ProviderUnavailable",
    "Received",
    "RefundOrder",
    "RefundRequested",
    "StatementLine",
    "capture_due",
    "carry_out_refunds",
    "close_payments",
    "is_going_back",
    "late_account",
    "payments_of",
    "provider_account",
    "read_authorisation",
    "receipt",
    "receive_authorised",
    "receive_callback",
    "refund_account",
    "refund_of",
    "request_payments",
    "request_refund",
    "request_refunds",
    "send_back",
    "settle_lost",
    "take_back",
    "uncollected_account",
    "undone",
]
