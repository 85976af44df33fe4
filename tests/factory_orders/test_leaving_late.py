"""Who waits more than thirty days too long may leave at every stage, and an order that was left stays so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from demand.service import TIMERS as DEMAND_TIMERS
from factory_orders import queries, service
from factory_orders.deliveries.handover_store import late_credit_total
from factory_orders.errors import OrderNotCancellable
from factory_orders.model import CancelledOrder, ShipmentState, Stage
from factory_orders.planning.tables import orders
from factory_orders.service import Cancellation, Damage, OrderData
from factory_orders.vehicles.model import Newness, newness_after_repair
from factory_orders.vehicles.tables import allocations, vehicles
from kernel.timers import fire_due
from tests.demand.pool_room import PoolRoom
from tests.factory_orders.leaving_room import cancel, deliver, found_by_audit, locked_orders, news_of, sums
from tests.factory_orders.trade import BUILD, LEGS, SYSTEM, Trade, buyer


def until_late(room: PoolRoom, order_id: str, *, days: int) -> None:
    """Let time pass until so many days after the promised one, with what falls due on the way."""
    with room.works.read(SYSTEM) as work:
        promised_by = queries.orders_by_id(work, [order_id])[order_id].terms.promised_by
    assert promised_by is not None
    today = (room.clock.now() + timedelta(hours=8)).date()
    room.clock.advance((promised_by - today) + timedelta(days=days))
    while fire_due(room.works, {**DEMAND_TIMERS, **service.TIMERS}):
        pass


def test_who_leaves_for_more_than_thirty_days_of_lateness_gets_the_earnest_money_twice_less_credits(
    room: PoolRoom,
) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    credited = room.balance(f"payable:{buyer().signed_in()}")

    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)
    ended = cancel(trade, order_id)
    room.settle()
    deliver(room)

    assert credited > 0
    assert preview == ended == Cancellation(order_id, "queued", 500_000, 0, 500_000 - credited)
    # What was credited for the lateness is part of the second half.
    assert sums(trade, order_id) == [0, 0, credited - 500_000, 500_000]
    assert [one.state.value for one in room.payments_of(order_id)] == ["refunded"]
    (told,) = news_of(room, "factory_orders.order_cancelled")
    assert (told["by"], told["returned_minor"]) == ("late", 1_000_000 - credited)
    assert found_by_audit(room) == []


def test_thirty_days_late_is_not_yet_a_reason(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=30)

    assert cancel(trade, order_id).penalty_minor == 0


def test_a_late_car_at_the_store_is_left_and_what_was_asked_for_it_is_undone(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id))
    trade.ask_balance(handover)
    credited = late_credits_of(room, order_id)
    ended = cancel(trade, order_id)

    assert ended == Cancellation(order_id, "at_store", 500_000, 0, 500_000 - credited)
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
    assert room.balance(f"receivable:{order_id}") == 0
    assert sums(trade, order_id) == [0, 0, credited - 500_000, 500_000]
    assert found_by_audit(room) == []


@pytest.mark.parametrize(
    ("stages", "legs", "stage"),
    [
        (BUILD[:2], (), "body"),
        (BUILD[:3], (), "paint"),
        (BUILD, (), "built"),
        (BUILD, LEGS[:2], "in_transit"),
        (BUILD, LEGS, "at_store"),
    ],
)
def test_a_late_car_is_left_at_every_stage_and_becomes_stock(
    room: PoolRoom, stages: tuple[Stage, ...], legs: tuple[ShipmentState, ...], stage: str
) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    build_order_id = trade.build_order_of(order_id).id
    for one in stages:
        trade.report(build_order_id, one)
    if legs:
        trade.ship(order_id, legs=legs)
    credited = late_credits_of(room, order_id)

    ended = cancel(trade, order_id)
    told = news_of_the_car(room)
    for one in BUILD[len(stages) :]:
        trade.report(build_order_id, one)
    if stages == BUILD:
        trade.ship(order_id, legs=LEGS[len(legs) :])
        trade.receive(order_id)
    room.settle()
    deliver(room)

    assert ended == Cancellation(order_id, stage, 500_000, 0, 500_000 - credited)
    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
        (car,) = work.connection.execute(select(vehicles.c.state)).scalars()
        assert work.connection.execute(select(allocations.c.id).where(allocations.c.ended_at.is_(None))).all() == []
        assert OrderData().blocks_erasure(work, buyer().signed_in()) is None
    assert car == "built"
    assert news_of_the_car(room) == told
    assert [one.state.value for one in room.payments_of(order_id)] == ["refunded"]
    assert found_by_audit(room) == []


def news_of_the_car(room: PoolRoom) -> int:
    """Count what was recorded of a car for its buyer."""
    return sum(len(news_of(room, f"factory_orders.{kind}")) for kind in ("vehicle_built", "shipment_moved"))


def test_who_lets_a_car_wait_that_stood_ready_in_time_cannot_leave_it_as_late(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    trade.bring_to_store(order_id)
    with room.works.read(SYSTEM) as work:
        promised_by = queries.orders_by_id(work, [order_id])[order_id].terms.promised_by
    assert promised_by is not None
    room.clock.advance(promised_by - room.clock.now().date() + timedelta(days=40))

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)

    assert sums(trade, order_id) == [500_000, 0, 0, 0]


def test_a_late_car_that_is_paid_is_not_left(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    for stage in BUILD:
        trade.report(trade.build_order_of(order_id).id, stage)
    trade.ship(order_id)
    trade.receive(order_id)
    handover = trade.inspect(trade.book(order_id))
    trade.pay(handover, trade.ask_balance(handover))

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)


def rescinded_before_the_store_looked(room: PoolRoom) -> tuple[Trade, str]:
    """Let a buyer leave for lateness while the car stands at the store and nobody has looked it over yet."""
    trade, (order_id, *_) = locked_orders(room)
    until_late(room, order_id, days=31)
    for stage in BUILD:
        trade.report(trade.build_order_of(order_id).id, stage)
    trade.ship(order_id)
    cancel(trade, order_id)
    return trade, order_id


@pytest.mark.parametrize("damage", [None, Damage("dent", 9_000), Damage("frame", 900_000)])
def test_an_order_that_was_left_stays_so_whatever_the_store_finds_on_its_car(
    room: PoolRoom, damage: Damage | None
) -> None:
    trade, order_id = rescinded_before_the_store_looked(room)
    kinds = ("vehicle_arrived", "vehicle_disclosed", "order_built_again")
    told_before = [news_of(room, f"factory_orders.{kind}") for kind in kinds]

    seen = trade.receive(order_id, damage=damage)
    room.settle()

    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
        car = queries.vehicles_by_vin(work, [seen.vin])[seen.vin]
        assert queries.build_orders_of_orders(work, [order_id])[order_id].stage is Stage.PASSED
    assert isinstance(order, CancelledOrder)
    assert car.newness is (
        Newness.NEW if damage is None else newness_after_repair(damage.repair_minor, repaired_from_minor=500_000)
    )
    assert [news_of(room, f"factory_orders.{kind}") for kind in kinds] == told_before
    assert found_by_audit(room) == []


@pytest.mark.parametrize("state", ["scheduled", "at_store", "delivered"])
def test_the_database_keeps_an_ended_order_as_it_is(room: PoolRoom, state: str) -> None:
    trade, (order_id, *_) = locked_orders(room)
    cancel(trade, order_id)

    with pytest.raises(IntegrityError, match="stays as it is"), trade.works.change(SYSTEM) as work:
        work.connection.execute(update(orders).where(orders.c.id == order_id).values(state=state, ended_at=None))


def late_credits_of(room: PoolRoom, order_id: str) -> int:
    with room.works.read(SYSTEM) as work:
        return late_credit_total(work, order_id)
