"""A backup made on either database fills an empty one of either kind, row by row; everything else is refused."""

from __future__ import annotations

import os
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Engine,
    Float,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DatabaseError, IntegrityError

from kernel import db, ledger, payments, record, registry
from kernel.actor import system
from kernel.backup import (
    BackupOfAnotherRevision,
    DatabaseNotEmpty,
    NotABackup,
    back_up,
    check_backup,
    restore,
)
from kernel.clock import FixedClock
from kernel.db import Id, Instant, Json, Minor, Serial
from kernel.ids import SeededIds
from kernel.immutable import append_only
from kernel.ledger import AccountName, Transfer
from kernel.money import yuan
from kernel.registry import Brand, Region
from kernel.work import Works
from tests.conftest import DATABASES, MONDAY_MORNING
from tests.kernel.payment_room import BRAND, make_room
from tests.support.databases import copy_sqlite, make_schema, postgres_database

QILAN = Brand(BRAND, "qilan", {"zh-CN": "岐岚", "en": "Qilan"}, "LQ9")
EVERYTHING = MetaData()
things = Table(
    "backup_things",
    EVERYTHING,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("next", Serial, ForeignKey("backup_things.serial")),
    Column("favourite", Id, ForeignKey("backup_owners.id", name="fk_favourite", use_alter=True)),
    Column("minor", Minor),
    Column("text", String(40)),
    Column("at", Instant),
    Column("day", Date),
    Column("share", Float),
    Column("yes", Boolean),
    Column("raw", LargeBinary),
    Column("facts", Json),
)
owners = Table(
    "backup_owners",
    EVERYTHING,
    Column("id", Id, primary_key=True),
    Column("thing", Serial, ForeignKey("backup_things.serial"), nullable=False),
)
append_only(things)


@pytest.fixture(params=[(source, target) for source in DATABASES for target in DATABASES], ids="-to-".join)
def pair(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Return a database to fill and another, empty one, of each pair of kinds, both with the schema."""
    with ExitStack() as stack:
        engines = []
        for name, kind in zip(("source", "target"), request.param, strict=True):
            if kind == "sqlite":
                url = copy_sqlite(sqlite_template, tmp_path / f"{name}.db")
            else:
                server = request.getfixturevalue("postgres")
                url = stack.enter_context(postgres_database(server, f"muster_{name}_{os.getpid()}"))
                make_schema(url)
            engine = db.open_engine(url)
            stack.callback(engine.dispose)
            engines.append(engine)
        yield engines[0], engines[1]


def fill(engine: Engine) -> None:
    """Write something of the kernel's everyday: a brand, money in and out, a chain."""
    clock = FixedClock(MONDAY_MORNING)
    works = Works(engine, clock=clock, ids=SeededIds(seed=7))
    with works.change(system(BRAND)) as work:
        registry.add_brand(work, QILAN, [Region("east", {"zh-CN": "华东", "en": "East"})])
        record.append(work, "pool:1", "opened", {"places": 60, "名": "甲"})
    room = make_room(works, clock)
    room.give_back(room.held("s1", yuan(5000), "ref-1"))
    room.held("s2", yuan(5000), "ref-2")
    room.work_off()


def rows_of(engine: Engine, tables: Sequence[Table]) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: list(connection.execute(select(table).order_by(*table.primary_key.columns)).all())
            for table in tables
        }


def test_every_row_of_every_table_comes_back_on_either_database(pair: tuple[Engine, Engine], tmp_path: Path) -> None:
    source, target = pair
    fill(source)

    written = back_up(source, tmp_path / "b.zip", revision="r1")
    read = restore(target, tmp_path / "b.zip", revision="r1")

    before = rows_of(source, db.metadata.sorted_tables)
    assert written == read
    assert sum(len(rows) for rows in before.values()) == written.rows > 15
    assert rows_of(target, db.metadata.sorted_tables) == before


