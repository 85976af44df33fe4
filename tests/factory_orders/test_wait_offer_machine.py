"""Any order of offers, answers, ends, plant reports, lost money and days keeps what those who wait were offered.

The runs of `dev.py test` are the same each time, and together they must reach every state and refusal that is listed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from demand.service import PoolPlan, cancel_pool
from factory_orders import queries, service
from factory_orders.model import (
    CancelledOrder,
    DeliveredOrder,
    Order,
    PlantReport,
    Stage,
    WaitOffer,
    WaitOfferState,
    order_state,
)
from factory_orders.plant.model import BEFORE_THE_LINE
from factory_orders.pools_service import SUBSCRIPTIONS as POOL_SUBSCRIPTIONS
from factory_orders.pools_service import open_pool
from factory_orders.service import SUBSCRIPTIONS, TIMERS
from factory_orders.waiting import service as waiting
from factory_orders.waiting.rows import offer_from
from factory_orders.waiting.tables import wait_offers
from kernel import ledger, outbox
from kernel.ledger import account, ledger_transfers
from kernel.timers import fire_due
from tests.configurator.small_brand import PLANNER
from tests.conftest import MONDAY_MORNING
from tests.demand.pool_room import TIERS
from tests.factory_orders.machines import FactoryMachine, play
from tests.factory_orders.trade import BUILD, PLANT_MACHINE, SYSTEM, buyer

BEGINNINGS: Final = ("locked", "offered", "accepted", "built")
MACHINE: Final = settings(max_examples=settings().max_examples * 2 // 15, stateful_step_count=18, deadline=None)
BUYERS: Final = (1, 2, 3)
FAR_WEEK: Final = date(2027, 2, 8)
"""Eight weeks after the lock: longer than anybody should wait."""
WHICH: Final = st.integers(0, 2)
FACTS: Final[dict[str, st.SearchStrategy[dict[str, Any]]]] = {
    "look": st.just({}),
    "answer": st.fixed_dictionaries(
        {"which": WHICH, "accepts": st.booleans(), "another": st.sampled_from([False, False, False, True])}
    ),
    "leave": st.fixed_dictionaries({"which": WHICH, "by_maker": st.booleans()}),
    "report": st.fixed_dictionaries({"which": WHICH, "steps": st.integers(1, 5)}),
    "scrap": st.fixed_dictionaries({"which": WHICH}),
    "go_on": st.fixed_dictionaries({"which": WHICH}),
    "take_back": st.fixed_dictionaries({"which": WHICH}),
    "wait": st.fixed_dictionaries({"days": st.sampled_from([0, 1, 6, 8, 30])}),
}
OFTEN: Final = ("answer",) * 6 + ("wait",) * 3 + ("report",) * 2 + ("go_on",) * 3 + ("look",) * 2
STEPS: Final = st.sampled_from((*OFTEN, "leave", "scrap", "take_back")).flatmap(
    lambda name: st.tuples(st.just(name), FACTS[name])
)
STATES: Final = (
    *(f"offer {one.value}" for one in WaitOfferState),
    *(f"order {one}" for one in ("scheduled", "built", "at_store", "delivered", "cancelled")),
    *(f"left by {one}" for one in ("buyer", "wait_declined", "no paint", "payment_lost")),
    "credited",
    "accepted and left",
    "accepted and begun",
    "open and begun",
)
REFUSALS: Final = ("WAIT_OFFER_OVER", "NOT_FOUND", "ORDER_NOT_CANCELLABLE")


class WaitOfferMachine(FactoryMachine):
    """Three buyers of a pool whose plant builds two months later."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: dict[str, tuple[object, ...]] = {}
        self.number = 0

    @initialize()
    def begin(self) -> None:
        """Lock a pool, and begin where it gets interesting."""
        with self.room.works.change(PLANNER) as work:
            near = open_pool(work, PoolPlan(self.room.cls, 8, minimum=3, tiers=TIERS)).pool.head.id
            cancel_pool(work, near, reason="the line is rebuilt")
        self.deliver(POOL_SUBSCRIPTIONS)
        self.close_weeks_before()
        with self.room.works.change(PLANNER) as work:
            open_pool(work, PoolPlan(self.room.cls, 8, minimum=3, tiers=TIERS), first_week=FAR_WEEK)
        self.ids = [one.pre_order_id for one in self.room.join(*BUYERS)]
        self.room.pass_time(days=21)
        self.deliver(POOL_SUBSCRIPTIONS)
        steps = BEGINNINGS.index(self.beginning)
        if steps >= 1:
            self.look()
        if steps >= 2:
            self.answer(0, True, False)
            self.answer(1, False, False)
            self.leave(2, False)
        if steps >= 3:
            for _ in range(3):
                self.go_on(0)

    def close_weeks_before(self) -> None:
        """Let the plant be full until the far week."""
        week = FAR_WEEK - timedelta(weeks=1)
        while week > MONDAY_MORNING.date():
            closed = {"week": week, "resource": "slot", "capacity": 0}
            self.change(PLANNER, lambda work, closed=closed: service.change_capacity(work, "fir_north", **closed))  # type: ignore[misc]
            week -= timedelta(weeks=1)

    @rule(step=STEPS)
    def step(self, step: tuple[str, dict[str, Any]]) -> None:
        """Take one step: a single rule, since of many Hypothesis switches off half in each run and no life gets far."""
        name, facts = step
        getattr(self, name)(**facts)

    # --- the offer ---

    def look(self) -> None:
        """Do what the worker does each morning; whoever has an offer gets no other."""
        with self.room.works.change(SYSTEM) as work:
            waiting.offer_long_waits(work)
        with self.room.works.change(SYSTEM) as work:
            assert waiting.offer_long_waits(work) == []

    def answer(self, which: int, accepts: bool, another: bool) -> None:
        """Answer an offer as its buyer or as somebody else; the same answer twice is one."""
        offer = self.offer_of(self.ids[which])
        if offer is None:
            return
        who = buyer(BUYERS[which - 1] if another else BUYERS[which])
        act = waiting.accept_wait_offer if accepts else waiting.decline_wait_offer
        refused = self.change(who, lambda work: act(work, offer.id))
        if another:
            assert refused is not None and refused.code == "NOT_FOUND"
        elif refused is None:
            self.change(who, lambda work: act(work, offer.id))
            wanted = WaitOfferState.ACCEPTED if accepts else WaitOfferState.DECLINED
            answered = self.offer_of(self.ids[which])
            assert answered is not None and answered.state is wanted
        else:
            assert self.offer_of(self.ids[which]) == offer

    # --- what happens besides ---

    def leave(self, which: int, by_maker: bool) -> None:
        if by_maker:
            self.change(PLANNER, lambda work: service.cancel_order_by_maker(work, self.ids[which], reason="no paint"))
        else:
            self.change(buyer(BUYERS[which]), lambda work: service.cancel_order(work, self.ids[which]))

    def report(self, which: int, steps: int, *, ends: tuple[Stage, ...] = BUILD) -> None:
        """Let the plant go on with a car."""
        for _ in range(steps):
            built = self.build_order(which)
            if built is None or built.stage not in (Stage.QUEUED, *ends[:-1]):
                return
            done = 0 if built.stage is Stage.QUEUED else ends.index(built.stage) + 1
            self.number += 1
            told, build_order_id = PlantReport(f"e{self.number}", ends[done], self.clock.now()), built.id
            self.change(PLANT_MACHINE, partial(service.report_plant_event, build_order_id=build_order_id, report=told))

    def scrap(self, which: int) -> None:
        """Scrap a car on the line: its order goes back to the plan, and may get another day."""
        self.report(which, 3, ends=(Stage.PARTS_READY, Stage.BODY, Stage.SCRAPPED))
        self.deliver(SUBSCRIPTIONS)

    def go_on(self, which: int) -> None:
        """Take the next steps towards the handover."""
        order_id, who = self.ids[which], buyer(BUYERS[which])
        match order_state(self.order(order_id)):
            case "scheduled":
                self.report(which, 5)
            case "built" | "in_transit":
                self.attempt(lambda: self.trade.ship(order_id))
                self.attempt(lambda: self.trade.receive(order_id))
            case "at_store":
                self.attempt(lambda: self.trade.hand_over(order_id, who=who))
            case _:
                pass
        self.deliver(SUBSCRIPTIONS)

    def take_back(self, which: int) -> None:
        """Let the bank take a deposit back: the order of a car that is not begun ends."""
        self.room.settle()
        if self.ids[which] not in self.answered:
            self.attempt(lambda: self.room.charge_back(self.ids[which]))
            self.answered.setdefault(self.ids[which], ("taken back",))
            self.deliver(POOL_SUBSCRIPTIONS)

    def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days, hours=1))
        while fire_due(self.room.works, TIMERS):
            pass
        self.room.settle()
        self.deliver(SUBSCRIPTIONS)

    def deliver(self, subscriptions: Any) -> None:
        while outbox.deliver(self.room.works, subscriptions):
            pass

    # --- by what the steps go ---

    def order(self, order_id: str) -> Order:
        with self.room.works.read(SYSTEM) as work:
            return queries.orders_by_id(work, [order_id])[order_id]

    def build_order(self, which: int) -> Any:
        with self.room.works.read(SYSTEM) as work:
            return queries.build_orders_of_orders(work, [self.ids[which]]).get(self.ids[which])

    def offers(self) -> list[WaitOffer]:
        with self.room.works.read(SYSTEM) as work:
            rows = work.connection.execute(select(wait_offers).order_by(wait_offers.c.id)).mappings().all()
        return [offer_from(row) for row in rows]

    def offer_of(self, order_id: str) -> WaitOffer | None:
        return next((one for one in self.offers() if one.order_id == order_id), None)

    # --- what never breaks ---

    @invariant()
    def nobody_has_two_offers_and_what_was_answered_stays(self) -> None:
        known = self.offers()
        assert len({one.order_id for one in known}) == len(known)
        for one in known:
            self.reach(f"offer {one.state.value}")
            assert one.waits_days > 45
            assert (one.answered_at is not None) == (one.state in (WaitOfferState.ACCEPTED, WaitOfferState.DECLINED))
            if one.state is not WaitOfferState.OPEN:
                told = (one.state, one.answered_at, one.credit_minor)
                assert self.answered.setdefault(one.id, told) == told

    @invariant()
    def an_order_is_as_its_offer_says(self) -> None:
        for order_id in self.ids:
            order, offer = self.order(order_id), self.offer_of(order_id)
            self.reach(f"order {order_state(order)}")
            if isinstance(order, CancelledOrder):
                self.reach(f"left by {order.reason}")
            if offer is None:
                continue
            is_over = isinstance(order, CancelledOrder | DeliveredOrder)
            assert not (is_over and offer.state is WaitOfferState.OPEN)
            if offer.state is WaitOfferState.DECLINED:
                assert isinstance(order, CancelledOrder) and order.reason == "wait_declined"
            elif isinstance(order, CancelledOrder) and offer.state is WaitOfferState.ACCEPTED:
                self.reach("accepted and left")
            self.note_begun(order_id, offer)

    def note_begun(self, order_id: str, offer: WaitOffer) -> None:
        built = self.build_order(self.ids.index(order_id))
        if built is not None and built.stage not in BEFORE_THE_LINE:
            self.reach(f"{offer.state.value} and begun")

    @invariant()
    def a_credit_comes_once_with_the_car_of_who_stayed(self) -> None:
        self.deliver(SUBSCRIPTIONS)
        table = ledger_transfers.c
        with self.room.works.read(SYSTEM) as work:
            found = select(table.reference, table.amount_minor, table.credit_account).where(table.kind == "wait_credit")
            booked = work.connection.execute(found).all()
            for order_id in self.ids:
                held = ledger.balance(work, account("earnest", order_id))
                assert held == 0 or not isinstance(queries.orders_by_id(work, [order_id])[order_id], CancelledOrder)
        due = [
            (one.order_id, one.credit_minor, str(account("payable", one.account_id)))
            for one in self.offers()
            if one.state is WaitOfferState.ACCEPTED and isinstance(self.order(one.order_id), DeliveredOrder)
        ]
        assert sorted((row[0], row[1], str(row[2])) for row in booked) == sorted(due)
        if due:
            self.reach("credited")


def test_no_order_of_events_breaks_an_offer_to_wait(fresh_url: Callable[[], str]) -> None:
    play(WaitOfferMachine, fresh_url, how=MACHINE, wanted=(*STATES, *REFUSALS), beginnings=BEGINNINGS)
