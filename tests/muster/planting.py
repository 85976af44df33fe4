"""How a violation is planted in a sound brand: a row changed, dropped or booked behind the back of every rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from kernel.ledger import ledger_transfers
from kernel.record import record_entries
from tests.configurator.small_brand import BRAND
from tests.conftest import MONDAY_MORNING

Plant = Callable[[Connection], None]


def change(table: Table, where: Any, **values: Any) -> Plant:
    """Change the first row that fits."""
    return lambda connection: _change(connection, table, where, values)


def _change(connection: Connection, table: Table, where: Any, values: Mapping[str, Any]) -> None:
    key = next(iter(table.primary_key.columns))
    chosen = connection.execute(select(key).where(where).order_by(key).limit(1)).scalar_one()
    done = connection.execute(update(table).where(key == chosen, where).values(**values))
    assert done.rowcount >= 1


def change_all(table: Table, where: Any, **values: Any) -> Plant:
    """Change every row that fits; there are two at least."""

    def plant(connection: Connection) -> None:
        assert connection.execute(update(table).where(where).values(**values)).rowcount >= 2

    return plant


def drop(table: Table, where: Any) -> Plant:
    """Delete the first row that fits."""

    def plant(connection: Connection) -> None:
        key = next(iter(table.primary_key.columns))
        chosen = connection.execute(select(key).where(where).order_by(key).limit(1)).scalar_one()
        connection.execute(delete(table).where(key == chosen, where))

    return plant


def book(*, kind: str, debit: str, credit: str) -> Plant:
    """Book one fen from an account to another."""

    def plant(connection: Connection) -> None:
        row = {"id": "f" * 32, "brand_id": BRAND, "amount_minor": 1, "currency": "CNY", "at": MONDAY_MORNING}
        accounts = {"debit_account": debit, "credit_account": credit}
        connection.execute(insert(ledger_transfers).values(**row, **accounts, kind=kind, reference="planted"))

    return plant


def edit_entry(kind: str, **facts: Any) -> Plant:
    """Change facts in the last entry of a kind."""

    def plant(connection: Connection) -> None:
        table = record_entries.c
        last = select(table.chain, table.sequence, table.body).where(table.kind == kind)
        found = connection.execute(last.order_by(table.chain.desc(), table.sequence.desc()).limit(1)).one()
        where = (table.chain == found.chain) & (table.sequence == found.sequence)
        connection.execute(update(record_entries).where(where).values(body=found.body | facts))

    return plant


def without_index(name: str, plant: Plant) -> Plant:
    """Drop a unique index first, as the database itself would refuse."""

    def both(connection: Connection) -> None:
        connection.exec_driver_sql(f"DROP INDEX {name}")
        plant(connection)

    return both
