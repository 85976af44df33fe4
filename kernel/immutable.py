"""What the database itself refuses: any change of a table that only grows, and a change that breaks a rule of its rows.

A migration that makes such a table runs `append_only_sql` or `guard_sql` for it as well (and again after SQLite rebuilt
the table, which drops its triggers); `metadata.create_all` does so by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from sqlalchemy import DDL, Table, event

Change: TypeAlias = Literal["INSERT", "UPDATE"]
_TABLES: Final[list[str]] = []

# `%` is where PL/pgSQL puts the table's name.
_REFUSE: Final = """
CREATE OR REPLACE FUNCTION muster_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def append_only(table: Table) -> None:
    """Make the database refuse UPDATE, DELETE and TRUNCATE on a table, on both databases."""
    _TABLES.append(table.name)
    for dialect in ("sqlite", "postgresql"):
        _run_after_create(table, append_only_sql(table.name, dialect), dialect)


def _run_after_create(table: Table, statements: Sequence[str], dialect: str) -> None:
    for statement in statements:
        # A DDL formats its text, and SQLAlchemy has not typed its constructor.
        ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def append_only_tables() -> tuple[str, ...]:
    """Return the names of all tables that only grow."""
    return tuple(sorted(_TABLES))


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


def guard(table: Table, name: str, *, before: Change, when: str, rule: str) -> None:
    """Make the database refuse an insert or an update of a row where `when` holds, whoever writes.

    `when` is SQL for both databases over OLD and NEW, and must not be NULL; `rule` is what the error says. For what a
    check constraint cannot tell: it sees neither the row as it was nor other tables.
    """
    for dialect in ("sqlite", "postgresql"):
        _run_after_create(
            table, guard_sql(table.name, name, before=before, when=when, rule=rule, dialect=dialect), dialect
        )


def guard_sql(table: str, name: str, *, before: Change, when: str, rule: str, dialect: str) -> tuple[str, ...]:
    """Return the statements that make a guard, for a migration."""
    assert "%" not in rule, "PL/pgSQL would put something there"
    trigger = f"CREATE TRIGGER {table}_{name} BEFORE {before} ON {table}"
    if dialect == "sqlite":
        return (f"{trigger} WHEN {when} BEGIN SELECT RAISE(ABORT, '{rule}'); END",)
    refuse = f"IF {when} THEN RAISE EXCEPTION '{rule}' USING ERRCODE = 'check_violation'; END IF;"
    function = f"CREATE OR REPLACE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
    return (
        f"{function}\nBEGIN\n    {refuse}\n    RETURN NEW;\nEND $$",
        f"{trigger} FOR EACH ROW EXECUTE FUNCTION {table}_{name}()",
    )
