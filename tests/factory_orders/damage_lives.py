"""Who does what to cars that may be damaged: plant, carrier, store, planner, buyers; each step may be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import RowMapping, select

from factory_orders import queries, service
from factory_orders.conditions.model import Condition, HandOver, Party
from factory_orders.conditions.tables import condition_checks, damage_cases
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.model import HandoverState
from factory_orders.deliveries.tables import handovers, shipments
from factory_orders.model import Newness, Order, Stage
from factory_orders.model import ScheduledOrder as Scheduled
from factory_orders.model import ShipmentState as Leg
from factory_orders.planning.tables import order_rebuilds, orders
from factory_orders.plant.model import BEFORE_THE_LINE
from factory_orders.plant.tables import build_orders
from factory_orders.policies import PlantPolicy
from factory_orders.service import Damage
from factory_orders.stock.tables import stock_holds, stock_purchases, stock_quotes
from factory_orders.vehicles.tables import allocations, vehicle_disclosures, vehicles
from kernel.actor import Actor
from kernel.errors import Refusal
from kernel.ledger import ledger_transfers
from kernel.news import outbox
from kernel.paging import PageRequest
from kernel.timers import fire_due
from tests.configurator.small_brand import DESK, PLANNER
from tests.factory_orders.machines import FactoryMachine
from tests.factory_orders.purchasing import buy, token
from tests.factory_orders.test_conditions import OTHER_CARRIER, seen
from tests.factory_orders.test_stock import set_price
from tests.factory_orders.trade import BUILD, CARRIER, LEGS, OTHER_STORE, STORE_ADVISER, SYSTEM, buyer

BUYERS: Final = (1, 2, 7)
THRESHOLD: Final = PlantPolicy().repaired_from_minor
SMALL, LARGE, HUGE = THRESHOLD // 5, THRESHOLD + THRESHOLD // 2, THRESHOLD * 6
TOLD: Final = (
    *(damage_cases, condition_checks, shipments, vehicles, vehicle_disclosures, allocations, orders, repair_offers),
    *(handovers, build_orders, order_rebuilds, stock_holds, stock_purchases, ledger_transfers, outbox),
)


class DamageLife(FactoryMachine):
    """Two buyers who wait for cars, a third who wants one from stock, and everybody who may scratch or look at them.

    Whatever is refused has changed nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.newness: dict[str, int] = {}
        self.ended: dict[str, object] = {}
        self.number = 0

    def attempt(self, act: Callable[[], object]) -> Refusal | None:
        """Do one thing; where it is refused nothing has changed."""
        before = self.told()
        refused = super().attempt(act)
        assert refused is None or self.told() == before
        return refused

    def told(self) -> list[list[RowMapping]]:
        with self.trade.works.read(SYSTEM) as work:
            return [
                list(work.connection.execute(select(table).order_by(*table.primary_key)).mappings()) for table in TOLD
            ]

    def bring(self, which: int) -> None:
        """Take a car to its store's door."""
        if self.way(which) is None:
            self.build(which, None)
        for leg in LEGS:
            self.move(which, leg)

    # --- the plant ---

    def build(self, which: int, rework: int | None) -> None:
        """Let a car pass the line's end, with or without rework."""
        line = [*BUILD[:-1], *([] if rework is None else [Stage.REWORK]), BUILD[-1]]
        self.report(which, line, rework or 0)
        if rework is not None and rework >= THRESHOLD and isinstance(self.order(which), Scheduled):
            self.reach("built again after rework")

    def scrap(self, which: int) -> None:
        before = len(self.rows(order_rebuilds))
        self.report(which, [*BUILD[:2], Stage.SCRAPPED], 0)
        if len(self.rows(order_rebuilds)) > before:
            self.reach("built again after scrapping")

    def report(self, which: int, line: list[Stage], repair_minor: int) -> None:
        order_id = self.order_id(which)
        with self.trade.works.read(SYSTEM) as work:
            built = None if order_id is None else queries.build_orders_of_orders(work, [order_id]).get(order_id)
        for stage in line if built is not None and built.stage in BEFORE_THE_LINE else ():
            assert built is not None
            self.number += 1
            cost = repair_minor if stage is Stage.REWORK else 0
            told = partial(self.trade.report, built.id, stage, event_id=f"e{self.number}", repair_minor=cost)
            self.attempt(told)

    # --- the way ---

    def look(self, which: int, at: HandOver, marks: Any, km: int, wrong: str) -> None:
        """Look a car over as it changes hands: its own people, others, with another car's number."""
        if (way := self.way(which)) is None:
            return
        right, other = (STORE_ADVISER, OTHER_STORE) if at is HandOver.INSPECTED else (CARRIER, OTHER_CARRIER)
        last = max((one["odometer_km"] for one in self.rows(condition_checks) if one["vin"] == way["vin"]), default=0)
        condition: Condition = seen(*marks, km=max(0, last + km))
        who, vin = other if wrong == "another's" else right, self.vin_read(way, wrong)
        self.change(who, lambda work: service.check_condition(work, way["id"], at, vin=vin, seen=condition))

    def move(self, which: int, to: Leg) -> None:
        if (way := self.way(which)) is None:
            return
        before = len(self.rows(order_rebuilds))
        moved = partial(service.report_shipment, shipment_id=way["id"], to=to, occurred_at=self.clock.now())
        self.change(CARRIER, moved)
        if len(self.rows(order_rebuilds)) > before:
            self.reach("built again after loss")

    def receive(self, which: int, cost: int | None, wrong: str) -> None:
        """Let a store say how a car came."""
        if (way := self.way(which)) is None:
            return
        damage = None if cost is None else Damage("a dent", cost)
        who, vin = OTHER_STORE if wrong == "another's" else STORE_ADVISER, self.vin_read(way, wrong)
        before = len(self.rows(order_rebuilds))
        self.change(who, lambda work: service.inspect_arrival(work, way["id"], vin=vin, damage=damage))
        if len(self.rows(order_rebuilds)) > before:
            self.reach("built again after arrival")

    def vin_read(self, way: RowMapping, wrong: str) -> str:
        others = [one["vin"] for one in self.rows(vehicles) if one["vin"] != way["vin"]]
        return str(others[0] if wrong == "another car" and others else way["vin"])

    # --- the case ---

    def say(self, which: int, accepts: bool, wrong: str) -> None:
        """Let a carrier answer a case."""
        if (case := self.pick(damage_cases, which)) is not None:
            who = OTHER_CARRIER if wrong else CARRIER
            self.change(who, lambda work: service.answer_damage_case(work, case["id"], accepts=accepts))

    def close(self, which: int, cost: int, party: Party) -> None:
        """Let a planner say what a case costs; past the threshold its car is nobody's who has not agreed."""
        if (case := self.pick(damage_cases, which)) is None:
            return
        (car,) = [one for one in self.rows(vehicles) if one["vin"] == case["vin"]]
        before = len(self.rows(order_rebuilds))
        done = partial(service.close_damage_case, case_id=case["id"], borne_by=party, repair_minor=cost)
        if self.change(PLANNER, done) is None:
            how = "past" if self.disclosed(car["vin"]) >= THRESHOLD or cost >= THRESHOLD else "below"
            self.reach(f"closed {how} the threshold, car {car['state']}")
        if len(self.rows(order_rebuilds)) > before:
            self.reach("built again after a closed case")

    def decide(self, which: int, takes: bool, wrong: str) -> None:
        """Answer an offer of a repaired car, as its buyer or as somebody else."""
        if (order_id := self.order_id(which)) is not None:
            act = service.accept_repaired_car if takes else service.decline_repaired_car
            who = buyer(9) if wrong else self.buyer_of(which)
            self.change(who, lambda work: act(work, order_id))

    # --- the store ---

    def go_on(self, which: int, steps: int) -> None:
        """Take the next steps at the store."""
        for _ in range(steps):
            order_id, who = self.order_id(which), self.buyer_of(which)
            if order_id is None:
                return
            handover = self.handover(order_id)
            match None if handover is None else handover.state:
                case HandoverState.BOOKED:
                    self.attempt(partial(self.trade.inspect, handover, fine=False))
                case HandoverState.INSPECTED:
                    if self.attempt(partial(self.trade.ask_balance, handover, who=who)) is None:
                        payment = self.trade.ask_balance(handover, who=who)
                        self.attempt(partial(self.trade.pay, handover, payment, who=who))
                    self.change(who, partial(service.accept_disclosures, order_id=order_id))
                case HandoverState.BALANCE_PAID:
                    self.sign(which)
                case _:
                    self.attempt(partial(self.trade.book, order_id, who=who, hour=9 + which))

    def rebook(self, which: int, hour: int) -> None:
        order_id = self.order_id(which)
        if order_id is not None and (handover := self.handover(order_id)) is not None:
            at = self.trade.tomorrow_at(hour)
            self.change(self.buyer_of(which), lambda work: service.rebook_handover(work, handover.id, at))

    def sign(self, which: int) -> None:
        order_id = self.order_id(which)
        if order_id is not None and (handover := self.handover(order_id)) is not None:
            self.attempt(partial(self.trade.sign, handover, who=self.buyer_of(which)))

    def reject(self, which: int) -> None:
        order_id = self.order_id(which)
        if order_id is not None and (handover := self.handover(order_id)) is not None:
            done = partial(service.reject_handover, handover_id=handover.id, reason="the door does not close")
            if self.change(self.buyer_of(which), done) is None:
                self.reach("handover rejected")

    def leave(self, which: int) -> None:
        """Leave, free where another car is built."""
        if (order_id := self.order_id(which)) is None:
            return
        waits_anew = isinstance(self.order(which), Scheduled) and order_id in self.rebuilt()
        ended: list[service.Cancellation] = []
        self.change(self.buyer_of(which), lambda work: ended.append(service.cancel_order(work, order_id)))
        if ended and waits_anew:
            assert ended[-1].forfeit_minor == 0
            self.reach("left free")

    def sell(self, which: int) -> None:
        """Let the store price what stands there, and somebody buy it; a quote says all that was told of the car."""
        with self.trade.works.read(STORE_ADVISER) as work:
            cars = list(queries.own_stock(work, PageRequest(9)).items)
        if not cars:
            return
        car = cars[which % len(cars)]
        for quote_id in [one["id"] for one in self.rows(stock_quotes) if one["vin"] == car.vin][:1]:
            self.change(buyer(7), partial(service.hold_stock_car, quote_id=quote_id))
        self.attempt(partial(set_price, self.trade, car.vin))
        with self.trade.works.change(buyer(7)) as work:
            quote = service.ask_stock_quote(work, DESK, car.vin)
        told = [one["repair_minor"] for one in self.rows(vehicle_disclosures) if one["vin"] == car.vin]
        assert sorted(one["repair_minor"] for one in quote.document["disclosures"]) == sorted(told)
        self.change(buyer(7), lambda work: service.hold_stock_car(work, quote.id))
        held = [one for one in self.rows(stock_holds) if one["ended_at"] is None and one["vin"] == car.vin]
        if held:
            self.number += 1
            given = token(self.trade, buyer(7), reference=f"of-stock-{self.number}")
            key = f"key number {self.number}"
            refused = self.attempt(lambda: buy(self.trade, held[0]["id"], who=buyer(7), key=key, given=given))
            if refused is None and car.newness is Newness.REPAIRED:
                self.reach("repaired sold from stock")

    def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days, hours=1))
        while fire_due(self.trade.works, service.TIMERS):
            pass
        self.room.settle()

    # --- by what the steps go ---

    def order_id(self, which: int) -> str | None:
        """Return an order by its buyer: two that wait for their cars, and the last one from stock."""
        if which < len(self.ids):
            return self.ids[which]
        bought = [one["id"] for one in self.rows(orders) if one["origin"] == "stock"]
        return bought[-1] if bought else None

    def buyer_of(self, which: int) -> Actor:
        return buyer(BUYERS[which])

    def order(self, which: int) -> Order | None:
        order_id = self.order_id(which)
        with self.trade.works.read(SYSTEM) as work:
            return None if order_id is None else queries.orders_by_id(work, [order_id])[order_id]

    def way(self, which: int) -> RowMapping | None:
        own = [one for one in self.rows(shipments) if one["order_id"] == self.order_id(which)]
        return own[-1] if own else None

    def handover(self, order_id: str) -> Any:
        with self.trade.works.read(SYSTEM) as work:
            known = queries.handovers_of_orders(work, [order_id])[order_id]
        return known[-1] if known else None

    def pick(self, table: Any, which: int) -> RowMapping | None:
        rows = self.rows(table)
        return rows[-1 - which % len(rows)] if rows else None

    def rebuilt(self) -> set[str]:
        return {one["order_id"] for one in self.rows(order_rebuilds)}

    def disclosed(self, vin: str) -> int:
        return sum(one["repair_minor"] for one in self.rows(vehicle_disclosures) if one["vin"] == vin)
