"""From the plant's gate to the store: what may follow what, who may report it, and what stays as it was after a no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.deliveries.tables import shipment_events
from factory_orders.errors import (
    DisclosureNotAccepted,
    HandoverNotPossible,
    ShipmentOutOfOrder,
    VinInvalid,
)
from factory_orders.model import (
    DeliveredOrder,
    Newness,
    ScheduledOrder,
    ShipmentState,
    Stage,
)
from factory_orders.service import Damage
from kernel.actor import Actor
from kernel.errors import Forbidden, InvalidInput, NotFound
from kernel.ids import AccountId
from kernel.paging import PageRequest
from tests.configurator.small_brand import PLANNER
from tests.factory_orders.trade import BUILD, CARRIER, OTHER_STORE, STORE_ADVISER, SYSTEM, Trade, buyer

OTHER_CARRIER = replace(CARRIER, account_id=AccountId("5" * 32))


SCRATCH = Damage("a scratch on the left door", 80_000)


CRASH = Damage("the frame is bent", 900_000)


def report(trade: Trade, order_id: str, leg: ShipmentState, *, actor: Actor = CARRIER, ago: int = 0) -> None:
    with trade.works.change(actor) as work:
        occurred_at = work.now - timedelta(seconds=ago)
        service.report_shipment(work, trade.shipment_of(order_id).id, leg, occurred_at=occurred_at)


def test_a_leg_out_of_order_is_refused_with_what_may_come(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)

    with pytest.raises(ShipmentOutOfOrder) as refused:
        report(trade, order_id, ShipmentState.ARRIVED)

    assert refused.value == ShipmentOutOfOrder("PLANNED", "ARRIVED", ("LOADED",))
    assert trade.shipment_of(order_id).state is ShipmentState.PLANNED


def test_the_same_leg_again_changes_nothing(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    report(trade, order_id, ShipmentState.LOADED)
    before = trade.shipment_of(order_id)
    trade.clock.advance(timedelta(hours=1))

    report(trade, order_id, ShipmentState.LOADED)

    assert trade.shipment_of(order_id) == before


def test_a_carriers_clock_that_is_ahead_puts_no_leg_after_what_follows_it(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    for leg in (ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED):
        report(trade, order_id, leg, ago=-240)
    trade.clock.advance(timedelta(seconds=20))
    shipment = trade.shipment_of(order_id)

    with trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, shipment.id, vin=shipment.vin)

    with trade.works.read(STORE_ADVISER) as work:
        times = [one.at for one in queries.passport(work, shipment.vin).entries]
    assert times == sorted(times)
    assert shipment.arrived_at is not None
    assert shipment.arrived_at > times[-1]


def test_whoever_loaded_a_car_alone_reports_its_way(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    report(trade, order_id, ShipmentState.LOADED)

    with pytest.raises(NotFound):
        report(trade, order_id, ShipmentState.IN_TRANSIT, actor=OTHER_CARRIER)
    report(trade, order_id, ShipmentState.IN_TRANSIT)

    with trade.works.read(OTHER_CARRIER) as work:
        assert queries.carrier_shipments(work, PageRequest(10)).items == ()
    with trade.works.read(CARRIER) as work:
        assert [one.order_id for one in queries.carrier_shipments(work, PageRequest(10)).items] == [order_id]


@pytest.mark.parametrize("ago", [-3600, 3600])
def test_a_leg_in_the_future_or_before_the_last_one_is_refused(trade: Trade, ago: int) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    report(trade, order_id, ShipmentState.LOADED)

    with pytest.raises(InvalidInput):
        report(trade, order_id, ShipmentState.IN_TRANSIT, ago=ago)


@pytest.mark.parametrize("actor", [buyer(), PLANNER, STORE_ADVISER])
def test_only_carriers_report_legs(trade: Trade, actor: Actor) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)

    with pytest.raises(Forbidden):
        report(trade, order_id, ShipmentState.LOADED, actor=actor)


def test_a_store_inspects_only_what_comes_to_it_and_only_the_right_car(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    shipment = trade.ship(order_id)

    with pytest.raises(NotFound), trade.works.change(OTHER_STORE) as work:
        service.inspect_arrival(work, shipment.id, vin=vin)
    with pytest.raises(VinInvalid), trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, shipment.id, vin="11111111111111111")
    with pytest.raises(VinInvalid), trade.works.change(STORE_ADVISER) as work:
        service.inspect_arrival(work, shipment.id, vin=vin[:-1] + ("1" if vin[-1] != "1" else "2"))

    assert trade.shipment_of(order_id).state is ShipmentState.ARRIVED


def test_a_damaged_car_is_disclosed_and_handed_over_only_with_consent(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    trade.ship(order_id)
    trade.receive(order_id, damage=SCRATCH)
    handover = trade.inspect(trade.book(order_id))

    with pytest.raises(DisclosureNotAccepted) as refused:
        trade.ask_balance(handover)
    assert refused.value == DisclosureNotAccepted(1)
    with trade.works.change(buyer()) as work:
        accepted = service.accept_disclosures(work, order_id)
    trade.pay(handover, trade.ask_balance(handover))
    trade.sign(handover)

    with trade.works.read(buyer()) as work:
        passport = queries.passport(work, vin)
        (told,) = queries.disclosures_of(work, [vin])[vin]
    assert accepted == 1
    assert passport.newness is Newness.NEW_DISCLOSED
    assert (told.detail, told.repair_minor) == (SCRATCH.detail, SCRATCH.repair_minor)
    assert told.accepted_at is not None
    # The record holds no free text.
    assert all(SCRATCH.detail not in str(entry.facts) for entry in passport.entries)
    assert passport.verified


def test_repairs_add_up_to_a_car_that_is_not_new(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id, stages=(*BUILD[:-1], Stage.REWORK, BUILD[-1]), repair_minor=300_000)
    trade.ship(order_id)

    trade.receive(order_id, damage=replace(CRASH, repair_minor=200_000))

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
        assert queries.vehicles_by_vin(work, [vin])[vin].newness is Newness.REPAIRED


def test_blanks_around_the_words_on_a_damage_are_not_kept(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id)

    trade.receive(order_id, damage=replace(SCRATCH, detail=f"  {SCRATCH.detail}{' ' * 500}"))

    with trade.works.read(SYSTEM) as work:
        kept = work.connection.execute(select(shipment_events.c.detail)).scalars().all()
    assert [one for one in kept if one is not None] == [SCRATCH.detail]


def test_a_car_damaged_past_the_threshold_is_not_new_and_another_is_built(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)
    trade.ship(order_id)

    trade.receive(order_id, damage=CRASH)

    with trade.works.read(SYSTEM) as work:
        assert isinstance(queries.orders_by_id(work, [order_id])[order_id], ScheduledOrder)
        assert queries.vehicles_by_vin(work, [vin])[vin].newness is Newness.REPAIRED
    with pytest.raises(HandoverNotPossible):
        trade.book(order_id)
    second = trade.bring_to_store(order_id)
    trade.hand_over(order_id)
    assert second != vin
    with trade.works.read(SYSTEM) as work:
        order = queries.orders_by_id(work, [order_id])[order_id]
    assert isinstance(order, DeliveredOrder)
    assert order.vin == second


@pytest.mark.parametrize("bad", [Damage("", 100), Damage("x" * 401, 100), Damage("dent", -1)])
def test_damage_without_words_or_with_an_odd_cost_is_refused(trade: Trade, bad: Damage) -> None:
    (order_id,) = trade.lock()
    trade.build(order_id)
    trade.ship(order_id)

    with pytest.raises(InvalidInput):
        trade.receive(order_id, damage=bad)
