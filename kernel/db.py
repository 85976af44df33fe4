"""The two databases behind one small surface: SQLite (embedded, one writer) and PostgreSQL.

One MetaData holds every room's tables, so foreign keys across rooms go by name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import orjson
import psycopg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from kernel.arrays import array_text
from kernel.sending import UNANSWERED, wait_for_answer

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id: Final = String(32)
Minor: Final = BigInteger()
# SQLite gives a rowid only to INTEGER PRIMARY KEY, PostgreSQL wants the wide type.
Serial: Final = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware UTC time: timestamptz on PostgreSQL, sortable ISO 8601 text with microseconds on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        assert value.tzinfo is not None, "a naive time has no meaning here"
        moment = value.astimezone(UTC)
        return f"{moment.isoformat(timespec='microseconds')[:-6]}Z" if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        moment: datetime = value
        return moment.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value: jsonb on PostgreSQL, text on SQLite; written by orjson."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # Without a value there is SQL NULL on both, not the JSON word null on one.
        return dialect.type_descriptor(JSONB(none_as_null=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.loads(value)


class _Listed(TypeDecorator[Any]):
    """Many values in one parameter, written by us: an array on PostgreSQL, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.kind) if dialect.name == "postgresql" else Text())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        """Leave nothing to the driver, which turns every element by itself: 0.15 ms for a list of 128."""
        return array_text if dialect.name == "postgresql" else _json_list


@lru_cache(maxsize=64)
def _listed(kind: TypeEngine[Any]) -> _Listed:
    # A length in a cast would cut silently.
    return _Listed(String() if isinstance(kind, String) else kind)


_TEXT: Final = String()


def _json_list(values: Sequence[Any]) -> str:
    return orjson.dumps(values).decode()


class _Among(FunctionElement[bool]):
    """A column and a list of values, written by each database in its own way."""

    type = Boolean()
    inherit_cache = True
    name = "among"

    def self_group(self, against: Any = None) -> Any:
        """Stay as it is: SQLite would be asked whether the answer is 1, and look at every row to compare."""
        return self


