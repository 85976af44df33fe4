"""What the ground keeps of a person besides the account: what was told, and what was paid (see `personal`).

All of it is handed out, however much it is, a batch at a time. What was told is deleted on an erasure; payments stay
for the legal term, without what tells which card or wallet they came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import RowMapping, delete, select, update

from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.notices import notice_preferences, notices, read_notice
from kernel.payments.tables import payments, refunds
from kernel.registry import own_brand
from kernel.work import Work

BATCH: Final = 1_000


class KeptNotices:
    """The notices of a person."""

    name: ClassVar[str] = "notices"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return every notice in the language of who asks, oldest first."""
        zone = own_brand(work).zone
        told = [read_notice(row, work.actor.locale, zone) for row in _rows(work, notices, account_id)]
        return [
            {
                "kind": one.kind,
                "subject": one.subject,
                "body": one.body,
                "at": _text(one.at),
                "readAt": _text(one.read_at),
            }
            for one in told
        ]

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Block nothing."""
        return None

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Delete them, sent or not."""
        work.connection.execute(
            delete(notices).where(notices.c.brand_id == work.actor.brand_id, notices.c.account_id == account_id)
        )


class KeptPreferences:
    """What a person does not want to be told, and where."""

    name: ClassVar[str] = "noticePreferences"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return every choice, by kind and way."""
        table = notice_preferences.c
        found = (
            select(notice_preferences)
            .where(table.brand_id == work.actor.brand_id, table.account_id == account_id)
            .order_by(table.kind, table.channel)
        )
        return [
            {"kind": row.kind, "way": row.channel, "wanted": row.wanted, "at": _text(row.at)}
            for row in work.connection.execute(found)
        ]

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Block nothing."""
        return None

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Delete them."""
        table = notice_preferences.c
        own = (table.brand_id == work.actor.brand_id) & (table.account_id == account_id)
        work.connection.execute(delete(notice_preferences).where(own))


class KeptPayments:
    """The payments of a person, and what went back of them."""

    name: ClassVar[str] = "payments"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return every payment, oldest first."""
        return [
            {
                "id": row["id"],
                "purpose": row["purpose"],
                "subjectId": row["subject_id"],
                "provider": row["provider"],
                "amountMinor": row["amount_minor"],
                "currency": row["currency"],
                "state": row["state"],
                "askedAt": _text(row["created_at"]),
                "receivedAt": _text(row["received_at"]),
                "refund": self._refund(work, row["id"]),
            }
            for row in _rows(work, payments, account_id)
        ]

    @staticmethod
    def _refund(work: Work, payment_id: str) -> dict[str, Any] | None:
        row = work.connection.execute(select(refunds).where(refunds.c.payment_id == payment_id)).first()
        if row is None:
            return None
        return {
            "amountMinor": row.amount_minor,
            "reason": row.reason,
            "requestedAt": _text(row.requested_at),
            "refundedAt": _text(row.refunded_at),
        }

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Block nothing: what a payment is for does where it is still open."""
        return None

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Forget which card or wallet it was."""
        own = payments.c.brand_id == work.actor.brand_id, payments.c.account_id == account_id
        work.connection.execute(update(payments).where(*own).values(instrument=None))


def _rows(work: Work, table: Any, account_id: AccountId) -> Iterator[RowMapping]:
    """Read all rows of one account of the actor's brand, in the order of their ids."""
    after = ""
    own = table.c.brand_id == work.actor.brand_id, table.c.account_id == account_id
    while True:
        found = select(table).where(*own, table.c.id > after).order_by(table.c.id).limit(BATCH)
        rows = work.connection.execute(found).mappings().all()
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1]["id"]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
