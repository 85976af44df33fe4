"""Whose car is lost, spoilt or not new any more waits for another one, or leaves with all the money (decision 028)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.agreements.amending_service import freeze_points
from factory_orders.conditions.model import HandOver
from factory_orders.errors import OrderNotCancellable
from factory_orders.model import CancelledOrder, Stage
from factory_orders.service import Cancellation, Damage
from factory_orders.vehicles.tables import vehicle_disclosures
from tests.demand.pool_room import PoolRoom
from tests.factory_orders.leaving_room import cancel, found_by_audit, locked_orders, sums
from tests.factory_orders.test_conditions import LARGE, SCRATCH, close, look, seen
from tests.factory_orders.test_damage import order
from tests.factory_orders.test_leaving_late import until_late
from tests.factory_orders.test_lost_cars import lose
from tests.factory_orders.trade import BUILD, LEGS, SYSTEM, Trade, buyer


def reworked(trade: Trade, order_id: str) -> str | None:
    return trade.build(order_id, stages=(*BUILD[:-1], Stage.REWORK, Stage.PASSED), repair_minor=LARGE)


def scrapped(trade: Trade, order_id: str) -> str | None:
    built = trade.build_order_of(order_id).id
    for stage in (*BUILD[:2], Stage.SCRAPPED):
        trade.report(built, stage)
    return None


def damaged_on_arrival(trade: Trade, order_id: str) -> str | None:
    vin = trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=Damage("the frame is bent", LARGE))
    return vin


def damaged_between_legs(trade: Trade, order_id: str) -> str | None:
    vin = trade.build(order_id)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    trade.ship(order_id, legs=LEGS[:2])
    close(trade, LARGE)
    return vin


def lost(trade: Trade, order_id: str) -> str | None:
    vin = trade.build(order_id)
    trade.ship(order_id, legs=LEGS[:1])
    lose(trade, order_id)
    return vin


WAYS = pytest.mark.parametrize("happens", [reworked, scrapped, damaged_on_arrival, damaged_between_legs, lost])


@WAYS
def test_whoever_waits_anew_leaves_free_until_the_other_car_is_begun(
    room: PoolRoom, happens: Callable[[Trade, str], str | None]
) -> None:
    trade, (order_id, other, _) = locked_orders(room)
    vin = happens(trade, order_id)
    with trade.works.read(buyer()) as work:
        preview = service.preview_cancellation(work, order_id)
        leaving = freeze_points(work, order_id).forfeits
        again = queries.rebuilds_of_orders(work, [order_id, other])

    ended = cancel(trade, order_id)

    assert preview == ended == Cancellation(order_id, "queued", 500_000, 0, 0)
    assert leaving == (("queued", 0), ("parts_ready", 0))
    assert [one.vin for one in again[order_id]] == [vin]
    assert again[other] == []
    assert sums(trade, order_id) == [0, 0, 0, 0]
    assert isinstance(order(trade, order_id), CancelledOrder)
    assert cancel(trade, other, 2).forfeit_minor == 100_000
    assert found_by_audit(room) == []


def test_once_the_other_car_is_begun_nobody_leaves(room: PoolRoom) -> None:
    trade, (order_id, *_) = locked_orders(room)
    damaged_on_arrival(trade, order_id)
    for stage in BUILD[:2]:
        trade.report(trade.build_order_of(order_id).id, stage)

    with pytest.raises(OrderNotCancellable):
        cancel(trade, order_id)


def test_what_a_buyer_said_of_a_car_that_was_left_goes_with_the_buyer_alone(room: PoolRoom) -> None:
    trade, (first, second, _) = locked_orders(room)
    until_late(room, first, days=31)
    for number, one in ((1, first), (2, second)):
        trade.bring_to_store(one)
        handover = trade.inspect(trade.book(one, who=buyer(number), hour=9 + number))
        with trade.works.change(buyer(number)) as work:
            service.reject_handover(work, handover.id, f"words of {number}")
    cancel(trade, first)

    with trade.works.change(SYSTEM) as work:
        service.OrderData().erase(work, buyer(1).signed_in())
        kept = work.connection.execute(select(vehicle_disclosures.c.detail)).scalars().all()

    assert sorted(kept) == ["", "words of 2"]
