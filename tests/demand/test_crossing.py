"""Two changes that take the same rows in another order: PostgreSQL undoes one of them, and it is decided anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import delete

from demand.pools.model import EndedPreOrder, FailureChoice, FrozenPool
from demand.pools.pool_store import CLEAR_TIMER, FREEZE_TIMER
from demand.service import TIMERS, Placed, fund_pre_order, withdraw
from kernel import db, payments
from kernel.actor import system
from kernel.clock import FixedClock
from kernel.timers import timers
from kernel.work import Work, Works
from muster.doors import pre_order_door
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom, make_pool_room, placed

pytestmark = pytest.mark.postgres
LONG_ENOUGH_TO_CROSS = 0.5


@pytest.fixture
def room(postgres_url: str, clock: FixedClock) -> Iterator[PoolRoom]:
    engine = db.open_engine(postgres_url)
    yield make_pool_room(Works(engine, clock=clock), clock)
    engine.dispose()


def cross(first: Callable[[Event], object], second: Callable[[], object]) -> None:
    """Run both at once, the second as soon as the first holds its first row."""
    held = Event()

    def follow() -> None:
        assert held.wait(10)
        second()

    with ThreadPoolExecutor(2) as threads:
        leading, following = threads.submit(first, held), threads.submit(follow)
        leading.result(30)
        following.result(30)


def test_a_buyer_who_withdraws_while_the_money_comes_in_gets_it_back(room: PoolRoom) -> None:
    room.open()
    buyer = room.buyer(1)
    pre_order_id = placed(room.place(room.request(buyer, funded=False))[0]).pre_order_id
    (payment,) = room.payments_of(pre_order_id)
    message = room.pay(payment, reference="r")

    def call_back(held: Event) -> None:
        def take(work: Work) -> None:
            heard = payments.receive_callback(work, room.sandbox, message.headers, message.body)
            held.set()
            time.sleep(LONG_ENOUGH_TO_CROSS)
            if heard.outcome == "received":
                fund_pre_order(work, heard.payment)

        room.works.run(system(BRAND), take)

    ended: list[EndedPreOrder] = []
    cross(call_back, lambda: ended.append(room.works.run(buyer, lambda work: withdraw(work, pre_order_id))))

    assert [one.ending for one in ended] == ["withdrawn"]
    assert room.balance(f"deposit:{pre_order_id}") == 0
    assert room.balance(f"refund:{payment.id}") == 500_000


def test_the_group_that_fills_a_pool_at_its_freeze_is_placed(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3)
    room.join(1, 2)
    request = room.request(room.buyer(3))
    door = pre_order_door(room.works, room.providers)

    def fire(held: Event) -> None:
        def freeze(work: Work) -> None:
            work.connection.execute(delete(timers).where(timers.c.kind == FREEZE_TIMER, timers.c.key == pool_id))
            held.set()
            time.sleep(LONG_ENOUGH_TO_CROSS)
            TIMERS[FREEZE_TIMER](work, pool_id, None)

        room.works.run(system(BRAND), freeze)

    outcomes: list[Placed] = []
    cross(fire, lambda: outcomes.append(door.submit(request).result(20)))
    door.close()

    assert [one.state for one in outcomes] == ["pooled"]
    assert isinstance(room.pool(pool_id), FrozenPool)
    assert room.count(pool_id) == 3


def test_a_pool_that_opens_while_another_one_clears_takes_in_who_rolls_over(room: PoolRoom) -> None:
    old = room.open(days=4)
    (member,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=2)
    room.clock.advance(timedelta(days=2))

    with room.works.change(system(BRAND)) as work:
        TIMERS[CLEAR_TIMER](work, old, None)
        new = room.open()
        room.pass_time(seconds=0)
    room.pass_time(seconds=0)

    assert room.pre_order(member.pre_order_id).pool_id == new
    assert room.states() == {member.pre_order_id: "pooled"}
