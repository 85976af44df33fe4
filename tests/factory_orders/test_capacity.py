"""Capacity: pools reserve it, orders use it, and neither code nor database goes beyond it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from configurator.model import Choice
from configurator.step_service import ConfigureRequest, Goal, Outlook, complete
from factory_orders import queries, service
from factory_orders.cancellation.service import lose_earnest
from factory_orders.errors import CapacityShort, CapacityTaken
from factory_orders.events import SlotsReserved
from factory_orders.planning.capacity_store import lay_out_weeks, week_slots
from factory_orders.planning.model import SLOT
from factory_orders.planning.order_service import form_batches
from factory_orders.planning.queries import plant_by_id
from factory_orders.planning.tables import capacity_weeks
from factory_orders.policies import BatchPolicy, CapacityPolicy
from factory_orders.pools_service import FreeWeeks
from kernel import policy
from kernel.actor import Actor, Role
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotFound, Refusal
from kernel.ids import AccountId, BrandId
from kernel.paging import PageRequest
from kernel.registry import Brand, Plant
from kernel.timers import fire_due
from kernel.work import Works
from tests.configurator.small_brand import BRAND, PLANNER
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, Trade, buyer, open_trade
from tests.support.databases import Database

DEADLINE = datetime(2026, 12, 14, 16, 0, tzinfo=UTC)
FIRST_WEEK = date(2026, 12, 28)
GOLD_CAR = ("GOLD", "W17", "PT_SMALL", "TR_BASE")
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))


def reserve(
    trade: Trade,
    pool_id: str,
    places: int,
    *,
    weeks: int = 2,
    first_week: date | None = None,
    actor: Actor = PLANNER,
    **options: int,
) -> SlotsReserved:
    with trade.works.change(actor) as work:
        return service.reserve_slots(
            work,
            pool_id=pool_id,
            class_key="F1/fir_north/PT_SMALL/-/TR_BASE",
            plant_code="fir_north",
            places=places,
            deadline=DEADLINE,
            option_places=options,
            first_week=first_week,
            weeks=weeks,
        )


def counts(trade: Trade, resource: str = SLOT) -> dict[date, tuple[int, int, int]]:
    with trade.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=date(2026, 11, 23), weeks=20)
    return {
        one.week: (one.capacity, one.reserved, one.used)
        for one in weeks
        if one.resource == resource and (one.reserved or one.used)
    }


def test_a_pool_reserves_its_places_evenly_from_the_first_week_after_deadline_and_planning(trade: Trade) -> None:
    reserved = reserve(trade, "1" * 32, 90)

    assert (reserved.first_week, reserved.last_week) == (FIRST_WEEK, date(2027, 1, 4))
    assert counts(trade) == {FIRST_WEEK: (100, 45, 0), date(2027, 1, 4): (100, 45, 0)}


def test_a_week_with_a_holiday_has_fewer_slots() -> None:
    brand = Brand(BRAND, "fir", {}, "LZZ")
    plant = Plant(NORTH_PLANT, BRAND, "fir_north", {}, {}, 31.0, 120.0, 90)

    slots = [week_slots(brand, plant, date(2026, 9, 28) + timedelta(days=7 * number)) for number in range(3)]

    # Golden Week 2026: Thursday 1 to Wednesday 7 October.
    assert slots == [54, 36, 90]


def test_a_pool_beyond_the_weeks_is_refused_with_the_earliest_week_that_fits(trade: Trade) -> None:
    reserve(trade, "1" * 32, 170)

    with pytest.raises(CapacityShort) as refused:
        reserve(trade, "2" * 32, 111)

    assert refused.value == CapacityShort(SLOT, 81, date(2027, 1, 4))
    assert sum(reserved for _, reserved, _ in counts(trade).values()) == 170


def test_a_pool_beyond_an_option_limit_is_refused_by_the_option_name(trade: Trade) -> None:
    # Forty in a hundred cars can be gold, so eighty in these two weeks.
    with pytest.raises(CapacityShort) as refused:
        reserve(trade, "1" * 32, 100, GOLD=81)

    assert (refused.value.resource, refused.value.missing) == ("GOLD", 1)
    assert counts(trade) == {}


def test_only_who_manages_pools_reserves(trade: Trade) -> None:
    with pytest.raises(Forbidden):
        reserve(trade, "1" * 32, 10, actor=buyer())


@pytest.mark.parametrize(("places", "weeks"), [(0, 2), (10, 0), (10, 53)])
def test_a_reservation_of_nothing_is_refused(trade: Trade, places: int, weeks: int) -> None:
    with pytest.raises(InvalidInput):
        reserve(trade, "1" * 32, places, weeks=weeks)


@pytest.mark.parametrize("first_week", [FIRST_WEEK - timedelta(days=7), date(2027, 1, 5), date(2100, 1, 4)])
def test_a_pool_begins_on_a_monday_within_the_weeks_that_are_planned(trade: Trade, first_week: date) -> None:
    with pytest.raises(InvalidInput):
        reserve(trade, "1" * 32, 10, first_week=first_week)

    with trade.works.read(SYSTEM) as work:
        assert work.connection.execute(select(capacity_weeks.c.week)).first() is None


def test_the_plant_of_another_brand_is_not_found(trade: Trade) -> None:
    stranger = Actor(BRAND.replace("b", "f"), PLANNER.roles, PLANNER.account_id)  # type: ignore[arg-type]

    with pytest.raises(NotFound):
        reserve(trade, "1" * 32, 10, actor=stranger)


def test_pools_that_reserve_at_once_never_exceed_the_weeks(trade: Trade) -> None:
    def try_one(number: int) -> bool:
        try:
            reserve(trade, f"{number:032x}", 20)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(try_one, range(1, 17)))

    # Both weeks together have 200 slots.
    assert sum(won) == 10
    assert sum(reserved for _, reserved, _ in counts(trade).values()) == 200


def test_the_database_refuses_a_counter_beyond_the_capacity(trade: Trade) -> None:
    reserve(trade, "1" * 32, 90)

    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(capacity_weeks).where(capacity_weeks.c.resource == SLOT).values(used=60))


def test_what_a_pool_does_not_use_is_free_after_its_lock(trade: Trade) -> None:
    reserve(trade, "9" * 32, 90)

    trade.lock(3, pool_id="9" * 32)

    # The parts take 14 days, so the orders go to free slots of an earlier week than those the pool held.
    assert counts(trade) == {date(2026, 12, 7): (100, 0, 3)}


def test_a_late_lock_uses_the_weeks_that_its_pool_held(trade: Trade) -> None:
    reserve(trade, "9" * 32, 150)
    reserve(trade, "8" * 32, 30)
    trade.clock.set(DEADLINE)

    trade.lock(85, pool_id="9" * 32)

    # The parts take until 29 December: 75 that the pool held and 10 that were free, the rest is free again.
    assert counts(trade) == {FIRST_WEEK: (100, 15, 0), date(2027, 1, 4): (100, 15, 85)}


def test_a_failed_pool_gives_everything_back(trade: Trade) -> None:
    reserve(trade, "9" * 32, 90, GOLD=10)

    with trade.works.change(SYSTEM) as work:
        freed = service.release_slots(work, "9" * 32, plant_id=NORTH_PLANT)
        again = service.release_slots(work, "9" * 32, plant_id=NORTH_PLANT)

    assert (freed, again) == (90, 0)
    assert counts(trade) == counts(trade, "GOLD") == {}


def change_policy(trade: Trade, **sections: dict[str, Any]) -> None:
    with trade.works.change(ADMIN) as work:
        policy.change_policy(work, base_version=0, changes=sections, reason="small plant")


TWO_AT_LEAST = {"plant_limits": [["fir_north", 2, 5]]}


def test_a_pool_whose_orders_have_their_weeks_holds_nothing_for_those_of_another_pool(trade: Trade) -> None:
    change_policy(trade, batches=TWO_AT_LEAST, capacity={"option_limits": [["GOLD", 0]]})
    reserve(trade, "8" * 32, 30)

    trade.lock(1, pool_id="9" * 32, options=GOLD_CAR)
    trade.lock(1, pool_id="8" * 32, first_buyer=11)

    # One batch of both; the golden car finds no week.
    assert counts(trade) == {date(2026, 12, 7): (100, 0, 1)}


def test_what_a_pool_holds_for_an_order_that_ends_before_it_has_a_week_is_free_again(trade: Trade) -> None:
    change_policy(trade, batches=TWO_AT_LEAST)
    reserve(trade, "9" * 32, 30)
    (order_id,) = trade.lock(1, pool_id="9" * 32)
    held = sum(reserved for _, reserved, _ in counts(trade).values())

    with trade.works.change(SYSTEM) as work:
        lose_earnest(work, order_id)

    assert held == 30
    assert counts(trade) == {}


def test_a_week_of_holidays_that_was_given_capacity_is_built_from_monday_on(database: Database) -> None:
    clock = FixedClock(datetime(2026, 1, 28, 2, tzinfo=UTC))
    trade = open_trade(Works(database.engine, clock=clock), clock)
    spring_festival = date(2026, 2, 16)

    with trade.works.change(PLANNER) as work:
        plant = plant_by_id(work, NORTH_PLANT)
        lay_out_weeks(work, plant, first=spring_festival, weeks=1, options=[], policy=CapacityPolicy())
        service.change_capacity(work, "fir_north", week=spring_festival, resource=SLOT, capacity=5)
    (order_id,) = trade.lock(1)

    assert trade.build_order_of(order_id).day == spring_festival


def test_a_week_takes_no_more_of_an_option_than_its_limit(trade: Trade) -> None:
    trade.lock(50, options=GOLD_CAR)

    assert counts(trade, "GOLD") == {date(2026, 12, 7): (40, 0, 40), date(2026, 12, 14): (40, 0, 10)}


def test_a_batch_within_the_limits_of_its_plant(trade: Trade) -> None:
    with trade.works.change(ADMIN) as work:
        policy.change_policy(
            work, base_version=0, changes={"batches": {"plant_limits": [["fir_north", 3, 5]]}}, reason="small plant"
        )

    trade.lock(2, pool_id="1" * 32)
    with trade.works.read(PLANNER) as work:
        waiting = queries.waiting_count(work, NORTH_PLANT)
        none_yet = queries.list_batches(work, PageRequest(10)).items
    trade.lock(7, pool_id="2" * 32, first_buyer=11)
    trade.lock(1, pool_id="3" * 32, first_buyer=21)

    assert waiting == 2
    assert none_yet == ()
    with trade.works.read(PLANNER) as work:
        sizes = sorted(batch.size for batch in queries.list_batches(work, PageRequest(10)).items)
        left = queries.waiting_count(work, NORTH_PLANT)
    # The two that waited and the seven that came are of one class: five and four, one setup less than three batches.
    # The last one fills no batch and waits for the next.
    assert sizes == [4, 5]
    assert left == 1


def test_the_same_lock_told_twice_makes_one_order_and_one_batch(trade: Trade) -> None:
    trade.lock(2)
    before = counts(trade)

    with trade.works.change(SYSTEM) as work:
        formed = form_batches(work, plant_by_id(work, NORTH_PLANT))

    assert formed == []
    assert counts(trade) == before


def test_a_planner_sees_batches_by_counts_and_a_buyer_sees_none(trade: Trade) -> None:
    trade.lock(3)

    with trade.works.read(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items

    assert (batch.state, batch.size, batch.scheduled, batch.passed) == ("released", 3, 3, 0)
    assert (batch.first_week, batch.last_week) == (date(2026, 12, 7), date(2026, 12, 7))
    with trade.works.read(buyer()) as work, pytest.raises(Forbidden):
        queries.list_batches(work, PageRequest(10))


def test_batch_limits_must_be_in_order() -> None:
    with pytest.raises(AssertionError):
        BatchPolicy(plant_limits=(("fir_north", 5, 3),))


# --- a planner's word ------------------------------------------------------------------------------------------------

THE_WEEK = date(2026, 12, 7)


def change(trade: Trade, capacity: int, *, resource: str = SLOT, week: date = THE_WEEK, actor: Actor = PLANNER) -> int:
    with trade.works.change(actor) as work:
        return service.change_capacity(work, "fir_north", week=week, resource=resource, capacity=capacity)


def test_a_week_keeps_as_many_places_as_are_taken(trade: Trade) -> None:
    trade.lock(5)

    left = change(trade, 7)
    with pytest.raises(CapacityTaken) as refused:
        change(trade, 4)

    assert left == 2
    assert refused.value == CapacityTaken(SLOT, THE_WEEK, 5)
    assert counts(trade) == {THE_WEEK: (7, 0, 5)}


def test_a_week_that_is_not_planned_and_another_role_change_nothing(trade: Trade) -> None:
    trade.lock(1)

    with pytest.raises(InvalidInput) as late:
        change(trade, 7, week=date(2030, 1, 7))
    with pytest.raises(InvalidInput) as no_monday:
        change(trade, 7, week=THE_WEEK + timedelta(days=3))
    with pytest.raises(InvalidInput) as unknown:
        change(trade, 7, resource="VELVET")
    with pytest.raises(InvalidInput):
        change(trade, -1)
    with pytest.raises(Forbidden):
        change(trade, 7, actor=buyer())

    assert late.value.text() == ("week: weeks are planned from 2026-11-30 to 2027-11-22; give one of these Mondays")
    assert no_monday.value.text() == (
        "week: a week goes by its Monday, and 2026-12-10 is none; the week of that day is 2026-12-07"
    )
    assert unknown.value.text() == (
        "resource: there is no VELVET in the week of 2026-12-07; it has room of these kinds: `GOLD`, `slot`"
    )


def test_what_finds_no_week_waits_and_is_placed_when_there_is_room(trade: Trade) -> None:
    with trade.works.change(ADMIN) as work:
        policy.change_policy(
            work, base_version=0, changes={"capacity": {"option_limits": [["GOLD", 0]]}}, reason="no gold paint"
        )
    (order_id,) = trade.lock(1, options=GOLD_CAR)
    with trade.works.read(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
    with trade.works.change(PLANNER) as work:
        placed_before = service.schedule_batch(work, batch.id)
    change(trade, 1, resource="GOLD", week=date(2026, 12, 14))

    trade.clock.advance(timedelta(days=1))
    while fire_due(trade.works, service.TIMERS):
        pass

    assert (batch.size, batch.scheduled, placed_before) == (1, 0, 0)
    assert trade.build_order_of(order_id).week == date(2026, 12, 14)
    assert counts(trade, "GOLD") == {date(2026, 12, 14): (1, 0, 1)}
    with trade.works.change(PLANNER) as work:
        assert service.schedule_batch(work, batch.id) == 0


def test_the_batch_of_another_brand_is_not_found(trade: Trade) -> None:
    trade.lock(1)
    with trade.works.read(PLANNER) as work:
        (batch,) = queries.list_batches(work, PageRequest(10)).items
    stranger = Actor(BrandId("f" * 32), PLANNER.roles, PLANNER.account_id)

    with pytest.raises(NotFound), trade.works.change(stranger) as work:
        service.schedule_batch(work, batch.id)


# --- what a completion by date asks ---

MONDAY = date(2026, 11, 23)
GOLD_WEEKS_TAKEN = 50


def free_weeks(trade: Trade, model: str = "A1") -> tuple[date, dict[str, list[int]]]:
    """Return the first week and, by feature, which of the first ten it can be built in."""
    with trade.works.read(buyer()) as work:
        found = FreeWeeks().option_weeks(work, model=model, region="east", day=MONDAY)
    assert found is not None
    return found.first_week, {
        name: [week for week in range(10) if free >> week & 1] for name, free in found.weeks.items()
    }


def test_an_option_can_be_built_where_the_plant_has_room_for_it_and_its_parts_are_there(trade: Trade) -> None:
    trade.lock(GOLD_WEEKS_TAKEN, options=GOLD_CAR)

    first, weeks = free_weeks(trade)

    # From the week after the planning time on; the body takes 14 days, the wheels 21; one week is full of gold.
    assert first == date(2026, 11, 30)
    assert weeks == {
        "A1": [1, 2, 3, 4, 5, 6, 7, 8, 9],
        "GOLD": [0, 2, 3, 4, 5, 6, 7, 8, 9],
        "W19": [2, 3, 4, 5, 6, 7, 8, 9],
    }
    # The other plant paints its own gold, and its model's parts are always there.
    assert free_weeks(trade, "B2")[1]["GOLD"] == free_weeks(trade, "B2")[1]["B2"] == list(range(10))


def test_a_full_week_is_free_for_no_car(trade: Trade) -> None:
    trade.lock(100)

    _, weeks = free_weeks(trade)

    assert weeks["A1"] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_the_soonest_completion_follows_the_plants_weeks(trade: Trade) -> None:
    trade.lock(GOLD_WEEKS_TAKEN, options=GOLD_CAR)
    outlook = Outlook(weeks=FreeWeeks())

    with trade.works.read(buyer()) as work:
        gold = complete(work, ConfigureRequest("A1", (Choice("GOLD"),)), Goal.SOONEST, outlook=outlook)
        any_car = complete(work, ConfigureRequest("A1"), Goal.SOONEST, outlook=outlook)

    assert (gold.first_week, gold.completed.week) == (date(2026, 11, 30), 2)
    assert "GOLD" in gold.completed.options
    assert any_car.completed.week == 1
    assert "GOLD" not in any_car.completed.options
