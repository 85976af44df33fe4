"""A clock that jumps, a worker that dies in the middle of a clearing: nothing lost, nothing twice, nobody overtaken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select

from demand.errors import PoolClosed
from demand.pools.model import FailureChoice, LockedPool, PooledPreOrder, RolledPool
from demand.pools.pre_order_store import earnest_account
from demand.pools.tables import early_bonuses, pre_orders
from demand.service import TIMERS
from kernel import ledger, record
from kernel.actor import system
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom, beside, placed

# --- clocks ----------------------------------------------------------------------------------------------------------


def test_who_comes_later_is_not_earlier_though_a_clock_was_set_back(room: PoolRoom) -> None:
    pool_id = room.open(capacity=4)
    room.clock.advance(timedelta(hours=6))
    first = room.join(1, 2, 3)
    other = beside(room, behind=timedelta(minutes=4))

    later = other.join(4, 5)
    unpaid = placed(other.place(other.request(other.buyer(6), funded=False))[0])
    (payment,) = other.payments_of(unpaid.pre_order_id)
    other.hear(other.pay(payment, reference="late-6"))

    members = [room.pre_order(one.pre_order_id) for one in (*first, *later, unpaid)]
    times = [one.funded_at for one in members if isinstance(one, PooledPreOrder)]
    assert len(times) == 6
    assert times == sorted(times)
    with room.works.read(system(BRAND)) as work:
        assert record.broken_chains(work) == {}
    room.pass_time(days=30)
    locked = room.pool(pool_id)
    assert isinstance(locked, LockedPool)
    assert {one.pre_order_id for one in (*first, *later) if room.states()[one.pre_order_id] == "locked"} == {
        one.pre_order_id for one in (*first, later[0])
    }
    assert room.unsound() == []


def test_a_clock_set_back_reopens_nothing(room: PoolRoom) -> None:
    pool_id = room.open(days=4)
    room.join(1, 2, 3)
    room.pass_time(days=4)
    assert isinstance(room.pool(pool_id), LockedPool)
    states = room.states()

    back = beside(room, behind=timedelta(days=3))
    refusal = back.place(back.request(back.buyer(4), pool_id=pool_id))[0]
    with back.works.change(system(BRAND)) as work:
        for kind in ("demand.pool_freeze", "demand.pool_clear"):
            TIMERS[kind](work, pool_id, None)
    while fire_due(back.works, TIMERS):
        pass

    assert isinstance(refusal, PoolClosed)
    assert room.states() == states
    assert room.unsound() == []


# --- a worker that dies ----------------------------------------------------------------------------------------------


ENDS = {1: FailureChoice.ROLL, 2: FailureChoice.REFUND}


class Death(BaseException):
    """The process ends here: no handler runs, the database takes back what was not committed."""


@contextmanager
def dying_at(works: Works, statement_number: int) -> Iterator[list[str]]:
    """Let the process die before it sends its n-th statement; yields those it sent."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if len(sent) == statement_number:
            raise Death
        sent.append(statement)

    event.listen(works.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(works.engine, "before_cursor_execute", note)


def of_one_piece(room: PoolRoom, pool_id: str) -> bool:
    """Say whether a pool has cleared; all of it or nothing of it, whoever died."""
    locked = list(room.states().values()).count("locked")
    with room.works.read(system(BRAND)) as work:
        pre_order_ids = work.connection.execute(select(pre_orders.c.id)).scalars()
        earnest = sum(ledger.balances(work, [earnest_account(one) for one in pre_order_ids]).values())
        told = [one.kind for one in record.entries_of(work, f"pool:{pool_id}")].count("pool.locked")
    cleared = isinstance(room.pool(pool_id), LockedPool)
    assert (locked, earnest, told) == ((4, 4 * 500_000, 1) if cleared else (0, 0, 0))
    return cleared


def test_a_worker_that_dies_before_any_statement_of_a_clearing_is_followed_exactly(room: PoolRoom) -> None:
    pool_id = room.open(capacity=4)
    room.join(1, 2, 3, 4, 5)
    room.place(room.request(room.buyer(6), funded=False))
    room.clock.advance(timedelta(days=22))
    deaths = 0

    while not of_one_piece(room, pool_id):
        assert room.unsound() == []
        with dying_at(room.works, deaths), suppress(Death):
            while fire_due(room.works, TIMERS):
                pass
        deaths += 1

    assert deaths > 15
    while fire_due(room.works, TIMERS):
        pass
    assert of_one_piece(room, pool_id)
    assert sorted(room.states().values()) == ["expired_unpaid", *["locked"] * 4, "refunded"]
    assert room.unsound() == []


def test_a_worker_that_dies_before_any_statement_of_a_pools_failure_is_followed_exactly(room: PoolRoom) -> None:
    pool_id = room.open(capacity=4)
    goes_on, goes_home = (room.join(name, choice=choice)[0].pre_order_id for name, choice in ENDS.items())
    room.clock.advance(timedelta(days=22))
    deaths = 0

    while not isinstance(room.pool(pool_id), RolledPool):
        assert set(room.states().values()) == {"pooled"}
        with dying_at(room.works, deaths), suppress(Death):
            while fire_due(room.works, TIMERS):
                pass
        deaths += 1

    assert deaths > 15
    assert room.states() == {goes_on: "rolled_over", goes_home: "refunded"}
    with room.works.read(system(BRAND)) as work:
        assert [row.person_id for row in work.connection.execute(select(early_bonuses))] == [f"{1:032x}"]
    assert room.unsound() == []
