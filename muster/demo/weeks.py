"""Tells the demo brand's twenty-six weeks (DOMAIN section 7): `muster seed --full`.

All of it goes through the rooms' own use cases, many people in one change as at the door of a launch. The last weeks
are those of every demo: the six pools that the guides speak of come as they always do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from configurator.configuration_service import NewConfiguration, save_configurations
from configurator.errors import OptionExcluded
from configurator.model import Choice, PoolingClass
from configurator.queries import list_models, open_showroom
from configurator.service import class_of_car
from configurator.step_service import ConfigureRequest, configure
from demand.model import FailureChoice
from demand.pools.placing_service import Placed
from demand.pools.policy import PoolPolicy
from demand.pools.ring_queries import find_rings
from demand.service import PoolPlan, forecast_released, place_pre_orders, release_cubes, remove_member, withdraw
from factory_orders.errors import CapacityShort
from factory_orders.pools_service import open_pool
from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.ids import AccountId
from kernel.registry import Brand
from kernel.work import Work, Works
from muster.demo import weeks_wishes as wishing
from muster.demo.activity import STORIES, Stage, class_of, design_cars, free_options, gather, set_stage
from muster.demo.crowd import Buyer, Car, add_buyers, add_consumers
from muster.demo.light_stock import begin
from muster.demo.weeks_light_stock import begin_earlier
from muster.demo.weeks_plan import FULL, WEEK, Plan, PlannedPool, Visit, Volumes, plan_weeks
from muster.settings import Settings
from muster.worker import run_until_idle

SEED: Final = 26
CAPACITIES: Final = (130, 250, 400)
DESIGNS: Final = 12
"""So many different cars people of one class want, the first ones far more often than the last."""
CAPS: Final = ((70, 1000), (88, 980), (96, 950), (100, 925))
"""Up to which of a hundred members the cap is how much of a thousand of the car's own price."""
AGREED: Final = 70
"""So many of a pool that tips would pay its first price: the minimum, and what may leave before the freeze."""
LEAVERS_PERCENT: Final = 3
CLASS_DAYS: Final = 28
"""A class rests until its pool is over and cleared: two pools of one class are never open together."""
RING_POOL: Final = 3
RING_PERSONS: Final = 6
RING_WALLET: Final = "one wallet of six"
RING_CASE: Final = "R-2026-001"
OPERATOR: Final = "operator1@muster.test"
NEW_OPTIONS: Final = sorted(wishing.WITHHELD)
KEEPERS: Final = 2_000
"""Cars are kept by whoever came last, so many people of them."""
CARS_OF_A_CLASS: Final = 40
VOTES_AT_ONCE: Final = 400
COMPARE_DAY, COMPARED_DAY, BACK_DAY, PROMISE_DAY, PUBLISH_DAY = 9, 17, 19, 30, 44
OPENS_AFTER: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class ClassOfCars:
    """A pooling class and a model that is in it."""

    model: str
    cls: PoolingClass


@dataclass(slots=True)
class Weeks:
    """What the weeks are told with: the stage, the plan, the wishes, and what is known of classes and their cars.

    `turns` are the days on which other rules are in force than on the day before.
    """

    stage: Stage
    plan: Plan
    board: wishing.Board
    classes: Sequence[ClassOfCars]
    begins_at: datetime
    turns: Sequence[date] = ()
    designs: dict[str, list[Car]] = field(default_factory=dict)
    thought_of: dict[str, int] = field(default_factory=dict)
    busy_until: dict[str, int] = field(default_factory=dict)
    waited_for: set[str] = field(default_factory=set)
    joined: dict[int, tuple[ClassOfCars, list[tuple[Actor, str]]]] = field(default_factory=dict)
    promised: bool = False
    renewed: set[str] = field(default_factory=set)
    new_voters: list[Actor] = field(default_factory=list)

    def cars_of(self, one: ClassOfCars) -> list[Car]:
        """Return the cars that people of a class want, thought of once; what new rules forbid nobody wants any more."""
        key, today = one.cls.l1_key, self.stage.clock.now().astimezone(self.stage.brand.zone).date()
        turn = bisect_right(self.turns, today)
        if self.thought_of.get(key) != turn:
            self.thought_of[key] = turn
            self.designs[key] = still_buildable(self.stage, self.designs.get(key, ()))
        if not self.designs[key]:
            self.designs[key] = design_cars(self.stage, one.model, one.cls, count=DESIGNS)
        if self.promised and key not in self.renewed:
            self.renewed.add(key)
            new = [design_cars(self.stage, one.model, one.cls, count=1, first=option) for option in NEW_OPTIONS]
            self.designs[key][1:1] = [car for cars in new for car in cars]
        return self.designs[key]

    def choose_cars(self, one: ClassOfCars, count: int) -> list[Car]:
        """Return what so many people want: of designs, as of options, the first are wanted far more often."""
        cars = self.cars_of(one)
        return self.stage.chance.choices(cars, [1 / (place + 1) for place in range(len(cars))], k=count)


