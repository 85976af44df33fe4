"""One order from the lock to the signature, with every row, booking and link of the passport it leaves."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from factory_orders import queries, service
from factory_orders.model import (
    AtStoreOrder,
    BuiltOrder,
    DeliveredOrder,
    HandoverState,
    InTransitOrder,
    Newness,
    ScheduledOrder,
    ShipmentState,
    Stage,
    VehicleState,
)
from factory_orders.vehicles.vin import read_vin
from kernel import ledger
from kernel.ledger import account
from kernel.news import outbox
from tests.configurator.small_brand import BRAND, EAST_STORE, GUEST
from tests.factory_orders.trade import CARRIER, SYSTEM, Trade, buyer


def order_of(trade: Trade, order_id: str) -> object:
    with trade.works.read(SYSTEM) as work:
        return queries.orders_by_id(work, [order_id])[order_id]


def test_a_locked_order_reaches_its_buyer(trade: Trade) -> None:
    (order_id,) = trade.lock()
    assert isinstance(order_of(trade, order_id), ScheduledOrder)

    vin = trade.build(order_id)
    assert isinstance(order_of(trade, order_id), BuiltOrder)
    trade.ship(order_id)
    assert isinstance(order_of(trade, order_id), AtStoreOrder)
    trade.receive(order_id)
    signed = trade.hand_over(order_id)

    assert signed.state is HandoverState.SIGNED
    order = order_of(trade, order_id)
    assert isinstance(order, DeliveredOrder)
    assert order.vin == vin
    with trade.works.read(GUEST) as work:
        passport = queries.passport(work, vin)
        car = queries.vehicles_by_vin(work, [vin])[vin]
    assert passport.verified
    assert passport.newness is Newness.NEW
    assert [entry.kind for entry in passport.entries] == [
        "identified",
        "built",
        "allocated",
        "loaded",
        "in_transit",
        "arrived",
        "inspected",
        "delivered",
    ]
    assert car.state is VehicleState.DELIVERED


def test_the_ledger_of_a_delivered_order_is_even(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    handover = trade.inspect(trade.book(order_id))

    payment = trade.ask_balance(handover)
    trade.pay(handover, payment)
    trade.sign(handover)

    with trade.works.read(SYSTEM) as work:
        asked = queries.balances_of_handovers(work, [handover.id])[handover.id]
        names = [
            account("receivable", order_id),
            account("earnest", order_id),
            account("sales", BRAND),
            account("third_party", BRAND),
            account("store", EAST_STORE),
            account("provider", "sandbox"),
        ]
        sums = ledger.balances(work, names)
    # A plain A1: ¥100,000, transport ¥600, store fee ¥1,000.
    assert (asked.vehicle_minor, asked.guaranteed_other_minor) == (10_000_000, 160_000)
    assert payment.amount.minor == asked.guaranteed_minor + asked.third_party_minor - 500_000
    assert [sums[name] for name in names] == [
        0,
        0,
        10_060_000,
        asked.third_party_minor,
        100_000,
        -(10_160_000 + asked.third_party_minor),
    ]


def test_the_number_names_maker_year_and_plant(trade: Trade) -> None:
    first, second = trade.lock(2)

    numbers = [read_vin(trade.build(order_id)) for order_id in (first, second)]

    assert [number.wmi for number in numbers] == ["LZZ", "LZZ"]
    assert [number.year_code for number in numbers] == ["T", "T"]
    assert [number.plant_letter for number in numbers] == ["A", "A"]
    assert [number.serial for number in numbers] == ["000001", "000002"]


def test_a_car_on_its_way_makes_its_order_in_transit(trade: Trade) -> None:
    (order_id,) = trade.lock()
    vin = trade.build(order_id)

    with trade.works.change(CARRIER) as work:
        service.report_shipment(
            work, trade.shipment_of(order_id).id, ShipmentState.LOADED, occurred_at=trade.clock.now()
        )

    order = order_of(trade, order_id)
    assert isinstance(order, InTransitOrder)
    assert order.vin == vin


def test_the_buyer_and_the_rooms_hear_of_every_step(trade: Trade) -> None:
    (order_id,) = trade.lock()
    trade.bring_to_store(order_id)
    trade.hand_over(order_id)

    with trade.works.read(SYSTEM) as work:
        kinds = list(
            work.connection.execute(
                select(outbox.c.kind).where(outbox.c.kind.like("factory_orders.%")).order_by(outbox.c.id)
            ).scalars()
        )
    short = [kind.removeprefix("factory_orders.") for kind in kinds]
    assert short == [
        "order_created",
        "batch_formed",
        "order_scheduled",
        "build_order_released",
        *["build_stage_reported"] * 3,
        "vehicle_identified",
        *["build_stage_reported"] * 2,
        "vehicle_built",
        "vehicle_allocated",
        "shipment_planned",
        *["shipment_moved"] * 3,
        "vehicle_arrived",
        "handover_booked",
        "handover_inspected",
        "balance_requested",
        "paper_answered",
        "balance_paid",
        "vehicle_delivered",
    ]


def test_an_order_gets_its_week_day_and_place(trade: Trade) -> None:
    (order_id,) = trade.lock()

    order = trade.build_order_of(order_id)

    # Locked on Monday 23 November; the body takes 14 days, so the week of 7 December is the first.
    assert (order.week, order.day, order.position, order.stage) == (
        date(2026, 12, 7),
        date(2026, 12, 7),
        1,
        Stage.QUEUED,
    )


def test_a_buyer_sees_only_own_orders(trade: Trade) -> None:
    first, second = trade.lock(2)

    with trade.works.read(buyer(1)) as work:
        by_id = list(queries.orders_by_id(work, [first, second]))

    assert by_id == [first]
