"""A small brand with locked orders, and the steps that take them to their buyers; for the tests of this room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import update

from configurator import quote_service
from configurator.quote_service import QuoteRequest
from factory_orders import queries, service
from factory_orders.audit_service import CHECKS
from factory_orders.model import (
    BuildOrder,
    CheckedPoint,
    Handover,
    OrderTerms,
    PlantReport,
    Shipment,
    ShipmentState,
    Stage,
)
from factory_orders.planning.line_days.service import sequence_days
from factory_orders.plant.tables import build_orders
from factory_orders.policies import HandoverPolicy
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import AccountId, PersonId, PlantId
from kernel.ledger import Transfer, account, book
from kernel.money import yuan
from kernel.paging import PageRequest
from kernel.payments import Payment
from kernel.sandbox import DECLINED_PREFIX, Sandbox
from kernel.soundness import examine
from kernel.work import Works
from tests.configurator.small_brand import BRAND, DESK, EAST_STORE, NORTH_STORE, PLAIN_CAR, open_small_brand

NORTH_PLANT: Final = PlantId("0" + BRAND[1:])
SOUTH_PLANT: Final = PlantId("1" + BRAND[1:])
POOL: Final = "9" * 32
SYSTEM: Final = system(BRAND)
PLANT_MACHINE: Final = Actor(BRAND, frozenset({Role.PLANT}), AccountId("7" * 32), plant_id=NORTH_PLANT)
CARRIER: Final = Actor(BRAND, frozenset({Role.CARRIER}), AccountId("8" * 32))
STORE_ADVISER: Final = Actor(BRAND, frozenset({Role.DEALER}), AccountId("d" * 32), store_id=EAST_STORE)
OTHER_STORE: Final = replace(STORE_ADVISER, store_id=NORTH_STORE)
EARNEST: Final = yuan(5000)
SECRET: Final = b"only the tests know it"
LEGS: Final = (ShipmentState.LOADED, ShipmentState.IN_TRANSIT, ShipmentState.ARRIVED)
OF_POOLS: Final = ("costs what was locked", "towards the calibration", "earnest money lies")
"""Checks by which orders fail that no pool locked, or that a test ends behind the back of every service."""
BUILD: Final = (Stage.PARTS_READY, Stage.BODY, Stage.PAINT, Stage.ASSEMBLY, Stage.PASSED)


def buyer(number: int = 1) -> Actor:
    """Return a verified person; each number is another one."""
    return Actor(BRAND, frozenset({Role.CONSUMER}), AccountId(f"{number:032x}"), PersonId(f"{number:032x}"))


@dataclass(frozen=True, slots=True)
class Trade:
    """An open brand and what plays with it."""

    works: Works
    clock: FixedClock
    sandbox: Sandbox
    version_id: str

    def lock(
        self,
        count: int = 1,
        *,
        pool_id: str = POOL,
        options: tuple[str, ...] = PLAIN_CAR,
        promised_by: date | None = None,
        first_buyer: int = 1,
    ) -> list[str]:
        """Make orders as a locked pool would: a quote each, the earnest money in the ledger; returns their ids."""
        terms = [self.terms(first_buyer + number, pool_id, options, promised_by) for number in range(count)]
        with self.works.change(SYSTEM) as work:
            for one in terms:
                paid = Transfer("earnest", one.id, account("provider", "sandbox"), account("earnest", one.id), EARNEST)
                book(work, paid)
            service.take_locked(work, terms)
        return [one.id for one in terms]

    def terms(self, number: int, pool_id: str, options: tuple[str, ...], promised_by: date | None) -> OrderTerms:
        """Quote a car to a buyer without a date, and return what an order of it would have."""
        actor = buyer(number)
        with self.works.change(actor) as work:
            quote = quote_service.issue_quote(work, DESK, QuoteRequest("A1", options, EAST_STORE)).quote
            guaranteed = quote.guaranteed_minor - quote.vehicle_price_minor
            return OrderTerms(
                id=work.new_id(),
                brand_id=BRAND,
                pool_id=pool_id,
                place=number,
                account_id=actor.signed_in(),
                person_id=actor.person_id,
                quote_id=quote.facts.id,
                store_id=EAST_STORE,
                plant_id=NORTH_PLANT,
                class_l1=quote.pooling_class.l1_key,
                model="A1",
                options=quote.facts.options,
                catalogue_version_id=self.version_id,
                policy_version=0,
                price_minor=quote.vehicle_price_minor,
                guaranteed_other_minor=guaranteed,
                third_party_minor=quote.total_minor - quote.vehicle_price_minor - guaranteed,
                promised_by=promised_by,
                locked_at=work.now,
            )

    def unsound(self) -> list[str]:
        """Return what an audit of this room finds wrong, but of the pools that orders of tests were never in."""
        with self.works.read(SYSTEM) as work:
            found = examine(work, [one for one in CHECKS if not any(words in one.name for words in OF_POOLS)])
        return [f"{one.check.name}: {line}" for one in found for line in one.violations]

    def build_orders(self) -> list[BuildOrder]:
        """Return what the northern plant has to build, in its order."""
        with self.works.read(PLANT_MACHINE) as work:
            return list(queries.build_orders_for_plant(work, PageRequest(100)).items)

    def build_order_of(self, order_id: str) -> BuildOrder:
        """Return the build order of an order."""
        with self.works.read(SYSTEM) as work:
            return queries.build_orders_of_orders(work, [order_id])[order_id]

    def postpone(self, order_id: str, day: date) -> None:
        """Let a queued car be built on another day, and both days' lines be ordered without and with it."""
        queued = self.build_order_of(order_id)
        with self.works.change(SYSTEM) as work:
            own = build_orders.c.id == queued.id
            work.connection.execute(update(build_orders).where(own).values(day=day, position=None))
            sequence_days(work, queued.plant_id, [queued.day, day])

    def report(
        self, build_order_id: str, stage: Stage, *, event_id: str | None = None, repair_minor: int = 0
    ) -> service.Reported:
        """Report a stage as the plant's machine, an hour after the last."""
        self.clock.advance(timedelta(hours=1))
        report = PlantReport(event_id or f"{build_order_id}-{stage.value}", stage, self.clock.now(), repair_minor)
        with self.works.change(PLANT_MACHINE) as work:
            return service.report_plant_event(work, build_order_id, report)

    def build(self, order_id: str, *, stages: tuple[Stage, ...] = BUILD, repair_minor: int = 0) -> str:
        """Build an order's car; returns its number."""
        build_order_id = self.build_order_of(order_id).id
        for stage in stages:
            done = self.report(build_order_id, stage, repair_minor=repair_minor if stage is Stage.REWORK else 0)
        assert done.vin is not None
        return done.vin

    def shipment_of(self, order_id: str) -> Shipment:
        """Return the latest shipment of an order."""
        with self.works.read(SYSTEM) as work:
            return queries.shipments_of_orders(work, [order_id])[order_id][-1]

    def ship(self, order_id: str, *, legs: tuple[ShipmentState, ...] = LEGS) -> Shipment:
        """Carry an order's car to its store, or as far as the legs go."""
        shipment = self.shipment_of(order_id)
        for leg in legs:
            self.clock.advance(timedelta(hours=6))
            with self.works.change(CARRIER) as work:
                shipment = service.report_shipment(work, shipment.id, leg, occurred_at=self.clock.now())
        return shipment

    def receive(self, order_id: str, *, damage: service.Damage | None = None) -> Shipment:
        """Let the store look over what arrived."""
        shipment = self.shipment_of(order_id)
        with self.works.change(STORE_ADVISER) as work:
            return service.inspect_arrival(work, shipment.id, vin=shipment.vin, damage=damage)

    def bring_to_store(self, order_id: str) -> str:
        """Build, ship and receive an order's car; returns its number."""
        vin = self.build(order_id)
        self.ship(order_id)
        self.receive(order_id)
        return vin

    def tomorrow_at(self, hour: int) -> datetime:
        """Return a full hour of tomorrow in Shanghai."""
        local = (self.clock.now() + timedelta(hours=8)).date() + timedelta(days=1)
        return datetime(local.year, local.month, local.day, hour, tzinfo=UTC) - timedelta(hours=8)

    def book(self, order_id: str, *, who: Actor | None = None, hour: int = 10) -> Handover:
        """Book tomorrow's handover."""
        with self.works.change(who or buyer()) as work:
            return service.book_handover(work, order_id, self.tomorrow_at(hour))

    def inspect(self, handover: Handover, *, fine: bool = True) -> Handover:
        """Go through the check list with the buyer."""
        points = [CheckedPoint(point, fine) for point in HandoverPolicy().checklist]
        with self.works.change(STORE_ADVISER) as work:
            return service.inspect_handover(work, handover.id, vin=handover.vin, points=points)

    def ask_balance(self, handover: Handover, *, who: Actor | None = None) -> Payment:
        """Ask for the rest."""
        with self.works.change(who or buyer()) as work:
            return service.request_balance(work, handover.id)

    def pay(
        self, handover: Handover, payment: Payment, *, who: Actor | None = None, empty_wallet: bool = False
    ) -> Handover:
        """Pay the rest by an authorisation from the sandbox; an empty wallet's will be declined."""
        actor = who or buyer()
        token = self.sandbox.authorise(
            account_id=actor.signed_in(),
            amount=payment.amount,
            reference=f"{DECLINED_PREFIX if empty_wallet else ''}{payment.id}",
            wallet="w",
            expires_at=self.clock.now() + timedelta(hours=1),
        )
        with self.works.change(actor) as work:
            return service.pay_balance(work, handover.id, self.sandbox.read_authorisation(token))

    def sign(self, handover: Handover, *, who: Actor | None = None) -> Handover:
        """Sign for the car."""
        with self.works.change(who or buyer()) as work:
            return service.sign_handover(work, handover.id)

    def hand_over(self, order_id: str, *, who: Actor | None = None) -> Handover:
        """Take an order whose car is at the store to its signature."""
        handover = self.inspect(self.book(order_id, who=who))
        payment = self.ask_balance(handover, who=who)
        self.pay(handover, payment, who=who)
        return self.sign(handover, who=who)


def open_trade(works: Works, clock: FixedClock) -> Trade:
    """Open the small brand."""
    version_id = open_small_brand(works)
    return Trade(works, clock, Sandbox(works.engine, SECRET, clock=clock), version_id)