def play_weeks(
    works: Works,
    clock: FixedClock,
    settings: Settings,
    brand: Brand,
    accounts: Mapping[str, AccountId],
    *,
    until: datetime,
    say: Callable[[str], None],
    volumes: Volumes = FULL,
) -> None:
    """Tell the weeks of a brand up to a moment, on a clock that stands at their beginning."""
    stage = set_stage(works, clock, settings, brand, accounts)
    # Half a second of CPU a series: the worker forecasts from the release once it runs.
    loops = tuple(loop for loop in stage.chores.loops if loop is not forecast_released)
    stage.chores = replace(stage.chores, loops=loops)
    begins_at = clock.now()
    light_stock = begin(stage, until)
    begin_earlier(light_stock)
    stage.beside.append(light_stock.live_a_day)
    weeks = Weeks(
        stage,
        plan_weeks(volumes, first_day=begins_at.astimezone(brand.zone).date(), calendar=brand.calendar, seed=SEED),
        wishing.Board(wishing.read_wishes()),
        find_classes(stage),
        begins_at,
        days_of_other_rules(stage),
    )
    for day in range(volumes.weeks * WEEK):
        if day % WEEK == 0:
            say(f"{brand.code}: week {day // WEEK + 1} of {volumes.weeks}, {len(stage.people):,} people so far")
        stage.pass_time(begins_at + timedelta(days=day) + OPENS_AFTER)
        for step in _steps_of(weeks, day):
            step()
        for story in STORIES:
            if day == volumes.weeks * WEEK + story.day:
                gather(stage, story)
    say(f"{brand.code}: up to today")
    stage.pass_time(until)
    with works.change(system(brand.id)) as work:
        release_cubes(work)
    run_until_idle(works, stage.chores)


def _steps_of(weeks: Weeks, day: int) -> Iterator[Callable[[], None]]:
    """Yield what happens on a day, in its order."""
    week, weekday = divmod(day, WEEK)
    if weekday == 0:
        yield lambda: _arrive(weeks, week)
    for pool in weeks.plan.pools:
        for number, visit in enumerate(pool.visits):
            if visit.day == day:
                yield lambda pool=pool, visit=visit, number=number: _come(weeks, pool, visit, number)  # type: ignore[misc]
    if weekday == 2:
        yield lambda: _vote(weeks)
    if weekday == 4:
        yield lambda: _keep_cars(weeks, weeks.plan.configurations[week])
    yield from _promise_steps(weeks, day)


def _promise_steps(weeks: Weeks, day: int) -> Iterator[Callable[[], None]]:
    """Yield the steps of the three wishes that become options."""
    stage, board = weeks.stage, weeks.board
    people = stage.people
    if day == COMPARE_DAY:
        yield lambda: wishing.compare(stage, board, people[-wishing.ANSWERERS :])
    elif day == COMPARED_DAY:
        yield lambda: wishing.end_comparison(stage, board)
    elif day == BACK_DAY:
        yield lambda: wishing.back(stage, board, people[: len(wishing.PROMISED) * wishing.BACKERS_EACH])
    elif day == PROMISE_DAY:
        yield lambda: wishing.promise(stage, board)
    elif day == PUBLISH_DAY:
        yield lambda: _publish(weeks)


def _publish(weeks: Weeks) -> None:
    """Publish the second catalogue; from now on people think of cars with what is new in it."""
    wishing.publish_promised(weeks.stage, weeks.board)
    with weeks.stage.works.read(system(weeks.stage.brand.id)) as work:
        weeks.stage.options = free_options(work)
    weeks.promised = True


# --- classes ---------------------------------------------------------------------------------------------------------


def find_classes(stage: Stage) -> list[ClassOfCars]:
    """Return the classes that can be built in the east, but for those of the six pools that end every demo."""
    found: dict[str, ClassOfCars] = {}
    with stage.works.read(system(stage.brand.id)) as work:
        taken = {class_of(work, story).l1_key for story in STORIES}
        for model in list_models(work):
            parts = {category.code: category.options for category in model.categories}
            for powertrain in parts["Powertrain"]:
                for trim in parts["Trim"]:
                    cls = _class_with(work, model.code, (powertrain.code, trim.code))
                    if cls is not None and cls.l1_key not in taken:
                        found.setdefault(cls.l1_key, ClassOfCars(model.code, cls))
    classes = list(found.values())
    stage.chance.shuffle(classes)
    return classes


