"""Sends a change ahead: the database writes while we go on, and whatever failed is known before the commit is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, ExecutionContext, UpdateBase
from sqlalchemy.exc import DBAPIError

PIPELINE: Final = "muster_pipeline"
UNANSWERED: Final = "muster_unanswered"


@contextmanager
def sending(connection: Connection, *, ahead: bool) -> Iterator[None]:
    """Let a change be sent ahead: nobody waits for the answer to what it only writes (`db.insert_many`, `write`).

    The database writes one statement's rows while the next one's are laid out (PostgreSQL manual, 34.5, pipeline
    mode). What failed is raised by the next statement that is waited for, or at the end, which is before the commit.
    SQLite is no server to wait for.
    """
    if not ahead or connection.dialect.name == "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    # Held on to: asking a connection that broke raises an error of its own, in the place of what broke it.
    info = connection.info
    try:
        with driver.pipeline() as pipeline:
            info[PIPELINE] = pipeline
            try:
                yield
            finally:
                info.pop(PIPELINE, None)
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, dialect=connection.dialect) from error


def wait_for_answer(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: ExecutionContext, _many: bool
) -> None:
    """Wait for the answer to a statement that is not one of those that only write; for an engine's connections."""
    pipeline = connection.info.get(PIPELINE)
    if pipeline is None or context.execution_options.get(UNANSWERED):
        return
    if not statement.startswith(("SAVEPOINT ", "RELEASE SAVEPOINT ")):
        pipeline.sync()


def write(connection: Connection, statement: UpdateBase, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement for some rows whose answer, how many rows it met, nobody asks for; see `sending`."""
    connection.execute(statement, rows, execution_options={UNANSWERED: True})
