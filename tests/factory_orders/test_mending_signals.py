"""What mends a plan and a line by itself: a supplier's late word, a line that stood still; and who hears of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from factory_orders import queries, service
from factory_orders.model import BuildOrder
from factory_orders.planning.line_days.queries import lacking_part
from factory_orders.planning.weekly.service import plan_due_books
from factory_orders.planning.weekly.tables import week_plans_due
from factory_orders.plant.tables import build_orders
from kernel.actor import Role
from kernel.errors import Forbidden, InvalidInput
from kernel.identity.tables import accounts, role_grants
from kernel.notices import notices
from kernel.outbox import Subscription, deliver
from muster.plant_telling import TELLER
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER
from tests.factory_orders.test_capacity import change_policy
from tests.factory_orders.test_line_days import BLUE_CAR, MONDAY, fill, leave, line, mend, spoil, work_off
from tests.factory_orders.test_parts import answer, call_off, count, supplier
from tests.factory_orders.test_plant_hooks import PlantSystem, connect, run
from tests.factory_orders.trade import NORTH_PLANT, PLANT_MACHINE, SYSTEM, Trade

HOOKS = Subscription(
    "hooks",
    frozenset(service.TOLD_TO_PLANTS),
    lambda work, letters: service.tell_plants(work, letters, write_id=lambda kind, raw: f"{kind}/{raw}"),
)


def due(trade: Trade) -> list[str]:
    with trade.works.read(SYSTEM) as work:
        return list(work.connection.execute(select(week_plans_due.c.plant_id)).scalars())


def planned(trade: Trade) -> None:
    """Have every book planned that is due."""
    work_off(trade)
    plan_due_books(trade.works)
    assert due(trade) == []


def stop(trade: Trade, day: date, capacity: int) -> int:
    with trade.works.change(PLANT_MACHINE) as work:
        return service.report_line_stop(work, day=day, capacity=capacity).short


def room_of(trade: Trade, week: date) -> tuple[int, int]:
    with trade.works.read(PLANNER) as work:
        found = queries.plant_weeks(work, NORTH_PLANT, first=week, weeks=1)
    return next((one.capacity, one.used) for one in found if one.resource == "slot")


def has_wheels(car: BuildOrder) -> bool:
    return "W19" in car.options


def test_cars_whose_part_comes_later_go_to_the_end_of_their_day_and_the_book_is_planned_anew(trade: Trade) -> None:
    trade.lock(10, options=("RED", "W19", "PT_BIG", "TR_BASE"))
    trade.clock.advance(timedelta(days=7))
    trade.lock(10, pool_id="8" * 32, options=PLAIN_CAR, first_buyer=60)
    wheel = next(one for one in call_off(trade).made if one.part == "FIR-W19")
    planned(trade)
    day = wheel.week
    cars = line(trade, day)
    first, *late = (car for car in cars if has_wheels(car))
    count(trade, 4, "FIR-W19")

    answer(trade, supplier(trade, "fir_wheels"), wheel, day + timedelta(days=1))
    assert line(trade, day) == cars
    work_off(trade)

    assert (len(cars), len(late)) == (4, 1)
    assert [car.id for car in line(trade, day)[-1:]] == [car.id for car in late]
    assert first.id in {car.id for car in line(trade, day)[:-1]}
    assert due(trade) == [NORTH_PLANT]


def test_a_car_without_a_place_on_the_line_takes_what_is_left_behind_the_others(trade: Trade) -> None:
    first, second = trade.lock(2, options=("RED", "W19", "PT_BIG", "TR_BASE"))
    wheel = next(one for one in call_off(trade).made if one.part == "FIR-W19")
    count(trade, 4, "FIR-W19")
    answer(trade, supplier(trade, "fir_wheels"), wheel, wheel.week + timedelta(days=5))
    placed, placeless = trade.build_order_of(first), trade.build_order_of(second)
    with trade.works.change(SYSTEM) as work:
        own = build_orders.c.id == placeless.id
        work.connection.execute(update(build_orders).where(own).values(day=placed.day, position=None))

    with trade.works.read(SYSTEM) as work:
        lacking = lacking_part(work, NORTH_PLANT, "FIR-W19", week=wheel.week)

    assert lacking == [(placed.day, placeless.id)]


def test_a_part_that_comes_in_time_moves_nobody(trade: Trade) -> None:
    trade.lock(10)
    (body,) = call_off(trade).made
    planned(trade)
    before = line(trade)

    answer(trade, supplier(trade), body, MONDAY)
    work_off(trade)

    assert line(trade) == before
    assert due(trade) == []


def test_a_line_that_stood_still_promises_no_more_than_it_can_and_is_mended(trade: Trade) -> None:
    spoil(trade)
    planned(trade)
    capacity, used = room_of(trade, MONDAY)
    before = [car.id for car in line(trade)]

    assert stop(trade, MONDAY + timedelta(days=2), capacity + 5) == 0
    assert room_of(trade, MONDAY) == (capacity, used)
    assert stop(trade, MONDAY + timedelta(days=2), used - 3) == 3
    assert stop(trade, MONDAY + timedelta(days=2), used - 3) == 3
    assert room_of(trade, MONDAY) == (used, used)
    work_off(trade)

    assert due(trade) == [NORTH_PLANT]
    assert sorted(car.id for car in line(trade)) == sorted(before)
    with pytest.raises(InvalidInput, match="weeks are planned from"):
        stop(trade, date(2031, 1, 7), 3)
    with pytest.raises(InvalidInput):
        stop(trade, MONDAY, -1)
    with pytest.raises(Forbidden), trade.works.change(PLANNER) as work:
        service.report_line_stop(work, day=MONDAY, capacity=1)


def test_planners_are_told_once_of_a_line_that_stood_still(trade: Trade) -> None:
    spoil(trade)
    planned(trade)
    _, used = room_of(trade, MONDAY)
    planner = "7" * 32
    with trade.works.change(SYSTEM) as work:
        account = {"id": planner, "brand_id": BRAND, "email": "p@fir.test", "email_key": "p@fir.test", "name": "P"}
        times = {"created_at": work.now, "changed_at": work.now, "confirmed_at": work.now}
        work.connection.execute(insert(accounts).values(**account, **times, locale="en", state="active"))
        own = {"id": "8" * 32, "brand_id": BRAND, "account_id": planner, "role": Role.PLANNER.value}
        work.connection.execute(insert(role_grants).values(**own, granted_at=work.now))

    for capacity in (used - 3, used - 3, used - 4):
        stop(trade, MONDAY, capacity)
    while deliver(trade.works, [TELLER]):
        pass

    with trade.works.read(SYSTEM) as work:
        found = work.connection.execute(select(notices.c.account_id, notices.c.kind, notices.c.facts)).all()
    told = sorted((row.account_id, row.kind, row.facts["plant"], row.facts["short"]) for row in found)
    assert told == [(planner, "line_stopped", "fir_north", short) for short in (3, 4)]


def test_a_plants_system_hears_which_cars_stand_elsewhere_since_others_have_come(trade: Trade) -> None:
    change_policy(trade, line={"paint_run_max": 2})
    fill(trade, red=3, blue=0)
    deliver(trade.works, [HOOKS])
    plant = PlantSystem(connect(trade).secret)
    before = {car.id: car.position for car in line(trade)}

    trade.lock(10, pool_id="8" * 32, options=BLUE_CAR, first_buyer=60)
    deliver(trade.works, [HOOKS])
    run(trade, plant)

    after = {car.id: car.position for car in line(trade)}
    moved = {f"BuildOrder/{one}": after[one] for one in before if before[one] != after[one]}
    told = [
        one["data"] for _, one in plant.got if one["type"] == "build_order.moved" and one["data"]["day"] == str(MONDAY)
    ]
    assert moved
    assert {one["buildOrderId"]: one["position"] for one in told} == moved


def test_a_plants_system_hears_which_cars_stand_elsewhere_after_a_day_was_mended(trade: Trade) -> None:
    fill(trade, red=2, blue=2)
    deliver(trade.works, [HOOKS])
    plant = PlantSystem(connect(trade).secret)
    before = {car.id: car.position for car in line(trade)}
    late = line(trade)[0]

    mend(trade, late=[late.id])
    deliver(trade.works, [HOOKS])
    run(trade, plant)

    moved = {car.id: car for car in line(trade) if before[car.id] != car.position}
    assert late.id in moved
    assert {told["data"]["buildOrderId"] for _, told in plant.got} == {f"BuildOrder/{one}" for one in moved}
    assert {told["type"] for _, told in plant.got} == {"build_order.moved"}
    places = {told["data"]["buildOrderId"]: told["data"]["position"] for _, told in plant.got}
    assert places[f"BuildOrder/{late.id}"] == len(before)
    assert sorted(places.values()) == sorted(car.position or 0 for car in moved.values())


def test_who_moves_up_where_a_car_leaves_is_told_too_and_who_stays_is_not(trade: Trade) -> None:
    fill(trade, red=3, blue=0)
    deliver(trade.works, [HOOKS])
    plant = PlantSystem(connect(trade).secret)
    first, second, third = line(trade)

    leave(trade, second)
    deliver(trade.works, [HOOKS])
    run(trade, plant)

    assert plant.kinds(third.id) == ["build_order.moved"]
    assert plant.kinds(first.id) == []
