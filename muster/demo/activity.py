"""The demo brand's last weeks: pools that tip and one that fails, cars that are built and handed over.

Told through the rooms' own use cases, day by day, on the story's clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from configurator.errors import OptionExcluded
from configurator.model import Choice, OptionState, PoolingClass
from configurator.queries import list_models
from configurator.service import class_of_car
from configurator.step_service import ConfigureRequest, configure
from demand.pools.model import FailureChoice
from demand.service import PoolPlan, place_pre_orders, release_cubes
from factory_orders.plant.simulation import FAULTLESS, PlantConduct
from factory_orders.pools_service import open_pool
from kernel import registry
from kernel.actor import Actor, system
from kernel.clock import FixedClock
from kernel.errors import Refusal
from kernel.identity.queries import persons_of
from kernel.ids import AccountId
from kernel.notice_sending import send_due
from kernel.notices import Address, Message
from kernel.registry import Brand, Store
from kernel.work import Work, Works
from muster.daily import DAILY_TIMER
from muster.demo.crowd import Buyer, Car, add_buyers, consumer, equip
from muster.demo.hands import Finding, nothing_found, work_a_day
from muster.demo.plant import Tally
from muster.demo.wishes import wish
from muster.settings import Settings
from muster.telling import IdentityAddresses
from muster.wiring import Runtime, wire
from muster.worker import Chores, run_until_idle

CHANCE_SEED: Final = 7
WISHES_PER_CAR: Final = 5
DESIGNS: Final = 14
AT_ONCE: Final = 2_000
"""Letters and notices of the past in one change: nobody waits for them."""
WAITING: Final = frozenset({"songyan.jingchen"})


@dataclass(frozen=True, slots=True)
class Story:
    """One pool of the demo: its first day, counted from the end, its cars, how many people come, and who by name."""

    day: int
    model: str
    wanted: tuple[str, ...]
    people: int
    personas: tuple[str, ...] = ()
    failure: FailureChoice = FailureChoice.REFUND
    all_agreed: bool = False


STORIES: Final = (
    # Tipped long ago: cars of it are on the road, at stores, on trucks and on the line.
    Story(-84, "L5", (), 64, ("xingcha.ruochuan", "songyan.jingchen", "mochuan.zhibai")),
    # Did not tip: half of its members took their money, the others rolled on.
    Story(-42, "S6", (), 33, failure=FailureChoice.ROLL),
    # Tipped last week: its orders are scheduled.
    Story(-28, "L5", ("PT_PHEV_18",), 68, ("yueqiao.siyao",)),
    # Frozen since yesterday: joins go on, nobody leaves; on Wednesday it clears.
    Story(-19, "M7", (), 66, ("banmu.anhe",)),
    # Open, and one short of tipping: whoever joins next tips it. It freezes after the week that the story ends in.
    Story(-9, "L5", (), 59, all_agreed=True),
    # Open and past its first tier.
    Story(-7, "S6", (), 64, ("yuanfan.zizhou",)),
)


class _Silent:
    """Takes the notices of the past, which nobody waits for."""

    name: Final = "past"

    def reaches(self, address: Address) -> bool:
        return True

    def send(self, messages: Sequence[Message]) -> Mapping[str, str]:
        return {}


@dataclass(slots=True)
class Stage:
    """What the story is told with."""

    works: Works
    clock: FixedClock
    runtime: Runtime
    chores: Chores
    brand: Brand
    accounts: Mapping[str, AccountId]
    chance: random.Random
    stores: Sequence[Store]
    options: Mapping[str, tuple[str, ...]]
    waiting: frozenset[str]
    conduct: PlantConduct = FAULTLESS
    conducts: Mapping[str, PlantConduct] = field(default_factory=dict)
    find: Finding = nothing_found
    tally: Tally = field(default_factory=Tally)
    next_number: int = 1
    people: list[Actor] = field(default_factory=list)
    beside: list[Callable[[], None]] = field(default_factory=list)
    """What else is told of each day, once its work is done."""
    aside: set[str] = field(default_factory=set)
    """Build orders whose cars stand aside at their plant."""

    def pass_time(self, until: datetime) -> None:
        """Let days go by: timers fire, news arrives, the plant builds and the trucks drive."""
        while self.clock.now() < until:
            self.clock.set(min(self.clock.now() + timedelta(days=1), until))
            self.live_a_day()

    def live_a_day(self) -> None:
        """Do what is due now: for the worker, the plants, the trucks, the stores and the buyers."""
        run_until_idle(self.works, self.chores)
        done = work_a_day(
            self.works,
            self.runtime.sandbox,
            self.brand,
            waiting=self.waiting,
            conduct=self.conduct,
            conducts=self.conducts,
            find=self.find,
            aside=frozenset(self.aside),
        )
        self.tally.add(done)
        run_until_idle(self.works, self.chores)
        for tell in self.beside:
            tell()


def play(
    works: Works,
    clock: FixedClock,
    settings: Settings,
    brand: Brand,
    accounts: Mapping[str, AccountId],
    *,
    until: datetime,
    say: Callable[[str], None],
    beside: Callable[[Stage, datetime], Callable[[], None]],
) -> None:
    """Tell the story of a brand up to a moment; `beside` returns what else is told of each day."""
    stage = set_stage(works, clock, settings, brand, accounts)
    stage.beside.append(beside(stage, until))
    for number, story in enumerate(STORIES, start=1):
        say(f"{brand.code}: pool {number} of {len(STORIES)}, {story.people} people")
        stage.pass_time(until + timedelta(days=story.day) + timedelta(hours=2))
        gather(stage, story)
    say(f"{brand.code}: proposals and votes")
    wish(works, brand, stage.people[::3], stage.chance)
    say(f"{brand.code}: up to today")
    stage.pass_time(until)
    with works.change(system(brand.id)) as work:
        release_cubes(work)
    run_until_idle(works, stage.chores)


def set_stage(
    works: Works, clock: FixedClock, settings: Settings, brand: Brand, accounts: Mapping[str, AccountId]
) -> Stage:
    """Wire a brand on the clock of a story; the mornings and the notices of the past are left out."""
    runtime = wire(settings, works=works)
    quiet = partial(send_due, channels=[_Silent()], addresses=IdentityAddresses(), batch_max=AT_ONCE, part_max=AT_ONCE)
    # The mornings of the past are left out: one release of statistics at the end says the same.
    hourly = {kind: handler for kind, handler in runtime.chores.timers.items() if kind != DAILY_TIMER}
    chores = replace(runtime.chores, timers=hourly, loops=(*runtime.chores.loops[:-1], quiet), letters_max=AT_ONCE)
    with works.read(system(brand.id)) as work:
        stores = registry.list_stores(work)
        options = free_options(work)
    waiting = frozenset(account_id for email, account_id in accounts.items() if email.partition("@")[0] in WAITING)
    chance = random.Random(CHANCE_SEED)
    return Stage(works, clock, runtime, chores, brand, accounts, chance, stores, options, waiting)


def free_options(work: Work) -> dict[str, tuple[str, ...]]:
    """Return by model what may be chosen within a class."""
    return {
        model.code: tuple(
            option.code
            for category in model.categories
            if category.code not in ("Powertrain", "Trim")
            for option in category.options
            if not option.long_lead
        )
        for model in list_models(work)
    }


def gather(stage: Stage, story: Story) -> None:
    """Open a story's pool and let its people come over the days before its freeze."""
    with stage.works.change(system(stage.brand.id)) as work:
        cls = class_of(work, story)
        open_pool(work, PoolPlan(cls, capacity=400))
    cars = cars_of(stage, story, cls)
    buyers = add_buyers(stage.runtime, stage.brand, cars, first_number=stage.next_number)
    stage.next_number += len(cars)
    stage.people.extend(buyer.actor for buyer in buyers)
    buyers += _personas(stage, story, cls)
    stage.chance.shuffle(buyers)
    with stage.works.change(system(stage.brand.id)) as work:
        requests = [
            replace(buyer.request(price_cap_minor=_cap(stage, story, buyer)), failure_choice=story.failure)
            for buyer in buyers
        ]
        outcomes = place_pre_orders(work, stage.runtime.providers, requests)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert not refused, refused[0]


