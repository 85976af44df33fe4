"""What is acknowledged is on disk, also where a database was told not to wait for it (DOMAIN section 4.6)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from kernel import db
from tests.support.databases import postgres_database


@pytest.mark.postgres
def test_a_commit_waits_for_the_disk_whatever_the_database_says(postgres: str) -> None:
    with postgres_database(postgres, "muster_hasty") as url:
        name = make_url(url).database
        maintenance = db.open_engine(postgres)
        with maintenance.begin() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        maintenance.dispose()

        engine = db.open_engine(url)
        with engine.begin() as connection:
            level = connection.execute(text("SHOW synchronous_commit")).scalar_one()
        engine.dispose()

    assert level == "on"


@pytest.mark.postgres
def test_a_commit_that_waits_for_more_is_left_so(postgres: str) -> None:
    with postgres_database(postgres, "muster_careful") as url:
        name = make_url(url).database
        maintenance = db.open_engine(postgres)
        with maintenance.begin() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply"))
        maintenance.dispose()

        engine = db.open_engine(url)
        with engine.begin() as connection:
            level = connection.execute(text("SHOW synchronous_commit")).scalar_one()
        engine.dispose()

    assert level == "remote_apply"


@pytest.mark.postgres
def test_who_fills_a_database_leaves_the_disk_to_the_server(postgres: str) -> None:
    with postgres_database(postgres, "muster_filled") as url:
        engine = db.open_engine(url, waits_for_disk=False)
        with engine.begin() as connection:
            level = connection.execute(text("SHOW synchronous_commit")).scalar_one()
        db.settle_on_disk(engine)
        engine.dispose()

    assert level == "off"


def test_who_fills_a_sqlite_file_waits_once_at_the_end(sqlite_url: str) -> None:
    engine = db.open_engine(sqlite_url, waits_for_disk=False)
    with engine.begin() as connection:
        level = connection.execute(text("PRAGMA synchronous")).scalar_one()
        connection.execute(text("CREATE TABLE filled (number INTEGER)"))
        connection.execute(text("INSERT INTO filled VALUES (1)"))
    log = Path(f"{make_url(sqlite_url).database}-wal")
    waiting = log.stat().st_size
    db.settle_on_disk(engine)
    settled = log.stat().st_size
    engine.dispose()

    # Normal: nothing breaks, and only a write-back of the log waits.
    assert (level, waiting > 0, settled) == (1, True, 0)


def test_sqlite_waits_for_the_disk(sqlite_url: str) -> None:
    engine = db.open_engine(sqlite_url)
    with engine.begin() as connection:
        full = connection.execute(text("PRAGMA synchronous")).scalar_one()
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    engine.dispose()

    assert (full, journal) == (2, "wal")