def days_of_other_rules(stage: Stage) -> list[date]:
    """Return the days on which other rules are in force than on the day before, in order."""
    with stage.works.read(system(stage.brand.id)) as work:
        version, _ = open_showroom(work, region="")
    conditions = [rule.condition for rule in version.catalogue.rules]
    begin = {one.first_day for one in conditions if one.first_day is not None}
    return sorted(begin | {one.last_day + timedelta(days=1) for one in conditions if one.last_day is not None})


def still_buildable(stage: Stage, cars: Sequence[Car]) -> list[Car]:
    """Return those of some cars that the rules of today allow."""
    regions = {str(store.id): store.region for store in stage.stores}
    with stage.works.read(system(stage.brand.id)) as work:
        return [car for car in cars if _is_allowed(work, car, regions[car.store_id])]


def _is_allowed(work: Work, car: Car, region: str) -> bool:
    try:
        configure(work, ConfigureRequest(car.model, tuple(map(Choice, car.options)), region=region))
    except OptionExcluded:
        return False
    return True


def _class_with(work: Work, model: str, wanted: tuple[str, ...]) -> PoolingClass | None:
    try:
        step = configure(work, ConfigureRequest(model, tuple(map(Choice, wanted)), region="east")).step
    except OptionExcluded:
        return None
    return class_of_car(work, model=model, options=step.cheapest.options, region="east")


def _free_class(weeks: Weeks, pool: PlannedPool) -> ClassOfCars:
    """Return a class whose last pool is over, the more popular ones more often.

    Whoever rolled on out of a pool that failed comes into the next one of the class: one that is to fail too is of
    another class, as together they might be enough.
    """
    free = [
        one
        for one in weeks.classes
        if weeks.busy_until.get(one.cls.l1_key, 0) <= pool.day and (pool.tips or one.cls.l1_key not in weeks.waited_for)
    ]
    chosen = weeks.stage.chance.choices(free, [1 / (place + 1) for place in range(len(free))])[0]
    weeks.busy_until[chosen.cls.l1_key] = pool.day + CLASS_DAYS
    weeks.waited_for.discard(chosen.cls.l1_key)
    if not pool.tips and _choice_of(pool) is FailureChoice.ROLL:
        weeks.waited_for.add(chosen.cls.l1_key)
    return chosen


# --- people ----------------------------------------------------------------------------------------------------------


def _arrive(weeks: Weeks, week: int) -> None:
    """Let the week's people come who only vote, and new wishes with them."""
    stage = weeks.stage
    buyers = sum(
        visit.people
        for pool in weeks.plan.pools
        for visit in pool.visits
        if week * WEEK <= visit.day < (week + 1) * WEEK
    )
    count = max(weeks.plan.voters[week] - buyers, 1)
    new = add_consumers(stage.runtime, stage.brand, first_number=stage.next_number, count=count)
    stage.next_number += count
    stage.people += new
    weeks.new_voters += new
    wishing.propose(stage, weeks.board, new, weeks.plan.proposals[week])


def _vote(weeks: Weeks) -> None:
    """Let everybody vote who came since last week."""
    new, weeks.new_voters = weeks.new_voters, []
    for start in range(0, len(new), VOTES_AT_ONCE):
        wishing.vote(weeks.stage, weeks.board, new[start : start + VOTES_AT_ONCE])
    wishing.tidy(weeks.stage, weeks.board)


