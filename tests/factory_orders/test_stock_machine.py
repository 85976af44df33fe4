"""Any order of prices, quotes, holds, purchases, late money, moves and damage sells a stock car once at most.

The runs of `dev.py test` are the same each time, and together they must reach every state and refusal that is listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import RowMapping, select

from factory_orders import queries, service
from factory_orders.deliveries.tables import handovers, shipments
from factory_orders.model import (
    AtStoreOrder,
    CancelledOrder,
    CheckedPoint,
    DeliveredOrder,
    Handover,
    Newness,
    order_state,
)
from factory_orders.policies import HandoverPolicy
from factory_orders.stock.model import Liveness, PurchaseState
from factory_orders.stock.tables import stock_holds, stock_purchases, stock_quotes
from factory_orders.vehicles.tables import vehicles
from kernel import ledger, payments
from kernel.actor import Actor
from kernel.ids import StoreId
from kernel.ledger import account
from kernel.money import Money
from kernel.paging import PageRequest
from kernel.payments import PaymentState, carry_out_refunds
from kernel.payments.tables import payments as payments_table
from kernel.sandbox import DECLINED_PREFIX, sandbox_entries
from kernel.timers import fire_due
from tests.configurator.small_brand import DESK, EAST_STORE, NORTH_STORE
from tests.factory_orders.machines import FactoryMachine, play
from tests.factory_orders.purchasing import DEPOSIT, OWN, buy, call_back, hear, token
from tests.factory_orders.test_light_stock import drive, plan, share
from tests.factory_orders.test_stock import PRICE, set_price
from tests.factory_orders.test_stock_orders import car_of, order, way_of
from tests.factory_orders.trade import OTHER_STORE, STORE_ADVISER, SYSTEM, buyer

BEGINNINGS: Final = ("priced", "held", "opened", "bought", "paid", "moved", "tardy")
MACHINE: Final = settings(max_examples=settings().max_examples * 2 // 15, stateful_step_count=15, deadline=None)
PERSONS: Final = (7, 8)
ADVISERS: Final = {EAST_STORE: STORE_ADVISER, NORTH_STORE: OTHER_STORE}
WHO: Final = st.sampled_from(PERSONS)
CAR: Final = st.integers(0, 1)
INDEX: Final = st.integers(0, 9)
FACTS: Final[dict[str, st.SearchStrategy[dict[str, Any]]]] = {
    "price": st.fixed_dictionaries({"car": CAR, "price": st.sampled_from([PRICE, PRICE, PRICE - 100_000])}),
    "take": st.fixed_dictionaries({"who": WHO, "car": CAR, "index": INDEX}),
    "release": st.fixed_dictionaries({"who": WHO, "index": INDEX}),
    "sign": st.fixed_dictionaries(
        {
            "who": WHO,
            "index": st.sampled_from([0, 0, 0, 1, 2]),
            "how": st.sampled_from(["later", "later", "paid", "paid", "declined", "short", "another's", "again"]),
        }
    ),
    "tell": st.fixed_dictionaries({"index": st.integers(0, 3), "short": st.sampled_from([False, False, False, True])}),
    "wait": st.fixed_dictionaries({"minutes": st.sampled_from([1, 31, 31, 26 * 60, 49 * 60, 40 * 24 * 60])}),
    "use": st.fixed_dictionaries({"car": CAR, "use": st.sampled_from([Newness.DISPLAY, Newness.DEMO])}),
    "send_on": st.fixed_dictionaries({"damage": st.sampled_from([None, 9_000, 900_000])}),
    "go_on": st.fixed_dictionaries({"index": st.integers(0, 1), "steps": st.integers(1, 5)}),
    "leave": st.fixed_dictionaries({"who": WHO, "index": INDEX}),
    "reject": st.fixed_dictionaries({"index": INDEX}),
    "take_back": st.fixed_dictionaries({"index": INDEX}),
}
OFTEN: Final = ("take",) * 4 + ("sign",) * 4 + ("tell",) * 3 + ("wait",) * 2 + ("go_on",) * 3 + ("price",) * 2
SELDOM: Final = ("release", "leave", "reject", "take_back", "use", "send_on")
STEPS: Final = st.sampled_from((*OFTEN, *SELDOM)).flatmap(lambda name: st.tuples(st.just(name), FACTS[name]))
STATES: Final = (
    *(f"quote {one.value}" for one in Liveness),
    *(f"hold {one}" for one in ("held", "bought", "released", "replaced", "expired")),
    *(f"purchase {one.value}" for one in PurchaseState),
    *(f"order {one}" for one in ("at_store", "delivered", "cancelled")),
    *(f"left by {one}" for one in ("buyer", "payment_lost", "balance_unpaid")),
    *(f"car {one}" for one in ("new", "new_disclosed", "repaired", "display", "demo")),
    *(f"money {one}" for one in ("received", "returned", "late", "repeated", "charged_back")),
)
REFUSALS: Final = (
    "STOCK_CAR_HELD",
    "STOCK_QUOTE_DEAD",
    "STOCK_HOLD_OVER",
    "PAYMENT_AMOUNT_MISMATCH",
    "PAYMENT_ALREADY_MADE",
    "AUTHORISATION_NOT_YOURS",
    "IDEMPOTENCY_MISMATCH",
    "NOT_FOUND",
    "ORDER_NOT_CANCELLABLE",
)


class StockMachine(FactoryMachine):
    """Two equal cars that a store ordered, two stores, two people who want one."""

    seed = 9

    def __init__(self) -> None:
        super().__init__()
        self.vins: list[str] = []
        self.newness: dict[str, int] = {}
        self.ended: dict[str, object] = {}
        self.told = 0

    @initialize()
    def begin(self) -> None:
        """Bring two cars to the store as any car comes there, and begin where it gets interesting."""
        plan(self.trade, EAST_STORE, 1_000)
        made = order(self.trade, cars=2)
        for place in (1, 2):
            vin = self.trade.build(car_of(self.trade, made, place))
            drive(self.trade, way_of(self.trade, vin))
            self.receive(vin, way_of(self.trade, vin), None, STORE_ADVISER)
            set_price(self.trade, vin)
            self.vins.append(vin)
        match self.beginning:
            case "priced":
                self.take(7, 0, 0)
                self.release(7, 0)
                self.price(0, PRICE - 100_000)
                self.take(7, 0, 1)
                self.use(0, Newness.DISPLAY)
                self.use(1, Newness.DEMO)
            case "held":
                self.take(7, 0, 0)
                self.take(8, 0, 1)
                for how in ("short", "another's", "later"):
                    self.sign(7, 0, how)
                self.wait(31)
                self.tell(0, False)
                self.wait(49 * 60)
                self.take(7, 0, 1)
                self.take(7, 0, 0)
                self.take(7, 1, 0)
            case "opened":
                self.take(7, 0, 0)
                for how in ("later", "again", "again"):
                    self.sign(7, 0, how)
                self.leave(7, 0)
                self.take(8, 1, 0)
                self.sign(8, 0, "later")
            case "moved":
                self.send_on(9_000)
                self.send_on(900_000)
            case _:
                self.take(7, 0, 0)
                self.sign(7, 0, "later")
                self.tell(0, False)
                if self.beginning == "paid":
                    self.go_on(0, 3)
                    self.leave(7, 0)
                elif self.beginning == "tardy":
                    for _ in range(3):
                        self.wait(40 * 24 * 60)

    @rule(step=STEPS)
    def step(self, step: tuple[str, dict[str, Any]]) -> None:
        """Take one step: a single rule, since of many Hypothesis switches off half in each run and no life gets far."""
        name, facts = step
        getattr(self, name)(**facts)

    # --- the store ---

    def price(self, car: int, price: int) -> None:
        who = ADVISERS[self.place_of(self.vins[car])]
        self.attempt(lambda: set_price(self.trade, self.vins[car], price, who))

    def use(self, car: int, use: Newness) -> None:
        who = ADVISERS[self.place_of(self.vins[car])]
        self.change(who, lambda work: service.show_stock_car(work, self.vins[car], use=use))

    def send_on(self, damage: int | None) -> None:
        """Share the free cars out; what another store wants more goes there, and may come damaged."""
        there = self.place_of(self.vins[0])
        other = NORTH_STORE if there == EAST_STORE else EAST_STORE
        plan(self.trade, there, 0)
        plan(self.trade, other, 2_000)
        share(self.trade)
        with self.trade.works.read(SYSTEM) as work:
            offered = [one for one in queries.moves_made(work, PageRequest(20)).items if one.state.value == "offered"]
        for one in offered:
            answerer = ADVISERS[StoreId(one.store_id)]
            self.change(answerer, lambda work, one=one: service.answer_stock_move(work, one.id, accepts=True))  # type: ignore[misc]
            way = self.newest_way(one.vin)
            if way["inspected_at"] is None:
                drive(self.trade, way["id"])
                self.receive(one.vin, way["id"], damage, answerer)
                self.attempt(lambda one=one, answerer=answerer: set_price(self.trade, one.vin, PRICE, answerer))  # type: ignore[misc]

    def receive(self, vin: str, way: str, damage: int | None, who: Actor) -> None:
        told = None if damage is None else service.Damage("dent", damage)
        self.change(who, lambda work: service.inspect_arrival(work, way, vin=vin, damage=told))

    # --- who wants a car ---

    def take(self, who: int, car: int, index: int) -> None:
        """Ask for a quote, or take one of before, and hold its car; a live quote is never refused."""
        if index == 0 or not (known := self.rows(stock_quotes)):
            self.change(buyer(who), lambda work: service.ask_stock_quote(work, DESK, self.vins[car]))
            known = self.rows(stock_quotes)
            if not known:
                return
        quote = known[-1 - index % len(known)]
        with self.trade.works.read(SYSTEM) as work:
            seen = queries.stock_quote(work, quote["id"])
            standing = queries.quotes_standing(work, [quote["id"]])[quote["id"]]
        assert seen is not None
        assert standing.liveness is seen.liveness
        self.reach(f"quote {seen.liveness.value}")
        refused = self.change(buyer(who), lambda work: service.hold_stock_car(work, quote["id"]))
        assert refused is None or seen.liveness is not Liveness.LIVE

    def release(self, who: int, index: int) -> None:
        if rows := self.rows(stock_holds):
            self.change(buyer(who), lambda work: service.release_stock_car(work, rows[-1 - index % len(rows)]["id"]))

    def sign(self, who: int, index: int, how: str) -> None:
        """Sign for a held car and pay the deposit: at once, later, too little, with another's wallet, twice."""
        rows = [one for one in self.rows(stock_holds) if one["account_id"] == buyer(who).account_id] or self.rows(
            stock_holds
        )
        if not rows:
            return
        hold = rows[-1 - index % len(rows)]
        self.told += 1
        reference = f"{DECLINED_PREFIX if how == 'declined' else ''}auth-{self.told}"
        given = None
        if how in ("paid", "declined", "again"):
            given = token(self.trade, buyer(who), reference=reference)
        elif how == "short":
            given = token(self.trade, buyer(who), Money(DEPOSIT.minor - 1), reference=reference)
        elif how == "another's":
            given = token(self.trade, buyer(9), reference=reference)
        key = f"key of {hold['id']}" if how == "again" else f"key number {self.told}"
        self.attempt(lambda: buy(self.trade, hold["id"], who=buyer(who), key=key, given=given))

    def tell(self, index: int, short: bool) -> None:
        """Deliver the word that a deposit came: in time, late, too little, once more."""
        if not (rows := self.rows(stock_purchases)):
            return
        purchase = rows[-1 - index % len(rows)]
        self.told += 1
        amount = Money(100) if short else DEPOSIT
        heard = call_back(self.trade, purchase["payment_id"], amount, reference=f"pay-{self.told}")
        self.reach(f"money {heard.outcome}")
        again = call_back(self.trade, purchase["payment_id"], amount, reference=f"pay-{self.told}")
        self.reach(f"money {again.outcome}")
        assert again.outcome != "received"

    # --- who bought one ---

    def go_on(self, index: int, steps: int) -> None:
        """Take the next steps towards the handover of a bought car."""
        if (purchase := self.bought(index)) is None:
            return
        who = next(buyer(one) for one in PERSONS if buyer(one).account_id == purchase["account_id"])
        for _ in range(steps):
            with self.trade.works.read(SYSTEM) as work:
                known = queries.handovers_of_orders(work, [purchase["id"]])[purchase["id"]]
            state = known[-1].state.value if known else "none"
            if state in ("none", "rejected"):
                self.attempt(lambda: self.trade.book(purchase["id"], who=who))
            elif state == "booked":
                self.attempt(lambda known=known: self.inspect(known[-1]))  # type: ignore[misc]
            elif state == "inspected":
                self.change(who, lambda work: service.accept_disclosures(work, purchase["id"]))
                self.attempt(
                    lambda known=known: self.trade.pay(known[-1], self.trade.ask_balance(known[-1], who=who), who=who)  # type: ignore[misc]
                )
            else:
                self.attempt(lambda known=known: self.trade.sign(known[-1], who=who))  # type: ignore[misc]

    def inspect(self, handover: Handover) -> None:
        points = [CheckedPoint(point, True) for point in HandoverPolicy().checklist]
        with self.trade.works.change(ADVISERS[StoreId(handover.store_id)]) as work:
            service.inspect_handover(work, handover.id, vin=handover.vin, points=points)

    def leave(self, who: int, index: int) -> None:
        if (purchase := self.bought(index)) is not None:
            self.change(buyer(who), lambda work: service.cancel_order(work, purchase["id"]))

    def reject(self, index: int) -> None:
        rows = [one for one in self.rows(handovers) if one["ended_at"] is None]
        if rows:
            one = rows[index % len(rows)]
            (purchase,) = [row for row in self.rows(stock_purchases) if row["id"] == one["order_id"]]
            who = next(buyer(name) for name in PERSONS if buyer(name).account_id == purchase["account_id"])
            self.change(who, lambda work: service.reject_handover(work, one["id"], "not as told"))

    def take_back(self, index: int) -> None:
        """Let a bank take a deposit back that came."""
        table = payments_table.c
        captured = select(sandbox_entries.c.key).where(sandbox_entries.c.key == "capture:" + table.provider_reference)
        found = select(payments_table).where(table.state == PaymentState.RECEIVED.value, captured.exists())
        with self.trade.works.read(SYSTEM) as work:
            rows = work.connection.execute(found.order_by(table.id)).mappings().all()
        if rows:
            one = rows[index % len(rows)]
            back = self.trade.sandbox.charge_back(payment_id=one["id"], reference=one["provider_reference"], wallet="w")
            self.reach(f"money {hear(self.trade, back.headers, back.body).outcome}")

    def wait(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        self.settle()

    def settle(self) -> None:
        while fire_due(self.trade.works, service.TIMERS):
            pass
        providers = {"sandbox": self.trade.sandbox}
        payments.capture_due(self.trade.works, providers, OWN)
        carry_out_refunds(self.trade.works, providers)

    # --- by what the steps go ---

    def bought(self, index: int) -> RowMapping | None:
        rows = [one for one in self.rows(stock_purchases) if one["state"] == PurchaseState.BOUGHT.value]
        return rows[-1 - index % len(rows)] if rows else None

    def newest_way(self, vin: str) -> RowMapping:
        return [one for one in self.rows(shipments) if one["vin"] == vin][-1]

    def place_of(self, vin: str) -> Any:
        return self.newest_way(vin)["store_id"]

    # --- what never breaks ---

    @invariant()
    def a_car_has_one_taker_and_its_price_is_the_quotes(self) -> None:
        quotes = {one["id"]: one for one in self.rows(stock_quotes)}
        takers: dict[str, int] = {}
        for one in self.rows(stock_holds):
            self.reach(f"hold {one['reason'] or 'held'}")
            takers[one["vin"]] = takers.get(one["vin"], 0) + (one["ended_at"] is None)
        for row in self.rows(stock_purchases):
            self.reach(f"purchase {row['state']}")
            if row["state"] != PurchaseState.BOUGHT.value:
                continue
            with self.trade.works.read(SYSTEM) as work:
                made = queries.orders_by_id(work, [row["id"]])[row["id"]]
            self.reach(f"order {order_state(made)}")
            assert made.terms.price_minor == quotes[row["quote_id"]]["price_minor"]
            assert (
                row["contract"]["deposit_minor"] + row["contract"]["balance_minor"]
                == quotes[row["quote_id"]]["total_minor"]
            )
            if isinstance(made, CancelledOrder):
                self.reach(f"left by {made.reason}")
            else:
                takers[row["vin"]] = takers.get(row["vin"], 0) + 1
        assert all(count <= 1 for count in takers.values()), takers

    @invariant()
    def money_is_with_the_car_or_goes_back(self) -> None:
        """A deposit lies on its account at most while the car waits for its buyer; else it was spent or is gone."""
        for row in self.rows(stock_purchases):
            with self.trade.works.read(SYSTEM) as work:
                held = ledger.balance(work, account("stock_deposit", row["id"]))
                if row["state"] == PurchaseState.BOUGHT.value:
                    made = queries.orders_by_id(work, [row["id"]])[row["id"]]
                    receivable = ledger.balance(work, account("receivable", row["id"]))
                    if isinstance(made, DeliveredOrder):
                        assert receivable == 0
                    if not isinstance(made, AtStoreOrder):
                        assert held == 0
                else:
                    assert held == 0

    @invariant()
    def no_car_becomes_newer_and_no_end_is_undone(self) -> None:
        for row in self.rows(vehicles):
            assert row["newness"] >= self.newness.get(row["vin"], 0)
            self.newness[row["vin"]] = row["newness"]
            self.reach(f"car {Newness(row['newness']).word}")
        for table in (stock_holds, stock_purchases):
            for one in self.rows(table):
                if one["ended_at"] is not None:
                    told = (one["ended_at"], one["reason"])
                    assert self.ended.setdefault(one["id"] + table.name, told) == told


def test_no_order_of_events_sells_a_stock_car_twice(fresh_url: Callable[[], str]) -> None:
    play(StockMachine, fresh_url, how=MACHINE, wanted=(*STATES, *REFUSALS), beginnings=BEGINNINGS)
