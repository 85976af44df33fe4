"""The small brand with everything in it, and a server of it that each role may try to break."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel import db
from kernel.clock import FixedClock
from kernel.ids import SeededIds
from kernel.work import Works
from tests.conftest import DATABASES, MONDAY_MORNING
from tests.support.databases import copy_sqlite, make_schema, postgres_database
from tests.support.served import ROLES, Served, add_people, serve
from tests.support.sound_world import make_sound_world


@pytest.fixture(scope="module", params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """Return each role in turn."""
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def target(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a brand of its own to each test module; what one role changes the next one finds."""
    yield from open_target(copy_sqlite(sqlite_template, tmp_path_factory.mktemp("fuzz") / "target.db"))


@pytest.fixture(scope="module", params=DATABASES)
def target_on_both(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Serve it on each kind of database."""
    if request.param == "sqlite":
        yield from open_target(copy_sqlite(sqlite_template, tmp_path_factory.mktemp("fuzz") / "both.db"))
        return
    with postgres_database(request.getfixturevalue("postgres"), f"muster_fuzz_{os.getpid()}") as url:
        make_schema(url)
        yield from open_target(url)


def open_target(url: str) -> Iterator[Served]:
    """Fill an empty database and serve it."""
    clock = FixedClock(MONDAY_MORNING)
    engine = db.open_engine(url)
    make_sound_world(Works(engine, clock=clock, ids=SeededIds(1)), clock)
    works = Works(engine, clock=clock)
    add_people(works)
    yield serve(url, works)
    engine.dispose()
