"""Double entry: immutable transfers from one account to another of an amount above zero, so every sum is zero.

An account is written `kind:owner`, such as `held:<pre-order>`; a balance is credits minus debits and is never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NewType

from sqlalchemy import CheckConstraint, Column, Index, String, Table, func, select, union

from kernel import db
from kernel.db import Id, Instant, Minor, metadata
from kernel.immutable import append_only, guard
from kernel.money import Money
from kernel.work import Work

AccountName = NewType("AccountName", str)
HELD_KINDS: Final = ("backing", "deposit", "earnest", "late", "payable", "refund", "stock_deposit")
"""Kinds of accounts that hold money of others: none of them ever falls below zero, whoever books."""
OWN_KINDS: Final = (
    *("bonus", "forfeit", "late_credits", "penalty", "provider", "receivable", "sales", "third_party", "uncollected"),
    "store",
    "wait_credits",
)
"""Kinds of accounts of what a brand earned, granted or is owed, by a provider too: on either side of zero."""
BRAND_KINDS: Final = ("bonus", "forfeit", "late_credits", "penalty", "sales", "third_party", "wait_credits")
"""Kinds of which each brand has one account, under its own id."""

ledger_transfers = Table(
    "ledger_transfers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, nullable=False),
    Column("debit_account", String(80), nullable=False),
    Column("credit_account", String(80), nullable=False),
    Column("amount_minor", Minor, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("reference", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("debit_account <> credit_account", name="two_accounts"),
)
# With the amount, so that an account's balance is read off the index alone. Otherwise SQLite, which has seen that most
# transfers leave one account, reads the whole table for each refund: minutes for the refunds of a large pool.
Index("ix_ledger_transfers_debit_account", ledger_transfers.c.debit_account, ledger_transfers.c.amount_minor)
Index("ix_ledger_transfers_credit_account", ledger_transfers.c.credit_account, ledger_transfers.c.amount_minor)
# The same step of the same thing is booked once, whatever comes twice.
Index("uq_ledger_transfers_kind_reference", ledger_transfers.c.kind, ledger_transfers.c.reference, unique=True)
append_only(ledger_transfers)
# Of two changes that spend from one account at once the second waits here, then sees what the first has left.
guard(
    ledger_transfers,
    "never_overdrawn",
    before="INSERT",
    only=" OR ".join(f"NEW.debit_account LIKE '{kind}:%'" for kind in HELD_KINDS),
    hold_on_postgres="1 FROM ledger_transfers WHERE credit_account = NEW.debit_account ORDER BY id FOR NO KEY UPDATE",
    when="NEW.amount_minor > COALESCE((SELECT SUM(amount_minor) FROM ledger_transfers"
    " WHERE credit_account = NEW.debit_account), 0) - COALESCE((SELECT SUM(amount_minor) FROM ledger_transfers"
    " WHERE debit_account = NEW.debit_account), 0)",
    rule="an account that holds money of others never falls below zero",
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One booking: `amount` leaves the debit account and reaches the credit account.

    `kind` names the step (`deposit_held`), `reference` what it is about; the pair is booked at most once.
    """

    kind: str
    reference: str
    debit: AccountName
    credit: AccountName
    amount: Money


def account(kind: str, owner: str) -> AccountName:
    """Name an account, such as `held:<pre-order>` or `provider:sandbox`."""
    assert ":" not in kind
    return AccountName(f"{kind}:{owner}")


def book(work: Work, *transfers: Transfer) -> None:
    """Write transfers with the change, in this order.

    Booking the same step twice breaks the unique index and the change; so does what would overdraw an account that
    holds money of others (`HELD_KINDS`), by the guard of the table.
    """
    book_for(work, [(work.actor.brand_id, transfer) for transfer in transfers])


def book_for(work: Work, transfers: Sequence[tuple[str, Transfer]]) -> None:
    """Write transfers of several brands' changes in one statement."""
    rows = [
        _row(work, new_id, brand_id, one)
        for new_id, (brand_id, one) in zip(work.new_ids(len(transfers)), transfers, strict=True)
    ]
    db.insert_many(work.connection, ledger_transfers, rows)


def _row(work: Work, new_id: str, brand_id: str, transfer: Transfer) -> dict[str, Any]:
    assert transfer.amount.minor > 0
    assert transfer.debit != transfer.credit
    return {
        "id": new_id,
        "brand_id": brand_id,
        "debit_account": transfer.debit,
        "credit_account": transfer.credit,
        "amount_minor": transfer.amount.minor,
        "currency": transfer.amount.currency,
        "kind": transfer.kind,
        "reference": transfer.reference,
        "at": work.now,
    }


def is_booked_on(work: Work, name: AccountName) -> bool:
    """Say whether anything was ever booked on an account of the actor's brand."""
    table = ledger_transfers.c
    return any(
        work.connection.execute(
            select(side).where(side == name, table.brand_id == work.actor.brand_id).limit(1)
        ).first()
        for side in (table.debit_account, table.credit_account)
    )


def booked_among(work: Work, names: Sequence[AccountName]) -> frozenset[AccountName]:
    """Return those accounts of the actor's brand on which anything was ever booked."""
    table = ledger_transfers.c
    sides = (
        select(side).where(db.among(side, names), table.brand_id == work.actor.brand_id)
        for side in (table.debit_account, table.credit_account)
    )
    return frozenset(AccountName(name) for name in work.connection.execute(union(*sides)).scalars())


def is_booked(work: Work, kind: str, reference: str) -> bool:
    """Say whether this step of this thing has been booked."""
    table = ledger_transfers.c
    found = select(table.id).where(table.kind == kind, table.reference == reference)
    return work.connection.execute(found).first() is not None


def balances(work: Work, accounts: Sequence[AccountName]) -> Mapping[AccountName, int]:
    """Return credits minus debits in minor units for each account of the actor's brand; unknown ones are zero."""
    if not accounts:
        return {}
    table = ledger_transfers.c
    wanted = list(dict.fromkeys(accounts))
    sums = dict.fromkeys(wanted, 0)
    for column, sign in ((table.credit_account, 1), (table.debit_account, -1)):
        found = (
            select(column, func.sum(table.amount_minor))
            .where(db.among(column, wanted), table.brand_id == work.actor.brand_id)
            .group_by(column)
        )
        for name, amount in work.connection.execute(found):
            sums[name] += sign * int(amount)
    return sums


def balance(work: Work, name: AccountName) -> int:
    """Return credits minus debits of one account in minor units."""
    return balances(work, [name])[name]


def balance_to_spend(work: Work, name: AccountName) -> int:
    """Return the balance of an account for a change that decides by it what to take off the account.

    Whoever else asks for the same waits until this change has ended, so that nothing is spent twice.
    """
    return balances_to_spend(work, [name])[name]


def balances_to_spend(work: Work, names: Sequence[AccountName]) -> Mapping[AccountName, int]:
    """Return the balances of accounts as `balance_to_spend` does of one."""
    db.take_turns(work.connection, *names)
    return balances(work, names)
