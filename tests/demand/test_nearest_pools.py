"""The nearest pool: the fewest changes that reach one which locks sooner or costs less, as brute force says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.errors import ConfigurationIncomplete, OptionUnknown
from configurator.model import PoolingClass, Tier, member_price_minor
from configurator.queries import open_showroom
from configurator.service import class_of_car
from demand.pools.model import ClassLevel
from demand.pools.nearest import Reachable, Standpoint, reach_pools
from demand.pools.plan import PoolPlan
from demand.service import CarAtHand, NearestPools, nearest_pools, open_pool
from kernel.errors import InvalidInput
from tests.configurator.small_brand import GUEST, PLAIN_CAR, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OTHER_CARS = (
    ("RED", "W17", "PT_BIG", "TR_BASE"),
    ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"),
    ("GOLD", "W17", "PT_SMALL", "TR_BASE"),
    ("BLUE", "W17", "PT_SMALL", "TR_PLUS"),
    ("BLUE", "W19", "PT_BIG", "TR_PLUS", "ROOF"),
)


def class_of(room: PoolRoom, options: tuple[str, ...]) -> PoolingClass:
    with room.works.read(GUEST) as work:
        return class_of_car(work, model="A1", options=options, region="east")


def open_for(
    room: PoolRoom,
    options: tuple[str, ...],
    *,
    days: int = 21,
    level: ClassLevel = ClassLevel.L1,
    tiers: Sequence[Tier] = TIERS,
) -> str:
    """Open a pool of a car's class and return its id."""
    cls = class_of(room, options)
    with room.works.change(PLANNER) as work:
        plan = PoolPlan(
            cls,
            8,
            level=level,
            minimum=tiers[0].members,
            tiers=tuple(tiers),
            deadline=work.now + timedelta(days=days),
        )
        return open_pool(work, plan).head.id


def ask(
    room: PoolRoom, options: tuple[str, ...] = PLAIN_CAR, *, first: int = 10, wider: bool = False, region: str = "east"
) -> NearestPools:
    with room.works.read(GUEST) as work:
        return nearest_pools(work, CarAtHand("A1", options, region, wider), first=first)


def all_cars(room: PoolRoom) -> list[frozenset[str]]:
    """Return the options of every A1 that can be built in the east today, by trying all of them."""
    with room.works.read(GUEST) as work:
        _, shown = open_showroom(work, region="east")
    codes = [option.code for option in shown.catalogue.options]
    found = []
    for values in product((False, True), repeat=len(codes)):
        chosen = dict(zip(codes, values, strict=True))
        if shown.engine.minimum({"A1": True, **chosen}, shown.context, {}) is not None:
            found.append(frozenset(code for code, value in chosen.items() if value))
    return found


def test_the_nearest_pools_are_those_that_trying_every_car_finds(room: PoolRoom) -> None:
    keys = {open_for(room, car, days=20 - place): class_of(room, car) for place, car in enumerate(OTHER_CARS)}
    cars = all_cars(room)
    classes = {car: class_of(room, tuple(car)) for car in cars}

    for own in (PLAIN_CAR, ("GOLD", "W19", "PT_BIG", "TR_BASE", "HOOK", "HEAT")):
        answer = ask(room, own)

        fewest = {
            pool_id: min(len(car ^ set(own)) for car in cars if classes[car] == cls) for pool_id, cls in keys.items()
        }
        assert {one.reached.view.id: one.reached.car.changes for one in answer.nearest} == fewest
        assert [one.reached.car.changes for one in answer.nearest] == sorted(fewest.values())
        assert answer.compared == len(keys)
        for one in answer.nearest:
            car = one.reached.car
            assert frozenset(car.options) in cars
            assert class_of(room, car.options) == keys[one.reached.view.id]
            assert {*own, *car.added} - set(car.removed) == set(car.options)


