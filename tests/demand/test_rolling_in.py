"""Who rolled over is in the next pool before anybody who comes new: taken in by the change that opens it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from configurator.model import Tier
from demand.errors import PoolFull
from demand.pools import opening_service
from demand.pools.model import ClassLevel, FailureChoice, FrozenPool
from demand.pools.opening_service import open_scheduled
from demand.pools.tables import pre_order_changes, pre_orders
from kernel.actor import system
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import ANY_PRICE, PoolRoom, placed


def rolled_over(room: PoolRoom, *names: int, cap: int = ANY_PRICE) -> list[str]:
    """Let persons join the open pool with the wish to roll; their pre-orders."""
    return [one.pre_order_id for one in room.join(*names, cap=cap, choice=FailureChoice.ROLL)]


def test_who_waits_is_in_before_anybody_who_comes_new(room: PoolRoom) -> None:
    room.open(tiers=(Tier(3, 0),))
    waiting = rolled_over(room, 1, 2)
    room.pass_time(days=21)

    second = room.open(capacity=3, tiers=(Tier(3, 0),))
    newcomers = room.place(*(room.request(room.buyer(name)) for name in range(3, 10)))

    assert [isinstance(one, PoolFull) for one in newcomers] == [False] * 4 + [True] * 3
    assert {room.pre_order(one).pool_id for one in waiting} == {second}
    room.pass_time(hours=72)
    assert [room.states()[one] for one in waiting] == ["locked", "locked"]
    assert room.unsound() == []


def test_a_scheduled_pool_takes_in_all_who_wait_in_their_order_as_it_opens(
    room: PoolRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening_service, "TAKEN_IN_AT_ONCE", 2)
    room.open(tiers=(Tier(8, 0),))
    waiting = rolled_over(room, *range(1, 6))
    room.pass_time(days=21)
    second = room.open(tiers=(Tier(8, 0),), opens_in=timedelta(days=1))
    room.clock.advance(timedelta(days=1))

    with room.works.change(system(BRAND)) as work:
        open_scheduled(work, second)

    assert room.head(second).members == 5
    with room.works.read(system(BRAND)) as work:
        places = select(pre_orders.c.id).where(pre_orders.c.pool_id == second).order_by(pre_orders.c.place_number)
        assert list(work.connection.execute(places).scalars()) == waiting


def test_nobody_is_taken_in_by_the_hand_of_the_planner_who_opens(room: PoolRoom) -> None:
    room.open(tiers=(Tier(3, 0),))
    (one,) = rolled_over(room, 1)
    room.pass_time(days=21)

    room.open(tiers=(Tier(3, 0),))

    with room.works.read(system(BRAND)) as work:
        rolled_in = (pre_order_changes.c.pre_order_id == one) & (pre_order_changes.c.reason == "rolled_in")
        assert work.connection.execute(select(pre_order_changes.c.by).where(rolled_in)).scalars().all() == [None]


def test_so_many_who_wait_that_they_fill_a_pool_freeze_it_as_it_opens(room: PoolRoom) -> None:
    room.open(tiers=(Tier(8, 0),))
    rolled_over(room, 1, 2, 3)
    room.pass_time(days=21)

    second = room.open(capacity=3, tiers=(Tier(3, 0),))

    pool = room.pool(second)
    assert isinstance(pool, FrozenPool)
    assert (pool.head.members, pool.head.deadline) == (3, room.clock.now() + timedelta(hours=72))
    room.pass_time(hours=72)
    assert set(room.states().values()) == {"locked"}
    assert room.unsound() == []


def test_whoever_fills_a_pool_on_the_way_in_leaves_those_behind_who_would_not_stay_in_it(room: PoolRoom) -> None:
    room.open(tiers=(Tier(8, 0),))
    asked = [
        room.request(room.buyer(name), choice=FailureChoice.ROLL, accepts_frozen=name == 5) for name in range(1, 6)
    ]
    waiting = [placed(one).pre_order_id for one in room.place(*asked)]
    room.pass_time(days=21)

    second = room.open(capacity=3, tiers=(Tier(3, 0),))

    assert isinstance(room.pool(second), FrozenPool)
    states = room.states()
    assert [states[one] for one in waiting] == ["pooled", "pooled", "pooled", "rolled_over", "pooled"]
    assert room.unsound() == []


def test_those_for_whom_there_is_no_place_hide_nobody_who_stands_behind_them(
    room: PoolRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening_service, "TAKEN_IN_AT_ONCE", 1)
    monkeypatch.setattr(opening_service, "BATCHES_AT_OPENING", 1)
    room.open(tiers=(Tier(7, 0), Tier(8, 500)))
    low = rolled_over(room, 1, 2, 3, 4, cap=9_500_000)
    (behind,) = rolled_over(room, 5)
    room.pass_time(days=21)

    # Caps below the first tier's price hold at most three places here.
    room.open(capacity=3, tiers=(Tier(2, 0), Tier(3, 500)))
    room.pass_time(minutes=1)

    states = room.states()
    assert [states[one] for one in low] == ["pooled", "pooled", "pooled", "rolled_over"]
    assert states[behind] == "pooled"


def test_who_is_asked_about_one_pool_goes_on_into_another_that_costs_no_more(room: PoolRoom) -> None:
    room.open(days=4, tiers=(Tier(3, 300),))
    asked = room.request(room.buyer(1), choice=FailureChoice.ROLL, accepts_wider_class=True)
    one = placed(room.place(asked)[0]).pre_order_id
    room.pass_time(days=2)
    room.open(tiers=(Tier(3, 0),))
    wide = room.open(tiers=(Tier(3, 300),), level=ClassLevel.L2)

    room.pass_time(days=2)

    joined = room.pre_order(one)
    assert (joined.pool_id, room.states()[one]) == (wide, "pooled")
    assert room.unsound() == []
