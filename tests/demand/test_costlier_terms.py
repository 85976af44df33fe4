"""The next pool of the class costs more: who waits is asked once, goes on by a new accepted quote, else is refunded."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from configurator.model import Tier
from demand.errors import CapTooLow, NoOpenPool, PreOrderClosed
from demand.pools import opening_service
from demand.pools.model import ClassLevel, FailureChoice, PooledPreOrder, WaitingPreOrder
from demand.pools.tables import pools
from demand.service import cancel_pool, change_car, withdraw
from kernel import news
from kernel.actor import system
from kernel.errors import NotFound
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import PoolRoom, placed

CHEAP = (Tier(3, 300),)
DEAR = (Tier(3, 0),)
CAP = 12_000_000


@pytest.fixture
def waiting(room: PoolRoom) -> list[str]:
    """Two members of a pool that failed, who chose to go on, and a costlier pool of the class that is open now."""
    room.open(tiers=CHEAP)
    members = room.join(1, 2, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    room.open(tiers=DEAR)
    room.pass_time(seconds=1)
    return [one.pre_order_id for one in members]


def accept(
    room: PoolRoom, name: int, pre_order_id: str, *, cap: int = CAP, pool_id: str | None = None
) -> PooledPreOrder:
    """Go on by a new quote, into a pool by its id or into that one which takes it."""
    quote_id = room.quote(room.buyer(name))
    with room.works.change(room.buyer(name)) as work:
        return change_car(work, pre_order_id, quote_id=quote_id, price_cap_minor=cap, pool_id=pool_id)


def times_asked(room: PoolRoom) -> int:
    with room.works.read(system(BRAND)) as work:
        kinds = work.connection.execute(select(news.outbox.c.kind)).scalars()
        return list(kinds).count("demand.costlier_terms_offered")


def test_who_waits_is_asked_once_and_keeps_waiting(room: PoolRoom, waiting: list[str]) -> None:
    room.pass_time(days=5)

    assert set(room.states().values()) == {"rolled_over"}
    assert times_asked(room) == 2


def test_an_accepted_quote_takes_the_place_at_the_time_that_was_kept(room: PoolRoom, waiting: list[str]) -> None:
    before = room.pre_order(waiting[0])
    assert isinstance(before, WaitingPreOrder)

    joined = accept(room, 1, waiting[0])

    after = room.pre_order(waiting[0])
    assert after == joined
    assert (after.head.offer.price_cap_minor, after.funded_at, after.head.rolls) == (CAP, before.funded_at, 1)
    assert after.head.quote_id != before.head.quote_id
    assert room.count(after.pool_id) == room.head(after.pool_id).members == 1
    assert room.unsound() == []


def test_who_says_nothing_until_the_freeze_has_the_money_back(room: PoolRoom, waiting: list[str]) -> None:
    accept(room, 1, waiting[0])

    room.pass_time(days=18)

    assert room.states() == {waiting[0]: "pooled", waiting[1]: "refunded"}
    assert room.balance(f"deposit:{waiting[1]}") == 0
    with pytest.raises(PreOrderClosed):
        accept(room, 2, waiting[1])
    assert room.unsound() == []


def test_who_says_nothing_is_not_forgotten_where_others_roll_over_meanwhile(room: PoolRoom, waiting: list[str]) -> None:
    """Whoever rolls over has the open pool look for them; that moves no answer that is due at its freeze."""
    wide = room.open(level=ClassLevel.L2, tiers=DEAR, days=4)
    other = room.request(room.buyer(3), choice=FailureChoice.ROLL, accepts_wider_class=True, pool_id=wide)
    (third,) = room.place(other)
    room.pass_time(days=4)
    assert room.states() == dict.fromkeys(waiting, "rolled_over") | {placed(third).pre_order_id: "pooled"}

    room.pass_time(days=14)

    assert room.states() == dict.fromkeys(waiting, "refunded") | {placed(third).pre_order_id: "pooled"}
    assert room.unsound() == []


def test_who_stands_behind_those_whom_the_opening_looks_at_is_asked_too(
    room: PoolRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening_service, "TAKEN_IN_AT_ONCE", 1)
    monkeypatch.setattr(opening_service, "BATCHES_AT_OPENING", 1)
    room.open(tiers=(Tier(8, 300),))
    room.join(1, 2, 3, choice=FailureChoice.ROLL)
    room.pass_time(days=21)

    room.open(tiers=DEAR)
    at_the_opening = times_asked(room)
    room.pass_time(minutes=1)

    assert (at_the_opening, times_asked(room)) == (1, 3)
    room.pass_time(days=18)
    assert list(room.states().values()) == ["refunded"] * 3


def test_who_says_nothing_waits_no_longer_than_a_pool_that_fills_early(room: PoolRoom) -> None:
    room.open(tiers=CHEAP)
    (member,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=21)
    room.open(tiers=DEAR, capacity=3)

    room.join(2, 3, 4)
    room.pass_time(seconds=1)

    assert room.states()[member.pre_order_id] == "refunded"


def test_who_says_nothing_has_the_money_back_though_they_would_not_stay_in_a_frozen_pool(room: PoolRoom) -> None:
    """Who was never asked goes on waiting: a frozen pool they did not agree to is no answer."""
    room.open(tiers=CHEAP)
    free = partial(room.request, choice=FailureChoice.ROLL, accepts_frozen=False)
    (asked,) = room.place(free(room.buyer(1)))
    room.pass_time(days=21)
    wide = room.open(tiers=CHEAP, level=ClassLevel.L2, days=20)
    (unasked,) = room.place(free(room.buyer(2), pool_id=wide, accepts_wider_class=True))
    room.open(tiers=DEAR)

    for _ in range(22):
        room.pass_time(days=1)

    states = room.states()
    assert (states[placed(asked).pre_order_id], states[placed(unasked).pre_order_id]) == ("refunded", "rolled_over")
    assert room.unsound() == []


def test_who_says_nothing_goes_on_waiting_where_the_pool_is_taken_back(room: PoolRoom, waiting: list[str]) -> None:
    with room.works.change(PLANNER) as work:
        cancel_pool(work, _newest(room), reason="another plan")

    room.pass_time(days=30)

    assert set(room.states().values()) == {"rolled_over"}


def _newest(room: PoolRoom) -> str:
    with room.works.read(system(BRAND)) as work:
        newest = select(pools.c.id).order_by(pools.c.opens_at.desc(), pools.c.id.desc()).limit(1)
        return str(work.connection.execute(newest).scalar_one())


def test_who_waits_may_still_leave_and_another_one_accepts_nothing_for_them(room: PoolRoom, waiting: list[str]) -> None:
    with pytest.raises(NotFound):
        accept(room, 3, waiting[0])
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, waiting[0])

    assert room.states()[waiting[0]] == "withdrawn"
    with pytest.raises(PreOrderClosed):
        accept(room, 1, waiting[0])


def test_a_cap_below_every_tier_is_refused_and_the_wait_goes_on(room: PoolRoom, waiting: list[str]) -> None:
    with pytest.raises(CapTooLow):
        accept(room, 1, waiting[0], cap=100)

    assert room.states()[waiting[0]] == "rolled_over"


def test_terms_are_not_accepted_where_no_pool_is_open(room: PoolRoom) -> None:
    room.open(tiers=CHEAP)
    (member,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=21)

    with pytest.raises(NoOpenPool):
        accept(room, 1, member.pre_order_id)


def test_accepting_twice_takes_one_place(room: PoolRoom, waiting: list[str]) -> None:
    first = accept(room, 1, waiting[0])
    again = accept(room, 1, waiting[0])

    # The second is an ordinary change of the car: one person, one place.
    assert (again.pool_id, again.funded_at) == (first.pool_id, first.funded_at)
    assert room.head(again.pool_id).members == 1
