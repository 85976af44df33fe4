"""Backup and restore by command, the same file for both databases: every table as JSON lines with checksums in a zip.

A backup is one consistent snapshot; a restore goes into an empty database of the same revision, all of it or nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    inspect,
    select,
    text,
)

from kernel import db
from kernel.clock import Clock, SystemClock
from kernel.db import Instant, Json
from kernel.errors import Refusal
from kernel.immutable import without_guards

FORMAT: Final = "muster-backup-1"
MANIFEST: Final = "manifest.json"
ROWS_AT_ONCE: Final = 2000
LINE_BYTES_MAX: Final = 64 << 20
Progress = Callable[[str, int, int], None]


@dataclass(unsafe_hash=True)
class NotABackup(Refusal):
    """The file is no backup of Muster, is cut short or was altered."""

    code = "NOT_A_BACKUP"
    is_broken_input = True
    en = "This file cannot be restored: {reason}. Take another copy of the backup."
    zh = "该文件无法恢复：{reason}，请使用另一份备份。"
    reason: str


@dataclass(unsafe_hash=True)
class BackupOfAnotherRevision(Refusal):
    """The schema of the backup is not the one of the database."""

    code = "BACKUP_OF_ANOTHER_REVISION"
    en = (
        "The backup has the schema {theirs}, this database or version {ours}. Restore into an empty database, with the "
        "version of Muster that wrote the backup or a newer one."
    )
    zh = "备份的数据库结构为{theirs}，当前为{ours}。请使用写入该备份的版本或更新版本，恢复到空数据库。"
    theirs: str
    ours: str


@dataclass(unsafe_hash=True)
class DatabaseNotEmpty(Refusal):
    """A restore never mixes with what is there."""

    code = "DATABASE_NOT_EMPTY"
    en = "The table {table} holds rows. Restore into an empty database."
    zh = "数据表{table}中已有数据，请恢复到空数据库。"
    table: str


@dataclass(frozen=True, slots=True)
class TablePart:
    """One table in the file: SHA-256 is over its uncompressed lines."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup file holds, and of which schema revision."""

    revision: str
    made_at: datetime
    database: str
    tables: tuple[TablePart, ...]

    @property
    def rows(self) -> int:
        """Count all rows."""
        return sum(part.rows for part in self.tables)


def _silent(_table: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def back_up(
    engine: Engine,
    path: Path,
    *,
    revision: str,
    progress: Progress = _silent,
    clock: Clock | None = None,
    schema: MetaData = db.metadata,
) -> Manifest:
    """Write every table to a new file, readable by its owner only, as of one moment.

    `progress` is called with a table's name, its rows so far and its rows in all. The file appears under its name
    only when it is complete; one that is there already is not overwritten (FileExistsError).
    """
    if path.exists():
        raise FileExistsError(path)
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)
    made_at = (clock or SystemClock()).now()
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, _snapshot(engine) as connection:
            parts = tuple(_write_table(connection, archive, table, progress) for table in schema.sorted_tables)
            manifest = Manifest(revision, made_at, engine.dialect.name, parts)
            archive.writestr(MANIFEST, _manifest_json(manifest))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    _keep_name(path)
    return manifest


