"""Parts: called off once and in time, answered by their supplier alone, received, counted, taken once a car."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError, IntegrityError

from configurator.parts_model import PartUse
from configurator.service import publish_catalogue
from factory_orders import audit_service, queries, service
from factory_orders.errors import CallOffEnded
from factory_orders.events import BuildOrderWithdrawn, BuildStageReported
from factory_orders.model import CallOff, CallOffState, Shortage, Stage
from factory_orders.parts.service import on_parts_ready, on_withdrawn
from factory_orders.parts.tables import call_offs, part_stocks
from factory_orders.planning.order_service import withdraw_build_order
from factory_orders.planning.order_store import lock_order
from factory_orders.plant.tables import build_orders
from kernel import outbox
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.identity.machine_service import add_machine
from kernel.ids import AccountId, PlantId
from kernel.paging import PageRequest
from kernel.soundness import examine
from tests.configurator.small_brand import BRAND, PLAIN_CAR, PLANNER, small_catalogue
from tests.factory_orders.trade import NORTH_PLANT, PLANT_MACHINE, SOUTH_PLANT, SYSTEM, Trade

MONDAY: Final = date(2026, 12, 7)
WEEK: Final = timedelta(days=7)
BODY: Final = "FIR-BODY-A"
ADMIN: Final = Actor(BRAND, frozenset({Role.BRAND_ADMIN}), AccountId("e" * 32))
BIG_WHEELS: Final = ("RED", "W19", "PT_BIG", "TR_BASE")
CHECKS: Final = [check for check in audit_service.CHECKS if "of a part" in check.name]
OTHER_PLANT: Final = Actor(BRAND, frozenset({Role.PLANT}), AccountId("6" * 32), plant_id=SOUTH_PLANT)


def supplier(trade: Trade, code: str = "fir_body") -> Actor:
    """Return a supplier's machine account."""
    with trade.works.change(ADMIN) as work:
        made = add_machine(work, label=f"system of {code}", role=Role.SUPPLIER, party_code=code)
    return Actor(BRAND, frozenset({Role.SUPPLIER}), AccountId(made.machine_id))


def call_off(trade: Trade, who: Actor = PLANNER) -> service.CalledOff:
    with trade.works.change(who) as work:
        return service.call_off_parts(work, NORTH_PLANT)


def lacking(trade: Trade) -> list[Shortage]:
    with trade.works.read(PLANNER) as work:
        return queries.part_shortages(work, NORTH_PLANT)[0]


def answer(trade: Trade, who: Actor, one: CallOff, day: date) -> CallOff:
    with trade.works.change(who) as work:
        return service.answer_call_off(work, one.id, arrives_on=day)


def receive(trade: Trade, one: CallOff, quantity: int | None = None, who: Actor = PLANT_MACHINE) -> CallOff:
    with trade.works.change(who) as work:
        return service.receive_call_off(work, one.id, quantity=quantity)


def count(trade: Trade, on_hand: int, part: str = BODY) -> int:
    with trade.works.change(PLANT_MACHINE) as work:
        return service.count_part(work, part, on_hand=on_hand)


def stock(trade: Trade) -> dict[str, int]:
    with trade.works.read(SYSTEM) as work:
        return {row.part: row.on_hand for row in work.connection.execute(part_stocks.select())}


def hear(trade: Trade) -> None:
    while outbox.deliver(trade.works, service.SUBSCRIPTIONS):
        pass


def test_planned_cars_are_called_off_once_for_their_week(trade: Trade) -> None:
    trade.lock(3)

    first, second = call_off(trade), call_off(trade)

    (one,) = first.made
    assert (one.part, one.supplier, one.week, one.quantity) == (BODY, "fir_body", MONDAY, 3)
    assert one.call_off_by == MONDAY - timedelta(days=14)
    assert (first.withdrawn, second.made, second.withdrawn) == ((), (), ())
    assert lacking(trade) == []


def test_before_they_are_called_off_parts_are_missing_by_name_and_day(trade: Trade) -> None:
    trade.lock(2, options=BIG_WHEELS)

    found = {one.part: (one.needed, one.missing, one.uncalled, one.late) for one in lacking(trade)}

    assert found == {BODY: (2, 2, 2, 0), "FIR-W19": (8, 8, 8, 0)}


