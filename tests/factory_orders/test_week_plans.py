"""Weeks are planned at least cost and with a bound; the worker keeps what it found, and nobody is overtaken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from factory_orders import queries, service
from factory_orders.errors import PlanTooLarge
from factory_orders.planning.model import WeekRoom
from factory_orders.planning.weekly import apart
from factory_orders.planning.weekly.model import (
    BookOrder,
    Conflict,
    Shortfall,
    UnitWorth,
    WeekBook,
    WeekCosts,
    WhatIf,
    cost_of_weeks,
)
from factory_orders.planning.weekly.placing import cheapest_weeks
from factory_orders.planning.weekly.queries import week_costs
from factory_orders.planning.weekly.service import plan_due_books, plan_outlook, read_book
from factory_orders.planning.weekly.solving import plan_without_search, solve_book
from factory_orders.planning.weekly.tables import week_plans_due
from factory_orders.planning.weekly.texts import (
    conflict_text,
    kept_lines,
    partition_line,
    shortfall_text,
    worth_text,
)
from factory_orders.policies import DAY_MINOR_MAX, BatchPolicy
from factory_orders.slotting.model import SlotCosts
from kernel import policy
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput, NotFound, TooBusy
from kernel.ids import AccountId
from kernel.paging import PageRequest
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.factory_orders.trade import NORTH_PLANT, SOUTH_PLANT, SYSTEM, Trade, buyer

MONDAY = date(2026, 12, 7)
ADMIN = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
COSTS = WeekCosts(wait=42_000, late=1_050_000, without=500_000_000)


def book_of(orders: Sequence[BookOrder], *, slots: Sequence[int], roofs: Sequence[int]) -> WeekBook:
    weeks = tuple(MONDAY + timedelta(weeks=number) for number in range(len(slots)))
    return WeekBook(weeks, ("slot", "ROOF"), (tuple(slots), tuple(roofs)), tuple(orders), COSTS)


def order(number: int, *, roof: bool = False, ready: int = 0, due: int = 9) -> BookOrder:
    return BookOrder(f"o{number}", ("slot", "ROOF") if roof else ("slot",), ready, due, min(ready, 0))


def test_the_dearest_days_that_a_policy_allows_can_be_planned(trade: Trade) -> None:
    dear = {"wait_day_minor": DAY_MINOR_MAX, "late_day_minor": DAY_MINOR_MAX}
    with trade.works.change(ADMIN) as work:
        policy.change_policy(work, base_version=0, changes={"batches": dear}, reason="every day counts")

    with trade.works.read(PLANNER) as work:
        costs = week_costs(work)

    assert SlotCosts(costs.wait, costs.late, costs.without).unslotted > 0
    with pytest.raises(AssertionError, match="late_day_minor lies between"):
        BatchPolicy(late_day_minor=DAY_MINOR_MAX + 1)


rooms = st.lists(st.integers(0, 2), min_size=3, max_size=3)
small_books = st.builds(
    lambda kinds, slots, roofs: book_of(
        [order(number, roof=roof, ready=ready, due=due) for number, (roof, ready, due) in enumerate(kinds)],
        slots=slots,
        roofs=roofs,
    ),
    st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 2)), max_size=4),
    rooms,
    rooms,
)


@settings(max_examples=8, deadline=None)
@given(small_books)
def test_a_plan_costs_what_brute_force_finds_and_never_less_than_its_bound(book: WeekBook) -> None:
    found = solve_book(book)

    every = product([None, *range(len(book.weeks))], repeat=len(book.orders))
    costs = [cost for weeks in every if (cost := cost_of_weeks(book, weeks)) is not None]
    assert cost_of_weeks(book, found.week) == found.cost_minor
    assert found.bound_minor <= min(costs) == found.cost_minor


@settings(max_examples=50, deadline=None)
@given(small_books)
def test_without_a_search_a_plan_is_the_best_there_is_or_there_is_none(book: WeekBook) -> None:
    easy = plan_without_search(book)

    if easy is not None:
        assert easy.cost_minor == easy.bound_minor == cost_of_weeks(book, easy.week)
        assert [week == one.ready for week, one in zip(easy.week, book.orders, strict=True)] == [True] * len(easy.week)


@settings(max_examples=50, deadline=None)
@given(small_books)
def test_a_book_and_its_plan_come_back_from_json_as_they_were(book: WeekBook) -> None:
    plan = replace(
        solve_book(replace(book, orders=())),
        week=(1, None),
        worth=(UnitWorth(MONDAY, "ROOF", 5),),
        conflict=Conflict(("ROOF",), (MONDAY,), 2, 3),
    )

    assert apart.read_book(apart.as_json(book)) == book
    assert apart.read_plan(apart.plan_as_json(plan)) == plan


def test_a_scarce_option_goes_to_who_would_be_late_without_it() -> None:
    book = book_of([order(1, roof=True), order(2, roof=True, due=0)], slots=[2, 2], roofs=[1, 1])

    assert solve_book(book).week == (1, 0)


def test_who_has_the_same_needs_is_not_overtaken_in_a_batch_and_held_places_go_first() -> None:
    weeks = [
        WeekRoom(MONDAY, {"slot": 1, "ROOF": 1}, {"slot": 1, "ROOF": 0}),
        WeekRoom(MONDAY + timedelta(weeks=1), {"slot": 2, "ROOF": 2}, {}),
    ]

    placed = cheapest_weeks([order(1, roof=True), order(2, roof=True, due=0), order(3)], weeks, COSTS)

    assert [(one.order_id, one.week, sorted(one.from_held)) for one in placed] == [
        ("o1", MONDAY, ["slot"]),
        ("o2", MONDAY + timedelta(weeks=1), []),
        ("o3", MONDAY, []),
    ]


def test_a_search_apart_finds_what_it_finds_here_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    book = book_of([order(1, roof=True), order(2, roof=True)], slots=[2, 2], roofs=[1, 1])

    assert apart.solve_apart(book) == solve_book(book)
    with apart._ONE_AT_A_TIME, pytest.raises(TooBusy):
        apart.solve_apart(book)
    monkeypatch.setattr(apart, "ORDERS_MAX", 1)
    with pytest.raises(PlanTooLarge):
        apart.solve_apart(book)


def test_the_worker_keeps_a_plan_of_a_book_that_has_changed_once(trade: Trade) -> None:
    trade.lock(3)

    assert plan_due_books(trade.works) == 1
    assert plan_due_books(trade.works) == 0

    with trade.works.read(PLANNER) as work:
        (plan,) = queries.week_plans_of(work, NORTH_PLANT, PageRequest(10)).items
    assert (plan.orders, plan.without_week, plan.moved, plan.gap_bp, plan.gap_now_bp) == (3, 0, 0, 0, 0)
    assert plan.cost_minor == plan.bound_minor == plan.now_minor
    assert kept_lines(plan, "zh-CN")[1].startswith("3个订单尚未开工。现有周次：成本¥")
    assert kept_lines(plan, "en")[3] == "0 orders would have another week than they have; 0 find none"
    assert (plan.worth, plan.conflict) == ((), None)


def test_a_book_that_cannot_be_planned_keeps_no_other_waiting(trade: Trade) -> None:
    trade.lock(3)
    with trade.works.change(SYSTEM) as work:
        # Asked for in the name of a brand whose plant it is not, and before the other one.
        wrong = {"plant_id": SOUTH_PLANT, "brand_id": "0" * 32, "asked_at": work.now - timedelta(days=1)}
        work.connection.execute(insert(week_plans_due).values(wrong))

    with pytest.raises(NotFound):
        plan_due_books(trade.works)

    with trade.works.read(PLANNER) as work:
        assert [one.orders for one in queries.week_plans_of(work, NORTH_PLANT, PageRequest(10)).items] == [3]


def test_a_kept_plan_says_what_one_more_unit_was_worth_and_only_planners_read_it(trade: Trade) -> None:
    trade.lock(6)
    week = min(one.week for one in trade.build_orders())
    with trade.works.change(PLANNER) as work:
        service.change_capacity(work, "fir_north", week=week, resource="slot", capacity=6)
    trade.lock(2, first_buyer=7)

    plan_due_books(trade.works)

    with trade.works.read(PLANNER) as work:
        plan = queries.week_plans_of(work, NORTH_PLANT, PageRequest(1)).items[0]
    assert plan.orders == 8
    assert plan.gap_bp <= 100
    assert plan.worth[0].week == week
    # One more car in that week is one that waits seven days less, at 60 yuan a day.
    assert plan.worth[0].worth_minor == 7 * 6_000
    with trade.works.read(buyer()) as work, pytest.raises(Forbidden):
        queries.week_plans_of(work, NORTH_PLANT, PageRequest(1))
    with trade.works.read(buyer()) as work, pytest.raises(Forbidden):
        read_book(work, NORTH_PLANT)


def test_a_partition_is_kept_with_its_bound_and_only_planners_read_it(trade: Trade) -> None:
    trade.lock(3)

    with trade.works.read(PLANNER) as work:
        (parted,) = queries.batch_plans_of(work, NORTH_PLANT, PageRequest(10)).items
    assert (parted.orders, parted.batches, parted.waiting, parted.exact, parted.gap_bp) == (3, 1, 0, True, 0)
    assert parted.cost_minor == parted.bound_minor > 0
    assert partition_line(parted, "en").endswith("proven optimal.")
    with trade.works.read(buyer()) as work, pytest.raises(Forbidden):
        queries.batch_plans_of(work, NORTH_PLANT, PageRequest(1))


def test_trims_that_lock_together_share_a_batch_and_each_car_gets_its_week(trade: Trade) -> None:
    plus = ("BLUE", "W17", "PT_SMALL", "TR_PLUS")
    many = [trade.terms(n, "89"[n % 2] * 32, (PLAIN_CAR, plus)[n % 2], None) for n in range(1, 9)]

    with trade.works.change(SYSTEM) as work:
        service.take_locked(work, many)

    assert len({terms.class_l1 for terms in many}) == 2
    with trade.works.read(PLANNER) as work:
        (parted,) = queries.batch_plans_of(work, NORTH_PLANT, PageRequest(10)).items
        (batch,) = queries.list_batches(work, PageRequest(10)).items
    assert (parted.orders, parted.batches, parted.exact) == (8, 1, True)
    assert (batch.size, batch.scheduled) == (8, 8)
    assert len(trade.build_orders()) == 8


def test_a_line_day_says_what_no_order_of_its_cars_goes_below(trade: Trade) -> None:
    trade.lock(3)
    first = min(one.day for one in trade.build_orders())

    with trade.works.read(PLANNER) as work:
        days = queries.line_of_days(work, NORTH_PLANT, first=first, days=7)
    assert [(one.excess, one.excess_bound, one.paint_changes_bound) for one in days] == [(0, 0, 0)] * len(days)


def test_fewer_cars_than_are_locked_name_the_shortfall(trade: Trade) -> None:
    first, *_ = trade.lock(3)
    week = min(one.week for one in trade.build_orders())
    trade.build(first)

    with trade.works.read(PLANNER) as work:
        found = plan_outlook(work, "fir_north", what_if=WhatIf({(week, "slot"): 0}, {}, ()))

    assert found.shortfalls == (Shortfall(week, "slot", taken=1, capacity=0),)
    assert {new for _, new in found.weeks.values()} == {week + timedelta(weeks=1)}


def test_a_part_that_no_order_takes_is_refused(trade: Trade) -> None:
    trade.lock(1)

    with trade.works.read(PLANNER) as work, pytest.raises(InvalidInput) as refused:
        plan_outlook(work, "fir_north", what_if=WhatIf({}, {"NO_SUCH": 2}, ()))
    assert refused.value.text("zh-CN").endswith("该工厂没有订单选配NO_SUCH")


@pytest.mark.parametrize(
    ("what_if", "text"),
    [
        (
            WhatIf({(MONDAY, "VELVET"): 3}, {}, ()),
            "resource: there is no VELVET in the week of 2026-12-07; it has room of these kinds: `GOLD`, `slot`",
        ),
        (
            WhatIf({}, {}, (MONDAY + timedelta(days=6),)),
            "week: a week goes by its Monday, and 2026-12-13 is none; the week of that day is 2026-12-07",
        ),
        (
            WhatIf({}, {}, (date(2031, 1, 6),)),
            "week: weeks are planned from 2026-11-30 to 2027-11-22; give one of these Mondays",
        ),
    ],
)
def test_what_if_of_a_week_or_a_resource_that_is_not_there_says_what_there_is(
    trade: Trade, what_if: WhatIf, text: str
) -> None:
    trade.lock(1)

    with trade.works.read(PLANNER) as work, pytest.raises(InvalidInput) as refused:
        plan_outlook(work, "fir_north", what_if=what_if)

    assert refused.value.text() == text


def test_what_a_plan_says_stands_in_both_languages() -> None:
    worth, slot = UnitWorth(MONDAY, "ROOF", 420_000), UnitWorth(MONDAY, "slot", 420_000)
    conflict, lacks = Conflict(("slot", "ROOF"), (MONDAY,), 7, 9), Shortfall(MONDAY, "slot", 9, 4)

    assert worth_text(worth, "en") == (
        "One more car with ROOF in the week of 2026-12-07 would save ¥4,200 of waiting and lateness."
    )
    assert worth_text(slot, "zh-CN") == "2026-12-07当周如多一个生产名额，可节省¥4,200的等待与延误成本。"
    assert conflict_text(conflict, "en") == (
        "In conflict: the slots and ROOF. Because of that alone at least 7 orders find no week; more room for one of "
        "them in 2026-12-07 would help. Because of all limits together it is at least 9."
    )
    assert conflict_text(conflict, "zh-CN") == (
        "生产名额、ROOF无法同时满足：仅因此就至少有7个订单排不进任何一周。在2026-12-07放宽其中一项即可缓解。"
        "计入全部限制，至少有9个订单排不进。"
    )
    assert conflict_text(Conflict(("slot",), (), 1, 1), "en").startswith(
        "In conflict: the slots. Because of that alone at least 1 order finds no week."
    )
    assert conflict_text(Conflict((), (), 2, 2), "en").startswith(
        "The parts of 2 orders come only after the last week."
    )
    assert conflict_text(Conflict((), (), 2, 2), "zh-CN").startswith("2个订单的零件在最后一个计划周之后才到。")
    assert "5 cars have no place there" in shortfall_text(lacks, "en")
    assert "缺5" in shortfall_text(lacks, "zh-CN")
