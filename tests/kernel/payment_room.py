"""A room with a sandbox provider: asks for deposits, books what comes, gives back; the smallest user of payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Engine, Table, event, func, select

from kernel import ledger, payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.ids import BrandId
from kernel.ledger import AccountName, Transfer, account
from kernel.money import Money, yuan
from kernel.news import outbox
from kernel.payments import (
    Authorisation,
    LostUse,
    Payment,
    PaymentProvider,
    PaymentRequest,
    Received,
    StatementLine,
)
from kernel.payments.tables import payment_callbacks
from kernel.sandbox import Sandbox, SignedMessage
from kernel.work import Work, Works

BRAND: Final = BrandId("a" * 32)
BUYER: Final = "c" * 32
SECRET: Final = b"a secret of thirty-two bytes long"
WALLET: Final = "wallet-138-0000"


@dataclass(frozen=True, slots=True)
class Room:
    """Everything a test of payments does, by its word of the trade."""

    works: Works
    clock: FixedClock
    sandbox: Sandbox
    providers: dict[str, PaymentProvider]
    brand: BrandId = BRAND

    def request(self, subject_id: str, amount: Money) -> PaymentRequest:
        expires_at = self.clock.now() + timedelta(minutes=15)
        return PaymentRequest(self.brand, BUYER, "deposit", subject_id, amount, expires_at)

    def token(self, reference: str, amount: Money) -> str:
        ends = self.clock.now() + timedelta(hours=1)
        return self.sandbox.authorise(
            account_id=BUYER, amount=amount, reference=reference, wallet=WALLET, expires_at=ends
        )

    def authorisation(self, reference: str, amount: Money) -> Authorisation:
        return payments.read_authorisation(self.providers, self.token(reference, amount))

    def receive_authorised(self, offers: Sequence[tuple[PaymentRequest, Authorisation]]) -> list[Payment | Refusal]:
        with self.works.change(system(self.brand)) as work:
            return payments.receive_authorised(work, offers)

    def ask(self, subject_id: str, amount: Money) -> Payment:
        with self.works.change(system(self.brand)) as work:
            return payments.request_payments(work, [self.request(subject_id, amount)])[0]

    def pay(self, payment: Payment, amount: Money, reference: str) -> SignedMessage:
        return self.sandbox.pay(
            brand_id=self.brand, payment_id=payment.id, amount=amount, reference=reference, wallet=WALLET
        )

    def fail(self, payment: Payment, reference: str) -> SignedMessage:
        return self.sandbox.message(
            "failed", payment_id=payment.id, amount=payment.amount, reference=reference, wallet=WALLET
        )

    def charge_back(self, payment: Payment, reference: str) -> SignedMessage:
        """Let the payer's bank take money back; returns the callback that tells of it."""
        return self.sandbox.charge_back(payment_id=payment.id, reference=reference, wallet=WALLET)

    def sign_again(self, message: SignedMessage) -> SignedMessage:
        """Send the same news again as a provider does: the same id, a new timestamp and signature."""
        return self.sandbox.sign(message.body)

    def hear(self, message: SignedMessage) -> Received:
        """Take a callback as a door does: the room books what was received in the same change."""
        with self.works.change(system(BrandId("platform"))) as work:
            heard = payments.receive_callback(work, self.sandbox, message.headers, message.body)
            own = work.acting(system(BrandId(heard.payment.brand_id)))
            if heard.outcome == "received":
                ledger.book(own, payments.receipt(heard.payment, kind="deposit_held", to=deposit(heard.payment)))
            elif heard.outcome in ("declined", "charged_back"):
                payments.settle_lost(own, USES, heard.payment, heard.missing)
            return heard

    def held(self, subject_id: str, amount: Money, reference: str) -> Payment:
        """Take an authorised deposit and book it."""
        with self.works.change(system(self.brand)) as work:
            offer = (self.request(subject_id, amount), self.authorisation(reference, amount))
            (payment,) = payments.receive_authorised(work, [offer])
            assert isinstance(payment, Payment)
            ledger.book(work, payments.receipt(payment, kind="deposit_held", to=deposit(payment)))
            return payment

    def give_back(self, payment: Payment, amount: Money | None = None) -> None:
        back = amount or payment.amount
        with self.works.change(system(self.brand)) as work:
            way = Transfer("deposit_returned", payment.id, deposit(payment), payments.refund_account(payment.id), back)
            ledger.book(work, way)
            payments.request_refund(work, payment.id, "withdrawn", amount=amount)

    def work_off(self) -> None:
        """Let the worker capture and refund what is due."""
        payments.capture_due(self.works, self.providers, USES)
        payments.carry_out_refunds(self.works, self.providers)

    def payments_of(self, subject_id: str) -> list[Payment]:
        with self.works.read(system(self.brand)) as work:
            return payments.payments_of(work, [subject_id])[subject_id]

    def state(self, subject_id: str) -> list[str]:
        return [payment.state.value for payment in self.payments_of(subject_id)]

    def balance(self, name: str) -> int:
        with self.works.read(system(self.brand)) as work:
            return ledger.balance(work, AccountName(name))

    def statement(self) -> Sequence[StatementLine]:
        now = self.clock.now()
        return self.sandbox.statement(self.brand, since=now - timedelta(days=9), until=now + timedelta(days=1))

    def noted(self) -> list[str]:
        with self.works.read(system(self.brand)) as work:
            found = select(payment_callbacks.c.outcome).order_by(payment_callbacks.c.at, payment_callbacks.c.kind)
            return list(work.connection.execute(found).scalars())

    def news(self, kind: str) -> int:
        with self.works.read(system(self.brand)) as work:
            return len(work.connection.execute(select(outbox.c.id).where(outbox.c.kind == kind)).all())

    def count(self, table: Table) -> int:
        with self.works.read(system(self.brand)) as work:
            return int(work.connection.execute(select(func.count()).select_from(table)).scalar_one())

    def statements_of_refunding(self, number: int) -> int:
        """Return how many SQL statements it takes to refund so many deposits."""
        paid = [self.held(f"n{number}-{one}", yuan(1), f"n{number}-{one}") for one in range(number)]
        with counting(self.works.engine) as statements, self.works.change(system(self.brand)) as work:
            orders = [payments.RefundOrder(payment.id, "pool_failed") for payment in paid]
            payments.request_refunds(work, orders)
        return len(statements)


def deposit(payment: Payment) -> AccountName:
    """Name the account of a held deposit."""
    return account("deposit", payment.subject_id)


def give_up(work: Work, payment: Payment, missing: Money) -> None:
    """Do what the room does where a deposit will never come."""
    payments.take_back(work, payment, missing, out_of=deposit(payment))


USES: Final[dict[str, LostUse]] = {"deposit": give_up}


class counting:  # noqa: N801 - it reads as a verb where it is used
    """Collect the statements that an engine runs meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self._statements

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self._statements.append(statement)


def make_room(works: Works, clock: FixedClock, brand: BrandId = BRAND) -> Room:
    """Open the room of a brand with one provider."""
    sandbox = Sandbox(works.engine, SECRET, clock=clock)
    return Room(works, clock, sandbox, {sandbox.name: sandbox}, brand)