def _keep_name(path: Path) -> None:
    """Bring the folder to the disk: else a power cut may leave the file under its unfinished name, or under none."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one moment and writes nothing."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with engine.connect() as connection:
        yield connection


def _write_table(connection: Connection, archive: zipfile.ZipFile, table: Table, progress: Progress) -> TablePart:
    total = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    columns = tuple(table.columns.keys())
    ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS_AT_ONCE)
    digest, done = hashlib.sha256(), 0
    with archive.open(_member(table.name), "w", force_zip64=True) as file:
        for rows in connection.execute(ordered).partitions():
            lines = b"".join(orjson.dumps([_to_json(value) for value in row]) + b"\n" for row in rows)
            digest.update(lines)
            file.write(lines)
            done += len(rows)
            progress(table.name, done, total)
    return TablePart(table.name, columns, done, digest.hexdigest())


def check_backup(path: Path, *, progress: Progress = _silent) -> Manifest:
    """Read a backup through and compare every checksum and row count; refuses NotABackup."""
    with _archive(path) as archive:
        manifest = _manifest(archive)
        for part in manifest.tables:
            digest, done = hashlib.sha256(), 0
            for line in _lines(archive, part.name):
                digest.update(line)
                done += 1
            if (digest.hexdigest(), done) != (part.sha256, part.rows):
                raise NotABackup(f"the table {part.name} is not as it was written")
            progress(part.name, done, part.rows)
        return manifest


def restore(
    engine: Engine, path: Path, *, revision: str, progress: Progress = _silent, schema: MetaData = db.metadata
) -> Manifest:
    """Fill an empty database, of either kind, from a backup made on either kind.

    `revision` is the schema that the database has. Everything is checked before the first row is written, and all
    rows are written in one transaction. Refuses NotABackup, BackupOfAnotherRevision and DatabaseNotEmpty.
    """
    manifest = check_backup(path)
    if manifest.revision != revision:
        raise BackupOfAnotherRevision(manifest.revision, revision)
    tables = schema.tables
    here = {name: tuple(table.columns.keys()) for name, table in tables.items()}
    if {part.name: part.columns for part in manifest.tables} != here:
        raise NotABackup("its tables or columns are not those of this version of Muster")
    with _archive(path) as archive, engine.execution_options(**{db.WRITE: True}).begin() as connection:
        filled = [tables[part.name] for part in manifest.tables]
        _require_empty(connection, filled)
        # Guards stand again only once every reference was checked: PostgreSQL changes no table that has checks to come.
        with without_guards(connection, filled), _references_checked_at_the_end(connection):
            for table, part in zip(filled, manifest.tables, strict=True):
                _fill_table(connection, archive, table, part, progress)
        _move_sequences(connection, tables.values())
    return manifest


def _require_empty(connection: Connection, tables: Sequence[Table]) -> None:
    present = set(inspect(connection).get_table_names())
    for table in tables:
        if table.name not in present:
            raise BackupOfAnotherRevision("with the table " + table.name, "without it")
        if connection.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise DatabaseNotEmpty(table.name)


def _fill_table(
    connection: Connection, archive: zipfile.ZipFile, table: Table, part: TablePart, progress: Progress
) -> None:
    columns = list(table.columns)
    rows: list[dict[str, Any]] = []
    done = 0
    for line in _lines(archive, table.name):
        values = zip(columns, orjson.loads(line), strict=True)
        rows.append({column.key: _from_json(column, value) for column, value in values})
        if len(rows) == ROWS_AT_ONCE:
            db.insert_many(connection, table, rows)
            done += len(rows)
            rows = []
            progress(table.name, done, part.rows)
    db.insert_many(connection, table, rows)
    progress(table.name, done + len(rows), part.rows)


@contextmanager
def _references_checked_at_the_end(connection: Connection) -> Iterator[None]:
    """Let rows refer to rows that come later, also in a table of its own; nothing is left unchecked."""
    if db.is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        yield
        return
    found = text(
        "SELECT quote_ident(relname) AS tab, quote_ident(conname) AS con FROM pg_constraint JOIN pg_class"
        " ON pg_class.oid = conrelid WHERE contype = 'f' AND NOT condeferrable"
        " AND pg_class.relnamespace = current_schema()::regnamespace ORDER BY 1, 2"
    )
    constraints = connection.execute(found).all()
    for table, constraint in constraints:
        connection.exec_driver_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {constraint} DEFERRABLE INITIALLY DEFERRED")
    yield
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table, constraint in constraints:
        connection.exec_driver_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {constraint} NOT DEFERRABLE")


def _move_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """Let numbers that the database gives go on after the highest restored one (SQLite does so by itself)."""
    if db.is_sqlite(connection):
        return
    for table in tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
        highest = connection.execute(select(func.max(column))).scalar_one()
        if sequence is not None and highest is not None:
            connection.execute(select(func.setval(sequence, highest)))


# --- the file ---


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise NotABackup(f"it is cut short or altered ({error})") from None


def _lines(archive: zipfile.ZipFile, table: str) -> Iterator[bytes]:
    try:
        opened: IO[bytes] = archive.open(_member(table))
    except KeyError:
        raise NotABackup(f"the table {table} is missing") from None
    with opened as file:
        while line := file.readline(LINE_BYTES_MAX):
            yield line


def _manifest_json(manifest: Manifest) -> bytes:
    return orjson.dumps(
        {
            "format": FORMAT,
            "revision": manifest.revision,
            "made_at": manifest.made_at.isoformat(),
            "database": manifest.database,
            "tables": [
                {"name": part.name, "columns": part.columns, "rows": part.rows, "sha256": part.sha256}
                for part in manifest.tables
            ],
        },
        option=orjson.OPT_INDENT_2,
    )


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        content = orjson.loads(archive.read(MANIFEST))
        assert content["format"] == FORMAT
        return Manifest(
            revision=content["revision"],
            made_at=datetime.fromisoformat(content["made_at"]),
            database=content["database"],
            tables=tuple(
                TablePart(part["name"], tuple(part["columns"]), part["rows"], part["sha256"])
                for part in content["tables"]
            ),
        )
    except (KeyError, TypeError, ValueError, AssertionError):
        raise NotABackup("it has no manifest that this version understands") from None


def _to_json(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case datetime() | date():
            return value.isoformat()
        case _:
            return value


def _from_json(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case Instant():
            return datetime.fromisoformat(value)
        case Date():
            return date.fromisoformat(value)
        case LargeBinary():
            return base64.b64decode(value)
        case Json() | String() | Boolean() | Integer() | BigInteger() | Float():
            return value
        case other:
            raise AssertionError(f"{column} has the type {other!r}, which backups do not know")