def test_a_part_of_a_group_of_options_is_planned_called_off_and_taken(trade: Trade) -> None:
    rail = PartUse("Extras", "FIR-RAIL", 2, "fir_body", 35, None, None)
    with trade.works.change(PLANNER) as work:
        small = small_catalogue()
        rails = replace(small, label="rails", effective_from=date(2026, 11, 23), parts=(*small.parts, rail))
        version_id = publish_catalogue(work, rails)
    (order_id,) = replace(trade, version_id=version_id).lock(1, options=(*PLAIN_CAR, "HOOK"))

    made = {one.part: (one.quantity, one.week) for one in call_off(trade).made}
    count(trade, 5, "FIR-RAIL")
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)
    hear(trade)

    # Its lead time moved the car's week, three weeks before which the body need not be called off yet.
    assert made == {"FIR-RAIL": (2, MONDAY + 3 * WEEK)}
    assert stock(trade)["FIR-RAIL"] == 3


def test_later_orders_are_called_off_beside_the_first(trade: Trade) -> None:
    trade.lock(3)
    call_off(trade)
    trade.lock(2, pool_id="8" * 32, first_buyer=20)

    (more,) = call_off(trade).made

    assert more.quantity == 2


def test_a_cancelled_orders_parts_are_withdrawn_while_nobody_has_answered(trade: Trade) -> None:
    trade.lock(1)
    (one,) = call_off(trade).made
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(build_orders).values(stage=Stage.WITHDRAWN.value))

    assert [gone.id for gone in call_off(trade).withdrawn] == [one.id]
    with trade.works.read(PLANNER) as work:
        assert [row.state for row in queries.list_call_offs(work, PageRequest(9)).items] == [CallOffState.WITHDRAWN]


def test_a_part_that_comes_too_late_is_a_shortage_of_its_week(trade: Trade) -> None:
    trade.lock(3)
    (one,) = call_off(trade).made
    body = supplier(trade)

    answer(trade, body, one, MONDAY + timedelta(days=2))

    (short,) = lacking(trade)
    assert (short.missing, short.late, short.uncalled) == (3, 3, 0)
    answer(trade, body, one, MONDAY)
    assert lacking(trade) == []


def test_a_supplier_sees_and_answers_its_own_call_offs_alone(trade: Trade) -> None:
    trade.lock(1)
    (one,) = call_off(trade).made
    wheels, body = supplier(trade, "fir_wheels"), supplier(trade)

    with pytest.raises(NotFound):
        answer(trade, wheels, one, MONDAY)
    with trade.works.read(wheels) as work:
        assert queries.supplier_call_offs(work, PageRequest(9)).items == ()
    with trade.works.read(body) as work:
        assert queries.supplier_call_offs(work, PageRequest(9)).items == (one,)
    with pytest.raises(Forbidden), trade.works.read(body) as work:
        queries.list_call_offs(work, PageRequest(9))


@pytest.mark.parametrize("days", [-1, 731])
def test_a_day_that_is_past_or_too_far_is_refused(trade: Trade, days: int) -> None:
    trade.lock(1)
    (one,) = call_off(trade).made
    today = date(2026, 11, 23)

    with pytest.raises(InvalidInput):
        answer(trade, supplier(trade), one, today + timedelta(days=days))


def test_what_is_received_is_there_and_what_is_missing_is_called_off_anew(trade: Trade) -> None:
    trade.lock(3)
    (one,) = call_off(trade).made

    receive(trade, one, 2)

    assert stock(trade) == {BODY: 2}
    (rest,) = call_off(trade).made
    assert rest.quantity == 1
    assert trade.unsound() == []


