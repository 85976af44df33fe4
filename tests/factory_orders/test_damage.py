"""What is found on a car's way discloses itself, and what it costs decides whether the car is new (DOMAIN 4.4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from factory_orders import queries, service
from factory_orders.conditions.model import HandOver
from factory_orders.deliveries.shipment_service import plan_stock_way
from factory_orders.errors import ConditionKnown, DamageNotTold, DisclosureNotAccepted
from factory_orders.model import (
    AtStoreOrder,
    BuiltOrder,
    DeliveredOrder,
    Disclosure,
    Handover,
    InTransitOrder,
    Order,
    ScheduledOrder,
    Shipment,
    ShipmentState,
)
from factory_orders.service import Damage
from factory_orders.vehicles.store import lock_vehicle
from factory_orders.vehicles.tables import vehicle_disclosures
from kernel.ledger import account, balance
from tests.configurator.small_brand import NORTH_STORE
from tests.demand.pool_room import PoolRoom
from tests.factory_orders.leaving_room import cancel, found_by_audit, locked_orders, news_of
from tests.factory_orders.test_conditions import DENT, LARGE, SCRATCH, SMALL, close, look, seen
from tests.factory_orders.test_leaving_late import until_late
from tests.factory_orders.test_repair_offers import accept, offers
from tests.factory_orders.trade import CARRIER, LEGS, OTHER_STORE, SYSTEM, Trade, buyer


def built(room: PoolRoom) -> tuple[Trade, str, str]:
    """Lock a pool and build the first buyer's car; returns the order and the car."""
    trade, (order_id, *_) = locked_orders(room)
    return trade, order_id, trade.build(order_id)


def order(trade: Trade, order_id: str) -> Order:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [order_id])[order_id]


def told(trade: Trade, vin: str) -> list[Disclosure]:
    with trade.works.read(SYSTEM) as work:
        return queries.disclosures_of(work, [vin])[vin]


def newness(trade: Trade, vin: str) -> str:
    with trade.works.read(SYSTEM) as work:
        return queries.vehicles_by_vin(work, [vin])[vin].newness.word


def go_on(trade: Trade, vin: str, damage: Damage) -> Shipment:
    """Send a car that stands free to the other store, where it comes in with a damage of its own."""
    with trade.works.change(SYSTEM) as work:
        way = plan_stock_way(work, lock_vehicle(work, vin), store_id=NORTH_STORE)
    for leg in LEGS:
        trade.clock.advance(timedelta(hours=6))
        with trade.works.change(CARRIER) as work:
            service.report_shipment(work, way.id, leg, occurred_at=trade.clock.now())
    with trade.works.change(OTHER_STORE) as work:
        return service.inspect_arrival(work, way.id, vin=vin, damage=damage)


def agree(trade: Trade, order_id: str) -> None:
    with trade.works.change(buyer()) as work:
        service.accept_disclosures(work, order_id)


def test_what_a_carrier_finds_is_told_to_the_buyer_at_once(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)

    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))

    (only,) = told(trade, vin)
    assert (only.reason.value, only.repair_minor) == ("transport_damage", 0)
    assert only.detail == "左侧划痕 (scratch, left)"
    assert newness(trade, vin) == "new_disclosed"
    assert found_by_audit(room) == []


def test_a_store_is_not_silent_on_what_was_found_on_the_way(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    look(trade, order_id, HandOver.LOADED, seen())
    trade.ship(order_id)
    look(trade, order_id, HandOver.ARRIVED, seen(SCRATCH, km=14))

    with pytest.raises(DamageNotTold) as refused:
        trade.receive(order_id)
    assert refused.value.cases == 1
    trade.receive(order_id, damage=Damage("scratch", SMALL))

    assert [one.repair_minor for one in told(trade, vin)] == [0, SMALL]
    assert isinstance(order(trade, order_id), AtStoreOrder)
    assert found_by_audit(room) == []


def test_where_the_case_is_closed_the_store_has_nothing_to_add(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    close(trade, SMALL)
    trade.ship(order_id)

    assert trade.receive(order_id).state is ShipmentState.INSPECTED
    assert [one.repair_minor for one in told(trade, vin)] == [0, SMALL]


def test_nobody_looks_anew_once_the_store_has_had_its_word(room: PoolRoom) -> None:
    trade, order_id, _ = built(room)
    trade.ship(order_id)
    trade.receive(order_id)

    with pytest.raises(ConditionKnown):
        look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))


def test_a_case_tells_only_what_the_store_has_not(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH, DENT))
    trade.receive(order_id, damage=Damage("scratch and dent", 80_000))

    close(trade, SMALL)

    assert [one.repair_minor for one in told(trade, vin)] == [0, 80_000, 20_000]
    assert newness(trade, vin) == "new_disclosed"
    assert found_by_audit(room) == []


