"""By instalments a place in a frozen pool takes approved finance, and a plate where the city asks for one, or cash."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from configurator.model import Tier
from demand.cubes.tables import demand_cancellations
from demand.errors import FinanceNotApproved, FreezeNotAccepted, PoolFrozen, PreOrderClosed
from demand.pools.model import (
    EndedPreOrder,
    FailureChoice,
    FrozenPool,
    OpenPool,
    PaymentMethod,
    PooledPreOrder,
    WaitingPreOrder,
)
from demand.service import SUBSCRIPTIONS, approve_finance, change_car, choose_method, confirm_plate, withdraw
from kernel import outbox, registry
from kernel.actor import Actor, Role, system
from kernel.errors import Forbidden, NotFound
from kernel.ids import AccountId, StoreId
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR
from tests.demand.pool_room import ANY_PRICE, PoolRoom, placed

OPERATOR = Actor(BRAND, frozenset({Role.OPERATOR}), AccountId("f" * 32))


def by_instalments(room: PoolRoom, *names: int) -> list[str]:
    outcomes = room.place(*(room.request(room.buyer(name), method=PaymentMethod.INSTALMENTS) for name in names))
    return [placed(one).pre_order_id for one in outcomes]


def approve(room: PoolRoom, pre_order_id: str) -> None:
    with room.works.change(OPERATOR) as work:
        approve_finance(work, pre_order_id)


def ration_plates(room: PoolRoom, *stores: StoreId) -> None:
    with room.works.change(system(BRAND)) as work:
        table = registry.stores
        work.connection.execute(
            table.update().where(table.c.id.in_(stores or (EAST_STORE, NORTH_STORE))).values(plate_quota=True)
        )


def move_to_the_north(room: PoolRoom, pre_order_id: str) -> None:
    quote_id = room.quote(room.buyer(1), options=(*PLAIN_CAR, "HEAT"), store=NORTH_STORE)
    with room.works.change(room.buyer(1)) as work:
        change_car(work, pre_order_id, quote_id=quote_id, price_cap_minor=2 * ANY_PRICE)


def test_at_the_freeze_who_has_neither_finance_nor_cash_is_out_with_the_money_back(room: PoolRoom) -> None:
    pool_id = room.open(days=4)
    room.join(1, 2, 3)
    approved, changed_mind, lacking = by_instalments(room, 4, 5, 6)
    approve(room, approved)
    with room.works.change(room.buyer(5)) as work:
        choose_method(work, changed_mind, method=PaymentMethod.CASH)

    room.pass_time(hours=25)

    pool, out = room.pool(pool_id), room.pre_order(lacking)
    assert isinstance(pool, FrozenPool)
    assert (pool.head.members, pool.head.reaching[0]) == (5, 5)
    assert isinstance(out, EndedPreOrder)
    assert (out.ending, room.balance(f"deposit:{lacking}")) == ("refunded", 0)
    assert [room.states()[one] for one in (approved, changed_mind)] == ["pooled", "pooled"]
    assert room.unsound() == []
    room.pass_time(days=3)
    assert room.states()[approved] == "locked"
    assert room.unsound() == []


def test_where_plates_are_rationed_finance_alone_does_not_do(room: PoolRoom) -> None:
    ration_plates(room)
    room.open(days=4)
    both, finance_alone = by_instalments(room, 1, 2)
    for one in (both, finance_alone):
        approve(room, one)
    with room.works.change(room.buyer(1)) as work:
        confirm_plate(work, both)

    room.pass_time(hours=25)

    assert [room.states()[one] for one in (both, finance_alone)] == ["pooled", "refunded"]
    assert room.unsound() == []


def test_who_will_not_be_in_the_frozen_pool_does_not_fill_it(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    before = room.pool(pool_id).head
    (lacking,) = by_instalments(room, 1)

    room.join(2, 3)

    pool = room.pool(pool_id)
    assert isinstance(pool, OpenPool)
    assert (pool.head.members, pool.head.freeze_at, pool.head.deadline) == (3, before.freeze_at, before.deadline)
    assert room.states()[lacking] == "pooled"
    assert room.unsound() == []


def test_whoever_comes_together_with_those_who_do_not_fill_a_pool_is_judged_by_the_pool_that_stays_open(
    room: PoolRoom,
) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    by_instalments(room, 1)

    group = (
        room.request(room.buyer(2), accepts_frozen=False),
        room.request(room.buyer(3), accepts_frozen=False),
        room.request(room.buyer(4), method=PaymentMethod.INSTALMENTS, accepts_frozen=False),
        room.request(room.buyer(5), accepts_frozen=False),
        room.request(room.buyer(6), accepts_frozen=False),
    )
    *taken, refused = room.place(*group)

    # The third who pays cash fills it; whoever comes after that has to stay.
    pool = room.pool(pool_id)
    assert isinstance(pool, FrozenPool)
    assert refused == FreezeNotAccepted(pool.head.deadline)
    states = room.states()
    assert [states[placed(one).pre_order_id] for one in taken] == ["pooled", "pooled", "refunded", "pooled"]
    assert room.unsound() == []


def test_a_pool_that_fills_and_freezes_at_once_is_left_by_the_uncleared_in_the_same_change(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    (lacking,) = by_instalments(room, 1)

    room.join(2, 3)
    room.join(4)

    pool = room.pool(pool_id)
    assert isinstance(pool, FrozenPool)
    assert pool.head.members == 3
    assert room.states()[lacking] == "refunded"
    assert room.unsound() == []


def test_a_pool_with_enough_members_freezes_once_the_last_of_them_is_cleared(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    (late,) = by_instalments(room, 1)
    room.join(2, 3)

    approve(room, late)

    pool = room.pool(pool_id)
    assert isinstance(pool, FrozenPool)
    assert pool.head.members == 3
    assert room.unsound() == []


def test_a_frozen_pool_takes_nobody_by_instalments(room: PoolRoom) -> None:
    room.open(days=4)
    room.pass_time(hours=25)

    (outcome,) = room.place(room.request(room.buyer(1), method=PaymentMethod.INSTALMENTS))

    assert outcome == FinanceNotApproved()


def test_in_a_frozen_pool_one_may_turn_to_cash_and_not_away_from_it(room: PoolRoom) -> None:
    room.open(days=4)
    (one,) = by_instalments(room, 1)
    approve(room, one)
    room.pass_time(hours=25)

    with room.works.change(room.buyer(1)) as work:
        choose_method(work, one, method=PaymentMethod.CASH)
    with pytest.raises(PoolFrozen), room.works.change(room.buyer(1)) as work:
        choose_method(work, one, method=PaymentMethod.INSTALMENTS)

    kept = room.pre_order(one)
    assert isinstance(kept, PooledPreOrder)
    assert kept.head.method is PaymentMethod.CASH


@pytest.mark.parametrize("noted", [True, False])
def test_in_a_frozen_pool_nobody_goes_without_a_plate_to_a_store_whose_city_asks_for_one(
    room: PoolRoom, noted: bool
) -> None:
    ration_plates(room, NORTH_STORE)
    pool_id = room.open(days=4)
    room.join(2, 3, 4)
    (one,) = by_instalments(room, 1)
    approve(room, one)
    # The freeze is due in both cases; in one of them nobody has noted it yet.
    room.clock.advance(timedelta(hours=25))
    if noted:
        room.pass_time(hours=0)
    before = room.pool(pool_id), room.pre_order(one)

    with pytest.raises(FinanceNotApproved):
        move_to_the_north(room, one)

    assert (room.pool(pool_id), room.pre_order(one)) == before
    room.pass_time(days=4)
    assert room.states()[one] == "locked"
    assert room.unsound() == []


def test_in_a_frozen_pool_who_has_the_plate_or_pays_cash_may_go_there(room: PoolRoom) -> None:
    ration_plates(room, NORTH_STORE)
    room.open(days=4)
    (one,) = by_instalments(room, 1)
    approve(room, one)
    room.pass_time(hours=25)

    with room.works.change(room.buyer(1)) as work:
        confirm_plate(work, one)
    move_to_the_north(room, one)

    kept = room.pre_order(one)
    assert (kept.head.store_id, kept.head.method) == (NORTH_STORE, PaymentMethod.INSTALMENTS)
    assert room.unsound() == []


def test_while_one_may_leave_one_may_change_to_such_a_store_and_confirm_the_plate_later(room: PoolRoom) -> None:
    ration_plates(room, NORTH_STORE)
    room.open(days=4)
    (one,) = by_instalments(room, 1)
    approve(room, one)

    move_to_the_north(room, one)
    assert room.states()[one] == "pooled"

    # Who never does is out at the freeze, as anybody without a plate is.
    room.pass_time(hours=25)
    assert room.states()[one] == "refunded"
    assert room.unsound() == []


def test_who_may_say_so_and_about_what(room: PoolRoom) -> None:
    room.open()
    (one,) = by_instalments(room, 1)

    with pytest.raises(Forbidden), room.works.change(room.buyer(1)) as work:
        approve_finance(work, one)
    for act in (confirm_plate, lambda work, name: choose_method(work, name, method=PaymentMethod.CASH)):
        with pytest.raises(NotFound), room.works.change(room.buyer(2)) as work:
            act(work, one)
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, one)
    with pytest.raises(PreOrderClosed):
        approve(room, one)


def test_saying_it_twice_changes_nothing(room: PoolRoom) -> None:
    room.open()
    (one,) = by_instalments(room, 1)
    approve(room, one)
    before = room.pre_order(one)

    approve(room, one)

    assert room.pre_order(one) == before


@pytest.mark.parametrize(("rationed", "state"), [(False, "pooled"), (True, "refunded")])
def test_who_pays_after_the_freeze_with_approved_finance_needs_a_plate_only_where_the_city_asks_for_one(
    room: PoolRoom, rationed: bool, state: str
) -> None:
    if rationed:
        ration_plates(room)
    room.open(days=3 + 10 / (24 * 60))
    asked = room.request(room.buyer(1), method=PaymentMethod.INSTALMENTS, funded=False)
    late = placed(room.place(asked)[0]).pre_order_id
    approve(room, late)
    room.pass_time(minutes=11)

    room.hear(room.pay(room.payments_of(late)[0], reference="late"))

    assert room.states()[late] == state
    assert room.unsound() == []


def test_who_waits_for_the_next_pool_may_choose_instalments(room: PoolRoom) -> None:
    room.open(days=4)
    (waiting,) = room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=5)

    with room.works.change(room.buyer(1)) as work:
        choose_method(work, waiting.pre_order_id, method=PaymentMethod.INSTALMENTS)

    kept = room.pre_order(waiting.pre_order_id)
    assert isinstance(kept, WaitingPreOrder)
    assert kept.head.method is PaymentMethod.INSTALMENTS


def test_who_is_out_at_the_freeze_counts_among_those_who_left(room: PoolRoom) -> None:
    room.open(days=4)
    by_instalments(room, 1)

    room.pass_time(hours=25)
    while outbox.deliver(room.works, SUBSCRIPTIONS):
        pass

    with room.works.read(system(BRAND)) as work:
        assert list(work.connection.execute(select(demand_cancellations.c.kind)).scalars()) == ["uncleared"]
