"""Identical cars change places between orders where that cuts lateness; nobody becomes late for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from factory_orders import queries, service
from factory_orders.exchanges.model import CarOfOrder, CarSwap, SwapRound, foremost
from factory_orders.exchanges.swap_service import swap_cars
from factory_orders.exchanges.tables import car_swaps, swap_rounds
from factory_orders.model import ShipmentState, Stage, order_state
from factory_orders.planning.tables import batches, orders
from factory_orders.plant.tables import build_orders
from factory_orders.policies import PromisePolicy
from factory_orders.store_closing.tables import store_changes
from factory_orders.vehicles.tables import vehicles
from kernel.paging import PageRequest
from kernel.record import walk
from kernel.work import Work
from tests.configurator.small_brand import BRAND, EAST_STORE, NORTH_STORE, PLAIN_CAR, PLANNER
from tests.factory_orders.test_contract_dates import quote
from tests.factory_orders.trade import BUILD, LEGS, POOL, SYSTEM, Trade, buyer

NINE_IN_TEN = timedelta(days=4 + 2 + 3 + PromisePolicy().buffer_days)
"""From a week on the line to the day it is promised by: Friday, transit without a road, what is done, the buffer."""


def two_orders(trade: Trade, *, late_by: int = 20, begun: bool = True) -> tuple[str, str]:
    """Lock two equal cars: the first has time, the second is late already.

    Where that one is begun (painted), nothing of it may be left or changed any more: its buyer has nothing to give up.
    """
    first, second = trade.lock(2)
    if begun:
        trade.build(second, stages=BUILD[:3])
    today = trade.clock.now().date()
    promise(trade, first, today + timedelta(days=90))
    promise(trade, second, today - timedelta(days=late_by))
    return first, second


def promise(trade: Trade, order_id: str, day: date, **other: Any) -> None:
    with trade.works.change(SYSTEM) as work:
        if (store_id := other.get("store_id")) is not None:
            row = {"id": work.new_id(), "brand_id": BRAND, "order_id": order_id, "account_id": f"{2:032x}"}
            stores = {"from_store_id": EAST_STORE, "to_store_id": store_id}
            work.connection.execute(store_changes.insert().values(**row, **stores, at=work.now))
        own = orders.c.id == order_id
        work.connection.execute(update(orders).where(own).values(promised_by=day, **other))


def made(trade: Trade) -> list[CarSwap]:
    with trade.works.read(PLANNER) as work:
        return list(queries.car_swaps_made(work, PageRequest(20)).items)


def state_of(trade: Trade, order_id: str) -> tuple[str, str | None]:
    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
    return order_state(order), getattr(order, "vin", None)


def test_who_is_late_gets_the_equal_car_that_has_passed_and_its_buyer_the_other_one(trade: Trade) -> None:
    first, second = two_orders(trade)
    vin = trade.build(first)
    given, taken = trade.build_order_of(first).id, trade.build_order_of(second).id
    promise(trade, second, trade.clock.now().date(), store_id=NORTH_STORE)

    swapped = swap_cars(trade.works, BRAND)
    again = swap_cars(trade.works, BRAND)

    assert (swapped, again) == (2, 0)
    assert (state_of(trade, second), state_of(trade, first)) == (("built", vin), ("scheduled", None))
    assert (trade.build_order_of(second).id, trade.build_order_of(first).id) == (given, taken)
    way = trade.shipment_of(second)
    assert (way.vin, way.store_id, way.state) == (vin, NORTH_STORE, ShipmentState.PLANNED)
    by_order = {one.order_id: one for one in made(trade)}
    assert by_order[second].days_late_after < by_order[second].days_late_before
    assert (by_order[first].days_late_before, by_order[first].days_late_after) == (0, 0)
    with trade.works.read(SYSTEM) as work:
        assert [one.kind for one in walk(work, f"vin:{vin}")][-2:] == ["freed", "allocated"]
    assert trade.unsound() == []


def test_both_cars_go_on_to_their_new_buyers(trade: Trade) -> None:
    first, second = two_orders(trade)
    vin = trade.build(first)
    swap_cars(trade.works, BRAND)

    trade.ship(second)
    trade.receive(second)
    other = trade.build(first, stages=BUILD[3:])

    assert (state_of(trade, second), state_of(trade, first)) == (("at_store", vin), ("built", other))
    assert trade.shipment_of(first).store_id == EAST_STORE
    assert trade.unsound() == []


@pytest.mark.parametrize("what", ["loaded", "of another kind", "not new any more"])
def test_a_car_that_is_loaded_differs_or_is_not_new_any_more_stays_with_its_order(trade: Trade, what: str) -> None:
    first, second = two_orders(trade)
    vin = trade.build(first)
    with trade.works.change(SYSTEM) as work:
        if what == "of another kind":
            own = build_orders.c.order_id == second
            work.connection.execute(update(build_orders).where(own).values(options=["BLUE", *PLAIN_CAR[1:]]))
        elif what == "not new any more":
            work.connection.execute(update(vehicles).where(vehicles.c.vin == vin).values(newness=1))
    if what == "loaded":
        trade.ship(first, legs=LEGS[:1])

    assert swap_cars(trade.works, BRAND) == 0
    assert made(trade) == []


def test_nobody_gives_a_car_away_who_would_be_late_for_it(trade: Trade) -> None:
    first, _ = two_orders(trade)
    trade.build(first)
    promise(trade, first, trade.clock.now().date() + timedelta(days=6))

    assert swap_cars(trade.works, BRAND) == 0
    assert state_of(trade, first)[0] == "built"


def test_who_gives_a_car_keeps_the_margin_of_the_promise_and_gets_no_free_way_out(trade: Trade) -> None:
    first, second = trade.lock(2)
    later = trade.build_order_of(second).week + timedelta(days=14)
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.order_id == second
        work.connection.execute(update(build_orders).where(own).values(day=later, week=later, position=50))
    for order_id in (first, second):
        trade.report(trade.build_order_of(order_id).id, BUILD[0])
    # By the plan the other car comes in time for this one too, but nine in ten would not.
    promise(trade, second, later - timedelta(days=10))
    promise(trade, first, later + NINE_IN_TEN - timedelta(days=1))
    before = leaving_costs(trade, first)

    kept = swap_cars(trade.works, BRAND)
    promise(trade, first, later + NINE_IN_TEN)
    given = swap_cars(trade.works, BRAND)

    assert (kept, given) == (0, 2)
    assert leaving_costs(trade, first) == before > 0


@pytest.mark.parametrize(("accepted", "swapped"), [("a date", 0), ("none", 2)])
def test_who_had_accepted_an_earlier_date_than_the_contracts_gives_no_car_for_one_after_it(
    trade: Trade, accepted: str, swapped: int
) -> None:
    (second,) = trade.lock(1, pool_id="b" * 32, first_buyer=2)
    terms = trade.terms(1, POOL, PLAIN_CAR, None)
    if accepted == "a date":
        terms = replace(terms, quote_id=quote(trade.works, buyer(1)))
    with trade.works.change(SYSTEM) as work:
        service.take_locked(work, [terms])
    later = trade.build_order_of(second).week + timedelta(days=14)
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.order_id == second
        work.connection.execute(update(build_orders).where(own).values(day=later, week=later, position=50))
    for order_id in (terms.id, second):
        trade.report(trade.build_order_of(order_id).id, BUILD[0])
    promise(trade, second, later - timedelta(days=10))
    promise(trade, terms.id, later + NINE_IN_TEN)

    assert swap_cars(trade.works, BRAND) == swapped


def leaving_costs(trade: Trade, order_id: str) -> int:
    with trade.works.read(buyer(1)) as work:
        return service.preview_cancellation(work, order_id).forfeit_minor


def test_a_car_that_moved_on_between_two_looks_is_left_to_the_next_round(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factory_orders.exchanges import swap_service

    first, second = two_orders(trade)
    trade.build(first)
    solve = swap_service._solve

    def late_carrier(*given: Any) -> Any:
        trade.ship(first)
        return solve(*given)

    monkeypatch.setattr(swap_service, "_solve", late_carrier)

    assert swap_cars(trade.works, BRAND) == 0
    assert (state_of(trade, first)[0], state_of(trade, second)[0]) == ("at_store", "scheduled")
    assert trade.unsound() == []


def test_a_car_that_moved_on_keeps_no_cars_of_another_kind_from_changing_places(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factory_orders.exchanges import swap_service

    today = trade.clock.now().date()
    first, second = two_orders(trade)
    third, fourth = trade.lock(2, pool_id="8" * 32, options=("BLUE", *PLAIN_CAR[1:]), first_buyer=11)
    trade.build(fourth, stages=BUILD[:3])
    for order_id, day in ((third, today + timedelta(days=90)), (fourth, today - timedelta(days=20))):
        promise(trade, order_id, day)
    vin = trade.build(first)
    trade.build(third)
    read = swap_service.read_problem

    def then_loaded(work: Work) -> Any:
        problem = read(work)
        trade.ship(third)
        return problem

    monkeypatch.setattr(swap_service, "read_problem", then_loaded)

    assert swap_cars(trade.works, BRAND) == 2
    assert (state_of(trade, second), state_of(trade, fourth)[0]) == (("built", vin), "scheduled")
    assert [one.orders for one in rounds(trade)] == [2]


def test_a_batch_is_complete_once_the_car_that_left_it_by_a_swap_is_scrapped(trade: Trade) -> None:
    (first,) = trade.lock(1, pool_id="a" * 32)
    (second,) = trade.lock(1, pool_id="b" * 32, first_buyer=2)
    given = trade.build_order_of(second)
    today = trade.clock.now().date()
    promise(trade, first, today + timedelta(days=90))
    promise(trade, second, today - timedelta(days=40))
    with trade.works.change(SYSTEM) as work:
        later = update(build_orders).where(build_orders.c.id == given.id).values(day=given.day + timedelta(days=10))
        work.connection.execute(later)
    assert swap_cars(trade.works, BRAND) == 2

    trade.build(first, stages=(*BUILD[:3], Stage.SCRAPPED))

    assert trade.build_order_of(first).batch_id != given.batch_id
    with trade.works.read(SYSTEM) as work:
        states = {row.id: row.state for row in work.connection.execute(select(batches.c.id, batches.c.state))}
    assert states.pop(given.batch_id) == "complete"
    assert "complete" not in states.values()


def rounds(trade: Trade) -> list[SwapRound]:
    with trade.works.read(PLANNER) as work:
        return list(queries.swap_rounds_made(work, PageRequest(9)).items)


@pytest.mark.parametrize("what", ["changed its car", "picked another store", "has another date", "is planned later"])
def test_an_order_that_changed_between_two_looks_is_left_to_the_next_round(
    trade: Trade, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from factory_orders.exchanges import swap_service

    first, second = two_orders(trade)
    vin = trade.build(first)
    solve = swap_service._solve
    today = trade.clock.now().date()

    def meanwhile(*given: Any) -> Any:
        if what == "picked another store":
            promise(trade, second, today - timedelta(days=20), store_id=NORTH_STORE)
        elif what == "has another date":
            promise(trade, first, today)
        else:
            with trade.works.change(SYSTEM) as work:
                other = {"options": ["BLUE", *PLAIN_CAR[1:]]} if what == "changed its car" else {"position": None}
                later = {} if what == "changed its car" else {"day": today + timedelta(days=80)}
                own = build_orders.c.order_id == second
                work.connection.execute(update(build_orders).where(own).values(**other, **later))
        return solve(*given)

    monkeypatch.setattr(swap_service, "_solve", meanwhile)

    assert swap_cars(trade.works, BRAND) == 0
    assert (state_of(trade, first), state_of(trade, second)) == (("built", vin), ("scheduled", None))


def test_the_database_refuses_a_swap_that_makes_somebody_later_and_a_round_without_proof(trade: Trade) -> None:
    first, _ = two_orders(trade)
    trade.build(first)
    swap_cars(trade.works, BRAND)
    with trade.works.read(SYSTEM) as work:
        swap = work.connection.execute(select(car_swaps)).mappings().first()
        done = work.connection.execute(select(swap_rounds)).mappings().first()
    assert swap is not None
    assert done is not None

    for table, values in (
        (car_swaps, {**swap, "id": "f" * 32, "days_late_before": 0, "days_late_after": 1}),
        (swap_rounds, {**done, "id": "f" * 32, "saved_minor": done["saved_at_most_minor"] - 1}),
    ):
        with pytest.raises((DatabaseError, IntegrityError)), trade.works.change(SYSTEM) as work:
            work.connection.execute(table.insert().values(**values))


def test_of_a_kind_who_has_most_to_gain_and_what_is_ready_first_take_part() -> None:
    car = CarOfOrder("o", "a", "b", "k", "p", "s", Stage.QUEUED, None, 0, 0)
    own = [replace(car, order_id=str(number), ready=number, due=-number) for number in range(6)]
    other = replace(car, order_id="other", kind="another")

    found = foremost([*own, other], lambda one: one.ready - one.due, most=4)

    assert [one.order_id for one in found] == ["0", "1", "4", "5", "other"]
    assert foremost([*own, other], lambda one: one.ready, most=6) == [*own, other]


def test_nobody_is_late_in_the_small_so_nothing_is_exchanged(trade: Trade) -> None:
    first, _ = trade.lock(2)
    trade.build(first, stages=BUILD)

    assert swap_cars(trade.works, BRAND) == 0
