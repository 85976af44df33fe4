"""Two pools ask one person about costlier terms at once: an answer, or silence until a freeze, is about one of them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from demand.errors import WrongClass
from demand.pools.model import ClassLevel, FailureChoice, FrozenPool
from demand.pools.tables import pre_order_changes
from kernel.actor import system
from kernel.errors import NotFound
from tests.configurator.small_brand import BRAND
from tests.demand.pool_room import PoolRoom, placed
from tests.demand.test_costlier_terms import CHEAP, DEAR, accept


@pytest.fixture
def member(room: PoolRoom) -> str:
    """Somebody out of a failed pool, who also takes a pool of every trim."""
    room.open(tiers=CHEAP)
    (outcome,) = room.place(room.request(room.buyer(1), choice=FailureChoice.WIDEN, accepts_wider_class=True))
    room.pass_time(days=21)
    return placed(outcome).pre_order_id


def asking(room: PoolRoom) -> list[str]:
    """Return the pools that asked, in the order in which they did."""
    with room.works.read(system(BRAND)) as work:
        found = select(pre_order_changes.c.asked_by_pool_id).where(pre_order_changes.c.reason == "terms_offered")
        return list(work.connection.execute(found.order_by(pre_order_changes.c.serial)).scalars())


@pytest.mark.parametrize("sooner", list(ClassLevel))
def test_the_freeze_of_one_leaves_the_question_of_the_other(room: PoolRoom, member: str, sooner: ClassLevel) -> None:
    first, last = (room.open(tiers=DEAR, level=level, days=days) for level, days in _by_freeze(sooner))
    room.pass_time(seconds=1)
    assert asking(room) == [first, last]

    room.pass_time(days=8)

    assert room.states() == {member: "rolled_over"}
    assert room.balance(f"deposit:{member}") == 500_000
    assert accept(room, 1, member).pool_id == last
    room.pass_time(days=10)
    assert room.states() == {member: "pooled"}
    assert room.unsound() == []


def _by_freeze(sooner: ClassLevel) -> list[tuple[ClassLevel, int]]:
    """Return both levels with the days that their pools are open, that one first which freezes after a week."""
    (other,) = (level for level in ClassLevel if level is not sooner)
    return [(sooner, 10), (other, 20)]


def test_who_answers_neither_has_the_money_back_at_the_later_freeze(room: PoolRoom, member: str) -> None:
    room.open(tiers=DEAR, days=10)
    room.open(tiers=DEAR, level=ClassLevel.L2, days=20)

    states = []
    for _ in range(18):
        room.pass_time(days=1)
        states.append(room.states()[member])

    assert states == ["rolled_over"] * 16 + ["refunded"] * 2
    assert room.balance(f"deposit:{member}") == 0


def test_an_answer_names_the_pool_that_it_is_for(room: PoolRoom, member: str) -> None:
    own = room.open(tiers=DEAR, days=10)
    wide = room.open(tiers=DEAR, level=ClassLevel.L2, days=20)

    joined = accept(room, 1, member, pool_id=wide)

    assert joined.pool_id == wide
    assert (room.head(own).members, room.head(wide).members) == (0, 1)
    with pytest.raises(NotFound):
        accept(room, 1, member, pool_id=own)
    with pytest.raises(NotFound):
        accept(room, 1, member, pool_id="0" * 32)


def test_without_a_name_an_answer_is_for_a_pool_that_may_still_be_left(room: PoolRoom, member: str) -> None:
    own = room.open(tiers=DEAR, days=10)
    wide = room.open(tiers=DEAR, level=ClassLevel.L2, days=20)
    room.pass_time(days=8)

    joined = accept(room, 1, member)

    assert (joined.pool_id, room.head(own).members) == (wide, 0)


def test_no_answer_leads_into_a_pool_of_every_trim_that_was_not_agreed_to(room: PoolRoom) -> None:
    room.open(tiers=CHEAP)
    (outcome,) = room.place(room.request(room.buyer(1), choice=FailureChoice.ROLL))
    room.pass_time(days=21)
    wide = room.open(tiers=DEAR, level=ClassLevel.L2)

    with pytest.raises(WrongClass):
        accept(room, 1, placed(outcome).pre_order_id, pool_id=wide)

    assert room.states() == {placed(outcome).pre_order_id: "rolled_over"}


def test_who_was_in_another_pool_when_one_that_asked_froze_was_not_silent(room: PoolRoom, member: str) -> None:
    own = room.open(tiers=DEAR)
    wide = room.open(tiers=CHEAP, level=ClassLevel.L2, days=19)
    room.pass_time(seconds=1)
    assert (asking(room), room.pre_order(member).pool_id) == ([own], wide)

    room.pass_time(days=19)

    assert (type(room.pool(own)), room.states()) == (FrozenPool, {member: "rolled_over"})


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("a second question of one pool", {}),
        ("a question of no pool", {"asked_by_pool_id": None}),
        ("a pool that asked nothing", {"reason": "pool_failed"}),
    ],
)
def test_a_question_that_cannot_be_is_none_in_the_database(
    room: PoolRoom, member: str, what: str, changed: dict[str, Any]
) -> None:
    room.open(tiers=DEAR)
    with room.works.read(system(BRAND)) as work:
        asked = select(pre_order_changes).where(pre_order_changes.c.reason == "terms_offered")
        row = dict(work.connection.execute(asked).mappings().one())
    del row["serial"]

    with pytest.raises(IntegrityError), room.works.change(system(BRAND)) as work:
        work.connection.execute(insert(pre_order_changes).values(**(row | changed)))