def _keep_cars(weeks: Weeks, count: int) -> None:
    """Let people keep cars: of popular classes more often, each where a store of the car is."""
    stage = weeks.stage
    regions = {str(store.id): store.region for store in stage.stores}
    keepers = stage.people[-KEEPERS:]
    popular = [1 / (place + 1) for place in range(len(weeks.classes))]
    looked_at = stage.chance.choices(weeks.classes, popular, k=-(-count // CARS_OF_A_CLASS))
    wanted = [car for one in looked_at for car in weeks.choose_cars(one, CARS_OF_A_CLASS)]
    new = [
        (stage.chance.choice(keepers), NewConfiguration(car.model, car.options, regions[car.store_id]))
        for car in wanted[:count]
    ]
    with stage.works.change(system(stage.brand.id)) as work:
        save_configurations(work, new)


# --- pools -----------------------------------------------------------------------------------------------------------


def _come(weeks: Weeks, pool: PlannedPool, visit: Visit, number: int) -> None:
    """Open a pool with its first visit; with each, people come, and with the second some have thought better of it."""
    stage = weeks.stage
    if number == 0:
        chosen = _free_class(weeks, pool)
        _open(stage, chosen.cls, people=pool.people)
        weeks.joined[pool.number] = chosen, []
    one, members = weeks.joined[pool.number]
    buyers = _buyers(weeks, one, visit.people)
    if pool.number == RING_POOL and number == 0:
        buyers += _buyers(weeks, one, RING_PERSONS, wallet=RING_WALLET)
    if number == 1:
        _leave(weeks, members)
        if pool.number == RING_POOL:
            remove_rings(stage)
    members += _join(weeks, pool, buyers)


def _open(stage: Stage, cls: PoolingClass, *, people: int) -> None:
    """Open a pool for as many as a planner would expect.

    Where the plant has no room in its first weeks, it is built in the weeks that the refusal names.
    """
    plan = PoolPlan(cls, capacity=capacity_for(people))
    try:
        with stage.works.change(system(stage.brand.id)) as work:
            open_pool(work, plan)
    except CapacityShort as short:
        with stage.works.change(system(stage.brand.id)) as work:
            open_pool(work, plan, first_week=short.earliest_week)


def capacity_for(people: int) -> int:
    """Return how many places a planner would reserve for so many people."""
    return next(size for size in CAPACITIES if people <= size)


def _buyers(weeks: Weeks, one: ClassOfCars, count: int, *, wallet: str = "") -> list[Buyer]:
    stage = weeks.stage
    cars = weeks.choose_cars(one, count)
    buyers = add_buyers(stage.runtime, stage.brand, cars, first_number=stage.next_number, wallet=wallet)
    stage.next_number += count
    stage.people += [buyer.actor for buyer in buyers]
    weeks.new_voters += [buyer.actor for buyer in buyers]
    return buyers


def _join(weeks: Weeks, pool: PlannedPool, buyers: Sequence[Buyer]) -> list[tuple[Actor, str]]:
    """Let buyers pre-order; returns them with their pre-orders."""
    stage = weeks.stage
    before = len(weeks.joined[pool.number][1])
    requests = [
        replace(buyer.request(price_cap_minor=_cap(weeks, buyer, pool, place=place)), failure_choice=_choice_of(pool))
        for place, buyer in enumerate(buyers, start=before)
    ]
    with stage.works.change(system(stage.brand.id)) as work:
        outcomes = place_pre_orders(work, stage.runtime.providers, requests)
    placed: list[tuple[Actor, str]] = []
    for buyer, outcome in zip(buyers, outcomes, strict=True):
        assert isinstance(outcome, Placed), outcome
        placed.append((buyer.actor, outcome.pre_order_id))
    return placed


def _choice_of(pool: PlannedPool) -> FailureChoice:
    """Every second pool's members want to roll on if it fails."""
    return FailureChoice.ROLL if pool.number % 2 else FailureChoice.REFUND


def _cap(weeks: Weeks, buyer: Buyer, pool: PlannedPool, *, place: int) -> int:
    """Most pay their own price; some wait for a tier. The first members of a pool that tips all agree to the first."""
    drawn = weeks.stage.chance.randint(1, 100)
    # A cap below the last tier is below every tier, and refused.
    deepest = max(discount for members, discount in PoolPolicy().tiers if members <= capacity_for(pool.people))
    least = 1000 - deepest // 10 + 1
    share = max(least, next(share for up_to, share in CAPS if drawn <= up_to))
    return buyer.vehicle_price_minor if pool.tips and place < AGREED else buyer.vehicle_price_minor * share // 1000


def _leave(weeks: Weeks, members: list[tuple[Actor, str]]) -> None:
    """Let some of those who came first take their deposit back."""
    stage = weeks.stage
    leaving = stage.chance.sample(members, len(members) * LEAVERS_PERCENT // 100)
    with stage.works.change(system(stage.brand.id)) as work:
        for actor, pre_order_id in leaving:
            withdraw(work.acting(actor), pre_order_id)


def remove_rings(stage: Stage) -> int:
    """Let an operator look at who shares a payment instrument beyond the rule, and take them out; returns how many."""
    operator = Actor(stage.brand.id, frozenset({Role.OPERATOR}), stage.accounts[OPERATOR])
    with stage.works.change(operator) as work:
        found = find_rings(work)
        caught = [pre_order_id for ring in found for pre_order_id in ring.pre_order_ids]
        for pre_order_id in caught:
            remove_member(work, pre_order_id, case=RING_CASE)
    return len(caught)
