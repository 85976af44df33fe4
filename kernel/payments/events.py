"""What happened to payments: money asked back, money that went back, money that was lost."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event
from kernel.money import Money


@event("kernel.refund_requested")
@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """Money is going back; `reason` is a stable word such as `late` or `withdrawn`."""

    payment_id: str
    account_id: str
    purpose: str
    subject_id: str
    amount: Money
    reason: str


@event("kernel.payment_refunded")
@dataclass(frozen=True, slots=True)
class PaymentRefunded(Event):
    """The provider has sent the money back."""

    payment_id: str
    account_id: str
    purpose: str
    subject_id: str
    amount: Money
    reason: str


@event("kernel.payment_declined")
@dataclass(frozen=True, slots=True)
class PaymentDeclined(Event):
    """The provider will never hand over money that was authorised and counted."""

    payment_id: str
    account_id: str
    purpose: str
    subject_id: str
    amount: Money
    why: str


@event("kernel.payment_charged_back")
@dataclass(frozen=True, slots=True)
class PaymentChargedBack(Event):
    """The payer's bank has taken money back that had come."""

    payment_id: str
    account_id: str
    purpose: str
    subject_id: str
    amount: Money
