"""Any order of reports, legs, inspections, payments, refusals, cancellations and days keeps DOMAIN section 4 whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import assert_never

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from demand.service import PoolPlan
from factory_orders import queries, service
from factory_orders.model import (
    AtStoreOrder,
    BuiltOrder,
    CancelledOrder,
    CheckedPoint,
    DeliveredOrder,
    Handover,
    HandoverState,
    InTransitOrder,
    Order,
    PlantReport,
    ScheduledOrder,
    ShipmentState,
    Stage,
    StockedOrder,
)
from factory_orders.plant.model import REPORTABLE
from factory_orders.plant.tables import build_orders
from factory_orders.policies import HandoverPolicy
from factory_orders.pools_service import SUBSCRIPTIONS, open_pool
from factory_orders.service import TIMERS, Damage
from kernel import ledger, outbox, payments
from kernel.actor import Actor
from kernel.errors import Refusal
from kernel.ledger import account
from kernel.timers import fire_due
from tests.configurator.small_brand import BRAND, PLANNER
from tests.demand.pool_room import TIERS
from tests.factory_orders.machines import FactoryMachine, play
from tests.factory_orders.trade import CARRIER, PLANT_MACHINE, STORE_ADVISER, SYSTEM, buyer

SAMPLE = settings(max_examples=3, stateful_step_count=30, deadline=None)
MACHINE = settings(max_examples=40, stateful_step_count=40, deadline=None)
BUYERS = (1, 2, 3)
WHICH = st.integers(0, 2)
DAMAGES = st.sampled_from([None, None, Damage("dent", 9_000), Damage("frame", 900_000)])
LEGS = (ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED)
RANKS: dict[type[Order], int] = {
    ScheduledOrder: 0,
    BuiltOrder: 1,
    InTransitOrder: 2,
    AtStoreOrder: 3,
    DeliveredOrder: 4,
    CancelledOrder: 4,
}


class OrderMachine(FactoryMachine):
    """A locked pool of three buyers, its plant, its carrier and its store, all pulling as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.event = 0
        self.newness: dict[str, int] = {}
        self.ended: dict[str, Order] = {}

    @initialize()
    def lock(self) -> None:
        with self.room.works.change(PLANNER) as work:
            open_pool(work, PoolPlan(self.room.cls, 8, minimum=3, tiers=TIERS))
        self.ids = [one.pre_order_id for one in self.room.join(*BUYERS)]
        self.room.pass_time(days=21)
        while outbox.deliver(self.room.works, SUBSCRIPTIONS):
            pass

    # --- the plant ---

    def build_order_id(self, which: int) -> str:
        with self.room.works.read(SYSTEM) as work:
            found = select(build_orders.c.id).where(build_orders.c.order_id == self.ids[which])
            ids: list[str] = list(work.connection.execute(found.order_by(build_orders.c.id)).scalars())
        return ids[-1]

    def report(self, which: int, stage: Stage, *, event_id: str | None = None, repair_minor: int = 0) -> None:
        self.event += 1
        report = PlantReport(event_id or f"e{self.event}", stage, self.clock.now(), repair_minor)
        build_order_id = self.build_order_id(which)
        with self.room.works.change(PLANT_MACHINE) as work:
            service.report_plant_event(work, build_order_id, report)

    @rule(which=WHICH, stage=st.sampled_from(REPORTABLE), again=st.booleans())
    def report_anything(self, which: int, stage: Stage, again: bool) -> None:
        with suppress(Refusal):
            self.report(which, stage, event_id=f"e{self.event}" if again else None)

    @rule(which=WHICH, repair_minor=st.sampled_from([None, 1_000, 700_000]))
    def build_through(self, which: int, repair_minor: int | None) -> None:
        rework = [(Stage.REWORK, repair_minor)] if repair_minor else []
        line = [(stage, 0) for stage in (Stage.PARTS_READY, Stage.BODY, Stage.PAINT, Stage.ASSEMBLY)]
        for stage, repair in [*line, *rework, (Stage.PASSED, 0)]:
            with suppress(Refusal):
                self.report(which, stage, repair_minor=repair)

    # --- the way ---

    @rule(which=WHICH, legs=st.lists(st.sampled_from((*LEGS, *LEGS, ShipmentState.LOST)), max_size=4))
    def move(self, which: int, legs: list[ShipmentState]) -> None:
        for leg in (*legs, *LEGS):
            with suppress(Refusal, IndexError), self.room.works.change(CARRIER) as work:
                shipment = queries.shipments_of_orders(work, [self.ids[which]])[self.ids[which]][-1]
                service.report_shipment(work, shipment.id, leg, occurred_at=work.now)

    @rule(which=WHICH, damage=DAMAGES)
    def receive(self, which: int, damage: Damage | None) -> None:
        with suppress(Refusal, IndexError):
            self.trade.receive(self.ids[which], damage=damage)

    # --- the store ---

    def handover(self, which: int) -> Handover | None:
        with self.room.works.read(SYSTEM) as work:
            known = queries.handovers_of_orders(work, [self.ids[which]])[self.ids[which]]
        return known[-1] if known else None

    def act(self, which: int, step: Callable[[Actor, Handover], object]) -> None:
        handover = self.handover(which)
        if handover is not None:
            with suppress(Refusal):
                step(buyer(BUYERS[which]), handover)

    @rule(which=WHICH, hour=st.sampled_from([8, 9, 9, 10, 17]))
    def book(self, which: int, hour: int) -> None:
        with suppress(Refusal):
            self.trade.book(self.ids[which], who=buyer(BUYERS[which]), hour=hour)

    @rule(which=WHICH, fine=st.booleans())
    def inspect(self, which: int, fine: bool) -> None:
        def step(_who: Actor, handover: Handover) -> None:
            points = [CheckedPoint(point, fine) for point in HandoverPolicy().checklist]
            with self.room.works.change(STORE_ADVISER) as work:
                service.inspect_handover(work, handover.id, vin=handover.vin, points=points)

        self.act(which, step)

    @rule(which=WHICH)
    def accept(self, which: int) -> None:
        with suppress(Refusal), self.room.works.change(buyer(BUYERS[which])) as work:
            service.accept_disclosures(work, self.ids[which])

    @rule(which=WHICH, by_callback=st.booleans(), short=st.booleans())
    def pay(self, which: int, by_callback: bool, short: bool) -> None:
        def step(who: Actor, handover: Handover) -> None:
            payment = self.trade.ask_balance(handover, who=who)
            if not by_callback:
                self.trade.pay(handover, payment, who=who)
                return
            amount = payment.amount - payment.amount if short else payment.amount
            amount = amount if amount.minor else type(amount)(1)
            told = self.trade.sandbox.pay(
                brand_id=BRAND, payment_id=payment.id, amount=amount, reference=f"r-{payment.id}-{short}", wallet="w"
            )
            for _ in range(2):
                with self.room.works.change(SYSTEM) as work:
                    heard = payments.receive_callback(work, self.trade.sandbox, told.headers, told.body)
                    if heard.outcome == "received":
                        service.receive_balance(work, heard.payment)

        self.act(which, step)

    @rule(which=WHICH)
    def sign(self, which: int) -> None:
        self.act(which, lambda who, handover: self.trade.sign(handover, who=who))

    @rule(which=WHICH)
    def reject(self, which: int) -> None:
        def step(who: Actor, handover: Handover) -> None:
            with self.room.works.change(who) as work:
                service.reject_handover(work, handover.id, "not as ordered")

        self.act(which, step)

    @rule(which=WHICH, by_maker=st.booleans(), really=st.sampled_from([False, False, False, True]))
    def cancel(self, which: int, by_maker: bool, really: bool) -> None:
        if not really:
            return
        with suppress(Refusal), self.room.works.change(PLANNER if by_maker else buyer(BUYERS[which])) as work:
            if by_maker:
                service.cancel_order_by_maker(work, self.ids[which], reason="no paint")
            else:
                service.cancel_order(work, self.ids[which])

    @rule(which=WHICH, steps=st.integers(0, 3), damage=DAMAGES)
    def leave_a_late_car_before_the_store_looks_at_it(self, which: int, steps: int, damage: Damage | None) -> None:
        """Let a buyer leave long after the day, on the line, on the way or at the store; the car goes its way."""
        self.wait(100)
        ways: list[Callable[[], object]] = [
            lambda: self.report_next(which),
            lambda: self.build_through(which, None),
            lambda: self.move(which, []),
        ]
        for way in ways[:steps]:
            way()
        self.cancel(which, False, True)
        self.build_through(which, None)
        self.move(which, [])
        self.receive(which, damage)

    def report_next(self, which: int) -> None:
        for stage in (Stage.PARTS_READY, Stage.BODY):
            with suppress(Refusal):
                self.report(which, stage)

    @rule(days=st.sampled_from([0, 1, 16, 40]))
    def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days, hours=1))
        while fire_due(self.room.works, TIMERS):
            pass
        self.room.settle()

    @rule(which=WHICH, steps=st.integers(1, 5))
    def go_on(self, which: int, steps: int) -> None:
        """Take the next steps that are due, so that orders get to every state in between the noise."""
        for _ in range(steps):
            with self.room.works.read(SYSTEM) as work:
                order = queries.orders_by_id(work, [self.ids[which]])[self.ids[which]]
            match order:
                case ScheduledOrder():
                    self.build_through(which, None)
                case BuiltOrder() | InTransitOrder():
                    self.move(which, [])
                    self.receive(which, None)
                case AtStoreOrder():
                    self.go_on_at_store(which)
                case DeliveredOrder() | CancelledOrder() | StockedOrder():
                    return

    def go_on_at_store(self, which: int) -> None:
        handover = self.handover(which)
        state = None if handover is None else handover.state
        match state:
            case None | HandoverState.REJECTED:
                self.book(which, 10)
            case HandoverState.BOOKED:
                self.inspect(which, True)
            case HandoverState.INSPECTED:
                self.accept(which)
                self.pay(which, False, False)
            case HandoverState.BALANCE_PAID:
                self.sign(which)
            case HandoverState.SIGNED:
                raise AssertionError("a signed handover has delivered its order")
            case _:
                assert_never(state)

    # --- what never breaks ---

    @invariant()
    def a_car_never_becomes_newer_and_a_delivered_one_is_paid(self) -> None:
        with self.room.works.read(SYSTEM) as work:
            known = queries.orders_by_id(work, self.ids)
            vins = [order.vin for order in known.values() if not isinstance(order, ScheduledOrder | CancelledOrder)]
            cars = queries.vehicles_by_vin(work, vins)
            for order_id, order in known.items():
                if isinstance(order, DeliveredOrder):
                    assert ledger.balance(work, account("receivable", order_id)) == 0
        for vin, car in cars.items():
            assert car.newness >= self.newness.get(vin, 0)
            self.newness[vin] = car.newness

    @invariant()
    def an_ended_order_stays_as_it_is(self) -> None:
        with self.room.works.read(SYSTEM) as work:
            known = queries.orders_by_id(work, self.ids)
        for order_id, order in known.items():
            if RANKS[type(order)] == 4:
                assert self.ended.setdefault(order_id, order) == order


@pytest.mark.parametrize("how", [SAMPLE, pytest.param(MACHINE, marks=pytest.mark.prove)], ids=["sample", "proof"])
def test_no_order_of_events_breaks_an_order(fresh_url: Callable[[], str], how: settings) -> None:
    play(OrderMachine, fresh_url, how=how, wanted=())
