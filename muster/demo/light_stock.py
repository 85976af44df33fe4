"""The demo brand's light inventory: stores order a few cars, show and sell them, and one store's car goes to another.

A small story of its own, told on its days beside the pools', by the same use cases that the API calls. It draws no
chance: whoever looks at a store finds the same cars there after every seed of one origin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from operator import itemgetter
from typing import Final, TypeAlias

from configurator.model import Choice
from configurator.service import list_price_minor
from configurator.step_service import ConfigureRequest, configure
from factory_orders import queries, service
from factory_orders.errors import AppointmentUnavailable
from factory_orders.model import Newness
from factory_orders.stock.model import StockCar, StockHold, StockPurchase
from kernel.actor import Actor, Role, system
from kernel.identity.queries import persons_of
from kernel.ids import AccountId, StoreId
from kernel.money import Money
from kernel.paging import PageRequest
from kernel.work import Work
from muster.demo.activity import Stage
from muster.demo.crowd import add_consumers, authorise, consumer
from muster.worker import run_until_idle

PUDONG: Final = "shanghai-pudong"
HAIDIAN: Final = "beijing-haidian"
GAOXIN: Final = "chengdu-gaoxin"
BINJIANG: Final = "hangzhou-binjiang"
ADVISERS: Final = {
    PUDONG: "dealer.pudong@qilan.test",
    HAIDIAN: "dealer.haidian@qilan.test",
    GAOXIN: "dealer.gaoxin@qilan.test",
    BINJIANG: "dealer.binjiang@qilan.test",
}
PLANNER: Final = "planner@qilan.test"
NAMED_BUYER: Final = "qingning.yitang@qilan.test"
"""She signs in and finds a car from stock with an appointment for it."""
OWN_PRICE_PER_MILLE: Final = 985
"""A store asks a little less for what stands there than the list says."""
VISITORS: Final = {PUDONG: 148, HAIDIAN: 92, GAOXIN: 71, BINJIANG: 63}
WEEKS_REPORTED: Final = 8
CARS_READ: Final = 50
HOURS_TRIED: Final = 9


@dataclass(frozen=True, slots=True)
class Expected:
    """What a planner expects a store to sell of a model from stock, in thousandths of a car a week."""

    store: str
    model: str
    weekly_milli: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Equal cars that a store's adviser orders for its stock, or the planner for the store."""

    store: str
    model: str
    cars: int
    options: tuple[str, ...] = ()
    by_planner: bool = False


FIRST_PLANS: Final = (
    Expected(PUDONG, "L5", 1_000),
    Expected(PUDONG, "S6", 400),
    Expected(HAIDIAN, "S6", 500),
    Expected(GAOXIN, "M7", 300),
    Expected(BINJIANG, "L5", 300),
)
# More people ask for an L5 in Hangzhou than was thought: what one of Pudong's avoids there is worth its way.
LATER_PLANS: Final = (Expected(BINJIANG, "L5", 900),)
FIRST_ORDERS: Final = (
    Wanted(PUDONG, "L5", 6, ("P_AURORA_BLUE",)),
    Wanted(HAIDIAN, "S6", 3, ("P_CLOUD_WHITE",)),
    Wanted(GAOXIN, "M7", 2),
    Wanted(BINJIANG, "L5", 1, by_planner=True),
)
LATER_ORDERS: Final = (Wanted(PUDONG, "S6", 3, ("P_CLOUD_WHITE",)), Wanted(GAOXIN, "M7", 1))
LAST_ORDERS: Final = (Wanted(HAIDIAN, "S6", 1), Wanted(BINJIANG, "L5", 2, ("P_AURORA_BLUE",), by_planner=True))


Step: TypeAlias = tuple[int, Callable[[], None]]
"""On which day, counted back from the end, somebody does something."""