def test_the_restored_books_go_on_and_are_guarded(pair: tuple[Engine, Engine], tmp_path: Path) -> None:
    source, target = pair
    fill(source)
    back_up(source, tmp_path / "b.zip", revision="r1")
    restore(target, tmp_path / "b.zip", revision="r1")

    works = Works(target, clock=FixedClock(MONDAY_MORNING + timedelta(days=1)))
    with works.change(system(BRAND)) as work:
        record.append(work, "pool:1", "joined", {})
        assert record.broken_chains(work) == {}
        assert ledger.balance(work, payments.provider_account("sandbox")) == -500_000

    with pytest.raises(DatabaseError, match="never changed"), works.change(system(BRAND)) as work:
        work.connection.execute(text("UPDATE ledger_transfers SET amount_minor = 1"))


def test_books_come_back_whose_ids_do_not_follow_the_order_in_which_they_were_written(
    pair: tuple[Engine, Engine], tmp_path: Path
) -> None:
    source, target = pair
    received = Transfer("received", "x", AccountName("provider:sandbox"), AccountName("deposit:x"), yuan(5000))
    returned = Transfer("returned", "x", AccountName("deposit:x"), AccountName("refund:x"), yuan(5000))
    for minutes, transfer in ((1, received), (0, returned)):
        clock = FixedClock(MONDAY_MORNING + timedelta(minutes=minutes))
        with Works(source, clock=clock, ids=SeededIds(seed=7)).change(system(BRAND)) as work:
            ledger.book(work, transfer)

    back_up(source, tmp_path / "b.zip", revision="r1")
    restore(target, tmp_path / "b.zip", revision="r1")

    works = Works(target, clock=FixedClock(MONDAY_MORNING + timedelta(days=1)))
    with works.read(system(BRAND)) as work:
        assert ledger.balance(work, AccountName("refund:x")) == 500_000
    with pytest.raises(DatabaseError, match="never falls below zero"), works.change(system(BRAND)) as work:
        ledger.book(work, replace(returned, reference="y"))


def test_every_type_rows_that_refer_forwards_and_given_numbers_survive(
    pair: tuple[Engine, Engine], tmp_path: Path
) -> None:
    source, target = pair
    moment = datetime(2026, 11, 23, 2, 0, 0, 1, tzinfo=UTC)
    full = {
        "minor": 2**53 + 1,
        "text": "岐岚 \"'\n",
        "at": moment,
        "day": date(2026, 11, 23),
        "share": 0.1,
        "yes": True,
        "raw": b"\x00\xff",
        "facts": {"名": [1, 2.5, None, {"x": False}]},
    }
    for engine in pair:
        EVERYTHING.create_all(engine)
    with source.execution_options(**{db.WRITE: True}).begin() as connection:
        connection.exec_driver_sql(
            "PRAGMA defer_foreign_keys=ON"
            if db.is_sqlite(connection)
            else "ALTER TABLE backup_things ALTER CONSTRAINT backup_things_next_fkey DEFERRABLE INITIALLY DEFERRED"
        )
        connection.execute(insert(things).values(serial=1, next=3, **full))
        connection.execute(insert(things).values(serial=2, next=2))
        connection.execute(insert(things).values(serial=3))
        connection.execute(insert(owners).values(id="o1", thing=2))
        connection.execute(insert(things).values(serial=4, favourite="o1"))

    back_up(source, tmp_path / "b.zip", revision="r1", schema=EVERYTHING)
    restore(target, tmp_path / "b.zip", revision="r1", schema=EVERYTHING)

    assert rows_of(target, [things, owners]) == rows_of(source, [things, owners])
    with target.execution_options(**{db.WRITE: True}).begin() as connection:
        assert connection.execute(insert(things).values(text="next").returning(things.c.serial)).scalar_one() == 5
    with pytest.raises(IntegrityError), target.execution_options(**{db.WRITE: True}).begin() as connection:
        connection.execute(insert(owners).values(id="o2", thing=99))