@compiles(_Among, "postgresql")
def _among_in_postgres(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY({values})"


@compiles(_Among, "sqlite")
def _among_in_sqlite(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    # Both are what SQLAlchemy writes: a column and a bound parameter.
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608


class _Beside(FunctionElement[Any]):
    """A column that SQLite is not to look for things by."""

    inherit_cache = True
    name = "beside"

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_Beside)
def _beside(element: _Beside, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return column


@compiles(_Beside, "sqlite")
def _beside_in_sqlite(element: _Beside, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"+{column}"


def beside(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Name a column that only leaves rows out of those that another condition finds.

    SQLite has no figures of what is in a table and takes any index for a good one: for one that is the same in nearly
    every row, such as a payment's provider, it reads all of them.
    """
    return _Beside(column)


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Say that a column of text, whole numbers or days is one of the values, however many there are.

    All of them travel as one parameter: PostgreSQL takes 65,535 and SQLite 32,766 at most, and a pool may have more
    members. The statement is one text for every number of values from two on, so it is prepared once. A single value is
    compared: SQLite takes every list for twenty-five values, and would rather look at all rows of a brand.
    """
    assert not isinstance(values, str | bytes), "a single text is no list of its characters"
    listed = list(dict.fromkeys(values))
    if set(map(type, listed)) - {str, int}:
        listed = [one.value if isinstance(one, Enum) else one for one in listed]
        assert all(isinstance(one, str | int | date) for one in listed), (
            "only what both databases write alike in a list"
        )
    assert not isinstance(column.type, Instant | Json), "a moment is text here and a time there"
    if len(listed) == 1:
        same: ColumnElement[bool] = column == listed[0]
        return same
    return _Among(column, bindparam(None, listed, type_=_listed(column.type), unique=True))


def database_url(text: str) -> URL:
    """Read a database address: `sqlite:///path` or `postgresql://…`; a bare `postgresql` means psycopg 3."""
    url = make_url(text)
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    return url


def open_engine(text: str, *, connections_max: int = 8, waits_for_disk: bool = True) -> Engine:
    """Open an engine with full durability; SQLite gets WAL, foreign keys and one writer that waits its turn.

    Errors do not show the values of a statement: they would end in a log. Where it does not wait for the disk, nothing
    breaks when the power fails, but the last changes may be gone: for filling a database that nobody uses yet.
    """
    url = database_url(text)
    if url.get_backend_name() == "postgresql":
        engine = create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=30,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        event.listen(engine, "connect", _set_up_postgres if waits_for_disk else _set_up_hasty_postgres)
        event.listen(engine, "after_cursor_execute", wait_for_answer)
        return engine
    engine = create_engine(url, hide_parameters=True, pool_size=connections_max, max_overflow=0, pool_timeout=30)
    event.listen(engine, "connect", _set_up_sqlite)
    if not waits_for_disk:
        event.listen(engine, "connect", _set_up_hasty_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_postgres(connection: psycopg.Connection, _record: object) -> None:
    """Wait for the disk at every commit, also where the server, the database or the role says otherwise.

    What is acknowledged is durable (DOMAIN section 4.6); a standby may make a commit wait for more, never for less.
    """
    (level,) = connection.execute("SHOW synchronous_commit").fetchone() or ("off",)
    if level == "off":
        connection.execute("SET synchronous_commit = on")
    connection.commit()


def _set_up_hasty_postgres(connection: psycopg.Connection, _record: object) -> None:
    """Leave the disk to the server, which is behind by less than a second."""
    connection.execute("SET synchronous_commit = off")
    connection.commit()


WRITE: Final = "muster_write"


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "temp_store=MEMORY",
        "cache_size=-4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _set_up_hasty_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Wait for the disk only where the log is written back into the file, and do that seldom."""
    for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=25000", "cache_size=-64000"):
        connection.execute(f"PRAGMA {pragma}")


def settle_on_disk(engine: Engine) -> None:
    """Bring onto the disk what an engine that does not wait for it has written; PostgreSQL does so by itself."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a read lock that is upgraded later can fail half-way.
    writes = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_sqlite(connection: Connection) -> bool:
    """Say which of the two databases this is."""
    return connection.dialect.name == "sqlite"


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one go; all rows have the same keys; an empty list does nothing."""
    if rows and is_sqlite(connection):
        _insert_values(connection, table, rows)
    elif rows:
        _insert_arrays(connection, table, rows, "", {UNANSWERED: True})


def take_turns(connection: Connection, *names: str) -> None:
    """Wait until no other change is between this line and its end under one of the names; SQLite has one writer anyway.

    Several names are waited for in sorted order, so that two changes never wait for each other in a circle.
    """
    if names and not is_sqlite(connection):
        listed = bindparam(None, sorted(set(names)), type_=_listed(_TEXT), unique=True)
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(func.unnest(listed), 0))))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, returning: str) -> set[Any]:
    """Insert the rows that break no unique constraint and return the `returning` column of those inserted.

    Two processes that insert the same key at once wait for each other: exactly one wins.
    """
    if not rows:
        return set()
    ending = f" ON CONFLICT DO NOTHING RETURNING {returning}"
    if is_sqlite(connection):
        return _insert_some_values(connection, table, rows, ending, returning)
    return set(_insert_arrays(connection, table, rows, ending, {}).scalars().all())


def _insert_values(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows into SQLite, each column made what the driver takes in one go: three quarters of the time."""
    statement, tuples = _value_statement(table, tuple(rows[0])), _values(connection, table, rows)
    connection.exec_driver_sql(statement.format(_marks(tuples[0])), tuples)


def _insert_some_values(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], ending: str, returning: str
) -> set[Any]:
    """Insert rows into SQLite, many in one statement, as the driver returns nothing of statements that it repeats."""
    statement, tuples = _value_statement(table, tuple(rows[0])) + ending, _values(connection, table, rows)
    found: set[Any] = set()
    for start in range(0, len(tuples), ROWS_AT_ONCE):
        some = tuples[start : start + ROWS_AT_ONCE]
        marks = ", ".join([_marks(some[0])] * len(some))
        values = tuple(chain.from_iterable(some))
        found.update(row[0] for row in connection.exec_driver_sql(statement.format(marks), values).all())
    dialect = connection.dialect
    read = table.c[returning].type.dialect_impl(dialect).result_processor(dialect, None)
    return found if read is None else set(map(read, found))


ROWS_AT_ONCE: Final = 100
"""A statement of so many rows of any table stays below the number of values that SQLite takes."""


def _marks(values: Sequence[Any]) -> str:
    return f"({', '.join('?' * len(values))})"


def _values(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return rows as the driver takes them."""
    names = tuple(rows[0])
    assert all(row.keys() == rows[0].keys() for row in rows), "all rows have the same keys"
    columns = []
    for name, process in zip(names, _processors(table, names, connection.dialect), strict=True):
        values = [row[name] for row in rows]
        if process is not None and len(set(map(id, values))) == 1:
            values = [process(values[0])] * len(values)
        elif process is not None:
            values = list(map(process, values))
        columns.append(values)
    return list(zip(*columns, strict=True))


@lru_cache(maxsize=1024)
def _processors(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[Callable[[Any], Any] | None, ...]:
    return tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)


@lru_cache(maxsize=1024)
def _value_statement(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    # Names come from our own tables; every value is bound.
    return f"INSERT INTO {table.name} ({columns}) VALUES {{}}"  # noqa: S608


def _insert_arrays(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], ending: str, options: dict[str, Any]
) -> CursorResult[Any]:
    """Insert rows as one array a column: the same short statement for one row and for a thousand, prepared once.

    Lists of values are compiled anew for every number of rows, and single rows cost the server a step each: groups of
    64 pre-orders took 0.88 ms of CPU each that way and take 0.29 ms this way.
    """
    names = tuple(rows[0])
    assert all(row.keys() == rows[0].keys() for row in rows), "all rows have the same keys"
    arrays = tuple(_column(table, name, rows) for name in names)
    statement = _array_statement(table, names, connection.dialect) + ending
    return connection.exec_driver_sql(statement, arrays, execution_options=options)


def _column(table: Table, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one column of the rows as an array."""
    values = [row[name] for row in rows]
    if isinstance(table.c[name].type, Json):
        values = [None if value is None else orjson.dumps(value).decode() for value in values]
    if isinstance(table.c[name].type, Instant):
        assert all(value is None or value.tzinfo is not None for value in values), "a naive time has no meaning here"
    return array_text(values)


@lru_cache(maxsize=1024)
def _array_statement(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    """Write the statement; a length in a cast would cut silently, so the column itself checks it."""
    casts = [f"%s::{table.c[name].type.compile(dialect).partition('(')[0]}[]" for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    # Names come from our own tables; every value is bound.
    return f"INSERT INTO {table.name} ({columns}) SELECT * FROM unnest({', '.join(casts)})"  # noqa: S608