def test_a_call_off_is_received_once_and_not_answered_afterwards(trade: Trade) -> None:
    trade.lock(3)
    (one,) = call_off(trade).made
    first = receive(trade, one)
    trade.clock.advance(timedelta(minutes=1))

    # The same word again, since the answer to the first was lost, is the same answer.
    again = [receive(trade, one), receive(trade, one, 3)]
    with pytest.raises(CallOffEnded):
        receive(trade, one, 2)
    with pytest.raises(CallOffEnded):
        answer(trade, supplier(trade), one, MONDAY)

    assert again == [first, first]
    assert stock(trade) == {BODY: 3}


def test_another_plant_receives_nothing(trade: Trade) -> None:
    trade.lock(1)
    (one,) = call_off(trade).made

    with pytest.raises(NotFound):
        receive(trade, one, who=OTHER_PLANT)

    assert stock(trade) == {}


def test_a_car_takes_its_parts_once_however_often_it_is_told(trade: Trade) -> None:
    (order_id,) = trade.lock(1)
    count(trade, 5)
    build_order_id = trade.build_order_of(order_id).id
    trade.report(build_order_id, Stage.PARTS_READY)
    now = trade.clock.now()
    told = BuildStageReported(BRAND, build_order_id, order_id, "1" * 32, NORTH_PLANT, Stage.PARTS_READY.value, now)

    hear(trade)
    with trade.works.change(SYSTEM) as work:
        on_parts_ready(work, [outbox.Letter("x" * 32, now, told)])

    assert stock(trade) == {BODY: 4}
    assert trade.unsound() == []


def leave(trade: Trade, order_id: str) -> None:
    """Take an order's car off the plan, as every order does that ends."""
    with trade.works.change(SYSTEM) as work:
        withdraw_build_order(work, lock_order(work, order_id).terms)


def test_a_car_that_leaves_before_its_body_gives_its_parts_back_once(trade: Trade) -> None:
    (order_id,) = trade.lock(1, options=BIG_WHEELS)
    count(trade, 5)
    count(trade, 3, "FIR-W19")
    build_order_id = trade.build_order_of(order_id).id
    trade.report(build_order_id, Stage.PARTS_READY)
    hear(trade)
    taken = stock(trade)

    leave(trade, order_id)
    assert trade.unsound() == []
    hear(trade)
    gone = BuildOrderWithdrawn(BRAND, build_order_id, order_id, NORTH_PLANT)

    # It took the three wheels that the plant knew of, and gives back no more.
    assert (taken, stock(trade)) == ({BODY: 4, "FIR-W19": 0}, {BODY: 5, "FIR-W19": 3})
    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        on_withdrawn(work, [outbox.Letter("x" * 32, trade.clock.now(), gone)])
    assert stock(trade) == {BODY: 5, "FIR-W19": 3}
    assert trade.unsound() == []


def test_a_car_whose_leaving_is_heard_of_first_takes_no_parts(trade: Trade) -> None:
    (order_id,) = trade.lock(1)
    count(trade, 5)
    build_order_id = trade.build_order_of(order_id).id
    trade.report(build_order_id, Stage.PARTS_READY)
    leave(trade, order_id)
    gone = BuildOrderWithdrawn(BRAND, build_order_id, order_id, NORTH_PLANT)

    with trade.works.change(SYSTEM) as work:
        on_withdrawn(work, [outbox.Letter("x" * 32, trade.clock.now(), gone)])
    heard_first = stock(trade)
    now = trade.clock.now()
    told = BuildStageReported(BRAND, build_order_id, order_id, "1" * 32, NORTH_PLANT, Stage.PARTS_READY.value, now)
    with trade.works.change(SYSTEM) as work:
        on_parts_ready(work, [outbox.Letter("y" * 32, now, told)])

    assert (heard_first, stock(trade)) == ({BODY: 5}, {BODY: 5})


def test_what_is_on_the_line_keeps_its_parts_when_it_is_scrapped(trade: Trade) -> None:
    (order_id,) = trade.lock(1)
    count(trade, 5)
    build_order_id = trade.build_order_of(order_id).id
    for stage in (Stage.PARTS_READY, Stage.BODY, Stage.SCRAPPED):
        trade.report(build_order_id, stage)

    hear(trade)

    assert stock(trade) == {BODY: 4}
    assert trade.unsound() == []


