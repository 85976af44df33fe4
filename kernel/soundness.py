"""What an audit is made of: a named check per invariant of DOMAIN section 4, and what it found on a live database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import text

from kernel.work import Work

FINDINGS_MAX: Final = 20


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


def rows_violating(sql: str, *, shape: str) -> Callable[[Work], Iterator[str]]:
    """Make a `look` of a query that selects what must not be; `:brand_id` and `:now` are bound, `shape` is the line.

    The SQL is a constant of this code and speaks to both databases.
    """

    def look(work: Work) -> Iterator[str]:
        facts: dict[str, Any] = {"brand_id": work.actor.brand_id}
        for row in work.connection.execute(text(sql), facts).mappings():
            yield shape.format(**row)

    return look


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
        rows_violating(
            """
            SELECT account, SUM(amount) AS balance FROM (
                SELECT credit_account AS account, amount_minor AS amount FROM ledger_transfers
                WHERE brand_id = :brand_id
                UNION ALL
                SELECT debit_account, -amount_minor FROM ledger_transfers WHERE brand_id = :brand_id
            ) AS movements
            WHERE account LIKE 'deposit:%' OR account LIKE 'earnest:%' OR account LIKE 'late:%'
               OR account LIKE 'refund:%' OR account LIKE 'payable:%'
            GROUP BY account HAVING SUM(amount) < 0
            """,
            shape="{account} stands at {balance}",
        ),
    ),
)
