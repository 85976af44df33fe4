"""Our books against the provider's: every payment and refund of a period line by line, and the ledger in sum.

A line is sought on the other side within a margin around the period, so a payment at midnight is no difference.
What is still on its way (a capture or a refund that the worker has not confirmed yet) counts as in flight for a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Column, Index, Integer, String, Table, case, func, or_, select

from kernel import db
from kernel.actor import Actor, Permission
from kernel.db import Id, Instant, Json, metadata
from kernel.events import Event, event
from kernel.ledger import ledger_transfers
from kernel.money import Money, format_money
from kernel.payments.model import PaymentProvider, StatementLine
from kernel.payments.store import provider_account
from kernel.payments.tables import payment_callbacks, payments, refunds
from kernel.work import Work, Works

MARGIN: Final = timedelta(days=2)
IN_FLIGHT_MAX: Final = timedelta(days=1)
LINES_KEPT_MAX: Final = 1000

reconciliation_runs = Table(
    "reconciliation_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("provider", String(40), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("differences", Integer, nullable=False),
    Column("report", Json, nullable=False),
    Column("made_by", Id),
    Column("at", Instant, nullable=False),
)
Index("ix_reconciliation_runs_brand_id", reconciliation_runs.c.brand_id, reconciliation_runs.c.id)


@event("kernel.reconciliation_difference")
@dataclass(frozen=True, slots=True)
class ReconciliationDifference(Event):
    """Our books and the provider's do not agree; the run holds the lines."""

    run_id: str
    provider: str
    differences: int


