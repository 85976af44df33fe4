"""Money that was counted and is lost: declined for good before it came, or charged back by the payer's bank later.

Either way the payment's booking is undone whole, once, and the room of its purpose acts in the same change. What was
spent or sent back meanwhile is a claim on who paid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

import structlog
from sqlalchemy import func, select, update

from kernel.ledger import AccountName, Transfer, balance_to_spend, book
from kernel.money import Money
from kernel.payments.events import PaymentChargedBack, PaymentDeclined
from kernel.payments.model import HAS_MONEY, STRAY, Payment, PaymentState
from kernel.payments.store import late_account, provider_account, refund_account, uncollected_account
from kernel.payments.tables import payments, refunds
from kernel.work import Work

log = structlog.get_logger(__name__)
WHY_LENGTH_MAX: Final = 80

LostUse: TypeAlias = Callable[[Work, Payment, Money], object]
"""What a room does about a payment of its purpose whose money is lost, in the change that notes it: it ends what the
money was for and gives up the missing amount with `take_back`. The payment's state says how it was lost."""


def settle_lost(work: Work, uses: Mapping[str, LostUse], payment: Payment, missing: Money | None) -> None:
    """Let the room of a lost payment's purpose act on it, where anything of it is still booked."""
    if missing is None:
        return
    if payment.purpose == STRAY:
        take_back(work, payment, missing, out_of=late_account(payment.id))
    else:
        uses[payment.purpose](work, payment, missing)


def decline(work: Work, payment: Payment, why: str) -> tuple[Payment, Money | None]:
    """Note that a locked payment's money will never come; returns it with what is still booked as if it had.

    A refund that was asked for is void: what stands on its way back is taken off. The rest lies where its room put it.
    """
    assert payment.state in HAS_MONEY
    assert not payment.captured
    declined = replace(payment, state=PaymentState.DECLINED)
    work.connection.execute(
        update(payments)
        .where(payments.c.id == payment.id)
        .values(state=PaymentState.DECLINED.value, declined_at=work.now, declined_why=why[:WHY_LENGTH_MAX])
    )
    missing = _less_refund(work, declined)
    log.warning("payment_declined", payment_id=payment.id, purpose=payment.purpose)
    work.record(
        PaymentDeclined(
            payment.brand_id,
            payment.id,
            payment.account_id,
            payment.purpose,
            payment.subject_id,
            payment.amount,
            why[:WHY_LENGTH_MAX],
        )
    )
    return declined, missing


def charge_back(work: Work, payment: Payment) -> tuple[Payment, Money | None]:
    """Note that the payer's bank has taken a locked payment's money back; returns it with what is still booked.

    That it was taken back proves that it had come. A refund that was never tried is void; one that was, perhaps with
    success, is asked for again until the provider says which. What was sent back as well has gone twice and is a claim.
    """
    assert payment.state in HAS_MONEY
    charged = replace(payment, state=PaymentState.CHARGED_BACK, captured=True)
    work.connection.execute(
        update(payments)
        .where(payments.c.id == payment.id)
        .values(
            state=PaymentState.CHARGED_BACK.value,
            captured_at=func.coalesce(payments.c.captured_at, work.now),
            charged_back_at=work.now,
        )
    )
    missing = _less_refund(work, charged)
    log.warning("payment_charged_back", payment_id=payment.id, purpose=payment.purpose)
    work.record(
        PaymentChargedBack(
            payment.brand_id, payment.id, payment.account_id, payment.purpose, payment.subject_id, payment.amount
        )
    )
    return charged, missing


def take_back(work: Work, payment: Payment, missing: Money, *, out_of: AccountName) -> None:
    """Book lost money off the account it was booked to, as far as that reaches.

    What was spent meanwhile becomes a claim on `uncollected:<payment>`.
    """
    there = min(missing.minor, max(0, balance_to_spend(work, out_of)))
    if there:
        book(work, undone(payment, Money(there, missing.currency), out_of=out_of))
    if spent := missing.minor - there:
        claim = Money(spent, missing.currency)
        book(work, _way_back(f"{payment.state}_uncollected", payment, uncollected_account(payment.id), claim))


def undone(payment: Payment, missing: Money, *, out_of: AccountName) -> Transfer:
    """Make the transfer that undoes a receipt, also where the account is a claim that stands again afterwards."""
    assert payment.state in (PaymentState.DECLINED, PaymentState.CHARGED_BACK)
    return _way_back(payment.state.value, payment, out_of, missing)


def _less_refund(work: Work, payment: Payment) -> Money | None:
    """Take off what stands on its way back; returns what is left of the payment's amount, or None."""
    missing_minor = payment.amount.minor - _void_refund(work, payment)
    return Money(missing_minor, payment.amount.currency) if missing_minor else None


def _void_refund(work: Work, payment: Payment) -> int:
    """Take off what stands on its way back; returns how much that was, in minor units.

    The refund is void where it was never tried; the provider may have carried out one whose answer was lost.
    """
    amount_minor = work.connection.execute(
        select(refunds.c.amount_minor).where(refunds.c.payment_id == payment.id, refunds.c.refunded_at.is_(None))
    ).scalar()
    if amount_minor is None:
        return 0
    work.connection.execute(
        update(refunds)
        .where(refunds.c.payment_id == payment.id, refunds.c.attempts == 0)
        .values(due_at=None, voided_at=work.now)
    )
    amount = Money(amount_minor, payment.amount.currency)
    book(work, _way_back("refund_voided", payment, refund_account(payment.id), amount))
    return amount.minor


def _way_back(kind: str, payment: Payment, out_of: AccountName, amount: Money) -> Transfer:
    return Transfer(kind, payment.id, out_of, provider_account(payment.provider, amount.currency), amount)
