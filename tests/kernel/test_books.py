"""The books: what holds money of others never falls below zero, whoever books and however many at once."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from kernel import db, ledger
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId, SeededIds
from kernel.ledger import HELD_KINDS, OWN_KINDS, AccountName, Transfer
from kernel.money import Money
from kernel.soundness import LEDGER_CHECKS, examine
from kernel.work import Work, Works
from tests.conftest import MONDAY_MORNING
from tests.support.databases import ROOT, copy_sqlite

BRAND = BrandId("a" * 32)
PROVIDER = AccountName("provider:sandbox")
OTHERS = tuple(AccountName(f"{kind}:x") for kind in HELD_KINDS)
OWN = (PROVIDER, AccountName("receivable:x"), AccountName("late_credits:x"), AccountName("refund_fees:x"))
NEVER = "never falls below zero"
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)


def test_every_kind_of_account_is_said_to_hold_money_of_others_or_not() -> None:
    rooms = [ROOT / name for name in ("kernel", "configurator", "demand", "factory_orders", "muster")]
    sources = [path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py")]

    kinds = {kind for source in sources for kind in re.findall(r'\baccount\(\s*"([a-z_]+)"', source)}

    assert {"deposit", "earnest", "receivable"} <= kinds <= {*HELD_KINDS, *OWN_KINDS}
    assert not set(HELD_KINDS) & set(OWN_KINDS)


def move(debit: AccountName, credit: AccountName, minor: int, reference: str) -> Transfer:
    return Transfer("moved", reference, debit, credit, Money(minor))


def is_booked(work: Work, transfer: Transfer) -> bool:
    """Try to book; says whether the database took it."""
    try:
        with work.connection.begin_nested():
            ledger.book(work, transfer)
    except DatabaseError as error:
        if NEVER not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize("name", OTHERS)
def test_the_database_itself_refuses_to_overdraw_money_of_others(works: Works, name: AccountName) -> None:
    with works.change(system(BRAND)) as work:
        ledger.book(work, move(PROVIDER, name, 100, "in"), move(name, PROVIDER, 60, "out"))

    with pytest.raises(DatabaseError, match=NEVER), works.change(system(BRAND)) as work:
        ledger.book(work, move(name, PROVIDER, 41, "too much"))

    with works.change(system(BRAND)) as work:
        assert ledger.balance(work, name) == 40
        ledger.book(work, move(name, PROVIDER, 40, "the rest"))


def test_in_one_statement_what_came_before_counts_and_what_comes_after_does_not(works: Works) -> None:
    held = AccountName("deposit:x")

    with works.change(system(BRAND)) as work:
        ledger.book(
            work, move(PROVIDER, held, 5, "in"), move(held, PROVIDER, 5, "out"), move(PROVIDER, held, 5, "more")
        )

    with pytest.raises(DatabaseError, match=NEVER), works.change(system(BRAND)) as work:
        ledger.book(work, move(held, PROVIDER, 6, "too early"), move(PROVIDER, held, 1, "too late"))


@ONE_FILE
@given(
    st.lists(
        st.tuples(st.sampled_from((*OTHERS, *OWN)), st.sampled_from((*OTHERS, *OWN)), st.integers(1, 9)), max_size=12
    ).map(lambda moves: [one for one in moves if one[0] != one[1]])
)
def test_whatever_is_booked_in_whatever_order_no_money_of_others_is_overdrawn(
    works: Works, moves: list[tuple[AccountName, AccountName, int]]
) -> None:
    expected: dict[AccountName, int] = defaultdict(int)

    # All examples begin with empty books: each is rolled back.
    with works.engine.execution_options(**{db.WRITE: True}).connect() as connection:
        work = Work(connection, MONDAY_MORNING, works.ids, system(BRAND))
        for number, (debit, credit, minor) in enumerate(moves):
            may_go = debit not in OTHERS or minor <= expected[debit]
            assert is_booked(work, move(debit, credit, minor, str(number))) == may_go
            if may_go:
                expected[debit] -= minor
                expected[credit] += minor

        assert ledger.balances(work, (*OTHERS, *OWN)) == {name: expected[name] for name in (*OTHERS, *OWN)}
        assert not any(finding.violations for finding in examine(work, LEDGER_CHECKS))


def test_a_refund_costs_the_same_however_many_deposits_there_are(sqlite_template: Path, tmp_path: Path) -> None:
    few, many = (steps_of_a_refund(copy_sqlite(sqlite_template, tmp_path / f"{n}.db"), n) for n in (100, 2_000))

    assert many < 2 * few


def steps_of_a_refund(url: str, deposits: int) -> int:
    """Count the steps that SQLite's machine takes for a refund once it has seen that one account paid all deposits."""
    engine = db.open_engine(url)
    works = Works(engine, clock=FixedClock(MONDAY_MORNING), ids=SeededIds(seed=1))
    with works.change(system(BRAND)) as work:
        names = [AccountName(f"deposit:{number}") for number in range(deposits)]
        ledger.book(work, *(move(PROVIDER, name, 5, f"in {name}") for name in names))
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with works.change(system(BRAND)) as work:
        driver: Any = work.connection.connection.driver_connection
        driver.set_progress_handler(count, 1)
        ledger.book(work, move(names[0], PROVIDER, 5, "out"))
        driver.set_progress_handler(None, 1)
    engine.dispose()
    return taken


def test_of_two_who_spend_the_same_money_at_once_one_gets_it(works: Works) -> None:
    held = AccountName("payable:x")
    with works.change(system(BRAND)) as work:
        ledger.book(work, move(PROVIDER, held, 100, "in"))
    together = threading.Barrier(4)

    def spend(number: int) -> bool:
        together.wait()
        with works.change(system(BRAND)) as work:
            return is_booked(work, move(held, PROVIDER, 60, f"out {number}"))

    with ThreadPoolExecutor(4) as threads:
        spent = list(threads.map(spend, range(4)))

    assert spent.count(True) == 1
    with works.read(system(BRAND)) as work:
        assert ledger.balance(work, held) == 40
