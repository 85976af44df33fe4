"""A payment's life and what a provider of payments must offer; pure values and the one decision on a callback.

A payment is asked for by a room for one subject (a pre-order, an order's balance) and goes
pending -> received -> refunding -> refunded, or pending -> failed. Money that really arrived is never ignored: what
cannot be taken (late, short, over, in another currency, paid twice) is booked apart and sent back by itself. Money that
was authorised and counted, but that the provider declines to hand over for good, makes a payment declined; money that
came and that the payer's bank takes back later makes it charged back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, Protocol, TypeAlias

from kernel.errors import Refusal
from kernel.money import Money


class PaymentState(StrEnum):
    """Where a payment stands; `refunding` and `refunded` only follow `received` money.

    `declined` (the money never came) and `charged_back` (it was taken back) end each of the three.
    """

    PENDING = "pending"
    RECEIVED = "received"
    FAILED = "failed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    DECLINED = "declined"
    CHARGED_BACK = "charged_back"


HAS_MONEY: Final = frozenset({PaymentState.RECEIVED, PaymentState.REFUNDING, PaymentState.REFUNDED})
STRAY: Final = "stray"
"""The purpose of money that came for a payment and fits nothing: a payment of its own whose subject is that payment."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a room asks a person to pay: `purpose` is the room's word (`deposit`), `subject_id` what it is for."""

    brand_id: str
    account_id: str
    purpose: str
    subject_id: str
    amount: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; `provider` is empty and `provider_reference` None until money was offered or came.

    `captured` says that the provider has handed the money over; an authorised payment counts before that.
    """

    id: str
    brand_id: str
    account_id: str
    purpose: str
    subject_id: str
    provider: str
    amount: Money
    state: PaymentState
    provider_reference: str | None
    created_at: datetime
    expires_at: datetime
    captured: bool = False


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A provider's signed word that it will hand over `amount` when asked to before `expires_at`.

    `instrument` is a keyed hash of the card or wallet: the same one looks the same, and no more is known of it.
    """

    provider: str
    provider_reference: str
    amount: Money
    account_id: str
    instrument: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Callback:
    """What a provider tells by a signed message; `message_id` is the same when the message is sent again.

    `charged_back` names the reference of money that had come and that the payer's bank has taken back.
    """

    message_id: str
    kind: Literal["captured", "failed", "charged_back"]
    payment_id: str
    provider_reference: str
    amount: Money
    instrument: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Capture:
    """An authorised amount that the provider is now asked to hand over to the brand's merchant account."""

    brand_id: str
    provider_reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of the provider's own books: `refund_id` is set on a refund; the amount is always positive."""

    kind: Literal["capture", "refund", "chargeback"]
    provider_reference: str
    refund_id: str | None
    amount: Money
    at: datetime


class ProviderUnavailable(Exception):
    """The provider cannot be reached or answers with an error of its own; the step is tried again later."""


class MoneyTakenBack(ProviderUnavailable):
    """The payer's bank has taken the money back, so that it cannot be sent back and was not."""


