"""A brand's policy versions, its calendar and its network; and what the two databases must do alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, Table, UniqueConstraint, func, select
from sqlalchemy.exc import DatabaseError, StatementError

from kernel import db, policy, registry
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.db import Id, Instant, Json, Minor
from kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId, BrandId, PlantId, StoreId
from kernel.policy import PolicyVersion, change_policy, current, pinned, policy_section
from kernel.registry import Brand, Plant, Region, Store, add_working_days, is_working_day, week_of
from kernel.work import Works
from tests.support.databases import Database

BRAND, OTHER = BrandId("a" * 32), BrandId("b" * 32)
QILAN = Brand(BRAND, "qilan", {"zh-CN": "岐岚", "en": "Qilan"}, "LQ9")
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("1" * 32))


@policy_section("test_numbers")
@dataclass(frozen=True, slots=True)
class Numbers:
    """Policy values of every kind."""

    places: int = 60
    open: bool = True
    tiers: tuple[tuple[int, int], ...] = ((60, 0), (120, 200))
    word: str = "x"

    def __post_init__(self) -> None:
        assert self.places > 0, "at least one place"


def change(works: Works, base: int, **values: Any) -> PolicyVersion:
    with works.change(ADMIN) as work:
        return change_policy(work, base_version=base, changes={"test_numbers": values}, reason="a fair")


def newest(works: Works, brand_id: BrandId = BRAND) -> PolicyVersion:
    with works.read(system(brand_id)) as work:
        return current(work)


def test_a_brand_starts_from_the_shipped_defaults(works: Works) -> None:
    assert newest(works).version == 0
    assert newest(works).section(Numbers) == Numbers()


def test_a_change_makes_a_version_and_the_old_one_stays_pinned(works: Works, clock: FixedClock) -> None:
    change(works, 0, places=80)
    clock.advance(timedelta(seconds=1))
    change(works, 1, tiers=[[60, 0], [90, 150]])

    with works.read(system(BRAND)) as work:
        versions = [pinned(work, number).section(Numbers) for number in range(3)]
    tiers = ((60, 0), (90, 150))
    assert versions == [Numbers(), Numbers(places=80), Numbers(places=80, tiers=tiers)]
    assert newest(works, OTHER).version == 0


@pytest.mark.parametrize(
    "values",
    [
        {"places": "80"},
        {"places": True},
        {"places": 0},
        {"open": 1},
        {"tiers": [["60", 0]]},
        {"tiers": [[60, 0, 0]]},
        {"tiers": 60},
        {"unheard_of": 1},
    ],
)
def test_a_value_of_another_shape_is_refused_and_nothing_changes(works: Works, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        change(works, 0, **values)

    assert newest(works).version == 0


def test_a_value_of_another_shape_is_told_what_shape_is_wanted(works: Works) -> None:
    with pytest.raises(InvalidInput, match="places: expects int, as in 60"):
        change(works, 0, places="many")
    with pytest.raises(InvalidInput, match=r"tiers: expects tuple\[tuple\[int, int\], \.\.\.\], as in"):
        change(works, 0, tiers=60)


def test_a_change_on_an_old_version_or_without_a_reason_or_right_is_refused(works: Works) -> None:
    change(works, 0, places=80)

    with pytest.raises(Conflict):
        change(works, 0, places=90)
    with pytest.raises(InvalidInput), works.change(ADMIN) as work:
        change_policy(work, base_version=1, changes={}, reason=" ")
    with pytest.raises(InvalidInput, match="1 to 400 characters"), works.change(ADMIN) as work:
        change_policy(work, base_version=1, changes={}, reason="y" * 401)
    with pytest.raises(InvalidInput), works.change(ADMIN) as work:
        change_policy(work, base_version=1, changes={"unheard_of": {}}, reason="why")
    consumer = Actor(BRAND, frozenset({Role.CONSUMER}), AccountId("1" * 32))
    with pytest.raises(Forbidden), works.change(consumer) as work:
        change_policy(work, base_version=1, changes={}, reason="why")

    assert newest(works).section(Numbers) == Numbers(places=80)
    assert "test_numbers" in policy.sections()


def test_the_database_itself_keeps_every_version_that_contracts_stand_on(works: Works) -> None:
    change(works, 0, places=80)

    for statement in (policy.policy_versions.delete(), policy.policy_versions.update().values(settings={})):
        with pytest.raises(DatabaseError, match="never changed"), works.change(ADMIN) as work:
            work.connection.execute(statement)


def test_a_change_sees_one_policy_whatever_others_write_and_its_own_at_once(works: Works) -> None:
    with works.change(ADMIN) as work:
        before = current(work)
        own = change_policy(work, base_version=0, changes={"test_numbers": {"places": 90}}, reason="a fair")

        assert current(work.acting(system(BRAND))) == own
        assert current(work.acting(system(OTHER))).version == 0
        assert current(work.acting(system(BRAND))) is current(work)
    assert (before.version, newest(works).version) == (0, 1)


# --- registry ---


def add_network(works: Works) -> None:
    name = {"zh-CN": "甲", "en": "A"}
    with works.change(system(BRAND)) as work:
        registry.add_brand(work, QILAN, [Region("north", name), Region("east", name)])
        registry.add_plants(work, [Plant(PlantId("p1"), BRAND, "changzhou", name, name, 31.8, 119.9, 900)])
        stores = [
            Store(
                StoreId(f"s{number}"), BRAND, f"store-{number}", name, name, "east", 31.2, 121.4, True, 200_000, closed
            )
            for number, closed in ((1, None), (2, datetime(2026, 1, 1, tzinfo=UTC)))
        ]
        registry.add_stores(work, stores)


def test_a_brand_finds_its_network(works: Works) -> None:
    add_network(works)

    with works.read(system(BRAND)) as work:
        assert registry.own_brand(work) == registry.brand_by_code(work, "qilan") == QILAN
        assert registry.all_brands(work) == [QILAN]
        assert [region.code for region in registry.list_regions(work)] == ["east", "north"]
        assert registry.plant_by_code(work, "changzhou").weekly_capacity == 900
        assert [store.code for store in registry.list_stores(work)] == ["store-1", "store-2"]
        assert registry.open_store(work, "s1").plate_quota is True


@pytest.mark.parametrize("store_id", ["s2", "made-up"])
def test_a_closed_store_and_a_made_up_one_look_the_same(works: Works, store_id: str) -> None:
    add_network(works)

    with pytest.raises(NotFound) as refused, works.read(system(BRAND)) as work:
        registry.open_store(work, store_id)

    assert refused.value == NotFound("store")


def test_another_brand_finds_nothing_of_it(works: Works) -> None:
    add_network(works)

    with works.read(system(OTHER)) as work:
        assert [registry.list_stores(work), registry.list_plants(work), registry.list_regions(work)] == [[], [], []]
        assert registry.stores_by_id(work, ["s1"]) == {}
        for look in (
            lambda: registry.own_brand(work),
            lambda: registry.open_store(work, "s1"),
            lambda: registry.plant_by_code(work, "changzhou"),
            lambda: registry.brand_by_code(work, "unheard-of"),
        ):
            with pytest.raises(NotFound):
                look()


def test_working_days_follow_the_chinese_calendar() -> None:
    # The National Day holiday of 2025 ran from 1 to 8 October; 28 September, a Sunday, was worked.
    assert not is_working_day("CN", date(2025, 10, 8))
    assert is_working_day("CN", date(2025, 9, 28))
    assert is_working_day("none", date(2025, 10, 8))
    start = datetime(2025, 9, 30, 2, 0, tzinfo=UTC)
    assert add_working_days(QILAN, start, 1) == datetime(2025, 10, 9, 16, 0, tzinfo=UTC)
    assert add_working_days(QILAN, start, 0) == datetime(2025, 9, 30, 16, 0, tzinfo=UTC)


def test_a_week_begins_on_monday_in_the_brands_zone() -> None:
    assert week_of(QILAN, datetime(2026, 11, 22, 15, 59, tzinfo=UTC)) == date(2026, 11, 16)
    assert week_of(QILAN, datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == date(2026, 11, 23)


# --- the two databases ---

SCHEMA = MetaData()
kept = Table(
    "db_kept",
    SCHEMA,
    Column("id", Id, primary_key=True),
    Column("name", String(20)),
    Column("minor", Minor),
    Column("at", Instant),
    Column("facts", Json),
    UniqueConstraint("name"),
)
FULL = {"name": "岐岚", "minor": 2**60, "at": datetime(2026, 11, 23, 2, 0, 0, 7, tzinfo=UTC), "facts": {"a": [1, None]}}
EMPTY = {"name": None, "minor": None, "at": None, "facts": None}


@pytest.fixture
def made(database: Database) -> Iterator[Database]:
    SCHEMA.create_all(database.engine)
    yield database
    SCHEMA.drop_all(database.engine)


@pytest.mark.parametrize("rows", [1, 2, 700])
def test_what_is_inserted_comes_back_as_it_was(made: Database, rows: int) -> None:
    written = [{"id": f"{number:032x}", **FULL, "name": f"岐{number}"} for number in range(rows)]
    written[-1] |= EMPTY

    with made.engine.execution_options(**{db.WRITE: True}).begin() as connection:
        db.insert_many(connection, kept, [])
        db.insert_many(connection, kept, written)
        read = [dict(row) for row in connection.execute(select(kept).order_by(kept.c.id)).mappings()]
        nothing = connection.execute(select(kept.c.id).where(kept.c.facts.is_(None))).scalars().all()

    assert read == written
    assert nothing == [written[-1]["id"]]


def test_of_many_rows_those_that_are_new_are_inserted_and_told(made: Database) -> None:
    rows = [{"id": f"{number:032x}", **FULL, "name": f"岐{number}"} for number in range(1_201)]

    with made.engine.execution_options(**{db.WRITE: True}).begin() as connection:
        db.insert_many(connection, kept, rows[::2])
        new = db.insert_new(connection, kept, rows, returning="id")
        again = db.insert_new(connection, kept, rows, returning="id")
        count = connection.execute(select(func.count()).select_from(kept)).scalar_one()

    assert new == {row["id"] for row in rows[1::2]}
    assert again == set()
    assert count == 1_201


NASTY = (
    "",
    " ",
    "NULL",
    "null",
    '"',
    '""',
    "\\",
    '\\"',
    "{}",
    "{a,b}",
    ",",
    "a,b",
    "'",
    "$1",
    "%s",
    "\n\t",
    "岐岚 “x”",
    "{",
)


def test_every_text_comes_back_as_it_was_among_others(made: Database) -> None:
    written = [{"id": str(n), **FULL, "name": one, "facts": {one: [one]}} for n, one in enumerate(NASTY)]
    written += [{"id": "same", **EMPTY, "minor": -1}, {"id": "too", **EMPTY, "at": FULL["at"]}]

    with made.engine.execution_options(**{db.WRITE: True}).begin() as connection:
        db.insert_many(connection, kept, written)
        read = {row["id"]: dict(row) for row in connection.execute(select(kept)).mappings()}

    assert read == {row["id"]: row for row in written}


def test_only_rows_that_break_no_constraint_are_new(made: Database) -> None:
    with made.engine.execution_options(**{db.WRITE: True}).begin() as connection:
        db.insert_many(connection, kept, [{"id": "1", **EMPTY, "name": "a"}])
        rows = [{"id": one, **EMPTY, "name": name} for one, name in (("2", "a"), ("1", "b"), ("3", "c"), ("4", "c"))]
        new = db.insert_new(connection, kept, rows, returning="id")
        none = db.insert_new(connection, kept, [], returning="id")

    assert (new, none) == ({"3"}, set())


def test_a_naive_time_is_not_stored(made: Database) -> None:
    rows = [{"id": one, **EMPTY, "at": datetime(2026, 1, 1)} for one in "12"]  # noqa: DTZ001 - it is what is refused

    for some in (rows, rows[:1]):
        with made.engine.connect() as connection, pytest.raises((AssertionError, StatementError), match="naive"):
            db.insert_many(connection, kept, some)


def test_sqlite_is_durable_and_holds_references(tmp_path: Path) -> None:
    engine = db.open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]
    engine.dispose()

    assert settings == ["wal", 2, 1]
