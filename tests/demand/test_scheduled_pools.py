"""A pool that is scheduled opens at its time, or once no other pool of its class is open; or it is taken back."""

from __future__ import annotations

from datetime import timedelta

from demand.pools.model import CancelledPool, FrozenPool, LockedPool, OpenPool, ScheduledPool
from demand.service import cancel_pool
from tests.configurator.small_brand import PLANNER
from tests.demand.pool_room import PoolRoom


def test_it_waits_while_another_of_its_class_is_open_and_opens_within_the_hour_of_that_ones_freeze(
    room: PoolRoom,
) -> None:
    first = room.open(days=5)
    second = room.open(days=5, opens_in=timedelta(days=1))

    room.pass_time(days=1, hours=1)
    assert isinstance(room.pool(second), ScheduledPool)
    room.pass_time(hours=23)
    room.pass_time(hours=1)

    assert isinstance(room.pool(first), FrozenPool)
    assert isinstance(room.pool(second), OpenPool)
    room.place(*(room.request(room.buyer(name), pool_id=second) for name in (1, 2, 3)))
    room.pass_time(days=5)
    assert isinstance(room.pool(second), LockedPool)
    assert room.unsound() == []


def test_it_opens_within_the_hour_once_the_other_is_gone(room: PoolRoom) -> None:
    first = room.open(days=21)
    second = room.open(days=5, opens_in=timedelta(days=1))
    room.pass_time(days=1)

    with room.works.change(PLANNER) as work:
        cancel_pool(work, first, reason="the plant is full")
    room.pass_time(hours=1)

    assert isinstance(room.pool(second), OpenPool)


def test_one_that_could_open_no_sooner_than_its_own_freeze_is_taken_back(room: PoolRoom) -> None:
    first = room.open(days=21)
    second = room.open(days=5, opens_in=timedelta(days=1))

    room.pass_time(days=1)
    for _ in range(50):
        room.pass_time(hours=1)

    assert isinstance(room.pool(first), OpenPool)
    assert isinstance(room.pool(second), CancelledPool)
    assert room.unsound() == []
