"""Money on its way back to who paid it, by the worker.

The provider is called outside any transaction. A step is leased first, done at the provider under its own id, then
settled; a crash anywhere means that it is done again, and the provider answers the second call like the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import bindparam, select, update

from kernel import db
from kernel.actor import system
from kernel.errors import Conflict, NotFound
from kernel.ids import BrandId
from kernel.ledger import Transfer, balances, book_for
from kernel.money import Money
from kernel.payments.events import PaymentRefunded, RefundRequested
from kernel.payments.model import (
    HAS_MONEY,
    MoneyTakenBack,
    Payment,
    PaymentProvider,
    PaymentState,
    ProviderUnavailable,
)
from kernel.payments.store import (
    payment_from,
    provider_account,
    refund_account,
    select_payments,
    uncollected_account,
)
from kernel.payments.tables import payments, refunds
from kernel.reasons import because
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
BATCH_MAX: Final = 200
RETRY_MAX: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """One payment to give back, in full or in part; `reason` is a stable word of up to 40 characters."""

    payment_id: str
    reason: str
    amount: Money | None = None


def request_refund(work: Work, payment_id: str, reason: str, *, amount: Money | None = None) -> Payment:
    """Ask for a payment's return; asking again changes nothing.

    The room books what goes back into `refund:<payment>` in the same change; the worker pays out only what stands
    there. Refuses NotFound, and Conflict for a payment without money.
    """
    return request_refunds(work, [RefundOrder(payment_id, reason, amount)])[0]


def request_refunds(work: Work, orders: Sequence[RefundOrder]) -> list[Payment]:
    """Ask for the return of many payments of the actor's brand, each once, in a few statements."""
    found = _load(work, [order.payment_id for order in orders])
    rows = []
    for order in orders:
        payment = found.get(order.payment_id)
        if payment is None:
            raise NotFound("payment")
        if payment.state not in HAS_MONEY:
            raise Conflict("payment", because("NO_MONEY"))
        amount = order.amount or payment.amount
        assert amount.currency == payment.amount.currency
        assert 0 < amount.minor <= payment.amount.minor, "more cannot go back than came"
        rows.append(_refund_row(work, order, amount))
    fresh = db.insert_new(work.connection, refunds, rows, returning="payment_id")
    work.connection.execute(
        update(payments).where(db.among(payments.c.id, fresh)).values(state=PaymentState.REFUNDING.value)
    )
    for row in rows:
        payment = found[row["payment_id"]]
        if payment.id in fresh and payment.state is PaymentState.RECEIVED:
            found[payment.id] = replace(payment, state=PaymentState.REFUNDING)
            work.record(RefundRequested(**_news(payment, row["amount_minor"], row["reason"])))
    return [found[order.payment_id] for order in orders]


def _refund_row(work: Work, order: RefundOrder, amount: Money) -> dict[str, Any]:
    return {
        "payment_id": order.payment_id,
        "amount_minor": amount.minor,
        "reason": order.reason[:40],
        "requested_at": work.now,
        "due_at": work.now,
    }


def _news(payment: Payment, amount_minor: int, reason: str) -> dict[str, Any]:
    return {
        "brand_id": payment.brand_id,
        "payment_id": payment.id,
        "account_id": payment.account_id,
        "purpose": payment.purpose,
        "subject_id": payment.subject_id,
        "amount": Money(amount_minor, payment.amount.currency),
        "reason": reason,
    }


def _load(work: Work, payment_ids: Sequence[str]) -> dict[str, Payment]:
    if not payment_ids:
        return {}
    statement = (
        select_payments()
        .where(db.among(payments.c.id, payment_ids), payments.c.brand_id == work.actor.brand_id)
        .order_by(payments.c.id)
        .with_for_update()
    )
    return {row["id"]: payment_from(row) for row in work.connection.execute(statement).mappings()}


@dataclass(frozen=True, slots=True)
class _Leased:
    payment: Payment
    amount: Money
    reason: str


def carry_out_refunds(works: Works, providers: Mapping[str, PaymentProvider], *, batch_max: int = BATCH_MAX) -> int:
    """Send back what is due; returns how many refunds were settled.

    A refund is paid only once its money stands on `refund:<payment>`, and only after the payment was captured.
    """
    leased = _lease(works, providers, batch_max)
    done: list[_Leased] = []
    failed: dict[str, str] = {}
    void: list[str] = []
    for one in leased:
        try:
            reference = one.payment.provider_reference
            assert reference is not None
            providers[one.payment.provider].refund(one.payment.id, reference, one.amount)
            done.append(one)
        except ProviderUnavailable as error:
            if isinstance(error, MoneyTakenBack) and one.payment.state is PaymentState.CHARGED_BACK:
                void.append(one.payment.id)
                continue
            log.warning("refund_postponed", payment_id=one.payment.id, why=str(error))
            failed[one.payment.id] = str(error)[:80]
        except Exception as error:  # noqa: BLE001 - a provider's mistake over one refund must not hold up the others
            # The type alone: what a provider says of its mistake may hold what is personal.
            log.error("refund_broke", payment_id=one.payment.id, why=type(error).__name__)
            failed[one.payment.id] = type(error).__name__[:80]
    if leased:
        _settle(works, done, failed, void)
    return len(done)


