"""The contract's date is one that was given for the pool that locked; who accepted an earlier one leaves free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from configurator import quote_service
from configurator.model import Tier
from configurator.quote_queries import load_quotes
from configurator.quote_service import QuoteDesk, QuoteRequest
from demand.pools.events import PreOrderRolled
from demand.pools.model import FailureChoice
from demand.service import PoolPlan, cancel_pool
from factory_orders import pools_service, queries, service
from factory_orders.events import OrderPlannedLater
from factory_orders.model import Stage
from factory_orders.planning.model import OrderTerms
from factory_orders.planning.queries import plant_by_id
from factory_orders.planning.tables import orders
from factory_orders.planning.weekly.queries import NEVER, planner
from factory_orders.promises.learning import Margin
from factory_orders.promises.margin_store import insert_margin, promised_days
from factory_orders.promises.tables import promise_holds, promise_outcomes
from kernel import policy
from kernel.actor import Actor, Role
from kernel.ids import AccountId
from kernel.ledger import Transfer, account, book
from kernel.paging import PageRequest
from kernel.work import Works
from muster.wiring import OpenPools
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE, PLAIN_CAR, PLANNER
from tests.demand.pool_room import PoolRoom, placed
from tests.factory_orders.leaving_room import found_by_audit, news_of
from tests.factory_orders.test_promise_holds import open_pool, work_off
from tests.factory_orders.trade import EARNEST, NORTH_PLANT, POOL, SYSTEM, Trade, buyer

GOLD_CAR = ("GOLD", *PLAIN_CAR[1:])
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("6" * 32))
FULL_FORFEIT = 100_000


def quote(works: Works, who: Actor, options: tuple[str, ...] = PLAIN_CAR) -> str:
    """Issue a quote as the real desk does: with the pool that is open, if one is, and with a date."""
    desk = QuoteDesk(DESK.key, pools=OpenPools(), promises=pools_service.Promises())
    with works.change(who) as work:
        return quote_service.issue_quote(work, desk, QuoteRequest("A1", options, EAST_STORE)).quote.facts.id


def ordered(room: PoolRoom, number: int, quote_id: str | None = None) -> str:
    """Let a buyer pre-order, and go on where the pool fails or locks without them; returns the pre-order."""
    own = quote_id or quote(room.works, buyer(number))
    asked = room.request(buyer(number), quote_id=own, choice=FailureChoice.ROLL)
    return placed(room.place(asked)[0]).pre_order_id


def let_fail(room: PoolRoom, *, days: int = 5) -> None:
    room.pass_time(days=days)
    work_off(room)


def roll_in(room: PoolRoom, *, keeps: bool) -> None:
    """Let those who wait into the pool that has opened; they keep a place there unless the news comes too late."""
    room.pass_time(minutes=1)
    if keeps:
        work_off(room)


def lock(room: PoolRoom) -> None:
    room.pass_time(days=21)
    work_off(room)


def rolled_on(
    room: PoolRoom, quote_id: str | None = None, *, days_between: int = 0, keeps: bool = True
) -> tuple[str, str]:
    """Let a first buyer roll out of a pool that fails into the next one; returns the pre-order and that pool."""
    open_pool(room, days=4)
    rolled = ordered(room, 1, quote_id)
    let_fail(room)
    room.pass_time(days=days_between)
    second = open_pool(room)
    roll_in(room, keeps=keeps)
    return rolled, second


def fill_and_lock(room: PoolRoom) -> list[str]:
    """Let two more buyers come, and the pool lock; returns their pre-orders."""
    others = [ordered(room, number) for number in (2, 3)]
    lock(room)
    return others


@dataclass(frozen=True, slots=True)
class Dated:
    """What an order was promised, when that was given, and what its quote had said."""

    promised_by: date | None
    dated_at: datetime | None
    quoted: date
    quoted_at: datetime


def dated(works: Works, order_id: str) -> Dated:
    with works.read(SYSTEM) as work:
        order = work.connection.execute(select(orders).where(orders.c.id == order_id)).one()
        given = select(promise_outcomes.c.dated_at).where(promise_outcomes.c.order_id == order_id)
        facts = load_quotes(work, [order.quote_id])[order.quote_id].signed.quote.facts
        assert facts.promise is not None
        dated_at = work.connection.execute(given).scalar()
    return Dated(order.promised_by, dated_at, facts.promise.p90, facts.issued_at)


def kept_in(room: PoolRoom, pool_id: str, pre_order_id: str) -> tuple[date, datetime] | None:
    """Return the date of the place that a member kept in a pool, and the moment it was given at."""
    hold = promise_holds.c
    found = select(hold.p90, hold.dated_at).where(hold.pool_id == pool_id, hold.pre_order_id == pre_order_id)
    with room.works.read(SYSTEM) as work:
        row = work.connection.execute(found).first()
    return None if row is None else (row.p90, row.dated_at)


def forfeit(works: Works, number: int, order_id: str) -> int:
    with works.read(buyer(number)) as work:
        return service.preview_cancellation(work, order_id).forfeit_minor


# --- whose date it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_the_date_of_a_failed_pool_is_nobodys_contract_but_who_had_it_leaves_free(room: PoolRoom, keeps: bool) -> None:
    rolled, second = rolled_on(room, days_between=20, keeps=keeps)
    others = fill_and_lock(room)

    own = dated(room.works, rolled)
    kept = kept_in(room, second, rolled)

    assert own.promised_by is not None
    assert own.promised_by > own.quoted
    assert (own.promised_by, own.dated_at) == (kept or (own.promised_by, None))
    assert (kept is not None) == keeps
    for one in (dated(room.works, order_id) for order_id in others):
        assert (one.promised_by, one.dated_at) == (one.quoted, one.quoted_at)
    assert [forfeit(room.works, number, one) for number, one in enumerate((rolled, *others), start=1)] == [
        0,
        FULL_FORFEIT,
        FULL_FORFEIT,
    ]
    (told,) = news_of(room, OrderPlannedLater.kind)
    assert (told["order_id"], told["accepted_by"]) == (rolled, own.quoted.isoformat())
    with room.works.change(buyer(1)) as work:
        assert service.cancel_order(work, rolled).returned_minor == 500_000
    assert found_by_audit(room) == []


def test_a_quote_without_a_pool_brings_its_date_into_neither_of_two(room: PoolRoom) -> None:
    early = quote(room.works, buyer(1))
    rolled, second = rolled_on(room, early)
    fill_and_lock(room)

    own = dated(room.works, rolled)

    assert (own.promised_by, own.dated_at) == kept_in(room, second, rolled)
    assert own.promised_by != own.quoted
    assert forfeit(room.works, 1, rolled) == 0
    assert found_by_audit(room) == []


def test_a_quote_without_a_pool_has_the_date_of_the_place_that_was_kept_for_it(room: PoolRoom) -> None:
    early = quote(room.works, buyer(1))
    room.pass_time(minutes=1)
    pool_id = open_pool(room)
    member = ordered(room, 1, early)
    work_off(room)
    fill_and_lock(room)

    own = dated(room.works, member)

    assert (own.promised_by, own.dated_at) == kept_in(room, pool_id, member)
    assert own.dated_at is not None
    assert own.dated_at > own.quoted_at
    assert found_by_audit(room) == []


@pytest.mark.parametrize("in_time", [True, False])
def test_a_place_that_was_held_while_ordering_dates_the_contract_as_it_was_shown(room: PoolRoom, in_time: bool) -> None:
    pool_id = open_pool(room, days=7)
    others = [ordered(room, number) for number in (2, 3)]
    early = without_pool(room, buyer(1))
    with room.works.change(buyer(1)) as work:
        held = service.hold_promise(work, early)
    member = ordered(room, 1, early)
    if in_time:  # Else the pool locks before anybody has kept the place for the member.
        work_off(room)
    room.pass_time(days=7)
    work_off(room)

    own = dated(room.works, member)

    assert held.pool_id == pool_id
    assert (own.promised_by, own.dated_at) == (held.p90, own.quoted_at)
    assert len(others) == 2
    assert found_by_audit(room) == []


def without_pool(room: PoolRoom, who: Actor) -> str:
    """Issue a quote with a date and no pool, as for a pool that is scheduled."""
    desk = QuoteDesk(DESK.key, promises=pools_service.Promises())
    with room.works.change(who) as work:
        return quote_service.issue_quote(work, desk, QuoteRequest("A1", PLAIN_CAR, EAST_STORE)).quote.facts.id


def test_who_comes_by_the_waiting_list_has_the_next_pools_date_and_leaves_free(room: PoolRoom) -> None:
    with room.works.change(PLANNER) as work:
        plan = PoolPlan(room.cls, 3, minimum=2, tiers=(Tier(2, 0),))
        pools_service.open_pool(work, plan, weeks=2)
    members = [ordered(room, number) for number in range(1, 5)]
    work_off(room)
    room.pass_time(hours=72)
    work_off(room)
    second = open_pool(room)
    roll_in(room, keeps=True)
    for number in (5, 6):
        ordered(room, number)
    lock(room)

    waited = dated(room.works, members[3])

    assert (waited.promised_by, waited.dated_at) == kept_in(room, second, members[3])
    assert [one.promised_by == one.quoted for one in (dated(room.works, member) for member in members[:3])] == [
        True
    ] * 3
    assert forfeit(room.works, 4, members[3]) == 0
    # Neither the lock without them nor the next pool tells them that they keep their time.
    assert [one["keeps_time"] for one in news_of(room, PreOrderRolled.kind)] == [False, False]
    assert found_by_audit(room) == []


def test_a_quote_for_a_pool_that_was_taken_back_has_no_date_in_another_one(room: PoolRoom) -> None:
    first = open_pool(room)
    early = quote(room.works, buyer(1))
    with room.works.change(PLANNER) as work:
        cancel_pool(work, first, reason="another plant")
    work_off(room)
    room.pass_time(days=2)
    second = open_pool(room)
    member = ordered(room, 1, early)
    work_off(room)
    fill_and_lock(room)

    own = dated(room.works, member)

    assert (own.promised_by, own.dated_at) == kept_in(room, second, member)
    assert found_by_audit(room) == []


def test_each_date_keeps_the_margin_of_the_moment_that_it_was_given_at(room: PoolRoom) -> None:
    learn(room, Margin(-2, 5, 20))
    open_pool(room, days=4)
    rolled = ordered(room, 1)
    learn(room, Margin(-2, 7, 30))
    let_fail(room)
    second = open_pool(room)
    roll_in(room, keeps=True)
    learn(room, Margin(-2, 9, 40))
    direct = ordered(room, 2)
    learn(room, Margin(-2, 11, 50))
    ordered(room, 3)
    lock(room)
    learn(room, Margin(-2, 30, 60))

    with room.works.read(SYSTEM) as work:
        days = promised_days(work, [rolled, direct])
        planned = select(promise_outcomes.c.promised_by, promise_outcomes.c.planned_on, promise_outcomes.c.order_id)
        distance = {row.order_id: row.promised_by - row.planned_on for row in work.connection.execute(planned)}

    assert kept_in(room, second, rolled) is not None
    assert days == {rolled: 7, direct: 9}
    assert {one: distance[one].days for one in days} == days
    assert found_by_audit(room) == []


def learn(room: PoolRoom, margin: Margin) -> None:
    room.pass_time(minutes=1)
    with room.works.change(SYSTEM) as work:
        insert_margin(work, NORTH_PLANT, margin)
    room.pass_time(minutes=1)


# --- with and without a week -----------------------------------------------------------------------------------------


def waits_for_gold(trade: Trade, quote_id: str) -> OrderTerms:
    """Lock a golden car on a quote, in a pool that it was not given for, while the plant has no gold."""
    with trade.works.change(ADMIN) as work:
        no_gold = {"capacity": {"option_limits": [["GOLD", 0]]}}
        policy.change_policy(work, base_version=0, changes=no_gold, reason="no gold paint")
    terms = replace(trade.terms(1, POOL, GOLD_CAR, None), quote_id=quote_id)
    with trade.works.change(SYSTEM) as work:
        book(work, Transfer("earnest", terms.id, account("provider", "sandbox"), account("earnest", terms.id), EARNEST))
        service.take_locked(work, [terms])
    return terms


def until_after(trade: Trade, day: date, *, days: int) -> None:
    trade.clock.advance(day - (trade.clock.now() + timedelta(hours=8)).date() + timedelta(days=days))


def test_without_a_week_leaving_is_free_once_the_accepted_day_is_over(trade: Trade) -> None:
    terms = waits_for_gold(trade, quote(trade.works, buyer(), GOLD_CAR))
    own = dated(trade.works, terms.id)

    until_after(trade, own.quoted, days=0)
    on_the_day = forfeit(trade.works, 1, terms.id)
    until_after(trade, own.quoted, days=1)

    assert own.promised_by is None
    assert (on_the_day, forfeit(trade.works, 1, terms.id)) == (FULL_FORFEIT, 0)


def test_once_the_week_makes_the_date_later_leaving_is_free_and_the_buyer_is_told(trade: Trade) -> None:
    terms = waits_for_gold(trade, quote(trade.works, buyer(), GOLD_CAR))
    before = forfeit(trade.works, 1, terms.id)
    with trade.works.change(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
        later = trade.clock.now().date() + timedelta(days=60)
        week = later - timedelta(days=later.weekday())
        service.change_capacity(work, "fir_north", week=week, resource="GOLD", capacity=1)
        assert service.schedule_batch(work, batch.id) == 1

    own = dated(trade.works, terms.id)

    assert own.promised_by is not None
    assert own.promised_by > own.quoted
    assert (before, forfeit(trade.works, 1, terms.id)) == (FULL_FORFEIT, 0)
    assert told(trade) == [(terms.id, own.quoted.isoformat(), own.promised_by.isoformat())]
    trade.report(trade.build_order_of(terms.id).id, Stage.PARTS_READY)
    assert forfeit(trade.works, 1, terms.id) == 0


def told(trade: Trade) -> list[tuple[object, object, object]]:
    room = PoolRoom(trade.works, trade.clock, trade.sandbox, None)  # type: ignore[arg-type]  # it asks for no class
    return [(one["order_id"], one["accepted_by"], one["due_by"]) for one in news_of(room, OrderPlannedLater.kind)]


def test_who_has_the_accepted_date_in_the_plan_is_told_nothing_and_forfeits_as_before(trade: Trade) -> None:
    (dateless,) = trade.lock(1)
    (far,) = trade.lock(1, first_buyer=2, promised_by=trade.clock.now().date() + timedelta(days=200))
    (near,) = trade.lock(1, first_buyer=3, promised_by=trade.clock.now().date())

    costs = [forfeit(trade.works, number, one) for number, one in enumerate((dateless, far, near), start=1)]

    assert costs == [FULL_FORFEIT, FULL_FORFEIT, 0]
    assert [order_id for order_id, *_ in told(trade)] == [near]


def test_planning_keeps_the_accepted_day_of_who_has_no_contracts_date_yet(trade: Trade) -> None:
    accepted = waits_for_gold(trade, quote(trade.works, buyer(), GOLD_CAR))
    promised = replace(accepted, id="a" * 32, promised_by=dated(trade.works, accepted.id).quoted)
    dateless = replace(trade.terms(2, POOL, GOLD_CAR, None), id="b" * 32)

    with trade.works.read(SYSTEM) as work:
        plan = planner(work, plant_by_id(work, NORTH_PLANT), [accepted.catalogue_version_id])
        due = [one.due for one in plan.book_orders([(terms, None) for terms in (accepted, promised, dateless)])]

    assert due[0] == due[1] < NEVER == due[2]
