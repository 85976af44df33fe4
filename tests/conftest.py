"""What every test may ask for: a real database (each test runs on SQLite and on PostgreSQL), a clock that stands, ids.

A PostgreSQL that cannot start fails the tests that need it; leaving it out must be said (MUSTER_TEST_POSTGRES=off).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

from kernel import db
from kernel.clock import FixedClock
from kernel.ids import SeededIds
from kernel.work import Works
from tests.support.databases import (
    Database,
    copy_sqlite,
    empty_postgres,
    make_schema,
    postgres_address,
    postgres_database,
)
from tests.support.left_out import LEFT_OUT

MONDAY_MORNING: Final = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
WITHOUT_POSTGRES: Final = os.environ.get("MUSTER_TEST_POSTGRES") == "off"
DATABASES: Final = ("sqlite",) if WITHOUT_POSTGRES else ("sqlite", "postgres")

# The same examples every time, so that a red test is red for everybody; `dev.py prove` looks for new ones.
settings.register_profile("test", deadline=None, derandomize=True, max_examples=30)
settings.register_profile(
    "prove", deadline=None, max_examples=600, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("prove" if os.environ.get("MUSTER_PROVE") else "test")


@pytest.fixture(scope="session", autouse=True)
def circuits_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let the servers and commands that tests start share what is compiled, apart from the user's own."""
    folder = tmp_path_factory.mktemp("circuits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSTER_CIRCUITS_FOLDER", str(folder))
        yield folder


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the file that each test on SQLite gets a copy of."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    make_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start the PostgreSQL server of this run and return its maintenance address."""
    with postgres_address() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_with_schema(postgres: str) -> Iterator[str]:
    """Make the database that the tests on PostgreSQL share one after the other."""
    with postgres_database(postgres, f"muster_test_{os.getpid()}") as url:
        make_schema(url)
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the address of a fresh SQLite database with the schema."""
    return copy_sqlite(sqlite_template, tmp_path / "muster.db")


@pytest.fixture
def postgres_url(postgres_with_schema: str) -> str:
    """Return the address of an emptied PostgreSQL database with the schema."""
    empty_postgres(postgres_with_schema)
    return postgres_with_schema


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a fresh database with the schema, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    engine = db.open_engine(url)
    yield Database(url, engine)
    engine.dispose()


@pytest.fixture(params=DATABASES)
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Return what makes an empty database, once of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        numbers = iter(range(1_000_000))
        yield lambda: copy_sqlite(template, tmp_path / f"{next(numbers)}.db")
    else:
        url: str = request.getfixturevalue("postgres_with_schema")

        def emptied() -> str:
            empty_postgres(url)
            return url

        yield emptied


@pytest.fixture(params=DATABASES)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database without any table, once of each kind; for migrations."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare.db'}"
    else:
        with postgres_database(request.getfixturevalue("postgres"), f"muster_bare_{os.getpid()}") as url:
            yield url


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that stands at ten in the morning in Shanghai, Monday 23 November 2026."""
    return FixedClock(MONDAY_MORNING)


@pytest.fixture
def ids() -> SeededIds:
    """Return ids that come out the same every time."""
    return SeededIds(seed=1)


@pytest.fixture
def works(database: Database, clock: FixedClock, ids: SeededIds) -> Works:
    """Return what opens changes and reads on the fresh database."""
    return Works(database.engine, clock=clock, ids=ids)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `postgres` where PostgreSQL is left out; the last line then counts it as deselected."""
    if WITHOUT_POSTGRES:
        left_out = [item for item in items if item.get_closest_marker("postgres")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several processes share the tests, tell the one that sums up what this one has left out."""
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a process that ends has left out; one that crashed tells nothing."""
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name loudly, just above the last line, what did not run and which checks of `dev.py` had failed before."""
    if WITHOUT_POSTGRES:
        terminalreporter.section("NOT RUN: PostgreSQL", sep="!", red=True, bold=True)
        terminalreporter.line("MUSTER_TEST_POSTGRES=off: no test ran on PostgreSQL.")
    for name, reason in LEFT_OUT.items():
        terminalreporter.section(f"NOT RUN: {name}", sep="!", red=True, bold=True)
        terminalreporter.line(reason)
    failed = os.environ.get("MUSTER_TEST_CHECKS_FAILED", "")
    if failed:
        terminalreporter.section(f"CHECKS THAT FAILED: {failed}", sep="!", red=True, bold=True)
        terminalreporter.line("See the top of this output; `python3 dev.py check` runs them alone.")