def test_a_car_outside_every_pool_is_shown_what_a_change_costs_and_when_it_locks(room: PoolRoom) -> None:
    with_roof = open_for(room, ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"), days=9)

    answer = ask(room)

    (one,) = answer.nearest
    assert answer.own_pool is None
    assert one.reached.view.id == with_roof
    assert (one.reached.car.added, one.reached.car.removed) == (("ROOF",), ())
    assert one.reached.price_at_most_minor == one.reached.price_now_minor == 10_500_000
    assert one.saves_minor == -500_000
    assert one.sooner is None
    assert one.reached.view.head.deadline == room.clock.now() + timedelta(days=9)


def test_in_a_pool_only_what_locks_sooner_or_costs_less_is_offered(room: PoolRoom) -> None:
    own = room.open(days=14)
    open_for(room, ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"), days=20)
    sooner = open_for(room, ("GOLD", "W17", "PT_SMALL", "TR_BASE"), days=9)

    answer = ask(room)

    assert answer.own_pool is not None
    assert answer.own_pool.view.id == own
    assert [one.reached.view.id for one in answer.nearest] == [sooner]
    assert answer.nearest[0].sooner == timedelta(days=5)
    assert answer.nearest[0].saves_minor == -600_000


def test_a_slow_pool_is_left_for_one_that_is_cheaper_by_its_tier(room: PoolRoom) -> None:
    room.open(days=10)
    cheaper = open_for(
        room,
        ("BLUE", "W17", "PT_SMALL", "TR_PLUS"),
        days=20,
        level=ClassLevel.L2,
        tiers=(Tier(3, 1_000), Tier(5, 1_200)),
    )

    narrow, wide = ask(room), ask(room, wider=True)

    assert narrow.nearest == ()
    assert [one.reached.view.id for one in wide.nearest] == [cheaper]
    (one,) = wide.nearest
    assert one.reached.car.changes == 0
    assert one.reached.needs_consent
    assert one.saves_minor == 1_000_000
    assert one.sooner == timedelta(days=-10)


def test_pools_that_take_nobody_are_not_offered(room: PoolRoom) -> None:
    open_for(room, ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"), days=5)
    room.clock.advance(timedelta(days=5))

    assert ask(room).compared == 0


def test_a_class_that_cannot_be_built_here_is_not_offered(room: PoolRoom) -> None:
    open_for(room, ("RED", "W17", "PT_SMALL", "TR_BASE", "ROOF"))

    east = ask(room)
    north = ask(room, ("RED", "W17", "PT_SMALL", "TR_BASE", "HEAT", "HOOK"), region="north")

    assert len(east.nearest) == 1
    (one,) = north.nearest
    assert (one.reached.car.added, one.reached.car.removed) == (("ROOF",), ("HOOK",))


@pytest.mark.parametrize(
    ("options", "refusal"),
    [(("RED", "W17"), ConfigurationIncomplete), (("RED", "NO_SUCH"), OptionUnknown)],
)
def test_an_unfinished_or_unknown_car_is_refused(
    room: PoolRoom, options: tuple[str, ...], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        ask(room, options)


@pytest.mark.parametrize("first", [0, 11])
def test_too_many_or_no_pools_are_refused(room: PoolRoom, first: int) -> None:
    with pytest.raises(InvalidInput):
        ask(room, first=first)


# --- the search alone ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SomeCar:
    changes: int
    vehicle_price_minor: int


POOLS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(90, 110), st.integers(0, 900), st.integers(1, 9)),
    max_size=12,
)


@given(drawn=POOLS, own_price=st.integers(95, 105), own_days=st.none() | st.integers(1, 9), first=st.integers(1, 4))
def test_the_search_finds_what_asking_every_pool_would_find(
    drawn: list[tuple[int, int, int, int, int]], own_price: int, own_days: int | None, first: int
) -> None:
    cars, pools = {}, []
    for place, (least, more, thousands, discount_bp, days) in enumerate(drawn):
        pool = Reachable(f"{place:02}", least, discount_bp, NOW + timedelta(days=days))
        pools.append(pool)
        cars[pool.pool_id] = None if more == 4 else SomeCar(least + more, thousands * 100_000)
    standpoint = Standpoint(own_price * 100_000, None if own_days is None else NOW + timedelta(days=own_days))

    found = reach_pools(pools, lambda pool: cars[pool.pool_id], standpoint, first=first)

    every = [
        (car.changes, price, pool.deadline, pool.pool_id)
        for pool in pools
        if (car := cars[pool.pool_id]) is not None
        and standpoint.is_bettered_by(
            price := member_price_minor(car.vehicle_price_minor, pool.discount_bp), pool.deadline
        )
    ]
    assert [one.rank for one in found] == sorted(every)[:first]


def test_pools_that_cannot_come_first_are_not_asked() -> None:
    near = Reachable("a", 1, 0, NOW)
    far = replace(near, pool_id="b", least=2)
    asked: list[str] = []

    def nearest(pool: Reachable) -> SomeCar:
        asked.append(pool.pool_id)
        return SomeCar(pool.least, 100)

    reach_pools([far, near], nearest, Standpoint(100, None), first=1)

    assert asked == ["a"]