def _lease(works: Works, providers: Mapping[str, PaymentProvider], batch_max: int) -> list[_Leased]:
    """Take due refunds for this worker: they are due again after a pause that doubles up to an hour."""
    due = (
        select_payments()
        .add_columns(refunds.c.amount_minor.label("refund_minor"), refunds.c.reason, refunds.c.attempts)
        .join(refunds, refunds.c.payment_id == payments.c.id)
        .where(payments.c.captured_at.isnot(None), db.among(db.beside(payments.c.provider), providers))
        .order_by(refunds.c.due_at, payments.c.id)
        .limit(batch_max)
    )
    with works.read(system(BrandId("platform"))) as work:
        if work.connection.execute(due.where(refunds.c.due_at <= work.now).limit(1)).first() is None:
            return []
    with works.change(system(BrandId("platform"))) as work:
        ready = due.where(refunds.c.due_at <= work.now).with_for_update(skip_locked=True, of=refunds)
        rows = work.connection.execute(ready).mappings().all()
        values = [
            {
                "b_id": row["id"],
                "b_attempts": row["attempts"] + 1,
                "b_due": work.now + min(timedelta(seconds=30 * 2.0 ** min(row["attempts"], 8)), RETRY_MAX),
            }
            for row in rows
        ]
        if values:
            work.connection.execute(
                update(refunds)
                .where(refunds.c.payment_id == bindparam("b_id"))
                .values(attempts=bindparam("b_attempts"), due_at=bindparam("b_due")),
                values,
            )
        leased = [
            _Leased(payment_from(row), Money(row["refund_minor"], row["currency"]), row["reason"]) for row in rows
        ]
        return _funded(work, leased)


def _funded(work: Work, leased: Sequence[_Leased]) -> list[_Leased]:
    """Keep those whose money has been booked out by their room; paying the others would overdraw an account.

    What was charged back is a claim by now, and only to be heard of whether it had been sent back too.
    """
    ready = []
    for brand_id in sorted({one.payment.brand_id for one in leased}):
        own = [one for one in leased if one.payment.brand_id == brand_id]
        acting = work.acting(system(BrandId(brand_id)))
        standing = balances(acting, [refund_account(one.payment.id) for one in own])
        for one in own:
            gone = one.payment.state is PaymentState.CHARGED_BACK
            if gone or standing[refund_account(one.payment.id)] >= one.amount.minor:
                ready.append(one)
            else:
                log.error("refund_without_money_booked", payment_id=one.payment.id)
    return ready


def _settle(works: Works, done: Sequence[_Leased], failed: Mapping[str, str], void: Sequence[str]) -> None:
    """Book what the provider confirmed, each refund once, also when two workers carried it out."""
    with works.change(system(BrandId("platform"))) as work:
        if void:
            open_ones = db.among(refunds.c.payment_id, void), refunds.c.refunded_at.is_(None)
            work.connection.execute(update(refunds).where(*open_ones).values(due_at=None, voided_at=work.now))
        for payment_id, why in failed.items():
            work.connection.execute(update(refunds).where(refunds.c.payment_id == payment_id).values(last_error=why))
        settled = set(
            work.connection.execute(
                update(refunds)
                .where(
                    db.among(refunds.c.payment_id, [one.payment.id for one in done]), refunds.c.refunded_at.is_(None)
                )
                .values(refunded_at=work.now, due_at=None, last_error=None, voided_at=None)
                .returning(refunds.c.payment_id)
            ).scalars()
        )
        fresh = [one for one in done if one.payment.id in settled]
        kept = set(
            work.connection.execute(
                update(payments)
                .where(db.among(payments.c.id, settled), payments.c.state != PaymentState.CHARGED_BACK.value)
                .values(state=PaymentState.REFUNDED.value)
                .returning(payments.c.id)
            ).scalars()
        )
        book_for(work, [(one.payment.brand_id, _way_out(one, here=one.payment.id in kept)) for one in fresh])
        for one in fresh:
            work.record(PaymentRefunded(**_news(one.payment, one.amount.minor, one.reason)))


def _way_out(one: _Leased, *, here: bool) -> Transfer:
    """Book a refund out of its account; out of a claim where the money was charged back while it was on its way."""
    back_to = provider_account(one.payment.provider, one.amount.currency)
    out_of = refund_account(one.payment.id) if here else uncollected_account(one.payment.id)
    return Transfer("refund_paid", one.payment.id, out_of, back_to, one.amount)


def is_going_back(work: Work, payment_id: str) -> bool:
    """Say whether a payment of the actor's brand is to be sent back and was not yet; locks its refund meanwhile."""
    statement = (
        select(refunds.c.due_at)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(payments.c.id == payment_id, payments.c.brand_id == work.actor.brand_id)
        .with_for_update(of=refunds)
    )
    return work.connection.execute(statement).scalar() is not None


def refund_of(work: Work, payment_id: str) -> Money | None:
    """Return the amount asked back for a payment of the actor's brand, or None."""
    statement = (
        select(refunds.c.amount_minor, payments.c.currency)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(payments.c.id == payment_id, payments.c.brand_id == work.actor.brand_id)
    )
    row = work.connection.execute(statement).first()
    return None if row is None else Money(row.amount_minor, row.currency)
