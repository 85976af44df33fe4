"""What is to be paid and was paid; and, in the demo, a wallet that pays it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import strawberry

from graph.access import input_type, object_type
from graph.context import Request
from graph.identifiers import read_id, write_id
from graph.operations import mutation
from graph.payment_door import take_callback
from graph.types.money import Money, MoneyInput, read_money, show_money
from kernel import payments
from kernel.actor import Permission
from kernel.errors import InvalidInput, NotFound
from kernel.payments import PaymentAlreadyMade, PaymentState
from kernel.reasons import because
from kernel.sandbox import DECLINED_PREFIX, Sandbox
from kernel.work import Work

AUTHORISATION_LASTS: Final = timedelta(hours=1)
WALLET_LENGTH_MAX: Final = 80
EMPTY_WALLET: Final = "empty"
strawberry.enum(PaymentState, description="Where a payment stands.")


@object_type(reads=Permission.OWN_READ)
class Payment:
    """A payment that was asked for: what for, how much, until when, and where it stands."""

    id: strawberry.ID
    purpose: str
    amount: Money
    state: PaymentState
    provider: str
    created_at: datetime
    expires_at: datetime


@object_type(reads=Permission.OWN_READ)
class SandboxAuthorisation:
    """A token with which the brand may take the amount once; hand it in with a pre-order or a balance."""

    token: str
    expires_at: datetime


@input_type(takes=Permission.OWN_WRITE)
class AuthoriseInSandboxInput:
    """What the demo's wallet is to authorise. The wallet `empty` authorises everything and then has nothing to give."""

    amount: MoneyInput
    wallet: str = "demo"


@input_type(takes=Permission.OWN_WRITE)
class PayInSandboxInput:
    """What the demo's wallet is to pay for: one pre-order (the order later), one backing, or one stock car."""

    pre_order_id: strawberry.ID | None = None
    backing_id: strawberry.ID | None = None
    stock_purchase_id: strawberry.ID | None = None
    wallet: str = "demo"


def show_payment(one: payments.Payment) -> Payment:
    """Return a payment."""
    return Payment(
        id=write_id("Payment", one.id),
        purpose=one.purpose,
        amount=show_money(one.amount),
        state=one.state,
        provider=one.provider,
        created_at=one.created_at,
        expires_at=one.expires_at,
    )


def load_payments(work: Work, subject_ids: list[str]) -> dict[str, list[Payment]]:
    """Return the actor's own payments by what they are for."""
    account_id = work.actor.account_id
    found = payments.payments_of(work, subject_ids)
    return {
        subject: [show_payment(one) for one in ones if one.account_id == account_id] for subject, ones in found.items()
    }


@mutation(does=Permission.OWN_WRITE, result="AuthoriseInSandboxResult")
def authorise_in_sandbox(request: Request, input: AuthoriseInSandboxInput) -> SandboxAuthorisation:  # noqa: A002
    """Let the demo's wallet authorise an amount. Only the demo has such a wallet."""
    sandbox = _sandbox(request)
    amount = read_money(input.amount, "amount")
    if amount.minor <= 0:
        raise InvalidInput("amount", because("AMOUNT_ABOVE_ZERO"))
    works = request.services.works
    now = works.clock.now()
    expires_at = now + AUTHORISATION_LASTS
    token = sandbox.authorise(
        account_id=request.actor.signed_in(),
        amount=amount,
        reference=f"{DECLINED_PREFIX if input.wallet == EMPTY_WALLET else 'auth_'}{works.ids.new(now)}",
        wallet=_wallet(input.wallet),
        expires_at=expires_at,
    )
    return SandboxAuthorisation(token=token, expires_at=expires_at)


@mutation(does=Permission.OWN_WRITE, refuses=(PaymentAlreadyMade,), result="PayInSandboxResult")
def pay_in_sandbox(request: Request, input: PayInSandboxInput) -> Payment:  # noqa: A002  # the API's word
    """Let the demo's wallet pay what is open for a pre-order, its order, or a backing; the provider then calls back."""
    sandbox = _sandbox(request)
    subject = _subject(input)
    services = request.services
    with services.works.read(request.actor) as work:
        own = _own(work, subject)
    pending = [one for one in own if one.state is PaymentState.PENDING]
    if not pending:
        raise PaymentAlreadyMade if any(one.state is PaymentState.RECEIVED for one in own) else NotFound("payment")
    message = sandbox.pay(
        brand_id=request.actor.brand_id,
        payment_id=pending[-1].id,
        amount=pending[-1].amount,
        reference=f"pay_{pending[-1].id}",
        wallet=_wallet(input.wallet),
    )
    take_callback(services, sandbox.name, message.headers, message.body)
    with services.works.read(request.actor) as work:
        return next(show_payment(one) for one in _own(work, subject) if one.id == pending[-1].id)


def _subject(given: PayInSandboxInput) -> str:
    """Return the raw id of what is to be paid; refuses InvalidInput unless one thing of the right kind is named."""
    kinds: tuple[str, ...]
    match given.pre_order_id, given.backing_id, given.stock_purchase_id:
        case str(text), None, None:
            name, kinds = "preOrderId", ("PreOrder", "Order")
        case None, str(text), None:
            name, kinds = "backingId", ("Backing",)
        case None, None, str(text):
            name, kinds = "stockPurchaseId", ("StockPurchase",)
        case _:
            raise InvalidInput("preOrderId", because("ONE_SUBJECT"))
    named = read_id(text)
    if named is not None and named[0] not in kinds:
        raise InvalidInput(name, because("OTHER_KIND", kind=named[0], wanted=kinds))
    return "none" if named is None else named[1]


def _own(work: Work, subject: str) -> list[payments.Payment]:
    account_id = work.actor.signed_in()
    return [one for one in payments.payments_of(work, [subject]).get(subject, ()) if one.account_id == account_id]


def _sandbox(request: Request) -> Sandbox:
    """Return the demo's wallet; outside the demo there is none."""
    if request.services.demo:
        for provider in request.services.providers.values():
            if isinstance(provider, Sandbox):
                return provider
    raise NotFound("provider")


def _wallet(text: str) -> str:
    if not 1 <= len(text) <= WALLET_LENGTH_MAX:
        raise InvalidInput("wallet", because("LENGTH", most=WALLET_LENGTH_MAX))
    return text
