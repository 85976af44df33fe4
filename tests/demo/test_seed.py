"""The demo is the same every time for one origin, on either database, and sound by every check of the audit."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Engine, func, select

from demand.pools.tables import pools
from kernel.clock import FixedClock
from kernel.news import outbox
from kernel.work import Works
from muster.audit import CHECKS, audit
from muster.demo import seed
from muster.demo.unfinished import is_unfinished
from muster.opening import open_works
from muster.settings import Settings, read_settings
from muster.tables import metadata
from tests.conftest import DATABASES
from tests.demo.light_stock_seen import assert_light_stock_is_told

AS_OF: Final = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
# What nobody may guess is another one every time, and so is every hash over it.
SECRET_TABLES: Final = frozenset(
    {"sessions", "machine_keys", "one_time_tokens", "record_salts", "record_entries", "record_days", "record_heads"}
)
SECRET_COLUMNS: Final = frozenset({"password_hash", "salt", "person", "root"})
PINNED: Final = "4f97f44059dd9b5c"
"""The fingerprint of the small demo as of `AS_OF`, on either database, every time."""


def settings_for(url: str) -> Settings:
    return read_settings({"MUSTER_DEMO": "1", "MUSTER_DATABASE_URL": url})


def contents(engine: Engine) -> dict[str, list[str]]:
    """Return every row of every table that holds no secret, as text."""
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name not in SECRET_TABLES:
                columns = [column for column in table.columns if column.name not in SECRET_COLUMNS]
                rows = connection.execute(select(*columns))
                found[table.name] = sorted(repr([_plain(value) for value in row]) for row in rows)
    return found


def _plain(value: Any) -> Any:
    """Write JSON with its keys in one order: the databases keep them in different ones."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if isinstance(value, dict | list) else value


def fingerprint(found: dict[str, list[str]]) -> str:
    """Return a hash over contents, as short as a person can compare."""
    lines = [f"{name} {row}\n" for name, rows in sorted(found.items()) for row in rows]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def seeded(url: str) -> Works:
    settings = settings_for(url)
    works = open_works(settings)
    seed.seed(settings, as_of=AS_OF)
    return works


@pytest.mark.parametrize("kind", DATABASES)
def test_the_demo_is_the_one_that_is_pinned_sound_and_with_every_kind_of_pool(
    kind: str, request: pytest.FixtureRequest
) -> None:
    works = seeded(request.getfixturevalue(f"{kind}_url"))

    told = fingerprint(contents(works.engine))
    assert told == PINNED, (
        f"One --as-of tells another story than it did: its fingerprint is {told}. Where that is meant (the story has"
        " grown, or a use case writes something else), make that PINNED; where it is not, look for chance or a clock."
    )
    with works.engine.connect() as connection:
        states = connection.execute(select(pools.c.state, func.count()).group_by(pools.c.state)).all()
        stuck = connection.execute(select(func.count()).where(outbox.c.due_at.isnot(None))).scalar_one()
    assert dict(states) == {"locked": 2, "rolled": 1, "frozen": 1, "open": 2}
    assert stuck == 0
    assert not is_unfinished(works)
    for brand_audit in audit(works, CHECKS):
        assert brand_audit.is_sound, brand_audit.findings
    assert_light_stock_is_told(works)
    works.engine.dispose()


@pytest.mark.prove
def test_both_databases_tell_the_same_story(sqlite_url: str, postgres_url: str) -> None:
    here, there = seeded_contents(sqlite_url), seeded_contents(postgres_url)

    assert [name for name, rows in here.items() if rows != there[name]] == []


def seeded_contents(url: str) -> dict[str, list[str]]:
    """Seed a database and return what is in it then; nothing stays open."""
    works = seeded(url)
    try:
        return contents(works.engine)
    finally:
        works.engine.dispose()


def test_an_origin_is_a_monday_at_ten_that_has_come() -> None:
    monday = seed.monday(FixedClock(datetime(2026, 11, 29, 15, 59, tzinfo=UTC)))

    assert monday == AS_OF
    assert seed.monday(FixedClock(datetime(2026, 11, 23, 1, 59, tzinfo=UTC))) == AS_OF - timedelta(weeks=1)
