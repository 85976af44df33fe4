"""What the database itself refuses: any change of a table that only grows, and a change that breaks a rule of its rows.

A migration that makes such a table runs `append_only_sql` or `guard_sql` for it as well (and again after SQLite rebuilt
the table, which drops its triggers); `metadata.create_all` does so by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

from sqlalchemy import DDL, Connection, Table, event

Change: TypeAlias = Literal["INSERT", "UPDATE"]

# `%` is where PL/pgSQL puts the table's name.
_REFUSE: Final = """
CREATE OR REPLACE FUNCTION muster_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def append_only(table: Table) -> None:
    """Make the database refuse UPDATE, DELETE and TRUNCATE on a table, on both databases."""
    for dialect in ("sqlite", "postgresql"):
        _run_after_create(table, append_only_sql(table.name, dialect), dialect)


def _run_after_create(table: Table, statements: Sequence[str], dialect: str) -> None:
    for statement in statements:
        # A DDL formats its text, and SQLAlchemy has not typed its constructor.
        ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def append_only_sql(table: str, dialect: str) -> tuple[str, ...]:
    """Return the statements that guard a table, for a migration."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
            for change in ("UPDATE", "DELETE")
        )
    change = f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
    truncate = f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
    refuse = "EXECUTE FUNCTION muster_refuse_change()"
    return (_REFUSE, f"{change} {refuse}", f"{truncate} {refuse}")


def drop_append_only_sql(table: str, dialect: str) -> tuple[str, ...]:
    """Return the statements that take the guard away, for a migration that changes the table."""
    if dialect == "sqlite":
        return tuple(f"DROP TRIGGER IF EXISTS {table}_no_{change}" for change in ("update", "delete"))
    return tuple(f"DROP TRIGGER IF EXISTS {table}_no_{change} ON {table}" for change in ("change", "truncate"))


# --- rules that speak of a row before and after -----------------------------------------------------------------------


def guard(
    table: Table, name: str, *, before: Change, when: str, rule: str, only: str = "", hold_on_postgres: str = ""
) -> None:
    """Make the database refuse an insert or an update of a row where `when` holds, whoever writes.

    `when` is SQL for both databases over OLD and NEW, and must not be NULL; `rule` is what the error says. For what a
    check constraint cannot tell: it sees neither the row as it was nor other tables. `only` says by the row alone which
    rows are looked at, so that the others cost nothing. What `when` reads of other rows may change at the same moment:
    `hold_on_postgres` is the query that locks it first (SQLite has one writer).
    """
    for dialect in ("sqlite", "postgresql"):
        statements = guard_sql(
            table.name,
            name,
            before=before,
            when=when,
            rule=rule,
            dialect=dialect,
            only=only,
            hold_on_postgres=hold_on_postgres,
        )
        _run_after_create(table, statements, dialect)


def guard_sql(
    table: str,
    name: str,
    *,
    before: Change,
    when: str,
    rule: str,
    dialect: str,
    only: str = "",
    hold_on_postgres: str = "",
) -> tuple[str, ...]:
    """Return the statements that make a guard, for a migration."""
    assert "%" not in rule, "PL/pgSQL would put something there"
    trigger = f"CREATE TRIGGER {table}_{name} BEFORE {before} ON {table}"
    if dialect == "sqlite":
        condition = f"({only}) AND {when}" if only else when
        return (f"{trigger} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{rule}'); END",)
    hold = f"PERFORM {hold_on_postgres};\n    " if hold_on_postgres else ""
    refuse = f"IF {when} THEN RAISE EXCEPTION '{rule}' USING ERRCODE = 'check_violation'; END IF;"
    function = f"CREATE OR REPLACE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
    looked_at = f" WHEN ({only})" if only else ""
    return (
        f"{function}\nBEGIN\n    {hold}{refuse}\n    RETURN NEW;\nEND $$",
        f"{trigger} FOR EACH ROW{looked_at} EXECUTE FUNCTION {table}_{name}()",
    )


@contextmanager
def without_guards(connection: Connection, tables: Sequence[Table]) -> Iterator[None]:
    """Let rows into tables that every guard has passed once; afterwards all of them stand again.

    Rows come back in the order of their keys, which is not always the order in which they came: a car that was bound to
    an order may be held for somebody else by now.
    """
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        yield
        for table in tables:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
        return
    names = {table.name for table in tables}
    found = connection.exec_driver_sql("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'").all()
    own = [(name, sql) for name, table, sql in found if table in names]
    for name, _ in own:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in own:
        connection.exec_driver_sql(sql)
