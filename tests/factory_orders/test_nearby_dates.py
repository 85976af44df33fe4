"""Dates of nearby pools: each is what a quote of the changed car would promise, however many pools there are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from configurator.model import Promise
from configurator.service import class_of_car
from demand.service import CarAtHand, PoolPlan
from factory_orders import service
from factory_orders.planning.capacity_store import lay_out_weeks
from factory_orders.planning.model import SLOT
from factory_orders.planning.queries import plant_by_id
from factory_orders.planning.tables import capacity_weeks
from factory_orders.policies import CapacityPolicy
from factory_orders.pools_service import Promises, open_pool
from kernel.errors import NotFound
from tests.configurator.small_brand import EAST_STORE, GUEST, PLAIN_CAR, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.trade import NORTH_PLANT
from tests.graph.support import counted_statements

OTHER_CARS = (
    ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"),
    ("GOLD", "W17", "PT_SMALL", "TR_BASE"),
    ("BLUE", "W17", "PT_SMALL", "TR_PLUS"),
)


def open_for(room: PoolRoom, options: tuple[str, ...], *, days: int) -> str:
    """Open a pool of a car's class, with its slots at the plant; returns its id."""
    with room.works.change(PLANNER) as work:
        cls = class_of_car(work, model="A1", options=options, region="east")
        plan = PoolPlan(cls, 8, minimum=3, tiers=TIERS, deadline=work.now + timedelta(days=days))
        return open_pool(work, plan).pool.head.id


def ask(room: PoolRoom, *, store_id: str | None = EAST_STORE) -> service.DatedPools:
    with room.works.read(GUEST) as work:
        return service.nearest_pools_dated(work, CarAtHand("A1", PLAIN_CAR, "east"), first=10, store_id=store_id)


def quoted(room: PoolRoom, options: tuple[str, ...], pool_id: str | None) -> Promise | None:
    """Return what a quote of a car would promise today."""
    with room.works.read(GUEST) as work:
        cls = class_of_car(work, model="A1", options=options, region="east")
        day = (work.now + timedelta(hours=8)).date()
        return Promises().promise(work, cls, model="A1", options=options, store_id=EAST_STORE, day=day, pool_id=pool_id)


@pytest.mark.parametrize("has_pool", [True, False])
def test_each_pool_says_what_a_quote_would_and_how_much_sooner_than_the_own_car(room: PoolRoom, has_pool: bool) -> None:
    own_pool = open_for(room, PLAIN_CAR, days=40) if has_pool else None
    for place, car in enumerate(OTHER_CARS):
        open_for(room, car, days=10 + 7 * place)

    answer = ask(room)

    own = quoted(room, PLAIN_CAR, own_pool)
    assert own is not None
    assert (answer.own, own.conditional) == (own, has_pool)
    assert len(answer.pools) == len(OTHER_CARS)
    for one in answer.pools:
        reached = one.nearest.reached
        assert one.promise is not None
        assert one.promise == quoted(room, reached.car.options, reached.view.id)
        assert one.expected_days_sooner == (own.p50 - one.promise.p50).days
        assert one.promised_days_sooner == (own.p90 - one.promise.p90).days
    assert len({one.expected_days_sooner for one in answer.pools}) == len(OTHER_CARS)


def test_without_a_store_days_are_compared_all_the_same(room: PoolRoom) -> None:
    open_for(room, PLAIN_CAR, days=40)
    open_for(room, OTHER_CARS[0], days=10)

    at_store, anywhere = ask(room), ask(room, store_id=None)

    assert (at_store.is_at_store, anywhere.is_at_store) == (True, False)
    assert [one.expected_days_sooner for one in anywhere.pools] == [28]
    assert [one.promised_days_sooner for one in anywhere.pools] == [one.promised_days_sooner for one in at_store.pools]


def test_more_pools_take_no_more_statements(room: PoolRoom) -> None:
    open_for(room, PLAIN_CAR, days=40)
    counts = []
    for place, car in enumerate(OTHER_CARS):
        open_for(room, car, days=10 + 7 * place)
        with counted_statements(room.works.engine) as statements:
            assert len(ask(room).pools) == place + 1
        counts.append(len(statements))

    assert len(set(counts)) == 1


def test_where_the_own_car_finds_no_week_nothing_is_compared(room: PoolRoom) -> None:
    open_for(room, OTHER_CARS[0], days=10)
    table = capacity_weeks.c
    with room.works.change(PLANNER) as work:
        plant = plant_by_id(work, NORTH_PLANT)
        lay_out_weeks(work, plant, first=date(2026, 11, 30), weeks=60, options=(), policy=CapacityPolicy())
        full = update(capacity_weeks).where(table.resource == SLOT).values(capacity=table.reserved + table.used)
        work.connection.execute(full)

    answer = ask(room)

    (one,) = answer.pools
    assert answer.own is None
    assert one.promise is not None
    assert (one.expected_days_sooner, one.promised_days_sooner) == (None, None)


def test_a_store_that_is_none_is_refused(room: PoolRoom) -> None:
    with pytest.raises(NotFound):
        ask(room, store_id="7" * 32)
