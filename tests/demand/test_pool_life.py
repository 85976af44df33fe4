"""The main way of a pool: open, join with money, freeze, clear, locked or failed, money back."""

from __future__ import annotations

import pytest

from demand.pools.model import FailedPool, FrozenPool, LockedPool, OpenPool
from kernel.clock import FixedClock
from kernel.work import Works
from tests.demand.pool_room import PoolRoom, make_pool_room


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    return make_pool_room(works, clock)


def test_a_pool_that_tips_locks_at_the_tiers_price_and_makes_deposits_earnest_money(room: PoolRoom) -> None:
    pool_id = room.open()
    members = room.join(*range(1, 6))
    assert isinstance(room.pool(pool_id), OpenPool)

    room.pass_time(days=18)
    assert isinstance(room.pool(pool_id), FrozenPool)
    room.pass_time(days=3)

    locked = room.pool(pool_id)
    assert isinstance(locked, LockedPool)
    assert (locked.cleared, locked.discount_bp) == (5, 200)
    assert set(room.states().values()) == {"locked"}
    for member in members:
        assert room.balance(f"deposit:{member.pre_order_id}") == 0
        assert room.balance(f"earnest:{member.pre_order_id}") == 500_000
    assert room.balance("provider:sandbox") == -2_500_000


def test_a_pool_short_of_its_minimum_fails_and_every_deposit_goes_back(room: PoolRoom) -> None:
    pool_id = room.open()
    members = room.join(1, 2)

    room.pass_time(days=21)
    room.settle()

    assert isinstance(room.pool(pool_id), FailedPool)
    assert set(room.states().values()) == {"refunded"}
    assert [room.payments_of(one.pre_order_id)[0].state.value for one in members] == ["refunded", "refunded"]
    assert room.balance("provider:sandbox") == 0
