"""Promises: held for half an hour while somebody orders, kept for the funded, given back; never two on one place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError

from configurator import quote_service
from configurator.model import Tier
from configurator.quote_service import QuoteDesk, QuoteRequest
from demand.pools.model import ClassLevel, FailureChoice, PaymentMethod
from demand.service import PoolPlan, withdraw
from factory_orders import pools_service, queries, service
from factory_orders.errors import PromiseLater, PromiseUnavailable
from factory_orders.planning.model import SLOT, WeekRoom
from factory_orders.planning.tables import capacity_weeks, pool_reservations
from factory_orders.promises.events import PromiseHoldEnding
from factory_orders.promises.model import Hold, Place, after_taking, choose_place
from factory_orders.promises.tables import promise_holds
from kernel import outbox
from kernel.actor import Actor
from kernel.errors import Forbidden, NotFound, Refusal
from kernel.timers import fire_due
from tests.configurator.small_brand import DESK, EAST_STORE, PLAIN_CAR, PLANNER
from tests.demand.pool_room import PoolRoom, placed
from tests.factory_orders.leaving_room import found_by_audit, news_of
from tests.factory_orders.trade import STORE_ADVISER, SYSTEM, buyer

FIRST_WEEK = date(2026, 12, 28)
GOLD_CAR = ("GOLD", "W17", "PT_SMALL", "TR_BASE")


def open_pool(
    room: PoolRoom, *, capacity: int = 4, weeks: int = 2, level: ClassLevel = ClassLevel.L1, days: int = 21
) -> str:
    minimum = min(3, capacity)
    deadline = room.clock.now() + timedelta(days=days)
    plan = PoolPlan(room.cls, capacity, minimum=minimum, tiers=(Tier(minimum, 0),), level=level, deadline=deadline)
    with room.works.change(PLANNER) as work:
        return pools_service.open_pool(work, plan, weeks=weeks).pool.head.id


def quote(room: PoolRoom, who: Actor, options: tuple[str, ...] = PLAIN_CAR) -> str:
    desk = QuoteDesk(DESK.key, promises=pools_service.Promises())
    with room.works.change(who) as work:
        return quote_service.issue_quote(work, desk, QuoteRequest("A1", options, EAST_STORE)).quote.facts.id


def hold(room: PoolRoom, who: Actor, quote_id: str | None = None) -> Hold:
    quoted = quote_id or quote(room, who)
    with room.works.change(who) as work:
        return service.hold_promise(work, quoted)


def promised(room: PoolRoom, resource: str = SLOT) -> dict[date, int]:
    table = pool_reservations.c
    with room.works.read(SYSTEM) as work:
        found = select(table.week, table.promised).where(table.resource == resource, table.promised > 0)
        return {row.week: row.promised for row in work.connection.execute(found.order_by(table.week))}


def work_off(room: PoolRoom) -> None:
    """Do what the worker does until nothing is due."""
    while outbox.deliver(room.works, pools_service.SUBSCRIPTIONS) + fire_due(room.works, service.TIMERS):
        pass


def test_a_hold_takes_a_slot_of_the_week_and_the_next_buyer_gets_the_next_place(room: PoolRoom) -> None:
    open_pool(room, capacity=2)

    first, second = hold(room, buyer(1)), hold(room, buyer(2))

    assert [one.place.week for one in (first, second)] == [FIRST_WEEK, FIRST_WEEK + timedelta(days=7)]
    assert first.expires_at - first.held_at == timedelta(minutes=30)
    assert (first.p90 <= second.p90, first.p50 < second.p50) == (True, True)
    assert promised(room) == {FIRST_WEEK: 1, FIRST_WEEK + timedelta(days=7): 1}
    assert found_by_audit(room) == []


def test_members_are_promised_their_places_in_as_many_statements_as_one_is(room: PoolRoom) -> None:
    pool_id = open_pool(room, capacity=6, weeks=1)
    work_off(room)
    counts, seen = [], []

    @event.listens_for(room.works.engine, "before_cursor_execute")
    def note(*facts: object) -> None:
        if str(facts[2]).startswith("UPDATE pool_reservations"):
            seen.append(facts)

    for buyers in (range(1, 2), range(2, 6)):
        for outcome in room.place(*(room.request(buyer(number), pool_id=pool_id) for number in buyers)):
            placed(outcome)
        seen.clear()
        work_off(room)
        counts.append(len(seen))

    assert counts == [1, 1]
    assert promised(room) == {FIRST_WEEK: 5}
    assert found_by_audit(room) == []


def test_the_same_quote_again_is_the_same_hold(room: PoolRoom) -> None:
    open_pool(room)
    first = hold(room, buyer(1))

    again = hold(room, buyer(1), first.quote_id)

    assert again == first


def test_a_hold_whose_time_is_over_is_made_anew_also_before_anybody_has_ended_it(room: PoolRoom) -> None:
    open_pool(room)
    first = hold(room, buyer(1))
    room.clock.advance(timedelta(minutes=31))

    again = hold(room, buyer(1), first.quote_id)

    assert again.id != first.id
    assert again.expires_at > room.clock.now()
    assert (again.p50, again.p90) == (first.p50, first.p90)
    assert found_by_audit(room) == []
    assert promised(room) == {FIRST_WEEK: 1}


def test_a_double_click_is_one_hold(room: PoolRoom) -> None:
    open_pool(room)
    quoted = quote(room, buyer(1))

    def click(_number: int) -> Hold:
        return room.works.run(buyer(1), lambda work: service.hold_promise(work, quoted))

    with ThreadPoolExecutor(4) as pool:
        held = {one.id for one in pool.map(click, range(4))}

    assert len(held) == 1
    assert sum(promised(room).values()) == 1
    assert found_by_audit(room) == []


def test_a_place_is_held_in_the_pool_of_ones_own_class_though_a_wider_one_locks_sooner(room: PoolRoom) -> None:
    wide = open_pool(room, level=ClassLevel.L2, days=10)
    own = open_pool(room, days=20)

    held = hold(room, buyer(1))
    member = placed(room.place(room.request(buyer(1), quote_id=held.quote_id))[0])
    work_off(room)

    assert member.pre_order.pool_id == held.pool_id == own != wide
    assert sum(promised(room).values()) == 1
    assert found_by_audit(room) == []


def test_who_joins_another_pool_than_they_held_a_place_in_gets_one_there(room: PoolRoom) -> None:
    own = open_pool(room, days=20)
    held = hold(room, buyer(1))
    wide = open_pool(room, level=ClassLevel.L2, days=20)

    placed(room.place(room.request(buyer(1), quote_id=held.quote_id, pool_id=wide, accepts_wider_class=True))[0])
    work_off(room)

    table = promise_holds.c
    with room.works.read(SYSTEM) as work:
        found = work.connection.execute(select(table.pool_id, table.state).where(table.quote_id == held.quote_id))
        assert {(row.pool_id, row.state) for row in found} == {(own, "ended"), (wide, "kept")}
    assert found_by_audit(room) == []


def test_another_quote_takes_the_place_of_what_one_held(room: PoolRoom) -> None:
    open_pool(room)
    hold(room, buyer(1))

    second = hold(room, buyer(1))

    assert promised(room) == {FIRST_WEEK: 1}
    with room.works.read(buyer(1)) as work:
        held = queries.my_hold(work)
    assert held == second


def test_a_hold_runs_out_after_half_an_hour(room: PoolRoom) -> None:
    open_pool(room)
    hold(room, buyer(1))

    room.clock.advance(timedelta(minutes=29))
    work_off(room)
    assert promised(room) == {FIRST_WEEK: 1}
    room.clock.advance(timedelta(minutes=1))
    work_off(room)

    assert promised(room) == {}
    assert found_by_audit(room) == []


def test_a_hold_is_given_back_once(room: PoolRoom) -> None:
    open_pool(room)
    held = hold(room, buyer(1))
    with room.works.change(buyer(1)) as work:
        service.release_promise(work, held.id)

    with pytest.raises(NotFound), room.works.change(buyer(1)) as work:
        service.release_promise(work, held.id)

    assert promised(room) == {}


def test_another_persons_hold_does_not_exist(room: PoolRoom) -> None:
    open_pool(room)
    held = hold(room, buyer(1))

    with pytest.raises(NotFound), room.works.change(buyer(2)) as work:
        service.release_promise(work, held.id)
    with pytest.raises(NotFound), room.works.change(buyer(2)) as work:
        service.hold_promise(work, held.quote_id)

    assert promised(room) == {FIRST_WEEK: 1}


def test_a_store_holds_no_promise(room: PoolRoom) -> None:
    open_pool(room)
    quoted = quote(room, STORE_ADVISER)

    with pytest.raises(Forbidden), room.works.change(STORE_ADVISER) as work:
        service.hold_promise(work, quoted)


def test_without_a_pool_nothing_is_held(room: PoolRoom) -> None:
    quoted = quote(room, buyer(1))

    with pytest.raises(PromiseUnavailable), room.works.change(buyer(1)) as work:
        service.hold_promise(work, quoted)


def test_a_date_that_others_took_meanwhile_is_refused_with_the_one_that_is_left(room: PoolRoom) -> None:
    open_pool(room, capacity=1, weeks=1)
    early = quote(room, buyer(1))
    hold(room, buyer(2))
    with room.works.change(SYSTEM) as work:
        full = capacity_weeks.c.week <= FIRST_WEEK + timedelta(days=14)
        work.connection.execute(
            update(capacity_weeks).where(full, capacity_weeks.c.resource == SLOT).values(capacity=1)
        )

    with pytest.raises(PromiseLater) as refused, room.works.change(buyer(1)) as work:
        service.hold_promise(work, early)

    assert refused.value.quoted < refused.value.offered
    assert promised(room) == {FIRST_WEEK: 1}


def test_who_comes_when_all_slots_are_promised_waits_without_one(room: PoolRoom) -> None:
    open_pool(room, capacity=1, weeks=1)
    hold(room, buyer(1))

    second = hold(room, buyer(2))

    assert second.place.is_waiting
    assert promised(room) == {FIRST_WEEK: 1}
    assert found_by_audit(room) == []


def test_a_constrained_option_beyond_the_pools_share_comes_out_of_what_is_free_and_goes_back(room: PoolRoom) -> None:
    cls = replace(room.cls, long_lead=("GOLD",))
    with room.works.change(PLANNER) as work:
        pools_service.open_pool(work, PoolPlan(cls, 4, minimum=3, tiers=(Tier(3, 0),)), weeks=1)
    with room.works.change(SYSTEM) as work:
        gold = (pool_reservations.c.resource == "GOLD", capacity_weeks.c.resource == "GOLD")
        work.connection.execute(update(pool_reservations).where(gold[0]).values(held=1))
        taken = capacity_weeks.c.reserved > 0
        work.connection.execute(update(capacity_weeks).where(gold[1], taken).values(reserved=1))
    holds = [hold(room, buyer(number), quote(room, buyer(number), GOLD_CAR)) for number in (1, 2)]

    assert [one.place.from_free for one in holds] == [(), ("GOLD",)]
    assert list(promised(room, "GOLD").values()) == [2]
    assert found_by_audit(room) == []
    with room.works.change(buyer(2)) as work:
        service.release_promise(work, holds[1].id)

    assert list(promised(room, "GOLD").values()) == [1]
    assert found_by_audit(room) == []


def test_the_money_keeps_what_was_held_and_a_withdrawal_gives_it_back(room: PoolRoom) -> None:
    open_pool(room)
    held = hold(room, buyer(1))
    member = placed(room.place(room.request(buyer(1), quote_id=held.quote_id))[0])
    room.clock.advance(timedelta(hours=1))
    work_off(room)

    assert promised(room) == {FIRST_WEEK: 1}
    assert found_by_audit(room) == []
    with room.works.change(buyer(1)) as work:
        withdraw(work, member.pre_order_id)
    work_off(room)

    assert promised(room) == {}
    assert found_by_audit(room) == []


def test_who_is_out_at_the_freeze_for_want_of_finance_holds_no_place_any_more(room: PoolRoom) -> None:
    open_pool(room, days=4)
    room.join(1)
    placed(room.place(room.request(buyer(2), method=PaymentMethod.INSTALMENTS))[0])
    work_off(room)
    assert sum(promised(room).values()) == 2

    room.pass_time(hours=25)
    work_off(room)

    assert sum(promised(room).values()) == 1
    assert found_by_audit(room) == []


def test_who_rolls_into_the_next_pool_is_promised_a_place_there(room: PoolRoom) -> None:
    open_pool(room, days=4)
    room.join(1, choice=FailureChoice.ROLL)
    room.pass_time(days=5)
    work_off(room)
    assert promised(room) == {}

    open_pool(room)
    room.pass_time(minutes=1)
    work_off(room)

    assert sum(promised(room).values()) == 1
    assert found_by_audit(room) == []


def test_members_that_held_nothing_are_promised_the_earliest_places_that_are_left(room: PoolRoom) -> None:
    open_pool(room, capacity=4)
    hold(room, buyer(9))

    room.join(1, 2, 3)
    work_off(room)

    assert promised(room) == {FIRST_WEEK: 2, FIRST_WEEK + timedelta(days=7): 2}
    assert found_by_audit(room) == []


def test_news_of_members_that_comes_after_the_deadline_promises_nothing(room: PoolRoom) -> None:
    open_pool(room)
    room.join(1, 2, 3)
    room.clock.advance(timedelta(days=21))

    work_off(room)

    assert promised(room) == {}
    assert found_by_audit(room) == []


def test_at_the_lock_all_promises_of_a_pool_are_over(room: PoolRoom) -> None:
    open_pool(room)
    room.join(1, 2, 3)
    work_off(room)
    room.pass_time(days=21)
    work_off(room)

    assert promised(room) == {}
    assert found_by_audit(room) == []


def test_holds_at_once_never_promise_more_than_the_pool_holds(room: PoolRoom) -> None:
    open_pool(room, capacity=4, weeks=1)
    quotes = {number: quote(room, buyer(number)) for number in range(1, 9)}

    def try_one(number: int) -> bool:
        try:
            return not hold(room, buyer(number), quotes[number]).place.is_waiting
        except Refusal:
            return False

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(try_one, quotes))

    assert sum(won) == 4
    assert promised(room) == {FIRST_WEEK: 4}
    assert found_by_audit(room) == []


def test_the_database_promises_no_more_than_is_held(room: PoolRoom) -> None:
    open_pool(room)

    with pytest.raises(IntegrityError), room.works.change(SYSTEM) as work:
        work.connection.execute(update(pool_reservations).values(promised=pool_reservations.c.held + 1))


numbers = st.integers(0, 3)
weeks_of = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6)


@given(weeks_of, st.booleans(), st.integers(0, 6))
@example([(1, 0, 0), (1, 0, 1)], True, 0)
def test_a_place_is_the_first_that_brute_force_finds(rows: list[tuple[int, int, int]], gold: bool, start: int) -> None:
    weeks = [
        WeekRoom(FIRST_WEEK + timedelta(days=7 * number), {SLOT: 9, "GOLD": free}, {SLOT: slots, "GOLD": held})
        for number, (slots, held, free) in enumerate(rows)
    ]
    not_before = FIRST_WEEK + timedelta(days=7 * start)

    place = choose_place(weeks, ["GOLD"] if gold else [], not_before=not_before)

    fitting = [
        number
        for number, (slots, held, free) in enumerate(rows)
        if number >= start and slots and (not gold or held + free)
    ]
    assert (None if place is None else place.week) == (weeks[fitting[0]].week if fitting else None)
    if place is not None:
        after = after_taking(weeks, place)
        taken = sum(one.room(name) for one in weeks for name in (SLOT, "GOLD"))
        assert taken - sum(one.room(name) for one in after for name in (SLOT, "GOLD")) == 1 + gold


def test_a_place_without_a_slot_is_waiting() -> None:
    assert Place(FIRST_WEEK).is_waiting


def test_who_holds_a_date_is_told_once_before_it_is_given_away_and_who_let_go_is_not(room: PoolRoom) -> None:
    open_pool(room)
    kept, let_go = hold(room, buyer(1)), hold(room, buyer(2))
    with room.works.change(buyer(2)) as work:
        service.release_promise(work, let_go.id)

    for minutes in (19, 2, 5):
        room.clock.advance(timedelta(minutes=minutes))
        fire_due(room.works, service.TIMERS)

    told = [(one["hold_id"], one["account_id"]) for one in news_of(room, PromiseHoldEnding.kind)]
    assert told == [(kept.id, buyer(1).signed_in())]
