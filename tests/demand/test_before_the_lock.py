"""Before the lock: a word before the freeze, another car or store in the same place, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from configurator.model import Tier
from configurator.quote_service import QuoteRequest, issue_quote
from demand.audit_service import CHECKS
from demand.pools.model import PooledPreOrder
from demand.service import PoolPlan, change_car, open_pool, withdraw
from kernel import outbox
from kernel.actor import system
from kernel.notices import notices
from kernel.soundness import examine
from muster.telling import TELLERS
from tests.configurator.small_brand import BRAND, DESK, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.demand.pool_room import ANY_PRICE, TIERS, PoolRoom, pre_order_of

NEAR: Final = "pool_freeze_near"


def told(room: PoolRoom, kind: str) -> list[str]:
    """Deliver the news and return who was told of something, in order."""
    while outbox.deliver(room.works, TELLERS):
        pass
    with room.works.read(PLANNER) as work:
        found = select(notices.c.account_id).where(notices.c.kind == kind).order_by(notices.c.account_id)
        return list(work.connection.execute(found).scalars())


def test_members_are_told_a_day_before_the_freeze_and_once(room: PoolRoom) -> None:
    pool_id = room.open(days=10)
    room.join(1, 2)
    assert room.head(pool_id).freeze_at == room.clock.now() + timedelta(days=7)

    room.pass_time(days=5, hours=23)
    early = told(room, NEAR)
    room.pass_time(hours=1)
    near = told(room, NEAR)
    room.join(3)
    room.pass_time(days=4)

    assert early == []
    assert near == [f"{name:032x}" for name in (1, 2)]
    assert told(room, NEAR) == near
    assert told(room, "pool_frozen") == [f"{name:032x}" for name in (1, 2, 3)]


def test_a_pool_that_fills_freezes_at_once_and_tells_of_no_freeze_to_come(room: PoolRoom) -> None:
    room.open(capacity=3, tiers=(Tier(3, 0),), days=10)
    room.join(1, 2, 3)

    room.pass_time(days=9)

    assert told(room, NEAR) == []
    assert len(told(room, "pool_frozen")) == 3


def test_a_pool_open_for_less_than_the_notice_tells_of_its_freeze_only(room: PoolRoom) -> None:
    with room.works.change(PLANNER) as work:
        open_pool(work, PoolPlan(room.cls, 8, minimum=3, tiers=TIERS, deadline=work.now + timedelta(hours=80)))
    room.join(1)

    room.pass_time(hours=8)

    assert told(room, NEAR) == []
    assert told(room, "pool_frozen") == [f"{1:032x}"]


def test_free_options_and_the_store_change_before_the_lock_and_the_place_stays(room: PoolRoom) -> None:
    pool_id = room.open()
    (first,) = room.place(room.request(room.buyer(1)))
    room.clock.advance(timedelta(hours=1))
    room.join(2)
    before = pre_order_of(first)
    assert isinstance(before, PooledPreOrder)

    with room.works.change(room.buyer(1)) as work:
        asked = QuoteRequest("A1", ("BLUE", *PLAIN_CAR[1:], "HEAT"), NORTH_STORE)
        quote_id = issue_quote(work, DESK, asked).quote.facts.id
    with room.works.change(room.buyer(1)) as work:
        change_car(work, before.head.id, quote_id=quote_id, price_cap_minor=ANY_PRICE)

    after = room.pre_order(before.head.id)
    assert isinstance(after, PooledPreOrder)
    assert (after.head.store_id, after.head.region) == (NORTH_STORE, "north")
    assert set(after.head.options) == {"BLUE", *PLAIN_CAR[1:], "HEAT"}
    assert (after.pool_id, after.funded_at) == (pool_id, before.funded_at)
    assert room.head(pool_id).members == 2


def test_who_left_in_the_moment_in_which_the_pool_then_filled_left_no_frozen_pool(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(3, 0),))
    (one,) = room.join(1)

    with room.works.change(room.buyer(1)) as work:
        withdraw(work, one.pre_order_id)
    room.join(2, 3, 4)

    assert room.head(pool_id).freeze_at == room.clock.now()
    with room.works.read(system(BRAND)) as work:
        assert [line for finding in examine(work, CHECKS) for line in finding.violations] == []