class PaymentProvider(Protocol):
    """A payment provider. Every call may be repeated: the second one changes nothing and answers the same."""

    @property
    def name(self) -> str: ...

    def read_authorisation(self, token: str) -> Authorisation:
        """Check the signature of a token and read it; refuses PaymentSignatureInvalid. Touches nothing."""
        ...

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Callback:
        """Check the signature and age of a callback and read it; refuses PaymentSignatureInvalid."""
        ...

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        """Ask for authorised money; idempotent by provider reference.

        Returns those declined for good, by provider reference, with the reason in a few words: that money will never
        come. All others were handed over. What may succeed later raises ProviderUnavailable.
        """
        ...

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        """Send money back; idempotent by refund id. Raises MoneyTakenBack where the payer's bank was first."""
        ...

    def statement(self, brand_id: str, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        """Return the lines of a brand's merchant account with `since <= at < until`."""
        ...


CallbackOutcome: TypeAlias = Literal[
    "received", "repeated", "late", "failed", "ignored", "returned", "declined", "charged_back"
]


@dataclass(frozen=True, slots=True)
class Received:
    """What a callback led to.

    `received`: the payment has its money now, the room books it in this same change. `repeated`: known already.
    `late`: it came after the payment's end and goes back. `returned`: it did not fit (see `refusal`) and goes back,
    the payment itself is as it was. `failed`: the payment failed; it may still be paid until its end. `ignored`: a
    failure told of after the money had come, or a charge back of money that never got here; noted, nothing changed.
    `declined`: the authorised money that was counted will never come; `charged_back`: the money was taken back; of both
    the room gives up `missing`, what it has booked and the kernel could not take back itself.
    """

    payment: Payment
    outcome: CallbackOutcome
    refusal: Refusal | None = None
    missing: Money | None = None


@dataclass(unsafe_hash=True)
class PaymentSignatureInvalid(Refusal):
    """A token or a callback was not signed by the provider, was altered, or is too old."""

    code = "PAYMENT_SIGNATURE_INVALID"
    en = "This payment message is not signed by {provider} or is out of date. Start the payment again."
    zh = "该支付信息未通过{provider}签名验证或已过期，请重新发起支付。"
    provider: str


@dataclass(unsafe_hash=True)
class PaymentAmountMismatch(Refusal):
    """Another amount or currency came than was asked for; what arrived goes back in full."""

    code = "PAYMENT_AMOUNT_MISMATCH"
    en = "{expected} was to be paid, {arrived} was sent. Whatever was taken goes back; pay exactly {expected}."
    zh = "应付{expected}，实付{arrived}。如已扣款将原路退回，请按{expected}支付。"
    expected: Money
    arrived: Money


@dataclass(unsafe_hash=True)
class PaymentAlreadyMade(Refusal):
    """The payment has its money already, or this authorisation has been used; nothing is taken twice."""

    code = "PAYMENT_ALREADY_MADE"
    en = "This has been paid already. A second payment is not taken, or goes back."
    zh = "该款项已支付，重复支付不予收取或将原路退回。"


@dataclass(unsafe_hash=True)
class AuthorisationNotYours(Refusal):
    """The authorisation was given by another account."""

    code = "AUTHORISATION_NOT_YOURS"
    en = "This payment was authorised by another account. Authorise it from your own."
    zh = "该支付授权不属于当前账户，请使用本人账户授权。"


@dataclass(unsafe_hash=True)
class AuthorisationExpired(Refusal):
    """The authorisation ran out before it was used; no money was taken."""

    code = "AUTHORISATION_EXPIRED"
    en = "The payment authorisation ended at {expired_at}. Authorise the payment again; no money was taken."
    zh = "支付授权已于{expired_at}失效，请重新授权，未产生扣款。"
    expired_at: datetime


def judge_authorisation(request: PaymentRequest, given: Authorisation, *, now: datetime) -> Refusal | None:
    """Say why an authorisation cannot pay for a request, or None."""
    if given.account_id != request.account_id:
        return AuthorisationNotYours()
    if given.amount != request.amount:
        return PaymentAmountMismatch(request.amount, given.amount)
    if given.expires_at <= now:
        return AuthorisationExpired(given.expires_at)
    return None


def judge_callback(payment: Payment, callback: Callback, *, now: datetime) -> tuple[CallbackOutcome, Refusal | None]:
    """Decide what a callback means for a payment that has not seen this provider reference in another row.

    Order does not matter: a failure never undoes money that came, and money that comes after a failure counts until
    the payment's end.
    """
    has_money = payment.state in HAS_MONEY
    same = payment.provider_reference == callback.provider_reference
    if callback.kind == "charged_back":
        return _judge_charge_back(payment, callback), None
    if payment.state in (PaymentState.DECLINED, PaymentState.CHARGED_BACK):
        # Other money may still come for it and goes back; what the provider itself took back, it does not hand over.
        return ("returned", PaymentAlreadyMade()) if callback.kind == "captured" and not same else ("repeated", None)
    if callback.kind == "failed":
        if has_money:
            return ("declined" if same and not payment.captured else "ignored"), None
        return ("repeated" if payment.state is PaymentState.FAILED else "failed"), None
    if has_money:
        return ("repeated", None) if same else ("returned", PaymentAlreadyMade())
    if callback.amount != payment.amount:
        return "returned", PaymentAmountMismatch(payment.amount, callback.amount)
    return ("received" if now < payment.expires_at else "late"), None


def _judge_charge_back(payment: Payment, callback: Callback) -> CallbackOutcome:
    """Only the whole of money that is here can be charged back; any other amount is left to the reconciliation."""
    if payment.provider_reference != callback.provider_reference:
        return "ignored"
    if payment.state not in HAS_MONEY:
        return "repeated"
    return "charged_back" if callback.amount == payment.amount else "ignored"
