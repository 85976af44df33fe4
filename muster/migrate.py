"""The database's shape: brought up to date, taken back and asked about, through Alembic.

Two processes that migrate at once wait for each other: an advisory lock on PostgreSQL, the write lock on SQLite.
Alembic comes in only where something is migrated: a server that asks whether it may serve spares its 11 MB.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, create_mock_engine, inspect, text
from sqlalchemy.schema import ExecutableDDLElement

from kernel import db

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER: Final = Path(__file__).parent / "migrations"
_ADVISORY_LOCK: Final = 7_305_823
HEAD: Final = "head"
VERSIONS: Final = _FOLDER / "versions"
_AFTER_TABLES: Final = ("CREATE OR REPLACE FUNCTION ", "CREATE TRIGGER ", "CREATE INDEX ", "CREATE UNIQUE INDEX ")
_NEXT: Final = "-- next\n"
_REVISION: Final = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_DOWN_REVISION: Final = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


def upgrade(engine: Engine, revision: str = HEAD) -> None:
    """Bring the database to a revision; does nothing when it is there."""
    from alembic import command

    _run(engine, command.upgrade, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to a revision, or to nothing with `base`."""
    from alembic import command

    _run(engine, command.downgrade, revision)


def is_current(engine: Engine) -> bool:
    """Say whether the database has the shape this code wants."""
    with engine.connect() as connection:
        return current_revision(connection) == newest_revision()


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def known_revisions() -> frozenset[str]:
    """Return every revision that this code has a step to."""
    return frozenset(found.group(1) for source in _steps() for found in _REVISION.finditer(source))


def _steps() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in VERSIONS.glob("[0-9]*.py")]


def newest_revision() -> str | None:
    """Return the revision this code wants: the one step that no other follows."""
    followed = {found.group(1) for source in _steps() for found in _DOWN_REVISION.finditer(source)}
    heads = set(known_revisions() - followed)
    assert len(heads) <= 1, f"two steps follow the same one: {sorted(heads)}"
    return heads.pop() if heads else None


def config() -> Config:
    """Return Alembic's configuration; there is no file of it."""
    from alembic.config import Config

    alembic = Config()
    alembic.set_main_option("script_location", str(_FOLDER))
    return alembic


def _run(engine: Engine, step: object, revision: str) -> None:
    assert callable(step)
    alembic = config()
    with engine.execution_options(**{db.WRITE: True}).connect() as connection:
        if db.is_sqlite(connection):
            # Rebuilding a table that others refer to needs the checks off, and that only works outside a transaction.
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        try:
            with connection.begin():
                if not db.is_sqlite(connection):
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                alembic.attributes["connection"] = connection
                step(alembic, revision)
        finally:
            if db.is_sqlite(connection):
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


def ddl(dialect: str) -> list[str]:
    """Return the statements that make every table, index and trigger of this code on `sqlite` or `postgresql`."""
    from muster.tables import metadata

    statements: list[str] = []

    def note(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        # The compiler doubles every per cent sign for drivers that format their statements.
        text_of_it = str(statement.compile(dialect=engine.dialect)).strip()
        statements.append(text_of_it if dialect == "sqlite" else text_of_it.replace("%%", "%"))

    engine = create_mock_engine("sqlite://" if dialect == "sqlite" else "postgresql+psycopg://", note)
    metadata.create_all(engine, tables=metadata.sorted_tables, checkfirst=False)
    return sorted(dict.fromkeys(statements), key=_after_tables)


def _after_tables(statement: str) -> tuple[int, str]:
    """Sort tables first, as they need each other, then what is a set: by kind and name the text is always the same."""
    for rank, beginning in enumerate(_AFTER_TABLES, start=1):
        if statement.startswith(beginning):
            return rank, statement
    return 0, ""


def read_statements(path: Path) -> list[str]:
    """Read the statements of a file that `write_statements` wrote."""
    return [part.strip() for part in path.read_text(encoding="utf-8").split(_NEXT) if part.strip()]


def write_statements(path: Path, statements: list[str]) -> None:
    """Write statements to a file, one after the other, with a line between them that no statement has."""
    path.write_text(_NEXT.join(f"{statement}\n" for statement in statements), encoding="utf-8")