def test_a_backup_shows_one_moment_while_others_write(works: Works, database: Any, tmp_path: Path) -> None:
    fill(database.engine)
    entered, wrote = threading.Event(), threading.Event()

    def write_meanwhile() -> None:
        entered.wait(10)
        with works.change(system(BRAND)) as work:
            record.append(work, "pool:1", "joined", {})
            record.append(work, "pool:2", "opened", {})
        wrote.set()

    def on_first_row(_table: str, _done: int, _total: int) -> None:
        entered.set()
        assert wrote.wait(10)

    writer = threading.Thread(target=write_meanwhile)
    writer.start()
    manifest = back_up(database.engine, tmp_path / "b.zip", revision="r1", progress=on_first_row)
    writer.join()

    rows = {part.name: part.rows for part in manifest.tables}
    assert (rows["record_heads"], rows["record_entries"]) == (1, 1)


def test_a_database_that_holds_anything_is_left_as_it_is(database: Any, tmp_path: Path) -> None:
    fill(database.engine)
    back_up(database.engine, tmp_path / "b.zip", revision="r1")
    before = rows_of(database.engine, db.metadata.sorted_tables)

    with pytest.raises(DatabaseNotEmpty):
        restore(database.engine, tmp_path / "b.zip", revision="r1")

    assert rows_of(database.engine, db.metadata.sorted_tables) == before


def test_another_revision_is_refused(database: Any, tmp_path: Path) -> None:
    back_up(database.engine, tmp_path / "b.zip", revision="r1")

    with pytest.raises(BackupOfAnotherRevision) as refused:
        restore(database.engine, tmp_path / "b.zip", revision="r2")

    assert refused.value == BackupOfAnotherRevision("r1", "r2")


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Copy a backup and change or drop members on the way."""
    copy = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return copy


CHANGES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "a changed row": lambda name, content: content.replace(b"500000", b"500001"),
    "a dropped row": lambda name, content: (
        b"".join(content.splitlines(keepends=True)[:-1]) if name == "tables/ledger_transfers.jsonl" else content
    ),
    "a dropped table": lambda name, content: None if name == "tables/ledger_transfers.jsonl" else content,
    "no manifest": lambda name, content: None if name == "manifest.json" else content,
    "another format": lambda name, content: content.replace(b"muster-backup-1", b"muster-backup-9"),
    "a broken manifest": lambda name, content: b"[]" if name == "manifest.json" else content,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_backup_that_was_altered_is_refused_before_the_first_row(
    sqlite_url: str, tmp_path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    engine = db.open_engine(sqlite_url)
    fill(engine)
    back_up(engine, tmp_path / "b.zip", revision="r1")
    altered = rewritten(tmp_path / "b.zip", change)

    with pytest.raises(NotABackup):
        check_backup(altered)
    with pytest.raises(NotABackup):
        restore(engine, altered, revision="r1")

    engine.dispose()


def test_a_file_cut_short_or_of_another_kind_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    engine = db.open_engine(sqlite_url)
    fill(engine)
    back_up(engine, tmp_path / "b.zip", revision="r1")
    whole = (tmp_path / "b.zip").read_bytes()
    broken = tmp_path / "broken.zip"

    for content in (whole[:-30], b"", b"no zip at all", whole[:200] + b"\x00" * 40 + whole[240:]):
        broken.write_bytes(content)
        with pytest.raises(NotABackup):
            check_backup(broken)

    engine.dispose()


def test_a_backup_is_its_owners_alone_and_overwrites_nothing(sqlite_url: str, tmp_path: Path) -> None:
    engine = db.open_engine(sqlite_url)
    path = tmp_path / "b.zip"

    manifest = back_up(engine, path, revision="r1", clock=FixedClock(MONDAY_MORNING))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert check_backup(path) == manifest
    assert manifest.made_at == MONDAY_MORNING
    with pytest.raises(FileExistsError):
        back_up(engine, path, revision="r1")
    assert [file.name for file in tmp_path.glob("*.part")] == []
    engine.dispose()


def test_progress_counts_up_to_every_row(sqlite_url: str, tmp_path: Path) -> None:
    engine = db.open_engine(sqlite_url)
    fill(engine)
    seen: dict[str, tuple[int, int]] = {}

    back_up(
        engine,
        tmp_path / "b.zip",
        revision="r1",
        progress=lambda table, done, total: seen.__setitem__(table, (done, total)),
    )

    assert seen["ledger_transfers"] == (4, 4)
    assert all(done == total for done, total in seen.values())
    engine.dispose()
