"""Pools and the plant: slots are held from the opening on, the lock makes orders, a failure frees everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from configurator import quote_service
from configurator.catalogue_files import read_catalogue
from configurator.model import PoolingClass, SignedQuote, Tier
from configurator.quote_service import QuoteDesk, QuoteRequest
from configurator.service import class_of_car, publish_catalogue
from demand.errors import TierBelowCost
from demand.model import ClassLevel
from demand.pools.events import PoolLocked
from demand.pools.queries import list_pools
from demand.service import PoolPlan, cancel_pool
from factory_orders import pools_service, queries
from factory_orders.errors import CapacityShort
from factory_orders.model import DeliveredOrder, ScheduledOrder
from factory_orders.planning.model import SLOT
from factory_orders.pools_service import class_part_time, option_places
from kernel import ledger, outbox
from kernel.errors import Forbidden
from kernel.ledger import account
from kernel.paging import PageRequest
from kernel.work import Works
from tests.configurator.small_brand import DESK, EAST_STORE, PLAIN_CAR, PLANNER, copied_folder, open_small_brand
from tests.demand.pool_room import TIERS, PoolRoom
from tests.factory_orders.trade import NORTH_PLANT, SYSTEM, Trade, buyer

FIRST_WEEK = date(2026, 12, 28)


def open_pool(
    room: PoolRoom, *, capacity: int = 8, tiers: Sequence[Tier] = TIERS, weeks: int | None = None
) -> pools_service.OpenedPool:
    plan = PoolPlan(room.cls, capacity, minimum=tiers[0].members, tiers=tuple(tiers))
    with room.works.change(PLANNER) as work:
        return pools_service.open_pool(work, plan, weeks=weeks)


def reserved(room: PoolRoom) -> int:
    with room.works.read(PLANNER) as work:
        weeks = queries.plant_weeks(work, NORTH_PLANT, first=date(2026, 11, 23), weeks=30)
    return sum(week.reserved for week in weeks if week.resource == SLOT)


def tell(room: PoolRoom) -> None:
    """Hand the news over."""
    while outbox.deliver(room.works, pools_service.SUBSCRIPTIONS):
        pass


def quote_with_promise(room: PoolRoom, number: int) -> SignedQuote:
    desk = QuoteDesk(DESK.key, promises=pools_service.Promises())
    with room.works.change(buyer(number)) as work:
        return quote_service.issue_quote(work, desk, QuoteRequest("A1", PLAIN_CAR, EAST_STORE))


def test_a_pool_from_its_opening_to_the_handover_of_its_cars(room: PoolRoom) -> None:
    opened = open_pool(room)
    assert (opened.reserved.slots, opened.reserved.first_week) == (8, FIRST_WEEK)
    placed = room.join(1, 2, 3)
    room.pass_time(days=21)
    tell(room)
    trade = Trade(room.works, room.clock, room.sandbox, "")
    ids = [one.pre_order_id for one in placed]

    with room.works.read(SYSTEM) as work:
        orders = queries.orders_by_id(work, ids)
    assert [order.terms.place for order in (orders[one] for one in ids)] == [1, 2, 3]
    assert all(isinstance(order, ScheduledOrder) for order in orders.values())
    assert reserved(room) == 0
    trade.bring_to_store(ids[0])
    trade.hand_over(ids[0], who=buyer(1))

    with room.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, ids)[ids[0]]
        receivable = ledger.balance(work, account("receivable", ids[0]))
        earnest = ledger.balances(work, [account("earnest", one) for one in ids])
    assert isinstance(order, DeliveredOrder)
    assert receivable == 0
    assert list(earnest.values()) == [0, 500_000, 500_000]


def test_the_lock_told_twice_changes_nothing(room: PoolRoom) -> None:
    opened = open_pool(room)
    room.join(1, 2, 3)
    room.pass_time(days=21)
    tell(room)
    with room.works.read(PLANNER) as work:
        before = queries.list_batches(work, PageRequest(10)).items

    with room.works.change(SYSTEM) as work:
        news = [outbox.Letter("x" * 32, work.now, _locked(opened))]
        pools_service.on_pools_locked(work, news)

    with room.works.read(PLANNER) as work:
        assert queries.list_batches(work, PageRequest(10)).items == before


def _locked(opened: pools_service.OpenedPool) -> PoolLocked:
    head = opened.pool.head
    return PoolLocked(head.brand_id, head.id, head.plant_code, head.class_key, 3, 0)


def test_a_pool_that_fails_gives_its_slots_back(room: PoolRoom) -> None:
    open_pool(room)
    room.join(1, 2)
    assert reserved(room) == 8

    room.pass_time(days=21)
    tell(room)

    assert reserved(room) == 0


def test_a_cancelled_pool_gives_its_slots_back(room: PoolRoom) -> None:
    opened = open_pool(room)

    with room.works.change(PLANNER) as work:
        cancel_pool(work, opened.pool.head.id, reason="the plant is rebuilt")
    tell(room)

    assert reserved(room) == 0


def test_a_pool_beyond_the_plants_weeks_is_not_opened(room: PoolRoom) -> None:
    with pytest.raises(CapacityShort) as refused:
        open_pool(room, capacity=201, weeks=2)

    assert refused.value == CapacityShort(SLOT, 1, None)
    assert reserved(room) == 0
    with room.works.read(PLANNER) as work:
        assert list_pools(work, PageRequest(10)).items == ()


def test_a_tier_below_cost_opens_no_pool(room: PoolRoom) -> None:
    with pytest.raises(TierBelowCost):
        open_pool(room, tiers=(Tier(3, 0), Tier(5, 5_000)))

    assert reserved(room) == 0


def test_only_who_manages_pools_opens_one(room: PoolRoom) -> None:
    with pytest.raises(Forbidden), room.works.change(buyer(1)) as work:
        pools_service.open_pool(work, PoolPlan(room.cls, 8))


def test_a_promise_follows_the_place_in_the_pool(room: PoolRoom) -> None:
    unconditional = quote_with_promise(room, 1).quote.facts.promise
    open_pool(room)
    first = quote_with_promise(room, 1).quote.facts.promise
    room.join(*range(2, 9))
    last = quote_with_promise(room, 9).quote.facts.promise

    # Without a pool: parts until 7 December, ready five days after that Wednesday; with ten days and a week of slack
    # after its Friday.
    assert unconditional is not None
    assert (unconditional.p50, unconditional.p90) == (date(2026, 12, 14), date(2027, 1, 2))
    assert not unconditional.conditional
    # In the pool: eight places over six weeks from 28 December, two in each of the first ones.
    assert first is not None
    assert first.p50 == FIRST_WEEK + timedelta(days=7)
    assert last is not None
    assert last.p50 == FIRST_WEEK + timedelta(days=21 + 7)
    assert first.p90 == last.p90 == FIRST_WEEK + timedelta(days=21 + 9 + 10)
    assert first.conditional


def test_a_constrained_option_is_reserved_only_where_the_class_can_have_it(room: PoolRoom) -> None:
    with room.works.read(PLANNER) as work:
        plain = option_places(work, room.cls, places=100, until=date(2026, 12, 14))
        lead = class_part_time(work, room.cls, day=date(2026, 12, 14)).lead_days

    # Gold is a long-lead option: it makes a class of its own, and this one has none of it.
    assert plain == {"GOLD": 0}
    assert lead == 14


def test_what_all_of_a_class_have_is_reserved_for_all_and_what_none_can_have_for_nobody(
    works: Works, tmp_path: Path
) -> None:
    open_small_brand(works)
    folder = copied_folder(tmp_path / "scarce")
    options = (folder / "options.csv").read_text(encoding="utf-8")
    for scarce in ("Wheels,0,0", "Powertrain,0,0", "Trim,0,0"):
        options = options.replace(scarce, scarce[:-1] + "1")
    (folder / "options.csv").write_text(options, encoding="utf-8")
    with works.change(PLANNER) as work:
        publish_catalogue(work, replace(read_catalogue(folder), label="scarce", effective_from=date(2026, 11, 23)))

    def reserved(cls: PoolingClass, *, any_trim: bool = False) -> dict[str, int]:
        return option_places(work, cls, places=100, until=date(2026, 12, 14), any_trim=any_trim)

    with works.read(PLANNER) as work:
        small = class_of_car(work, model="A1", options=PLAIN_CAR, region="east")
        big = replace(small, powertrain="PT_BIG")
        trims = {"TR_BASE": 100, "TR_PLUS": 0}
        # The 19 inch wheels need the big motor.
        assert reserved(small) == {"GOLD": 0, "W17": 100, "W19": 0, "PT_SMALL": 100, "PT_BIG": 0} | trims
        assert reserved(big) == {"GOLD": 0, "W17": 15, "W19": 15, "PT_SMALL": 0, "PT_BIG": 100} | trims
        assert reserved(big, any_trim=True) == reserved(big) | {"TR_BASE": 15, "TR_PLUS": 15}


def test_a_pool_of_every_trim_waits_for_the_slowest_parts_of_any_of_them(works: Works, tmp_path: Path) -> None:
    open_small_brand(works)
    folder = copied_folder(tmp_path / "slow")
    with (folder / "parts.csv").open("a", encoding="utf-8") as parts:
        parts.write("TR_PLUS,FIR-SEAT,1,fir_seats,60,,\n")
    with works.change(PLANNER) as work:
        publish_catalogue(work, replace(read_catalogue(folder), label="slow", effective_from=date(2026, 11, 23)))
    day = date(2026, 12, 14)

    with works.read(PLANNER) as work:
        cls = class_of_car(work, model="A1", options=PLAIN_CAR, region="east")
        wide = PoolingClass.from_key(cls.l2_key)
        leads = [
            class_part_time(work, cls, day=day).lead_days,
            class_part_time(work, cls, day=day, any_trim=True).lead_days,
            class_part_time(work, wide, day=day, any_trim=True).lead_days,
        ]
    with works.change(PLANNER) as work:
        plan = PoolPlan(wide, 8, ClassLevel.L2, minimum=3, tiers=TIERS)
        opened = pools_service.open_pool(work, plan)

    assert leads == [14, 60, 60]
    assert opened.pool.head.class_key == cls.l2_key
    assert opened.reserved.first_week == date(2027, 2, 15)