def class_of(work: Work, story: Story) -> PoolingClass:
    """Return the class of the cheapest car with what a story wants."""
    car = configure(work, ConfigureRequest(story.model, tuple(map(Choice, story.wanted)), region="east")).step.cheapest
    return class_of_car(work, model=story.model, options=car.options, region="east")


def _cap(stage: Stage, story: Story, buyer: Buyer) -> int:
    """Most pay their own price; some wait for a tier and cap a little below it."""
    patient = stage.chance.random() < 0.04 and not story.all_agreed
    return buyer.vehicle_price_minor * 985 // 1000 if patient else buyer.vehicle_price_minor


def cars_of(stage: Stage, story: Story, cls: PoolingClass) -> list[Car]:
    """Return what a story's people want: a few designs, each chosen by some of them."""
    designs = design_cars(stage, story.model, cls, count=DESIGNS)
    return [stage.chance.choice(designs) for _ in range(story.people)]


def design_cars(stage: Stage, model: str, cls: PoolingClass, *, count: int, first: str = "") -> list[Car]:
    """Return wishes within a class, each at a store; what is wished for `first` is in them where it may be."""
    with stage.works.read(system(stage.brand.id)) as work:
        stores = _stores_for(stage, work, model, cls)
        return [_car(stage, work, model, cls, stage.chance.choice(stores), first=first) for _ in range(count)]


