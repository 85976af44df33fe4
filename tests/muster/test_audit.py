"""An audit of a sound brand finds nothing, and every one of its checks finds the violation that is planted for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from kernel import db
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId, SeededIds
from kernel.soundness import Check
from kernel.work import Work, Works
from muster.audit import CHECKS, audit
from tests.configurator.small_brand import BRAND
from tests.conftest import DATABASES, MONDAY_MORNING
from tests.muster.planted import PLANTED
from tests.support.databases import copy_sqlite, make_schema, postgres_database
from tests.support.sound_world import make_sound_world


@pytest.fixture(scope="module", params=DATABASES)
def sound(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Works]:
    """Make the sound brand once on each kind of database."""
    clock = FixedClock(MONDAY_MORNING)
    if request.param == "sqlite":
        engine = db.open_engine(copy_sqlite(sqlite_template, tmp_path_factory.mktemp("audit") / "sound.db"))
        yield make_sound_world(Works(engine, clock=clock, ids=SeededIds(1)), clock).works
        engine.dispose()
        return
    with postgres_database(request.getfixturevalue("postgres"), f"muster_audit_{os.getpid()}") as url:
        make_schema(url)
        engine = db.open_engine(url)
        yield make_sound_world(Works(engine, clock=clock, ids=SeededIds(1)), clock).works
        engine.dispose()


@contextmanager
def undefended(works: Works) -> Iterator[Connection]:
    """Open a transaction in which no constraint, trigger or foreign key holds; it is rolled back at the end."""
    with works.engine.connect() as connection:
        if db.is_sqlite(connection):
            driver = connection.connection.driver_connection
            assert driver is not None
            for pragma in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
                driver.execute(f"PRAGMA {pragma}")
        with connection.begin() as transaction:
            _disarm(connection)
            try:
                yield connection
            finally:
                transaction.rollback()
        # Nobody else gets a connection on which nothing is checked.
        connection.invalidate()


def _disarm(connection: Connection) -> None:
    if db.is_sqlite(connection):
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        for name in found:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    checks = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0"
        " AND connamespace = 'public'::regnamespace"
    ).all()
    for table, name in checks:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def look(check: Check, connection: Connection, works: Works) -> list[str]:
    """Run one check inside this transaction."""
    return list(check.look(Work(connection, works.clock.now(), works.ids, system(BRAND))))


# --- the tests -------------------------------------------------------------------------------------------------------


def test_nothing_is_found_where_all_is_sound(sound: Works) -> None:
    found = list(audit(sound, CHECKS))

    assert [brand.is_sound for brand in found] == [True]
    assert [len(brand.findings) for brand in found] == [len(CHECKS)]
    assert [line for brand in found for finding in brand.findings for line in finding.violations] == []


def test_every_check_has_a_violation_that_it_must_find() -> None:
    assert sorted(check.name for check in CHECKS) == sorted(PLANTED)
    assert {check.rule for check in CHECKS} == set(range(1, 13))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_violation_is_found(sound: Works, check: Check) -> None:
    with undefended(sound) as connection:
        assert look(check, connection, sound) == []

        PLANTED[check.name](connection)

        assert look(check, connection, sound) != []


def test_another_brand_s_violation_is_not_this_one_s(sound: Works) -> None:
    elsewhere = system(BrandId("c" * 32))
    with undefended(sound) as connection:
        for plant in (PLANTED["one person holds one place in a pool"], PLANTED["no week is taken beyond its capacity"]):
            plant(connection)
        work = Work(connection, sound.clock.now(), sound.ids, elsewhere)
        for check in CHECKS:
            if check.name.startswith(("one person holds", "no week")):
                assert list(check.look(work)) == []