# A capture and a charge back are known by the provider reference, a refund by its refund id.
Key: TypeAlias = tuple[Literal["capture", "refund", "chargeback"], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One movement as one side has it."""

    key: Key
    amount: Money
    at: datetime
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class AmountDiffers:
    """A movement that both sides have, with two amounts."""

    key: Key
    here: Money
    there: Money


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found; `ledger_minor` is what the ledger booked into the provider's account in the period,
    `payments_minor` what the payments say it should be."""

    run_id: str
    matched: int
    in_flight: int
    missing_here: tuple[Key, ...]
    missing_there: tuple[Key, ...]
    amount_differs: tuple[AmountDiffers, ...]
    ledger_minor: int
    payments_minor: int

    @property
    def differences(self) -> int:
        """Count everything that does not agree."""
        lines = len(self.missing_here) + len(self.missing_there) + len(self.amount_differs)
        return lines + (self.ledger_minor != self.payments_minor)

    def sentences(self) -> Iterator[str]:
        """Say every difference for whoever looks into it: what it is, its reference, and the amounts."""
        for kind, reference in self.missing_here:
            yield f"{kind} {reference}: the provider has it, it is missing here"
        for kind, reference in self.missing_there:
            yield f"{kind} {reference}: it is here, the provider does not have it"
        for one in self.amount_differs:
            kind, reference = one.key
            yield f"{kind} {reference}: {format_money(one.here)} here, {format_money(one.there)} there"
        if self.ledger_minor != self.payments_minor:
            booked, expected = format_money(Money(self.ledger_minor)), format_money(Money(self.payments_minor))
            yield f"ledger: {booked} booked, by the payments it should be {expected}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of lines held side by side."""

    matched: int
    in_flight: int
    missing_here: tuple[Key, ...]
    missing_there: tuple[Key, ...]
    amount_differs: tuple[AmountDiffers, ...]


def compare(
    here: Mapping[Key, Line], there: Mapping[Key, Line], *, since: datetime, until: datetime, now: datetime
) -> Comparison:
    """Hold two sides together: lines of the period on either side, sought on the other among all that is given."""
    in_period = sorted({key for side in (here, there) for key, line in side.items() if since <= line.at < until})
    matched = in_flight = 0
    missing_here: list[Key] = []
    missing_there: list[Key] = []
    differs: list[AmountDiffers] = []
    for key in in_period:
        ours, theirs = here.get(key), there.get(key)
        match ours, theirs:
            case None, _:
                missing_here.append(key)
            case Line(), None:
                if not ours.confirmed and now - ours.at < IN_FLIGHT_MAX:
                    in_flight += 1
                else:
                    missing_there.append(key)
            case Line(), Line():
                if ours.amount != theirs.amount:
                    differs.append(AmountDiffers(key, ours.amount, theirs.amount))
                elif not ours.confirmed and now - ours.at < IN_FLIGHT_MAX:
                    in_flight += 1
                else:
                    matched += 1
    return Comparison(matched, in_flight, tuple(missing_here), tuple(missing_there), tuple(differs))


def reconcile(works: Works, actor: Actor, provider: PaymentProvider, *, since: datetime, until: datetime) -> Report:
    """Compare the actor's brand's payments and ledger with the provider's statement for `since <= at < until`.

    The provider is asked before the change begins: nobody waits for it with a transaction open. The run is stored; a
    difference is told as `kernel.reconciliation_difference`.
    """
    actor.require(Permission.RECONCILE)
    assert since < until
    statement = provider.statement(actor.brand_id, since=since - MARGIN, until=until + MARGIN)
    with works.change(actor) as work:
        return _hold_against(work, provider, statement, since=since, until=until)


def _hold_against(
    work: Work, provider: PaymentProvider, statement: Sequence[StatementLine], *, since: datetime, until: datetime
) -> Report:
    gone = _came_and_went(work, provider.name)
    there = {
        line.key: line for line in map(_their_line, statement) if line.key[0] == "refund" or line.key[1] not in gone
    }
    here = _our_lines(work, provider.name, since - MARGIN, until + MARGIN)
    found = compare(here, there, since=since, until=until, now=work.now)
    report = Report(
        run_id=work.new_id(),
        matched=found.matched,
        in_flight=found.in_flight,
        missing_here=found.missing_here,
        missing_there=found.missing_there,
        amount_differs=found.amount_differs,
        ledger_minor=_ledger_minor(work, provider.name, since, until),
        payments_minor=_payments_minor(here, since, until) + _declined_minor(work, provider.name, since, until),
    )
    _store(work, provider.name, since, until, report)
    if report.differences:
        work.record(ReconciliationDifference(work.actor.brand_id, report.run_id, provider.name, report.differences))
    return report


def _their_line(line: StatementLine) -> Line:
    key: Key = ("refund", line.refund_id or "") if line.kind == "refund" else (line.kind, line.provider_reference)
    return Line(key, line.amount, line.at)


def _our_lines(work: Work, provider: str, since: datetime, until: datetime) -> dict[Key, Line]:
    table = payments.c
    own = (table.brand_id == work.actor.brand_id, table.provider == provider)
    lines: dict[Key, Line] = {}
    received = select(
        table.provider_reference, table.amount_minor, table.currency, table.received_at, table.captured_at
    ).where(*own, table.received_at >= since, table.received_at < until, table.declined_at.is_(None))
    for row in work.connection.execute(received):
        key: Key = ("capture", row.provider_reference)
        amount = Money(row.amount_minor, row.currency)
        lines[key] = Line(key, amount, row.received_at, row.captured_at is not None)
    charged_back = select(table.provider_reference, table.amount_minor, table.currency, table.charged_back_at).where(
        *own, table.charged_back_at >= since, table.charged_back_at < until
    )
    for one in work.connection.execute(charged_back):
        key = ("chargeback", one.provider_reference)
        lines[key] = Line(key, Money(one.amount_minor, one.currency), one.charged_back_at)
    moment = func.coalesce(refunds.c.refunded_at, refunds.c.requested_at)
    returned = (
        select(
            refunds.c.payment_id, refunds.c.amount_minor, table.currency, refunds.c.refunded_at, refunds.c.requested_at
        )
        .join(payments, table.id == refunds.c.payment_id)
        .where(*own, moment >= since, moment < until, refunds.c.voided_at.is_(None))
    )
    for row in work.connection.execute(returned):
        key = ("refund", row.payment_id)
        amount = Money(row.amount_minor, row.currency)
        lines[key] = Line(key, amount, row.refunded_at or row.requested_at, row.refunded_at is not None)
    return lines


def _came_and_went(work: Work, provider: str) -> set[str]:
    """Return the references of money that was charged back before it was told of: it was never in our books."""
    calls, held = payment_callbacks.c, payments.alias("held")
    found = (
        select(calls.provider_reference)
        .join(payments, payments.c.id == calls.payment_id)
        .where(
            calls.provider == provider,
            calls.kind == "charged_back",
            payments.c.brand_id == work.actor.brand_id,
            ~select(held.c.id)
            .where(held.c.provider == calls.provider, held.c.provider_reference == calls.provider_reference)
            .exists(),
        )
    )
    return set(work.connection.execute(found).scalars())


def _payments_minor(here: Mapping[Key, Line], since: datetime, until: datetime) -> int:
    """Add up what should have been booked: all that was received, less what was charged back and confirmed refunds."""
    total = 0
    for (kind, _), line in here.items():
        if since <= line.at < until:
            total += line.amount.minor if kind == "capture" else -line.amount.minor * line.confirmed
    return total


def _declined_minor(work: Work, provider: str, since: datetime, until: datetime) -> int:
    """Add up what was booked for money that never came: in when it was authorised, out when it was declined."""
    table = payments.c
    total = 0
    for moment, sign in ((table.received_at, 1), (table.declined_at, -1)):
        found = select(func.coalesce(func.sum(table.amount_minor), 0)).where(
            table.brand_id == work.actor.brand_id,
            table.provider == provider,
            table.declined_at.isnot(None),
            moment >= since,
            moment < until,
        )
        total += sign * int(work.connection.execute(found).scalar_one())
    return total


def _ledger_minor(work: Work, provider: str, since: datetime, until: datetime) -> int:
    """Return debits minus credits of the provider's accounts in the period, whatever the currency."""
    table = ledger_transfers.c
    name = provider_account(provider)

    def touches(column: Column[Any]) -> Any:
        return or_(column == name, column.startswith(f"{name}.", autoescape=True))

    signed = case((touches(table.debit_account), table.amount_minor), else_=0) - case(
        (touches(table.credit_account), table.amount_minor), else_=0
    )
    found = select(func.coalesce(func.sum(signed), 0)).where(
        table.brand_id == work.actor.brand_id,
        table.at >= since,
        table.at < until,
        or_(touches(table.debit_account), touches(table.credit_account)),
    )
    return int(work.connection.execute(found).scalar_one())


def _store(work: Work, provider: str, since: datetime, until: datetime, report: Report) -> None:
    def lines(keys: Sequence[Key]) -> list[list[str]]:
        return [list(key) for key in keys[:LINES_KEPT_MAX]]

    db.insert_many(
        work.connection,
        reconciliation_runs,
        [
            {
                "id": report.run_id,
                "brand_id": work.actor.brand_id,
                "provider": provider,
                "since": since,
                "until": until,
                "matched": report.matched,
                "in_flight": report.in_flight,
                "differences": report.differences,
                "report": {
                    "missing_here": lines(report.missing_here),
                    "missing_there": lines(report.missing_there),
                    "amount_differs": [
                        [*one.key, one.here.minor, one.here.currency, one.there.minor, one.there.currency]
                        for one in report.amount_differs[:LINES_KEPT_MAX]
                    ],
                    "ledger_minor": report.ledger_minor,
                    "payments_minor": report.payments_minor,
                },
                "made_by": work.actor.account_id,
                "at": work.now,
            }
        ],
    )