def test_past_the_threshold_on_the_way_another_car_is_built_and_this_one_offered(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    trade.ship(order_id, legs=(ShipmentState.LOADED, ShipmentState.IN_TRANSIT))

    close(trade, LARGE)

    assert newness(trade, vin) == "repaired"
    assert isinstance(order(trade, order_id), ScheduledOrder)
    (offer,) = offers(trade, order_id)
    assert (offer.vin, offer.repair_minor) == (vin, LARGE)
    assert found_by_audit(room) == []

    accept(trade, order_id)

    assert isinstance(order(trade, order_id), InTransitOrder)
    trade.ship(order_id, legs=(ShipmentState.ARRIVED,))
    trade.receive(order_id)
    agree(trade, order_id)
    trade.hand_over(order_id)
    assert isinstance(order(trade, order_id), DeliveredOrder)
    assert found_by_audit(room) == []


def test_a_car_that_an_order_waits_for_no_longer_is_no_news_of_that_order(room: PoolRoom) -> None:
    trade, order_id, _ = built(room)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    trade.ship(order_id, legs=LEGS[:2])
    close(trade, LARGE)
    trade.ship(order_id, legs=LEGS[2:])

    moved = news_of(room, "factory_orders.shipment_moved")

    assert [(one["order_id"], one["state"]) for one in moved] == [(order_id, "loaded"), (order_id, "in_transit")]


def test_before_it_is_loaded_a_repaired_car_that_is_taken_waits_for_its_carrier(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    look(trade, order_id, HandOver.LOADED, seen(SCRATCH))
    close(trade, LARGE)
    trade.clock.advance(timedelta(hours=1))

    accept(trade, order_id)

    assert isinstance(order(trade, order_id), BuiltOrder)
    trade.ship(order_id)
    assert trade.receive(order_id).vin == vin
    assert found_by_audit(room) == []


def paid(room: PoolRoom) -> tuple[Trade, str, str, Handover]:
    """Let a buyer pay for a car while its damage case is open; returns the order, the car and the handover."""
    trade, order_id, vin = built(room)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))
    trade.receive(order_id, damage=Damage("scratch", 0))
    agree(trade, order_id)
    handover = trade.inspect(trade.book(order_id))
    trade.pay(handover, trade.ask_balance(handover))
    return trade, order_id, vin, handover


def test_past_the_threshold_with_the_balance_paid_it_comes_back_and_another_car_is_built(room: PoolRoom) -> None:
    trade, order_id, vin, _ = paid(room)

    close(trade, LARGE)

    assert newness(trade, vin) == "repaired"
    assert isinstance(order(trade, order_id), ScheduledOrder)
    with trade.works.read(SYSTEM) as work:
        assert balance(work, account("receivable", order_id)) == 0
    assert found_by_audit(room) == []


def test_below_the_threshold_the_buyer_agrees_again_before_signing(room: PoolRoom) -> None:
    trade, order_id, _, handover = paid(room)

    close(trade, SMALL)

    with pytest.raises(DisclosureNotAccepted):
        trade.sign(handover)
    agree(trade, order_id)
    trade.sign(handover)
    assert found_by_audit(room) == []


def test_what_is_told_of_one_way_hides_nothing_of_another(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    until_late(room, order_id, days=31)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))
    trade.receive(order_id, damage=Damage("scratch", 0))
    cancel(trade, order_id)
    go_on(trade, vin, Damage("dent", SMALL))

    close(trade, 80_000)

    assert [one.repair_minor for one in told(trade, vin)] == [0, 0, SMALL, 80_000]
    assert found_by_audit(room) == []


def test_the_audit_counts_what_is_told_way_by_way(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    until_late(room, order_id, days=31)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))
    trade.receive(order_id, damage=Damage("scratch", SMALL))
    cancel(trade, order_id)
    close(trade, SMALL)
    other = go_on(trade, vin, Damage("dent", SMALL))

    with trade.works.change(SYSTEM) as work:
        costly = vehicle_disclosures.c.repair_minor > 0
        work.connection.execute(update(vehicle_disclosures).where(costly).values(shipment_id=other.id))

    assert found_by_audit(room) == [
        f"what a car's damage costs is disclosed: {vin}: closed cases say {SMALL} in minor units"
    ]


def test_a_delivered_car_stays_as_it_was_sold(room: PoolRoom) -> None:
    trade, order_id, vin = built(room)
    trade.ship(order_id)
    look(trade, order_id, HandOver.INSPECTED, seen(SCRATCH))
    trade.receive(order_id, damage=Damage("scratch", SMALL))
    agree(trade, order_id)
    trade.hand_over(order_id)

    close(trade, LARGE)

    assert newness(trade, vin) == "new_disclosed"
    assert found_by_audit(room) == []
