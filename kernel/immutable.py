"""Tables that only grow: the database itself refuses to change, delete or truncate a row of them.

A migration that makes such a table runs `append_only_sql` for it as well (and again after SQLite rebuilt the table,
which drops its triggers); `metadata.create_all` does so by itself.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, Table, event

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
        for statement in append_only_sql(table.name, dialect):
            # A DDL formats its text, and SQLAlchemy has not typed its constructor.
            guard = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", guard.execute_if(dialect=dialect))


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
