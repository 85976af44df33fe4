"""The migrations make exactly the database that the code's tables describe, on both databases, and can take it back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text

from kernel import db
from muster import migrate
from muster.tables import metadata
from tests.support.databases import Database

_TRIGGERS = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT DISTINCT trigger_name, event_object_table FROM information_schema.triggers",
}


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = db.open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def triggers(engine: Engine) -> set[tuple[str, str]]:
    with engine.connect() as connection:
        return {(row[0], row[1]) for row in connection.execute(text(_TRIGGERS[engine.dialect.name]))}


def test_a_migrated_database_has_the_shape_of_the_code(bare_url: str, database: Database) -> None:
    with opened(bare_url) as engine:
        if engine.dialect.name != database.engine.dialect.name:
            return  # Each kind is compared with its own kind.

        migrate.upgrade(engine)

        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrate.is_current(engine)
        assert triggers(engine) == triggers(database.engine)


def test_a_step_that_fails_leaves_the_checks_of_references_on(bare_url: str) -> None:
    with opened(bare_url) as engine:
        with pytest.raises(CommandError):
            migrate.upgrade(engine, "nowhere")

        with engine.connect() as connection:
            if db.is_sqlite(connection):
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        migrate.upgrade(engine)
        assert migrate.is_current(engine)


def test_migrating_twice_changes_nothing(bare_url: str) -> None:
    with opened(bare_url) as engine:
        migrate.upgrade(engine)
        migrate.upgrade(engine)

        assert migrate.is_current(engine)


def test_what_was_migrated_can_be_taken_back_and_made_again(bare_url: str) -> None:
    with opened(bare_url) as engine:
        migrate.upgrade(engine)

        migrate.downgrade(engine, "base")

        assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
        assert not migrate.is_current(engine)
        migrate.upgrade(engine)
        assert migrate.is_current(engine)


def test_the_first_step_is_what_the_code_would_write() -> None:
    folder = migrate.VERSIONS
    for dialect in ("sqlite", "postgresql"):
        assert migrate.read_statements(folder / f"0001_first.{dialect}.sql") == migrate.ddl(dialect), (
            "run `python -m muster.migrations.freeze` until the first release, write a step after it"
        )


def test_the_newest_step_is_the_one_that_alembic_ends_with() -> None:
    assert migrate.newest_revision() == ScriptDirectory.from_config(migrate.config()).get_current_head()
