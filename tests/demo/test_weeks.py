"""The demo's weeks: a shortened window is sound, the same on both databases, and has its stories."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import ColumnElement, Table, func, select

from configurator.model import Choice
from configurator.service import class_of_car
from configurator.step_service import ConfigureRequest, configure
from configurator.tables import configurations
from demand.pools.tables import pools, pre_orders
from demand.votes.tables import proposals, votes
from factory_orders.vehicles.tables import vehicles
from kernel import db, registry
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.ids import BrandId, SeededIds
from kernel.news import outbox
from kernel.work import Work, Works
from muster.audit import CHECKS, audit
from muster.demo import seed
from muster.demo.activity import set_stage
from muster.demo.crowd import Car
from muster.demo.weeks import RING_PERSONS, ClassOfCars, Weeks, days_of_other_rules
from muster.demo.weeks_plan import FULL, Volumes, plan_weeks
from muster.demo.weeks_wishes import Board, read_wishes
from muster.opening import open_works
from tests.demo.test_seed import AS_OF, contents, settings_for

SHORT: Final = Volumes(weeks=5, tipped=4, failed=1, pre_orders=400, voters=1_300, configurations=1_500, proposals=64)


def seeded(url: str, volumes: Volumes) -> Works:
    settings = settings_for(url)
    works = open_works(settings)
    seed.seed_full(settings, as_of=AS_OF, volumes=volumes)
    return works


def count(work: Work, table: Table, *where: ColumnElement[bool]) -> int:
    found = select(func.count()).select_from(table).where(*where)
    return int(work.connection.execute(found).scalar_one())


def qilan(works: Works) -> BrandId:
    with works.read(system(BrandId("platform"))) as work:
        return registry.brand_by_code(work, "qilan").id


def assert_sound(works: Works) -> None:
    for brand_audit in audit(works, CHECKS):
        assert brand_audit.is_sound, brand_audit.findings


def removed_for_fraud(work: Work) -> int:
    return count(work, pre_orders, pre_orders.c.state == "removed")


def test_some_weeks_are_sound_and_a_ring_of_accounts_is_caught(sqlite_url: str) -> None:
    works = seeded(sqlite_url, SHORT)

    with works.read(system(qilan(works))) as work:
        assert count(work, configurations) == 1_500
        assert count(work, votes) > 1_000
        assert count(work, pools, pools.c.state == "locked") > 0
        assert count(work, pools, pools.c.state.in_(["failed", "rolled"])) > 0
        assert removed_for_fraud(work) == RING_PERSONS
        assert count(work, proposals, proposals.c.state == "committed") == 3
        assert count(work, outbox, outbox.c.due_at.isnot(None)) == 0
    assert_sound(works)
    works.engine.dispose()


def test_what_a_new_rule_forbids_nobody_wants_from_its_day_on(sqlite_url: str) -> None:
    clock = FixedClock(datetime(2026, 12, 31, 10, tzinfo=seed.ZONE))
    settings = settings_for(sqlite_url)
    works = Works(db.open_engine(sqlite_url), clock=clock, ids=SeededIds(1))
    first = seed.add_brand(works, settings, seed.FOLDER / "qilan")
    stage = set_stage(works, clock, settings, first.brand, first.accounts)
    plan = plan_weeks(SHORT, first_day=clock.now().date(), calendar=first.brand.calendar, seed=1)
    weeks = Weeks(stage, plan, Board(read_wishes()), (), clock.now(), days_of_other_rules(stage))
    store = next(one for one in stage.stores if one.region == "east")
    with works.read(system(first.brand.id)) as work:
        wanted = [("DA_URBAN", "LT_LED_SIGNATURE"), ("DA_URBAN", "LT_MATRIX")]
        steps = [configure(work, ConfigureRequest("L5", tuple(map(Choice, one)), region="east")).step for one in wanted]
        cars = [Car("L5", step.cheapest.options, store.id) for step in steps]
        own = ClassOfCars("L5", class_of_car(work, model="L5", options=cars[0].options, region="east"))
    assert weeks.cars_of(own)
    weeks.designs[own.cls.l1_key] = list(cars)

    last_day = list(weeks.cars_of(own))
    clock.advance(timedelta(days=1))

    assert last_day == cars
    assert weeks.cars_of(own) == cars[1:]
    stage.runtime.identity.close()
    works.engine.dispose()


@pytest.mark.prove
def test_some_weeks_are_the_same_on_both_databases(sqlite_url: str, postgres_url: str) -> None:
    here, there = seeded(sqlite_url, SHORT), seeded(postgres_url, SHORT)

    told, retold = contents(here.engine), contents(there.engine)
    assert [name for name, rows in told.items() if rows != retold[name]] == []
    for works in (here, there):
        assert_sound(works)
        works.engine.dispose()


@pytest.mark.prove
def test_the_weeks_hold_what_they_should(sqlite_url: str) -> None:
    works = seeded(sqlite_url, FULL)

    with works.read(system(qilan(works))) as work:
        assert count(work, configurations) == 31_000
        assert 7_500 < count(work, pre_orders) < 7_700
        assert count(work, pools) == 52
        # 33 of the weeks and two of the stories; the frozen story and an open one have their minimum as well.
        assert count(work, pools, pools.c.state == "locked") == 35
        assert count(work, pools, pools.c.reaching_minimum >= pools.c.minimum, pools.c.state != "locked") == 2
        assert count(work, pools, pools.c.state.in_(["failed", "rolled"])) == 14
        assert count(work, proposals) == 64
        assert count(work, proposals, proposals.c.state.in_(["in_catalogue", "converted"])) == 3
        assert count(work, proposals, proposals.c.state == "declined") == 2
        assert 1_800 < count(work, vehicles) < 2_100
        assert work.connection.execute(select(func.count(votes.c.person_id.distinct()))).scalar_one() > 9_300
        assert removed_for_fraud(work) == RING_PERSONS
    assert_sound(works)
    works.engine.dispose()
