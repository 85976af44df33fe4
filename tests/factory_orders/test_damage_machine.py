"""Any order of marks, legs, words of stores, costs, answers, refusals and days discloses damage and sells none as new.

Whatever is refused has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from factory_orders import queries
from factory_orders.conditions.model import CaseState, HandOver, Party
from factory_orders.conditions.tables import condition_checks, damage_cases
from factory_orders.consents.tables import repair_offers
from factory_orders.deliveries.model import RECEIVED
from factory_orders.deliveries.tables import shipments
from factory_orders.model import AtStoreOrder, CancelledOrder, DeliveredOrder, Newness, order_state
from factory_orders.model import ShipmentState as Leg
from factory_orders.offers.model import OfferState
from factory_orders.planning.tables import orders
from factory_orders.vehicles.model import SOLD_FROM_STOCK, VehicleState
from factory_orders.vehicles.tables import vehicle_disclosures, vehicles
from kernel import ledger, policy
from kernel.ledger import account
from kernel.paging import PageRequest
from tests.factory_orders.damage_lives import HUGE, LARGE, SMALL, THRESHOLD, DamageLife
from tests.factory_orders.leaving_room import locked_orders
from tests.factory_orders.machines import play
from tests.factory_orders.test_conditions import ADMIN, DENT, SCRATCH
from tests.factory_orders.trade import LEGS, STORE_ADVISER, SYSTEM

MACHINE: Final = settings(max_examples=settings().max_examples // 15, stateful_step_count=14, deadline=None)
BEGINNINGS: Final = ("line", "road", "store", "offered", "stock", "bought", "checked", "rejected")
COSTS: Final = st.sampled_from([0, SMALL, SMALL, LARGE, LARGE, HUGE])
DAMAGES: Final = st.sampled_from([None, None, 0, SMALL, LARGE, HUGE])
WHICH: Final = st.sampled_from([0, 0, 0, 1, 2])
WRONG: Final = st.sampled_from(["", "", "", "", "another's", "another car"])
MARKS: Final = st.sampled_from([(), (SCRATCH,), (SCRATCH, DENT)])
FACTS: Final[dict[str, st.SearchStrategy[dict[str, Any]]]] = {
    "build": st.fixed_dictionaries({"which": WHICH, "rework": st.sampled_from([None, SMALL, LARGE, HUGE])}),
    "scrap": st.fixed_dictionaries({"which": WHICH}),
    "look": st.fixed_dictionaries(
        {"which": WHICH, "at": st.sampled_from(HandOver), "marks": MARKS, "km": st.integers(-1, 3), "wrong": WRONG}
    ),
    "move": st.fixed_dictionaries({"which": WHICH, "to": st.sampled_from([*LEGS, *LEGS, *LEGS, Leg.LOST])}),
    "receive": st.fixed_dictionaries({"which": WHICH, "cost": DAMAGES, "wrong": WRONG}),
    "say": st.fixed_dictionaries({"which": WHICH, "accepts": st.booleans(), "wrong": WRONG}),
    "close": st.fixed_dictionaries({"which": WHICH, "cost": COSTS, "party": st.sampled_from(Party)}),
    "decide": st.fixed_dictionaries({"which": WHICH, "takes": st.booleans(), "wrong": WRONG}),
    "go_on": st.fixed_dictionaries({"which": WHICH, "steps": st.integers(1, 4)}),
    "reject": st.fixed_dictionaries({"which": WHICH}),
    "rebook": st.fixed_dictionaries({"which": WHICH, "hour": st.integers(9, 12)}),
    "sign": st.fixed_dictionaries({"which": WHICH}),
    "leave": st.fixed_dictionaries({"which": WHICH}),
    "sell": st.fixed_dictionaries({"which": WHICH}),
    "wait": st.fixed_dictionaries({"days": st.sampled_from([0, 1, 4, 16, 40])}),
}
OFTEN: Final = ("look", "receive", "close", "decide", "go_on", "move", "move", "sell")
STEPS: Final = st.sampled_from((*OFTEN, *FACTS)).flatmap(lambda name: st.tuples(st.just(name), FACTS[name]))
STATES: Final = (
    *(f"case {one.value}" for one in CaseState),
    *(f"case of the {one.value}" for one in Party),
    *(
        f"closed {how} the threshold, car {one.value}"
        for how in ("below", "past")
        for one in VehicleState
        if one.value in ("built", "allocated", "delivered")
    ),
    *(f"offer {one.value}" for one in OfferState),
    *(f"car {one}" for one in ("new", "new_disclosed", "repaired", "repaired and delivered", "gone")),
    *(f"order {one}" for one in ("scheduled", "built", "in_transit", "at_store", "delivered", "cancelled")),
    *(f"shipment {one.value}" for one in Leg),
    *(f"built again after {one}" for one in ("rework", "scrapping", "arrival", "a closed case", "loss")),
    *(f"left by {one}" for one in ("buyer", "late", "not_new", "balance_unpaid")),
    *("left free", "offered anew", "handover rejected", "repaired in stock", "repaired sold from stock"),
)
REFUSALS: Final = (
    *("CONDITION_KNOWN", "CONDITION_CHECK_MISSING", "ODOMETER_BACKWARDS", "VIN_INVALID", "NOT_FOUND", "INVALID_INPUT"),
    *("SHIPMENT_OUT_OF_ORDER", "DAMAGE_NOT_TOLD", "DAMAGE_CASE_CLOSED", "REPAIR_OFFER_ENDED", "STOCK_QUOTE_DEAD"),
    *("DISCLOSURE_NOT_ACCEPTED", "HANDOVER_NOT_POSSIBLE", "INSPECTION_MISSING", "ORDER_NOT_CANCELLABLE"),
)


class DamageMachine(DamageLife):
    """The same people, in any order, from each of the beginnings."""

    @initialize()
    def begin(self) -> None:
        """Lock a pool, and begin where it gets interesting."""
        _, (*self.ids, _) = locked_orders(self.room)
        getattr(self, f"begin_{self.beginning}")()

    def begin_line(self) -> None:
        self.build(0, LARGE)
        self.decide(0, False, "another's")
        self.leave(0)
        self.scrap(1)
        self.build(1, SMALL)
        self.move(1, Leg.LOADED)
        self.leave(1)

    def begin_road(self) -> None:
        self.build(0, None)
        self.build(1, None)
        for wrong in ("another's", "another car", ""):
            self.look(0, HandOver.LOADED, (SCRATCH,), 1, wrong)
        self.look(0, HandOver.LOADED, (), 1, "")
        self.move(0, Leg.ARRIVED)
        self.move(0, Leg.LOADED)
        self.close(0, LARGE, Party.PLANT)
        self.close(0, LARGE, Party.PLANT)
        self.move(1, Leg.LOADED)
        self.move(1, Leg.LOST)
        for leg in LEGS[1:]:
            self.move(0, leg)
        self.look(0, HandOver.ARRIVED, (DENT,), -1, "")
        self.look(0, HandOver.ARRIVED, (SCRATCH, DENT), 1, "")
        self.close(0, SMALL, Party.CARRIER)

    def begin_store(self) -> None:
        for which in (0, 1):
            self.bring(which)
        self.look(0, HandOver.INSPECTED, (DENT,), 1, "")
        self.look(1, HandOver.INSPECTED, (SCRATCH,), 1, "")
        for accepts, wrong in ((True, "another's"), (False, ""), (True, "")):
            self.say(0, accepts, wrong)
        self.say(1, False, "")
        self.receive(0, None, "")
        self.receive(0, -1, "")
        self.receive(0, 0, "another car")
        self.receive(0, 0, "another's")
        self.receive(0, 0, "")
        self.receive(1, LARGE, "")
        self.wait(4)

    def begin_offered(self) -> None:
        self.build(0, LARGE)
        self.bring(0)
        self.receive(0, SMALL, "")
        self.decide(0, True, "")
        self.decide(0, False, "")
        self.go_on(0, 6)
        self.build(1, LARGE)
        self.decide(1, False, "")

    def begin_stock(self) -> None:
        self.build(0, LARGE)
        self.bring(0)
        self.receive(0, None, "")
        self.leave(0)
        self.sell(0)
        self.go_on(2, 6)
        self.bring(1)
        self.receive(1, None, "")
        for _ in range(3):
            self.wait(16)

    def begin_bought(self) -> None:
        self.wait(100)
        self.build(0, None)
        self.look(0, HandOver.LOADED, (SCRATCH,), 1, "")
        self.bring(0)
        self.look(0, HandOver.INSPECTED, (SCRATCH, DENT), 1, "")
        self.say(0, True, "")
        self.receive(0, 0, "")
        self.leave(0)
        self.close(1, SMALL, Party.PLANT)
        self.sell(0)
        self.go_on(2, 2)
        self.close(0, LARGE, Party.CARRIER)
        self.sell(0)

    def begin_checked(self) -> None:
        """Let no car change hands unseen."""
        with self.trade.works.change(ADMIN) as work:
            policy.change_policy(
                work, base_version=0, changes={"conditions": {"checks_required": True}}, reason="phones for all"
            )
        self.build(0, None)
        self.move(0, Leg.LOADED)
        self.look(0, HandOver.LOADED, (SCRATCH,), 1, "")
        self.close(0, SMALL, Party.PLANT)
        self.move(0, Leg.LOADED)
        self.move(0, Leg.IN_TRANSIT)
        self.look(0, HandOver.ARRIVED, (SCRATCH, DENT), 1, "")
        self.build(1, None)

    def begin_rejected(self) -> None:
        for which in (0, 1):
            self.bring(which)
            self.look(which, HandOver.INSPECTED, (SCRATCH,), 1, "")
            self.receive(which, 0, "")
            self.go_on(which, 1)
        self.rebook(0, 11)
        self.sign(0)
        self.go_on(0, 2)
        self.rebook(0, 12)
        self.reject(0)
        for which in (0, 1):
            self.go_on(which, 6)
        self.close(0, LARGE, Party.CARRIER)
        self.close(1, SMALL, Party.CARRIER)

    @rule(step=STEPS)
    def step(self, step: tuple[str, dict[str, Any]]) -> None:
        """Take one step: a single rule, since of many Hypothesis switches off half in each run and no life gets far."""
        name, facts = step
        getattr(self, name)(**facts)

    # --- what never breaks ---

    @invariant()
    def a_car_is_as_new_as_what_was_told_of_it(self) -> None:
        told = self.rows(vehicle_disclosures)
        offered = {one["vin"]: one for one in self.rows(repair_offers) if one["state"] == OfferState.OPEN.value}
        for car in self.rows(vehicles):
            own = [one["repair_minor"] for one in told if one["vin"] == car["vin"]]
            due = Newness.NEW if not own else Newness.NEW_DISCLOSED if sum(own) < THRESHOLD else Newness.REPAIRED
            assert car["newness"] == due
            assert car["newness"] >= self.newness.get(car["vin"], 0)
            self.newness[car["vin"]] = car["newness"]
            self.reach(f"car {due.word}", f"car {car['state']}")
            if due is Newness.REPAIRED and car["state"] == VehicleState.DELIVERED.value:
                self.reach("car repaired and delivered")
            if (offer := offered.get(car["vin"])) is not None:
                assert (car["state"], offer["repair_minor"]) == (VehicleState.BUILT.value, sum(own))
        per_order = [one["order_id"] for one in self.rows(repair_offers)]
        if len(per_order) > len(set(per_order)):
            self.reach("offered anew")
        self.reach(*(f"offer {one['state']}" for one in self.rows(repair_offers)))

    @invariant()
    def a_case_that_is_closed_stays_and_is_that_of_who_had_the_car(self) -> None:
        checks = {one["id"]: one for one in self.rows(condition_checks)}
        for case in self.rows(damage_cases):
            self.reach(f"case {case['state']}", f"case of the {case['party']}")
            at_loading = checks[case["check_id"]]["at_hand_over"] == HandOver.LOADED.value
            assert case["party"] == (Party.PLANT if at_loading else Party.CARRIER).value
            if case["state"] == CaseState.CLOSED.value:
                assert self.ended.setdefault(case["id"], dict(case)) == dict(case)

    @invariant()
    def what_stands_free_at_its_store_can_be_sold(self) -> None:
        newest = {one["vin"]: one for one in self.rows(shipments)}
        self.reach(*(f"shipment {one['state']}" for one in self.rows(shipments)))
        free = {
            car["vin"]
            for car in self.rows(vehicles)
            if (car["state"], car["newness"] <= SOLD_FROM_STOCK) == (VehicleState.BUILT.value, True)
            and car["vin"] in newest
            and newest[car["vin"]]["state"] in {one.value for one in RECEIVED}
        }
        with self.trade.works.read(STORE_ADVISER) as work:
            stock = list(queries.own_stock(work, PageRequest(20)).items)
        assert {one.vin for one in stock} == free
        if any(one.newness is Newness.REPAIRED and one.held_until is None for one in stock):
            self.reach("repaired in stock")

    @invariant()
    def an_order_has_a_car_that_its_buyer_agreed_to_or_waits_for_one(self) -> None:
        cars = {one["vin"]: one for one in self.rows(vehicles)}
        with self.trade.works.read(SYSTEM) as work:
            known = queries.orders_by_id(work, [one["id"] for one in self.rows(orders)])
        for order in known.values():
            self.reach(f"order {order_state(order)}")
            if isinstance(order, CancelledOrder | DeliveredOrder):
                assert self.ended.setdefault(order.terms.id, order) == order
            if isinstance(order, CancelledOrder):
                self.reach(f"left by {order.reason}")
                with self.trade.works.read(SYSTEM) as work:
                    kinds = ("earnest", "stock_deposit", "receivable")
                    held = [ledger.balance(work, account(kind, order.terms.id)) for kind in kinds]
                assert held == [0, 0, 0]
            elif isinstance(order, AtStoreOrder | DeliveredOrder):
                car = cars[order.vin]
                agreed = car["consented_for"] == order.terms.id
                assert car["newness"] <= Newness.NEW_DISCLOSED or (car["newness"] == Newness.REPAIRED and agreed)


def test_no_order_of_events_sells_damage_as_new(fresh_url: Callable[[], str]) -> None:
    play(DamageMachine, fresh_url, how=MACHINE, wanted=(*STATES, *REFUSALS), beginnings=BEGINNINGS)
