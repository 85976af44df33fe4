"""The life of a pool: money now or later, leaving, the freeze, the clearing, what each one chose beforehand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from configurator.model import Tier
from demand.errors import CapNotRaised, NoOpenPool, PoolFrozen, PreOrderClosed
from demand.pools.model import (
    FailedPool,
    FailureChoice,
    FrozenPool,
    LockedPool,
    OpenPool,
    PooledPreOrder,
    RolledPool,
    ScheduledPool,
)
from demand.pools.placing import CAP_MINOR_MAX
from demand.queries import locked_members, own_pre_orders, pool_progress, pre_order_timelines
from demand.service import TIMERS, cancel_pool, raise_cap, withdraw
from kernel import record
from kernel.actor import system
from kernel.errors import InvalidInput, NotFound, Refusal
from kernel.news import outbox
from kernel.paging import PageRequest
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import TIERS, PoolRoom, placed


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


def test_a_locked_pool_says_what_the_factory_needs(room: PoolRoom) -> None:
    pool_id = room.open()
    first, *_ = room.join(*range(1, 6))
    room.pass_time(days=21)

    with room.works.read(system(BRAND)) as work:
        members = locked_members(work, pool_id)

    assert len(members) == 5
    assert members[0].pre_order_id == first.pre_order_id
    assert {one.price_minor for one in members} == {9_800_000}
    assert members[0].guaranteed_other_minor == 60_000 + 100_000


def test_a_pool_short_of_its_minimum_fails_and_every_deposit_goes_back(room: PoolRoom) -> None:
    pool_id = room.open()
    members = room.join(1, 2)

    room.pass_time(days=21)
    room.settle()

    assert isinstance(room.pool(pool_id), FailedPool)
    assert set(room.states().values()) == {"refunded"}
    assert [room.payments_of(one.pre_order_id)[0].state.value for one in members] == ["refunded", "refunded"]
    assert room.balance("provider:sandbox") == 0


def test_the_earliest_third_of_a_failed_pool_gets_the_bonus_once_a_year(room: PoolRoom) -> None:
    room.open(tiers=(Tier(5, 0),), days=5)
    first, second, third, _ = room.join(1, 2, 3, 4)
    room.pass_time(days=5)
    room.open(tiers=(Tier(5, 0),), days=5)
    room.join(1, 3)

    room.pass_time(days=5)

    bonuses = [room.balance(f"payable:{one.pre_order.head.account_id}") for one in (first, second, third)]
    assert bonuses == [20_000, 20_000, 0]
    assert room.balance(f"bonus:{BRAND}") == -40_000


def test_who_chose_to_roll_keeps_the_time_and_goes_on_at_most_twice(room: PoolRoom) -> None:
    first = room.open(tiers=(Tier(3, 0),))
    (member,) = room.join(1, choice=FailureChoice.ROLL)
    funded_at = room.clock.now()

    room.pass_time(days=21)
    assert isinstance(room.pool(first), RolledPool)
    assert room.states() == {member.pre_order_id: "rolled_over"}
    second = room.open(tiers=(Tier(3, 0),))
    room.pass_time(seconds=1)
    assert room.count(second) == room.head(second).members == 1
    room.pass_time(days=21)
    room.open(tiers=(Tier(3, 0),))
    room.pass_time(seconds=1)
    room.pass_time(days=21)

    assert room.states() == {member.pre_order_id: "refunded"}
    with room.works.read(room.buyer(1)) as work:
        steps = pre_order_timelines(work, [member.pre_order_id])[member.pre_order_id]
    assert [step.state for step in steps] == [
        "acknowledged",
        "funded",
        "pooled",
        "rolled_over",
        "pooled",
        "rolled_over",
        "pooled",
        "refunded",
    ]
    assert steps[0].at == funded_at


def test_who_is_beyond_the_capacity_waits_for_the_next_pool(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    members = room.join(*range(1, 6), choice=FailureChoice.ROLL)
    assert isinstance(room.pool(pool_id), FrozenPool)

    room.pass_time(hours=72)

    states = room.states()
    assert [states[one.pre_order_id] for one in members] == ["locked"] * 3 + ["rolled_over"] * 2
    assert room.count(pool_id, "locked") == 3


def test_who_is_beyond_a_clearing_begins_anew_behind_nobody_who_waited_with_them(room: PoolRoom) -> None:
    room.open(capacity=3, tiers=(Tier(2, 0),))
    members = room.join(*range(1, 6), choice=FailureChoice.ROLL)

    room.pass_time(hours=72)
    second = room.open(tiers=(Tier(3, 0),))
    room.pass_time(seconds=1)

    beyond = [room.pre_order(one.pre_order_id) for one in members[3:]]
    assert [one.pool_id for one in beyond] == [second, second]
    times = [one.funded_at for one in beyond if isinstance(one, PooledPreOrder)]
    lock = room.clock.now() - timedelta(seconds=1)
    assert times == [lock - timedelta(microseconds=1), lock]
    # That pool did not fail, so it was none of the two rolls that keep the time.
    assert [one.head.rolls for one in beyond] == [0, 0]


def test_once_the_capacity_agrees_the_freeze_starts_and_the_deadline_is_72_hours_later(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))

    room.join(1, 2, 3)

    frozen = room.pool(pool_id)
    assert isinstance(frozen, FrozenPool)
    assert frozen.head.deadline == room.clock.now() + timedelta(hours=72)


def test_a_pool_that_fills_when_its_freeze_is_overdue_clears_no_later_than_it_said(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    before = room.head(pool_id)
    room.clock.advance(timedelta(days=20))

    room.join(1, 2, 3)

    frozen = room.pool(pool_id)
    assert isinstance(frozen, FrozenPool)
    assert (frozen.head.freeze_at, frozen.head.deadline) == (before.freeze_at, before.deadline)


def test_leaving_is_free_until_the_freeze_and_refused_after(room: PoolRoom) -> None:
    pool_id = room.open()
    early, late = room.join(1, 2)

    with room.works.change(room.buyer(1)) as work:
        ended = withdraw(work, early.pre_order_id)
    room.settle()
    room.pass_time(days=18)
    with pytest.raises(PoolFrozen), room.works.change(room.buyer(2)) as work:
        withdraw(work, late.pre_order_id)

    assert ended.refund_by is not None
    assert room.payments_of(early.pre_order_id)[0].state.value == "refunded"
    assert room.states()[late.pre_order_id] == "pooled"
    assert room.head(pool_id).members == 1


def test_nobody_withdraws_what_is_anothers_or_over(room: PoolRoom) -> None:
    room.open()
    mine, _ = room.join(1, 2)

    with pytest.raises(NotFound), room.works.change(room.buyer(2)) as work:
        withdraw(work, mine.pre_order_id)
    with room.works.change(room.buyer(1)) as work:
        withdraw(work, mine.pre_order_id)
    with pytest.raises(PreOrderClosed), room.works.change(room.buyer(1)) as work:
        withdraw(work, mine.pre_order_id)


def test_a_cap_only_rises_also_in_a_frozen_pool(room: PoolRoom) -> None:
    pool_id = room.open()
    (member,) = room.join(1, cap=9_500_000)
    assert room.head(pool_id).reaching == (0, 0, 1)
    room.pass_time(days=19)

    with room.works.change(room.buyer(1)) as work:
        raise_cap(work, member.pre_order_id, price_cap_minor=10_000_000)
    with pytest.raises(CapNotRaised), room.works.change(room.buyer(1)) as work:
        raise_cap(work, member.pre_order_id, price_cap_minor=10_000_000)

    assert room.head(pool_id).reaching == (1, 1, 1)


def test_no_cap_is_raised_beyond_what_any_pre_order_may_offer(room: PoolRoom) -> None:
    room.open()
    (member,) = room.join(1, cap=9_500_000)

    with pytest.raises(InvalidInput), room.works.change(room.buyer(1)) as work:
        raise_cap(work, member.pre_order_id, price_cap_minor=CAP_MINOR_MAX + 1)

    assert room.pre_order(member.pre_order_id).head.offer.price_cap_minor == 9_500_000


def test_money_that_comes_later_takes_the_place_and_counts_once(room: PoolRoom) -> None:
    pool_id = room.open()
    outcome = placed(room.place(room.request(room.buyer(1), funded=False))[0])
    assert outcome.state == "acknowledged"
    assert room.head(pool_id).members == 0
    (payment,) = room.payments_of(outcome.pre_order_id)
    message = room.pay(payment, reference="p-1")

    heard = [room.hear(message).outcome for _ in range(2)]
    room.pass_time(minutes=16)

    assert heard == ["received", "repeated"]
    assert room.states() == {outcome.pre_order_id: "pooled"}
    with room.works.read(room.buyer(1)) as work:
        steps = pre_order_timelines(work, [outcome.pre_order_id])[outcome.pre_order_id]
    assert [step.state for step in steps] == ["acknowledged", "funded", "pooled"]
    assert room.head(pool_id).members == 1
    assert room.balance(f"deposit:{outcome.pre_order_id}") == 500_000


def test_a_pre_order_without_money_expires_and_late_money_goes_back(room: PoolRoom) -> None:
    pool_id = room.open()
    outcome = placed(room.place(room.request(room.buyer(1), funded=False))[0])
    (payment,) = room.payments_of(outcome.pre_order_id)

    room.pass_time(minutes=15)
    message = room.pay(payment, reference="p-1")
    heard = room.hear(message)
    room.settle()

    assert room.states() == {outcome.pre_order_id: "expired_unpaid"}
    assert heard.outcome == "late"
    assert room.head(pool_id).members == 0
    assert room.balance("provider:sandbox") == 0


@pytest.mark.parametrize("ending", ["pool_failed", "pool_cancelled"])
def test_who_still_has_time_to_pay_when_a_pool_ends_is_told(room: PoolRoom, ending: str) -> None:
    pool_id = room.open(days=4)
    room.pass_time(days=4, minutes=-5)
    waiting = placed(room.place(room.request(room.buyer(1), funded=False))[0]).pre_order_id

    if ending == "pool_cancelled":
        with room.works.change(PLANNER) as work:
            cancel_pool(work, pool_id, reason="a fire in the plant")
    else:
        room.pass_time(minutes=5)

    with room.works.read(system(BRAND)) as work:
        news = work.connection.execute(select(outbox.c.kind, outbox.c.payload)).all()
    told = {row.kind for row in news if row.kind.startswith("demand.p") and waiting in str(row.payload)}
    assert told - {"demand.pre_orders_placed"} == {
        "demand.pool_cancelled" if ending == "pool_cancelled" else "demand.pre_order_expired"
    }


def test_money_for_a_full_pool_goes_back(room: PoolRoom) -> None:
    pool_id = room.open(capacity=3, tiers=(Tier(2, 0),))
    late = placed(room.place(room.request(room.buyer(9), funded=False))[0])
    room.join(*range(1, 7))
    (payment,) = room.payments_of(late.pre_order_id)

    room.hear(room.pay(payment, reference="p-1"))
    room.settle()

    assert room.states()[late.pre_order_id] == "refunded"
    assert room.head(pool_id).members == 6
    assert room.payments_of(late.pre_order_id)[0].state.value == "refunded"


def test_clearing_twice_changes_nothing(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1, 2, 3)
    room.pass_time(days=21)
    before = room.pool(pool_id)

    with room.works.change(system(BRAND)) as work:
        TIMERS["demand.pool_clear"](work, pool_id, None)
        TIMERS["demand.pool_freeze"](work, pool_id, None)

    assert room.pool(pool_id) == before


def test_the_chain_of_a_pool_verifies_and_names_nobody(room: PoolRoom) -> None:
    pool_id = room.open()
    members = room.join(1, 2, 3)
    room.pass_time(days=21)

    with room.works.read(system(BRAND)) as work:
        entries = record.entries_of(work, f"pool:{pool_id}")

    assert [entry.kind for entry in entries] == ["pool.opened", "pool.joined", "pool.frozen", "pool.locked"]
    assert record.verify(entries) is None
    assert not any(one.pre_order.head.person_id in str(entries) for one in members)


def test_a_cancelled_pool_gives_everything_back(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1, 2)
    room.place(room.request(room.buyer(3), funded=False))

    with room.works.change(PLANNER) as work:
        cancel_pool(work, pool_id, reason="The plant is being rebuilt.")
    room.settle()

    assert sorted(room.states().values()) == ["refunded", "refunded", "withdrawn"]
    assert room.balance("provider:sandbox") == 0


def test_a_scheduled_pool_opens_at_its_time(room: PoolRoom) -> None:
    pool_id = room.open(opens_in=timedelta(days=2))
    (early,) = room.place(room.request(room.buyer(1)))

    assert isinstance(room.pool(pool_id), ScheduledPool)
    assert isinstance(early, NoOpenPool)
    room.pass_time(days=2)
    assert isinstance(room.pool(pool_id), OpenPool)


def test_progress_shows_what_the_pool_would_do_now(room: PoolRoom) -> None:
    pool_id = room.open()
    room.join(1, 2)
    with room.works.read(room.buyer(1)) as work:
        short = pool_progress(work, pool_id)
    room.join(*range(3, 6))

    with room.works.read(room.buyer(1)) as work:
        view = pool_progress(work, pool_id)
        own = own_pre_orders(work, PageRequest(10))

    assert (short.members, short.needed, short.clears, short.next_tier) == (2, 1, None, TIERS[0])
    assert (view.members, view.needed, view.clears, view.discount_bp, view.next_tier) == (5, 0, 5, 200, TIERS[2])
    assert view.places_left == 11
    assert [one.head.account_id for one in own.items] == [room.buyer(1).account_id]


def test_another_brand_sees_nothing(room: PoolRoom) -> None:
    pool_id = room.open()
    (member,) = room.join(1)
    foreign = system(BRAND.__class__("9" * 32))

    with room.works.read(foreign) as work:
        with pytest.raises(NotFound):
            pool_progress(work, pool_id)
        assert pre_order_timelines(work, [member.pre_order_id]) == {}


def test_refusals_say_what_to_do_in_both_languages() -> None:
    import demand.errors

    for kind in vars(demand.errors).values():
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal:
            assert kind.code != "REFUSED"
            assert kind.en != Refusal.en
            assert kind.zh != Refusal.zh