def test_an_audit_finds_parts_that_did_not_come_back(trade: Trade) -> None:
    (order_id,) = trade.lock(1)
    count(trade, 5)
    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)
    hear(trade)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(build_orders).values(stage=Stage.WITHDRAWN.value))

    with trade.works.read(SYSTEM) as work:
        found = [line for one in examine(work, CHECKS) for line in one.violations]

    assert [line.split(" has ")[1] for line in found] == ["left and keeps its FIR-BODY-A"]


def test_a_car_that_has_just_begun_needs_its_parts_until_it_has_taken_them(trade: Trade) -> None:
    first, _ = trade.lock(2)
    count(trade, 1)
    (one,) = call_off(trade).made

    trade.report(trade.build_order_of(first).id, Stage.PARTS_READY)
    before_the_news = call_off(trade)
    hear(trade)
    behind_it = call_off(trade)

    assert one.quantity == 1
    assert (before_the_news.made, before_the_news.withdrawn) == ((), ())
    assert (behind_it.made, behind_it.withdrawn) == ((), ())


def test_a_plant_that_counts_nothing_has_no_stock_to_take_from(trade: Trade) -> None:
    (order_id,) = trade.lock(1)

    trade.report(trade.build_order_of(order_id).id, Stage.PARTS_READY)
    hear(trade)

    assert stock(trade) == {}


def test_a_count_says_by_how_much_it_differs(trade: Trade) -> None:
    assert (count(trade, 5), count(trade, 3), count(trade, 3)) == (5, -2, 0)
    assert trade.unsound() == []


@pytest.mark.parametrize("number", [-1, 10_000_001])
def test_a_count_of_no_sense_is_refused(trade: Trade, number: int) -> None:
    with pytest.raises(InvalidInput):
        count(trade, number)


def test_stock_covers_the_earliest_cars(trade: Trade) -> None:
    trade.lock(3)
    count(trade, 2)

    (one,) = call_off(trade).made

    assert one.quantity == 1


def test_a_supplier_who_is_to_bring_nothing_any_more_has_no_share_in_the_stock(trade: Trade) -> None:
    trade.lock(3)
    call_off(trade)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(call_offs).values(supplier="a_former_one"))
    count(trade, 3)

    done = call_off(trade)

    assert done.made == ()
    assert [one.supplier for one in done.withdrawn] == ["a_former_one"]
    assert lacking(trade) == []


def test_who_answers_while_all_is_planned_is_not_told_that_nobody_needs_it(trade: Trade) -> None:
    trade.lock(3)
    (one,) = call_off(trade).made
    body = supplier(trade)
    count(trade, 3)

    with ThreadPoolExecutor(1) as threads:
        with trade.works.change(body) as work:
            service.answer_call_off(work, one.id, arrives_on=MONDAY)
            planning = threads.submit(call_off, trade)
            time.sleep(0.3)
        done = planning.result(20)

    assert (done.made, done.withdrawn) == ((), ())
    with trade.works.read(PLANNER) as work:
        assert [row.state for row in queries.list_call_offs(work, PageRequest(9)).items] == [CallOffState.CONFIRMED]


def test_the_plant_of_nobody_is_not_found(trade: Trade) -> None:
    with pytest.raises(NotFound), trade.works.change(PLANNER) as work:
        service.call_off_parts(work, PlantId("f" * 32))
    with pytest.raises(NotFound), trade.works.read(PLANNER) as work:
        queries.part_shortages(work, "f" * 32)


def test_a_model_without_a_part_list_is_named_and_the_others_are_called_off(trade: Trade) -> None:
    trade.lock(1)
    with trade.works.change(SYSTEM) as work:
        work.connection.execute(update(build_orders).values(model="A9"))

    done = call_off(trade)

    assert (done.made, done.without_list) == ((), ("A9",))


def test_the_database_keeps_a_received_call_off_and_no_negative_stock(trade: Trade) -> None:
    trade.lock(1)
    (one,) = call_off(trade).made
    receive(trade, one)

    with pytest.raises(DatabaseError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(call_offs).values(state="open", received=None, ended_at=None))
    with pytest.raises(IntegrityError), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(part_stocks).values(on_hand=-1))
