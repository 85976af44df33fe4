"""A payment provider that moves no real money: signed tokens and callbacks like a real one, and books of its own.

Its entries table is the provider's side, written in its own transactions, so that a reconciliation compares two
books that were kept apart. Callbacks are signed as the Standard Webhooks specification says.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson
from sqlalchemy import CheckConstraint, Column, Engine, Index, String, Table, select

from kernel import db, webhooks
from kernel.clock import Clock, SystemClock
from kernel.db import Id, Instant, Minor, metadata
from kernel.money import Money
from kernel.payments.model import (
    Authorisation,
    Callback,
    Capture,
    MoneyTakenBack,
    PaymentSignatureInvalid,
    StatementLine,
)

NAME: Final = "sandbox"
STATEMENT_LINES_MAX: Final = 200_000
KINDS: Final[dict[str, Literal["captured", "failed", "charged_back"]]] = {
    "payment.captured": "captured",
    "payment.failed": "failed",
    "payment.charged_back": "charged_back",
}
DECLINED_PREFIX: Final = "declined_"
"""A reference that begins so is authorised like any other and declined for good when the money is asked for."""

sandbox_entries = Table(
    "sandbox_entries",
    metadata,
    Column("key", String(140), primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("provider_reference", String(120), nullable=False),
    Column("refund_id", Id),
    Column("amount_minor", Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("kind IN ('capture', 'refund', 'chargeback')", name="kind_known"),
    CheckConstraint("(kind = 'refund') = (refund_id IS NOT NULL)", name="refund_has_id"),
)
Index("ix_sandbox_entries_brand_id_at", sandbox_entries.c.brand_id, sandbox_entries.c.at)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A callback as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


class Sandbox:
    """The provider. `secret` is the installation's; keys for tokens, callbacks and instruments derive from it.

    Capturing and refunding open transactions of their own: call them outside a `Work`.
    """

    name: Final = NAME

    def __init__(self, engine: Engine, secret: bytes, *, clock: Clock | None = None) -> None:
        assert len(secret) >= 16, "a short secret can be guessed"
        self._reader = engine
        self._writer = engine.execution_options(**{db.WRITE: True})
        self._clock: Clock = clock or SystemClock()
        self._token_key, callback_key, self._instrument_key = (
            hmac.digest(secret, f"muster sandbox {purpose}".encode(), "sha256")
            for purpose in ("token", "callback", "instrument")
        )
        self._callback_secret = webhooks.write_secret(callback_key)

    # --- what the buyer's wallet app does ---

    def authorise(self, *, account_id: str, amount: Money, reference: str, wallet: str, expires_at: datetime) -> str:
        """Make the signed token with which a buyer lets the brand take `amount` once, as a wallet app would."""
        payload = _encode(
            orjson.dumps(
                {
                    "account_id": account_id,
                    "amount_minor": amount.minor,
                    "currency": amount.currency,
                    "reference": reference,
                    "wallet": wallet,
                    "expires_at": expires_at.astimezone(UTC).isoformat(),
                }
            )
        )
        return f"{NAME}.{payload}.{_encode(hmac.digest(self._token_key, payload.encode(), 'sha256'))}"

    def pay(self, *, brand_id: str, payment_id: str, amount: Money, reference: str, wallet: str) -> SignedMessage:
        """Take money from a wallet for a payment that was asked for, and return the callback that tells of it."""
        self.capture([Capture(brand_id, reference, amount)])
        return self.message("captured", payment_id=payment_id, amount=amount, reference=reference, wallet=wallet)

    def charge_back(self, *, payment_id: str, reference: str, wallet: str) -> SignedMessage:
        """Take captured money back as the payer's bank does, once, and return the callback that tells of it."""
        entries = sandbox_entries.c
        with self._writer.begin() as connection:
            row = connection.execute(select(sandbox_entries).where(entries.key == f"capture:{reference}")).one()
            amount = Money(row.amount_minor, row.currency)
            entry = self._entry(f"chargeback:{reference}", row.brand_id, "chargeback", reference, amount)
            db.insert_new(connection, sandbox_entries, [entry], returning="key")
        return self.message("charged_back", payment_id=payment_id, amount=amount, reference=reference, wallet=wallet)

    def message(
        self,
        kind: Literal["captured", "failed", "charged_back"],
        *,
        payment_id: str,
        amount: Money,
        reference: str,
        wallet: str,
    ) -> SignedMessage:
        """Write and sign the callback that tells of a payment."""
        body = orjson.dumps(
            {
                "type": f"payment.{kind}",
                "payment_id": payment_id,
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "reference": reference,
                "wallet": wallet,
            }
        )
        return self.sign(body)

    def sign(self, body: bytes) -> SignedMessage:
        """Sign a callback's body now; the same body, sent again, has the same id and a new timestamp."""
        message_id = "msg_" + hashlib.sha256(body).hexdigest()[:32]
        at = self._clock.now()
        return SignedMessage(
            webhooks.signed_headers(self._callback_secret, message_id=message_id, at=at, body=body), body
        )

    # --- what the platform asks: PaymentProvider ---

    def read_authorisation(self, token: str) -> Authorisation:
        """Check a token's signature in constant time and read it."""
        name, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        expected = _encode(hmac.digest(self._token_key, payload.encode(), "sha256"))
        if name != NAME or not hmac.compare_digest(expected.encode(), signature.encode()):
            raise PaymentSignatureInvalid(NAME)
        fields: dict[str, Any] = orjson.loads(_decode(payload))
        return Authorisation(
            provider=NAME,
            provider_reference=fields["reference"],
            amount=Money(fields["amount_minor"], fields["currency"]),
            account_id=fields["account_id"],
            instrument=self._instrument(fields["wallet"]),
            expires_at=datetime.fromisoformat(fields["expires_at"]),
        )

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Callback:
        """Check a callback's signature in constant time and its age within five minutes, and read it."""
        lower = {name.lower(): value for name, value in headers.items()}
        genuine = webhooks.verify((self._callback_secret,), lower, body, now=now)
        if genuine is None:
            raise PaymentSignatureInvalid(NAME)
        fields: dict[str, Any] = orjson.loads(body)
        return Callback(
            message_id=genuine.message_id,
            kind=KINDS[fields["type"]],
            payment_id=fields["payment_id"],
            provider_reference=fields["reference"],
            amount=Money(fields["amount_minor"], fields["currency"]),
            instrument=self._instrument(fields["wallet"]),
            at=genuine.at,
        )

    def capture(self, captures: Sequence[Capture]) -> Mapping[str, str]:
        """Write captures into the provider's books, each reference once; an empty wallet's are declined for good."""
        declined = {
            one.provider_reference: "the wallet is empty"
            for one in captures
            if one.provider_reference.startswith(DECLINED_PREFIX)
        }
        rows = [
            self._entry(
                f"capture:{one.provider_reference}", one.brand_id, "capture", one.provider_reference, one.amount
            )
            for one in captures
            if one.provider_reference not in declined
        ]
        with self._writer.begin() as connection:
            db.insert_new(connection, sandbox_entries, rows, returning="key")
        return declined

    def refund(self, refund_id: str, provider_reference: str, amount: Money) -> None:
        """Write a refund of captured money, each refund id once; what the bank has taken back cannot go back again."""
        entries = sandbox_entries.c
        with self._writer.begin() as connection:
            known = {f"chargeback:{provider_reference}", f"refund:{refund_id}"}
            if list(connection.execute(select(entries.kind).where(db.among(entries.key, known))).scalars()) == [
                "chargeback"
            ]:
                raise MoneyTakenBack("the payer's bank has taken the money back")
            captured = connection.execute(
                select(entries.brand_id, entries.amount_minor).where(entries.key == f"capture:{provider_reference}")
            ).first()
            assert captured is not None and amount.minor <= captured.amount_minor, "only captured money can go back"
            row = self._entry(f"refund:{refund_id}", captured.brand_id, "refund", provider_reference, amount)
            db.insert_new(connection, sandbox_entries, [row | {"refund_id": refund_id}], returning="key")

    def statement(self, brand_id: str, *, since: datetime, until: datetime) -> Sequence[StatementLine]:
        """Return the entries of a brand's merchant account in order of time."""
        entries = sandbox_entries.c
        found = (
            select(sandbox_entries)
            .where(entries.brand_id == brand_id, entries.at >= since, entries.at < until)
            .order_by(entries.at, entries.key)
            .limit(STATEMENT_LINES_MAX)
        )
        with self._reader.connect() as connection:
            rows = connection.execute(found).all()
        return [
            StatementLine(
                row.kind, row.provider_reference, row.refund_id, Money(row.amount_minor, row.currency), row.at
            )
            for row in rows
        ]

    # --- inside ---

    def _entry(self, key: str, brand_id: str, kind: str, reference: str, amount: Money) -> dict[str, Any]:
        return {
            "key": key,
            "brand_id": brand_id,
            "kind": kind,
            "provider_reference": reference,
            "refund_id": None,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "at": self._clock.now(),
        }

    def _instrument(self, wallet: str) -> str:
        """Hash a wallet under a key, so that the same one is known again and nobody can guess it from the hash."""
        return hmac.digest(self._instrument_key, wallet.encode(), "sha256").hex()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise PaymentSignatureInvalid(NAME) from None