@dataclass(slots=True)
class LightStock:
    """The story as far as it is told: what is still to come, each with its day, counted back from the end."""

    stage: Stage
    until: datetime
    steps: list[Step] = field(default_factory=list)

    def add(self, *steps: Step) -> None:
        """Take steps into the story, but those before its clock: a shorter story leaves out what came earlier.

        Those of one day are told in the order in which they came.
        """
        today = (self.stage.clock.now() - self.until).days
        self.steps = sorted([*self.steps, *(one for one in steps if one[0] >= today)], key=itemgetter(0))

    def live_a_day(self) -> None:
        """Tell what has come by now, in its order."""
        now = self.stage.clock.now()
        while self.steps and self.until + timedelta(days=self.steps[0][0]) <= now:
            self.steps.pop(0)[1]()
            run_until_idle(self.stage.works, self.stage.chores)

    # --- who acts ---

    def planner(self) -> Actor:
        """Return the planner of the brand."""
        return Actor(self.stage.brand.id, frozenset({Role.PLANNER}), self.stage.accounts[PLANNER])

    def adviser(self, store: str) -> Actor:
        """Return the adviser who signs in for a store, by its code."""
        account_id, store_id = self.stage.accounts[ADVISERS[store]], self.store_id(store)
        return Actor(self.stage.brand.id, frozenset({Role.DEALER}), account_id, store_id=StoreId(store_id))

    def store_id(self, code: str) -> str:
        """Return the id of a store by its code."""
        return next(str(store.id) for store in self.stage.stores if store.code == code)

    def newcomer(self) -> Actor:
        """Return a verified person of the crowd who has not been seen before."""
        (actor,) = add_consumers(self.stage.runtime, self.stage.brand, first_number=self.stage.next_number, count=1)
        self.stage.next_number += 1
        return actor

    def named_buyer(self) -> Actor:
        """Return the buyer who signs in by name."""
        account_id = AccountId(self.stage.accounts[NAMED_BUYER])
        with self.stage.works.read(system(self.stage.brand.id)) as work:
            return consumer(self.stage.brand, account_id, persons_of(work, [account_id])[account_id])

    # --- what they do ---

    def expect(self, plans: Sequence[Expected]) -> None:
        """Let the planner say what stores will sell."""
        with self.stage.works.change(self.planner()) as work:
            for one in plans:
                store_id = self.store_id(one.store)
                service.plan_stock_sales(work, store_id, one.model, weekly_milli=one.weekly_milli)

    def count_visitors(self) -> None:
        """Let each store say how many people came in the weeks before this one."""
        for store, visitors in VISITORS.items():
            with self.stage.works.change(self.adviser(store)) as work:
                today = work.now.astimezone(self.stage.brand.zone).date()
                monday = today - timedelta(days=today.weekday())
                for week in range(1, WEEKS_REPORTED + 1):
                    came = visitors + (week * 7) % 11
                    service.report_visitors(work, week=monday - timedelta(weeks=week), visitors=came)

    def order(self, orders: Sequence[Wanted]) -> None:
        """Let stores order cars for their stock."""
        for one in orders:
            actor = self.planner() if one.by_planner else self.adviser(one.store)
            with self.stage.works.change(actor) as work:
                region = next(store.region for store in self.stage.stores if store.code == one.store)
                choices = tuple(map(Choice, one.options))
                car = configure(work, ConfigureRequest(one.model, choices, region=region)).step.cheapest
                store_id = self.store_id(one.store) if one.by_planner else None
                service.order_stock(work, service.StockRequest(one.model, car.options, one.cars, store_id))

    def price(self, store: str) -> None:
        """Let an adviser name a price for each car that stands there without one."""
        with self.stage.works.change(self.adviser(store)) as work:
            for car in _cars_of(work):
                if car.price_minor is None:
                    version, options = car.catalogue_version_id, car.options
                    listed = list_price_minor(work, version, model=car.model, options=options)
                    service.price_stock_car(work, car.vin, price_minor=_own_price(listed))

    def show(self, store: str, use: Newness) -> None:
        """Let an adviser show the first car that stands there, or give it to who wants to drive one."""
        with self.stage.works.change(self.adviser(store)) as work:
            for car in _cars_of(work)[:1]:
                service.show_stock_car(work, car.vin, use=use)

    def share_out(self) -> None:
        """Let the planner have the free cars shared out; the worker does it."""
        with self.stage.works.change(self.planner()) as work:
            service.ask_for_round(work)

    def accept_moves(self, store: str) -> None:
        """Let an adviser take the cars that the store was offered."""
        with self.stage.works.change(self.adviser(store)) as work:
            for move in queries.moves_made(work, PageRequest(CARS_READ)).items:
                if (move.store_id, move.state.value) == (self.store_id(store), "offered"):
                    service.answer_stock_move(work, move.id, accepts=True)

    def hold(self, store: str, who: Actor) -> StockHold | None:
        """Let somebody have a signed quote of a store's first free car, and hold it; None where no car is free there.

        Holidays move the plant's weeks, so in some years a car comes later than its day of this story.
        """
        with self.stage.works.change(who) as work:
            page = queries.stock_cars(work, PageRequest(CARS_READ), store_id=self.store_id(store))
            for car in page.items:
                if car.held_until is None:
                    return service.hold_stock_car(
                        work, service.ask_stock_quote(work, self.stage.runtime.desk, car.vin).id
                    )
        return None

    def buy(self, hold: StockHold, who: Actor, *, pays: bool = True) -> StockPurchase:
        """Let somebody sign for the car that they hold, and put the deposit down or not."""
        runtime = self.stage.runtime
        with self.stage.works.change(who) as work:
            request = service.BuyRequest(f"stock-{hold.id}", hold.id)
            opened = service.buy_stock_car(work, runtime.desk, runtime.providers, request)
            if not pays:
                return opened
            token = authorise(work, runtime, Money(opened.deposit_minor), reference=opened.id)
            request = service.BuyRequest(f"paid-{hold.id}", hold.id, token)
            return service.buy_stock_car(work, runtime.desk, runtime.providers, request)

    def sell(self, store: str) -> None:
        """Let an adviser price what has come, and somebody from the crowd buy a car; the days see to its handover."""
        self.price(store)
        who = self.newcomer()
        if (held := self.hold(store, who)) is not None:
            self.buy(held, who)

    def sign_without_paying(self, store: str) -> None:
        """Let somebody sign and not put the deposit down: the hold runs out, and the car is free again."""
        who = self.newcomer()
        if (held := self.hold(store, who)) is not None:
            self.buy(held, who, pays=False)

    def end(self, store: str) -> None:
        """Leave a store as one finds it: a car with a buyer and an appointment, another one held."""
        who = self.named_buyer()
        if (held := self.hold(store, who)) is not None:
            tomorrow = self.until.astimezone(self.stage.brand.zone).date() + timedelta(days=1)
            self.book(self.buy(held, who), who, datetime.combine(tomorrow, time(14), self.stage.brand.zone))
        self.hold(store, self.newcomer())

    def book(self, bought: StockPurchase, who: Actor, at: datetime) -> None:
        """Book an appointment, or the next hour that the store names."""
        for _ in range(HOURS_TRIED):
            with self.stage.works.change(who) as work:
                (answer,) = service.book_handovers(work, [(who, service.Booking(bought.id, at))])
            if not isinstance(answer, AppointmentUnavailable) or answer.next_free is None:
                return
            at = answer.next_free


