"""What an audit is made of: a named check per invariant of DOMAIN section 4, and what it found on a live database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import Executable, Subquery, bindparam, case, func, literal, or_, select, text, union_all

from kernel.ledger import HELD_KINDS, ledger_transfers
from kernel.merkle import merkle_root
from kernel.payments.tables import payments, refunds
from kernel.record import broken_chains, day_leaves, record_days
from kernel.registry import own_brand
from kernel.work import Work

FINDINGS_MAX: Final = 20
DAYS_SEALED_MAX: Final = 30
BY_HAND: Final = "money_by_hand"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold: `rule` is its number in DOMAIN section 4, `look` yields a line per violation.

    `look` reads in the brand of the work's actor; a line names ids, never persons.
    """

    name: str
    rule: int
    look: Callable[[Work], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw: nothing when `violations` is empty; at most 20 of them are kept, `more` says if cut."""

    check: Check
    violations: tuple[str, ...]
    more: bool


def examine(work: Work, checks: Sequence[Check]) -> list[Finding]:
    """Run checks in order and return what each found."""
    return [_finding(check, check.look(work)) for check in checks]


def _finding(check: Check, lines: Iterator[str]) -> Finding:
    seen = list(islice(lines, FINDINGS_MAX + 1))
    return Finding(check, tuple(seen[:FINDINGS_MAX]), len(seen) > FINDINGS_MAX)


def rows_violating(sql: str | Executable, *, shape: str) -> Callable[[Work], Iterator[str]]:
    """Make a `look` of a query that selects what must not be; `:brand_id` and `:now` are bound, `shape` is the line.

    The SQL is a constant of this code and speaks to both databases.
    """
    statement = text(sql) if isinstance(sql, str) else sql

    def look(work: Work) -> Iterator[str]:
        facts: dict[str, Any] = {"brand_id": work.actor.brand_id}
        for row in work.connection.execute(statement, facts).mappings():
            yield shape.format(**row)

    return look


def account_balances(*, with_moves_by_hand: bool = False) -> Subquery:
    """Select `account` and `balance` (credits minus debits) of the brand; if asked with what two operators moved."""
    table = ledger_transfers.c
    own = [table.brand_id == bindparam("brand_id")]
    if not with_moves_by_hand:
        own.append(table.kind != BY_HAND)
    moved = union_all(
        select(table.credit_account.label("account"), table.amount_minor.label("amount")).where(*own),
        select(table.debit_account, -table.amount_minor).where(*own),
    ).subquery("movements")
    return (
        select(moved.c.account, func.sum(moved.c.amount).label("balance"))
        .group_by(moved.c.account)
        .subquery("balances")
    )


def _overdrawn() -> Executable:
    balances = account_balances(with_moves_by_hand=True)
    held = or_(*(balances.c.account.like(f"{kind}:%") for kind in HELD_KINDS))
    return select(balances.c.account, balances.c.balance).where(held, balances.c.balance < 0)


LEDGER_CHECKS: Final = (
    Check(
        "every transfer moves an amount above zero between two accounts",
        1,
        rows_violating(
            "SELECT id FROM ledger_transfers WHERE brand_id = :brand_id"
            " AND (amount_minor <= 0 OR debit_account = credit_account)",
            shape="transfer {id}",
        ),
    ),
    Check(
        "no account that holds other people's money is below zero",
        1,
        rows_violating(_overdrawn(), shape="{account} stands at {balance}"),
    ),
)


def _refund_accounts() -> Executable:
    balances, table = account_balances(), payments.c
    held = func.coalesce(balances.c.balance, 0)
    expected = case((table.state == "refunding", func.coalesce(refunds.c.amount_minor, 0)), else_=0)
    return (
        select(table.id, table.state, held.label("held"))
        .select_from(
            payments.outerjoin(refunds, refunds.c.payment_id == table.id).outerjoin(
                balances, balances.c.account == literal("refund:") + table.id
            )
        )
        .where(table.brand_id == bindparam("brand_id"), held != expected)
    )


def _late_accounts() -> Executable:
    balances = account_balances()
    return select(balances.c.account, balances.c.balance).where(
        balances.c.account.like("late:%"), balances.c.balance != 0
    )


PAYMENT_CHECKS: Final = (
    Check(
        "every payment that was received is booked exactly once",
        1,
        rows_violating(
            """
            SELECT payments.id, COUNT(ledger_transfers.id) AS times FROM payments
            LEFT JOIN ledger_transfers ON ledger_transfers.reference = payments.id
                AND ledger_transfers.debit_account LIKE 'provider:%'
                AND ledger_transfers.amount_minor = payments.amount_minor
            WHERE payments.brand_id = :brand_id AND payments.provider_reference IS NOT NULL
            GROUP BY payments.id HAVING COUNT(ledger_transfers.id) <> 1
            """,
            shape="payment {id} is booked {times} times",
        ),
    ),
    Check(
        "nothing is booked as received that no payment brought",
        1,
        rows_violating(
            """
            SELECT ledger_transfers.id FROM ledger_transfers
            LEFT JOIN payments ON payments.id = ledger_transfers.reference AND payments.provider_reference IS NOT NULL
            WHERE ledger_transfers.brand_id = :brand_id AND ledger_transfers.debit_account LIKE 'provider:%'
                AND ledger_transfers.kind <> 'money_by_hand' AND payments.id IS NULL
            """,
            shape="transfer {id}",
        ),
    ),
    Check(
        "a payment is sent back once, when and only when it is said to be",
        1,
        rows_violating(
            """
            SELECT payments.id, payments.state FROM payments
            LEFT JOIN refunds ON refunds.payment_id = payments.id
            LEFT JOIN ledger_transfers ON ledger_transfers.kind = 'refund_paid'
                AND ledger_transfers.reference = payments.id
            WHERE payments.brand_id = :brand_id AND NOT (
                (payments.state = 'refunded' AND refunds.refunded_at IS NOT NULL AND ledger_transfers.id IS NOT NULL)
                OR (payments.state = 'refunding' AND refunds.payment_id IS NOT NULL AND refunds.refunded_at IS NULL
                    AND ledger_transfers.id IS NULL)
                OR (payments.state NOT IN ('refunded', 'refunding') AND ledger_transfers.id IS NULL
                    AND (refunds.payment_id IS NULL
                        OR (payments.state = 'declined' AND refunds.voided_at IS NOT NULL)
                        OR (payments.state = 'charged_back' AND refunds.refunded_at IS NULL)))
                OR (payments.state = 'charged_back' AND refunds.refunded_at IS NOT NULL
                    AND ledger_transfers.id IS NOT NULL)
            )
            """,
            shape="payment {id} is {state}",
        ),
    ),
    Check(
        "money that a provider declined for good, or that was charged back, is booked back whole, and no other",
        1,
        rows_violating(
            """
            SELECT payments.id, payments.state FROM payments
            LEFT JOIN ledger_transfers ON ledger_transfers.reference = payments.id
                AND ledger_transfers.credit_account LIKE 'provider:%'
                AND ledger_transfers.kind IN ('declined', 'declined_uncollected', 'charged_back',
                    'charged_back_uncollected', 'refund_voided')
            WHERE payments.brand_id = :brand_id
            GROUP BY payments.id, payments.state, payments.amount_minor
            HAVING COALESCE(SUM(ledger_transfers.amount_minor), 0)
                <> CASE WHEN payments.state IN ('declined', 'charged_back') THEN payments.amount_minor ELSE 0 END
            """,
            shape="payment {id} is {state}",
        ),
    ),
    Check(
        "what is on its way back is what was asked back",
        1,
        rows_violating(_refund_accounts(), shape="payment {id} is {state} and its refund account stands at {held}"),
    ),
    Check(
        "money that came too late, or did not fit, stays nowhere but on its way back",
        1,
        rows_violating(_late_accounts(), shape="{account} stands at {balance}"),
    ),
    Check(
        "money moved by hand was approved by a second operator and booked",
        1,
        rows_violating(
            """
            SELECT money_by_hand.id FROM money_by_hand
            LEFT JOIN ledger_transfers ON ledger_transfers.kind = 'money_by_hand'
                AND ledger_transfers.reference = money_by_hand.id
                AND ledger_transfers.amount_minor = money_by_hand.amount_minor
            WHERE money_by_hand.brand_id = :brand_id AND (
                (money_by_hand.state = 'approved' AND (money_by_hand.decided_by = money_by_hand.proposed_by
                    OR ledger_transfers.id IS NULL))
                OR (money_by_hand.state <> 'approved' AND ledger_transfers.id IS NOT NULL)
            )
            """,
            shape="movement {id}",
        ),
    ),
)


def _broken_chains(work: Work) -> Iterator[str]:
    for chain, sequence in sorted(broken_chains(work).items()):
        yield f"chain {chain} does not fit from entry {sequence} on"


def _broken_days(work: Work) -> Iterator[str]:
    """Compute the latest sealed days' roots anew."""
    brand = own_brand(work)
    table = record_days.c
    found = select(table.day, table.root).where(table.brand_id == brand.id).order_by(table.day.desc())
    for row in work.connection.execute(found.limit(DAYS_SEALED_MAX)).all():
        if merkle_root(day_leaves(work, brand, row.day)).hex() != row.root:
            yield f"the root of {row.day} is not that of its chains"


RECORD_CHECKS: Final = (
    Check("every chain of the record verifies from its first entry to its head", 11, _broken_chains),
    Check("the latest sealed days' roots are those of their chains", 11, _broken_days),
)
CHECKS: Final = (*LEDGER_CHECKS, *PAYMENT_CHECKS, *RECORD_CHECKS)