def _stores_for(stage: Stage, work: Work, model: str, cls: PoolingClass) -> list[Store]:
    """Return the stores of the regions in which the class can be built."""
    regions = {store.region for store in stage.stores}
    buildable = {region for region in regions if _is_buildable(work, model, cls, region)}
    return [store for store in stage.stores if store.region in buildable]


def _car(stage: Stage, work: Work, model: str, cls: PoolingClass, store: Store, *, first: str = "") -> Car:
    """Wish for a few options, popular ones more often, and give up wishes that the rules forbid."""
    choices = [Choice(cls.powertrain), Choice(cls.trim)]
    step = configure(work, ConfigureRequest(model, tuple(choices), region=store.region)).step
    for option in _wishes(stage, model, first):
        if step.states[option] is OptionState.OPEN:
            choices.append(Choice(option))
            step = configure(work, ConfigureRequest(model, tuple(choices), region=store.region)).step
    car = step.cheapest
    found = class_of_car(work, model=model, options=car.options, region=store.region)
    if found != cls:
        plain = ConfigureRequest(model, tuple(choices[:2]), region="east")
        east = next(one for one in stage.stores if one.region == "east")
        return Car(model, configure(work, plain).step.cheapest.options, east.id)
    return Car(model, car.options, store.id)


def _wishes(stage: Stage, model: str, first: str) -> Iterator[str]:
    if first:
        yield first
    pool = stage.options[model]
    for _ in range(WISHES_PER_CAR):
        yield pool[min(int(stage.chance.paretovariate(0.8)) - 1, len(pool) - 1)]


def _is_buildable(work: Work, model: str, cls: PoolingClass, region: str) -> bool:
    try:
        configure(work, ConfigureRequest(model, (Choice(cls.powertrain), Choice(cls.trim)), region=region))
    except OptionExcluded:
        return False
    return True


def _personas(stage: Stage, story: Story, cls: PoolingClass) -> list[Buyer]:
    """Let people with a sign-in join too, at the store they know."""
    by_name = {email.partition("@")[0]: account_id for email, account_id in stage.accounts.items()}
    with stage.works.change(system(stage.brand.id)) as work:
        persons = persons_of(work, [by_name[name] for name in story.personas])
        wanted = []
        for name in story.personas:
            car = _car(stage, work, story.model, cls, stage.chance.choice(_stores_for(stage, work, story.model, cls)))
            wanted.append((consumer(stage.brand, by_name[name], persons[by_name[name]]), car))
        return equip(work, stage.runtime, wanted)