def _cars_of(work: Work) -> Sequence[StockCar]:
    """Return what stands at the adviser's own store for nobody and is held by nobody."""
    return [car for car in queries.own_stock(work, PageRequest(CARS_READ)).items if car.held_until is None]


def _own_price(listed_minor: int) -> int:
    """Return a store's price: a little below the list, in whole hundreds of yuan."""
    return listed_minor * OWN_PRICE_PER_MILLE // 1_000 // 10_000 * 10_000


def begin(stage: Stage, until: datetime) -> LightStock:
    """Return the story of every demo, to be told day by day in the thirteen weeks before `until`."""
    story = LightStock(stage, until)
    story.add(
        (-88, partial(story.expect, FIRST_PLANS)),
        (-88, story.count_visitors),
        (-87, partial(story.order, FIRST_ORDERS)),
        (-44, partial(story.order, LATER_ORDERS)),
        *((-34, partial(story.price, store)) for store in ADVISERS),
        (-33, partial(story.show, PUDONG, Newness.DISPLAY)),
        (-33, partial(story.show, PUDONG, Newness.DEMO)),
        (-33, partial(story.show, HAIDIAN, Newness.DISPLAY)),
        (-30, partial(story.sell, HAIDIAN)),
        (-29, partial(story.sell, GAOXIN)),
        (-26, partial(story.expect, LATER_PLANS)),
        (-26, story.share_out),
        (-25, partial(story.accept_moves, BINJIANG)),
        (-20, partial(story.price, BINJIANG)),
        (-16, partial(story.sign_without_paying, BINJIANG)),
        (-3, partial(story.order, LAST_ORDERS)),
        *((-1, partial(story.price, store)) for store in ADVISERS),
        (-1, story.count_visitors),
        (0, partial(story.end, PUDONG)),
    )
    return story


def begin_beside(stage: Stage, until: datetime) -> Callable[[], None]:
    """Return what tells a day of it beside another story."""
    return begin(stage, until).live_a_day
