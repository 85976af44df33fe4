"""The rule about rings: one payment instrument pays for few persons of a pool; operators see who goes beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from demand.pools.placing import PreOrderRequest
from demand.pools.ring_queries import Ring, find_rings
from demand.service import Placed, remove_member, withdraw
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import Forbidden
from kernel.ids import AccountId
from kernel.money import yuan
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom, make_pool_room, placed

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("e" * 32))


@pytest.fixture
def room(works: Works, clock: FixedClock) -> PoolRoom:
    made = make_pool_room(works, clock)
    made.open()
    return made


def from_wallet(room: PoolRoom, name: int, wallet: str) -> PreOrderRequest:
    """Return a person's funded pre-order, paid from a wallet that may be another's too."""
    buyer = room.buyer(name)
    token = room.sandbox.authorise(
        account_id=buyer.signed_in(),
        amount=yuan(5_000),
        reference=f"{wallet}-{name}",
        wallet=wallet,
        expires_at=room.clock.now() + timedelta(days=1),
    )
    return replace(room.request(buyer), authorisation=token)


def join(room: PoolRoom, names: range, wallet: str) -> list[Placed]:
    return [placed(outcome) for outcome in room.place(*(from_wallet(room, name, wallet) for name in names))]


def rings(room: PoolRoom) -> list[Ring]:
    with room.works.read(OPERATOR) as work:
        return find_rings(work)


def test_three_persons_may_share_an_instrument_and_a_fourth_makes_a_ring(room: PoolRoom) -> None:
    join(room, range(1, 4), "a family's")
    before = rings(room)

    ring = join(room, range(10, 14), "a ring's")

    assert before == []
    (found,) = rings(room)
    assert found.pre_order_ids == tuple(one.pre_order_id for one in ring)


def test_who_has_left_or_was_removed_is_in_no_ring(room: PoolRoom) -> None:
    ring = join(room, range(10, 15), "a ring's")
    with room.works.change(room.buyer(10)) as work:
        withdraw(work, ring[0].pre_order_id)
    assert [one.pre_order_ids for one in rings(room)] == [tuple(one.pre_order_id for one in ring[1:])]

    with room.works.change(OPERATOR) as work:
        remove_member(work, ring[1].pre_order_id, case="R-1/26")

    assert rings(room) == []


def test_a_planner_sees_no_ring(room: PoolRoom) -> None:
    with room.works.read(PLANNER) as work, pytest.raises(Forbidden):
        find_rings(work)
