"""Payments loaded and saved, many rows a statement, and the names of the ledger accounts they pass through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, select

from kernel import db
from kernel.ledger import AccountName, Transfer, account
from kernel.money import Money
from kernel.payments.model import Payment, PaymentRequest, PaymentState
from kernel.payments.tables import payments
from kernel.work import Work

_COLUMNS = (
    payments.c.id,
    payments.c.brand_id,
    payments.c.account_id,
    payments.c.purpose,
    payments.c.subject_id,
    payments.c.provider,
    payments.c.amount_minor,
    payments.c.currency,
    payments.c.state,
    payments.c.provider_reference,
    payments.c.created_at,
    payments.c.expires_at,
    payments.c.captured_at,
)


def select_payments() -> Select[Any]:
    """Select what `payment_from` reads."""
    return select(*_COLUMNS)


def payment_from(row: RowMapping | dict[str, Any]) -> Payment:
    """Read one row."""
    return Payment(
        id=row["id"],
        brand_id=row["brand_id"],
        account_id=row["account_id"],
        purpose=row["purpose"],
        subject_id=row["subject_id"],
        provider=row["provider"],
        amount=Money(row["amount_minor"], row["currency"]),
        state=PaymentState(row["state"]),
        provider_reference=row["provider_reference"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        captured=row["captured_at"] is not None,
    )


def request_rows(work: Work, requests: Sequence[PaymentRequest]) -> list[dict[str, Any]]:
    """Lay out requests as pending rows with fresh ids; every key is there, so that rows go in one statement."""
    return [
        _pending(work, new_id, request) for new_id, request in zip(work.new_ids(len(requests)), requests, strict=True)
    ]


def _pending(work: Work, new_id: str, request: PaymentRequest) -> dict[str, Any]:
    return {
        "id": new_id,
        "brand_id": request.brand_id,
        "account_id": request.account_id,
        "purpose": request.purpose,
        "subject_id": request.subject_id,
        "provider": "",
        "amount_minor": request.amount.minor,
        "currency": request.amount.currency,
        "state": PaymentState.PENDING.value,
        "provider_reference": None,
        "instrument": None,
        "created_at": work.now,
        "expires_at": request.expires_at,
        "received_at": None,
        "captured_at": None,
    }


def provider_account(provider: str, currency: str = "CNY") -> AccountName:
    """Name the account of what a provider holds for us; another currency than the yuan has one of its own."""
    return account("provider", provider if currency == "CNY" else f"{provider}.{currency}")


def receipt(payment: Payment, *, kind: str, to: AccountName) -> Transfer:
    """Make the transfer with which a room books money that came: from the provider's account to `to`.

    Its reference is the payment's id, so the same payment is booked under a kind at most once.
    """
    assert payment.provider, "money that has not come cannot be booked"
    return Transfer(kind, payment.id, provider_account(payment.provider, payment.amount.currency), to, payment.amount)


def refund_account(payment_id: str) -> AccountName:
    """Name the account of money on its way back: the room books into it, the confirmed refund books out of it."""
    return account("refund", payment_id)


def late_account(payment_id: str) -> AccountName:
    """Name the account of money that came and could not be taken."""
    return account("late", payment_id)


def uncollected_account(payment_id: str) -> AccountName:
    """Name the account of money that was counted, spent and never came: a debit there is a claim on who paid it."""
    return account("uncollected", payment_id)


def payments_of(work: Work, subject_ids: Sequence[str]) -> dict[str, list[Payment]]:
    """Return the payments of the actor's brand for each subject, oldest first; an empty list where there are none."""
    found: dict[str, list[Payment]] = {subject_id: [] for subject_id in subject_ids}
    if found:
        statement = (
            select_payments()
            .where(db.among(payments.c.subject_id, found), payments.c.brand_id == work.actor.brand_id)
            .order_by(payments.c.id)
        )
        for row in work.connection.execute(statement).mappings():
            found[row["subject_id"]].append(payment_from(row))
    return found
