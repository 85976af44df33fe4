"""A pool has a time of its own: no clock that is behind, of this machine or another, undoes what happened in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from demand.errors import CapNotRaised, PoolClosed, PoolFrozen
from demand.pools.model import Offer, PaymentMethod, PooledPreOrder
from demand.service import change_car, choose_method, raise_cap, remove_member, withdraw
from kernel import record
from kernel.actor import Actor, Role, system
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.work import Work
from tests.configurator.small_brand import BRAND, PLAIN_CAR
from tests.demand.pool_room import ANY_PRICE, PoolRoom, beside

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))
BEHIND = timedelta(milliseconds=5)


def refused(room: PoolRoom, act: Callable[[Work], object]) -> Refusal:
    """Let the first buyer act, and return the refusal; nothing has changed."""
    before = room.states()
    with pytest.raises(Refusal) as told, room.works.change(room.buyer(1)) as work:
        act(work)
    assert room.states() == before
    return told.value


def test_once_somebody_has_acted_at_the_deadline_no_offer_changes(room: PoolRoom) -> None:
    pool_id = room.open()
    mine, other = (one.pre_order_id for one in room.join(1, 2))
    room.clock.set(room.head(pool_id).deadline)
    with room.works.change(OPERATOR) as work:
        remove_member(work, other, case="F-1")

    elsewhere = beside(room, behind=BEHIND)
    blue = elsewhere.quote(room.buyer(1), options=("BLUE", *PLAIN_CAR[1:]))

    assert isinstance(refused(elsewhere, lambda work: raise_cap(work, mine, price_cap_minor=2 * ANY_PRICE)), PoolClosed)
    assert isinstance(
        refused(elsewhere, lambda work: change_car(work, mine, quote_id=blue, price_cap_minor=2 * ANY_PRICE)),
        PoolClosed,
    )
    (newcomer,) = elsewhere.place(elsewhere.request(room.buyer(3)))
    assert isinstance(newcomer, PoolClosed)
    assert room.pre_order(mine).head.offer == Offer(10_000_000, ANY_PRICE)


def test_once_somebody_has_acted_at_the_freeze_nobody_leaves_or_weakens_an_offer(room: PoolRoom) -> None:
    pool_id = room.open()
    mine, other = (one.pre_order_id for one in room.join(1, 2))
    room.clock.set(room.head(pool_id).freeze_at)
    with room.works.change(room.buyer(2)) as work:
        raise_cap(work, other, price_cap_minor=2 * ANY_PRICE)

    elsewhere = beside(room, behind=BEHIND)
    quote_id = elsewhere.quote(room.buyer(1))

    assert isinstance(refused(elsewhere, lambda work: withdraw(work, mine)), PoolFrozen)
    assert isinstance(
        refused(elsewhere, lambda work: choose_method(work, mine, method=PaymentMethod.INSTALMENTS)), PoolFrozen
    )
    assert isinstance(
        refused(elsewhere, lambda work: change_car(work, mine, quote_id=quote_id, price_cap_minor=10_000_000)),
        CapNotRaised,
    )


def test_a_cap_that_is_raised_behind_the_clock_of_another_stands_in_the_order_of_the_record(room: PoolRoom) -> None:
    pool_id = room.open()
    mine, other = (one.pre_order_id for one in room.join(1, 2))
    room.clock.advance(timedelta(hours=1))
    with room.works.change(room.buyer(2)) as work:
        raise_cap(work, other, price_cap_minor=2 * ANY_PRICE)

    with beside(room, behind=BEHIND).works.change(room.buyer(1)) as work:
        raised = raise_cap(work, mine, price_cap_minor=2 * ANY_PRICE)

    assert isinstance(raised, PooledPreOrder)
    with room.works.read(system(BRAND)) as work:
        times = [entry.at for entry in record.walk(work, f"pool:{pool_id}")]
        assert times == sorted(times)
        assert not list(record.broken_chains(work))
