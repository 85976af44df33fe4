"""Use cases of capacity and dates: reserve a pool's slots, free them, say when a car would be at its store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from configurator.model import PoolingClass, Promise
from configurator.quote_service import road_km
from configurator.step_service import OptionWeeks
from factory_orders.errors import CapacityShort, CapacityTaken
from factory_orders.events import CapacityChanged, SlotsReleased, SlotsReserved
from factory_orders.parts.queries import late_parts
from factory_orders.planning.capacity_store import (
    PoolPlan,
    PoolRoom,
    insert_reservation,
    lay_out_weeks,
    load_weeks,
    open_plan,
    open_plan_of_class,
    option_slots,
    planned_rooms,
    release_pool,
    rooms_of_pools,
    set_capacity,
    week_slots,
)
from factory_orders.planning.model import SLOT, CarFacts, PartTime, WeekRoom, judge_room
from factory_orders.planning.promise import Window, pool_window, promise_days
from factory_orders.planning.queries import car_facts, needs_fit, week_starting
from factory_orders.planning.slotting import WEEK, earliest_window, spread_resources
from factory_orders.planning.weekly.store import ask_for_plans
from factory_orders.policies import CapacityPolicy, PromisePolicy
from factory_orders.promises.margin_store import margin_at
from factory_orders.promises.model import Place, choose_place
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.reasons import because
from kernel.registry import Plant
from kernel.work import Work

MORE_WEEKS_MAX = 104
WEEK_SET_SIZE = 64
CAPACITY_MAX = 100_000
NO_PARTS: Final = PartTime(0)
"""The time of the parts of a car that takes none."""


def reserve_slots(
    work: Work,
    *,
    pool_id: str,
    class_key: str,
    plant_code: str,
    places: int,
    deadline: datetime,
    option_places: Mapping[str, int],
    parts: PartTime = NO_PARTS,
    first_week: date | None = None,
    weeks: int | None = None,
) -> SlotsReserved:
    """Reserve a pool's class slots, and for every constrained option the places that may want it, over weeks in a row.

    The weeks begin at `first_week`, by default the first Monday after the deadline and the planning time on which the
    `parts` are there that every car of the class has; none before it is taken (InvalidInput names it).
    Refuses CapacityShort with the earliest first week that fits; then nothing is reserved.
    """
    work.actor.require(Permission.POOL_MANAGE)
    rules = policy.current(work)
    capacity, times = rules.section(CapacityPolicy), rules.section(PromisePolicy)
    plant = registry.plant_by_code(work, plant_code)
    brand = registry.own_brand(work)
    closes_on = deadline.astimezone(brand.zone).date()
    earliest = week_starting(parts.ready(closes_on, least_days=times.planning_lead_days))
    start = earliest if first_week is None else first_week
    length = capacity.pool_weeks if weeks is None else weeks
    # Weeks that are laid out far beyond the others would take cars that have to wait: a slip of the pen, not a plan.
    latest = earliest + WEEK * capacity.weeks_ahead
    if start.weekday() != 0 or not earliest <= start <= latest:
        raise InvalidInput("firstWeek", because("MONDAY_FROM", earliest=earliest, latest=latest))
    if not 1 <= length <= capacity.weeks_ahead:
        raise InvalidInput("weeks", because("COUNT", least=1, most=capacity.weeks_ahead))
    if places < 1:
        raise InvalidInput("capacity", because("POOL_ONE_PLACE"))
    ahead = min(capacity.weeks_ahead + length, MORE_WEEKS_MAX)
    lay_out_weeks(work, plant, first=start, weeks=ahead, options=sorted(option_places), policy=capacity)
    room = load_weeks(work, plant.id, first=start, pool_id=None, lock=True)
    needs = {SLOT: places} | dict(option_places)
    split = spread_resources(room[:length], needs)
    if isinstance(split, tuple):
        resource, missing = split
        raise CapacityShort(resource, missing, earliest_window(room, needs, length=length))
    chosen = [week.week for week in room[:length]]
    plan = PoolPlan(pool_id, plant.id, class_key, places, start, deadline)
    insert_reservation(work, plan, chosen, split)
    used = [week for week, number in zip(chosen, split[SLOT], strict=True) if number]
    reserved = SlotsReserved(work.actor.brand_id, pool_id, plant.id, places, used[0], used[-1])
    work.record(reserved)
    return reserved


def change_capacity(work: Work, plant_code: str, *, week: date, resource: str, capacity: int) -> int:
    """Set how many cars of a planned week can take a resource (`slot`, or a constrained option); returns what is left.

    Refuses a week or resource that is not planned yet (InvalidInput, with what there is; NotFound where nothing is
    planned), and fewer than are taken (CapacityTaken).
    """
    work.actor.require(Permission.BATCH_MANAGE)
    if not 0 <= capacity <= CAPACITY_MAX:
        raise InvalidInput("capacity", because("COUNT", least=0, most=CAPACITY_MAX))
    plant = registry.plant_by_code(work, plant_code)
    taken = set_capacity(work, plant.id, week, resource, capacity)
    if taken is None:
        raise judge_room(planned_rooms(work, plant.id), week, resource)
    if taken > capacity:
        raise CapacityTaken(resource, week, taken)
    ask_for_plans(work, [plant.id])
    work.record(CapacityChanged(work.actor.brand_id, plant.id, week, resource, capacity))
    return capacity - taken


def release_slots(work: Work, pool_id: str, *, plant_id: str) -> int:
    """Free what a pool still holds (it has locked and been scheduled, or it failed); returns the class slots freed."""
    work.actor.require(Permission.SYSTEM)
    freed = release_pool(work, pool_id)
    if freed:
        work.record(SlotsReleased(work.actor.brand_id, pool_id, plant_id, freed))
    return freed


def promise(
    work: Work,
    cls: PoolingClass,
    *,
    model: str,
    options: tuple[str, ...],
    store_id: str,
    day: date,
    version_id: str,
    pool_id: str | None = None,
    members: int = 0,
) -> Promise | None:
    """Return P50 and P90 of a car ordered on a day, for a store; None where no week of the plant has room.

    Where the pool `pool_id`, or without it one of the car's own class, is open the promise is conditional on its lock:
    the week of the next member's place among the slots the pool holds, with room for the car's constrained options, and
    the pool's last week for P90. Without a pool it is the first week with room after the planning time and the parts'
    lead time, and a week more.
    """
    plan = open_plan_of_class(work, [cls.l1_key]) if pool_id is None else open_plan(work, pool_id)
    wanted = [WantedCar(options, plan, members)]
    return promises(work, cls.plant, wanted, model=model, store_id=store_id, day=day, version_id=version_id)[0]


@dataclass(frozen=True, slots=True)
class WantedCar:
    """A car whose date is asked for: in a pool with so many members before it, or outside of any (no plan)."""

    options: tuple[str, ...]
    plan: PoolPlan | None
    members: int = 0


def promises(
    work: Work,
    plant_code: str,
    wanted: Sequence[WantedCar],
    *,
    model: str,
    store_id: str | None,
    day: date,
    version_id: str,
) -> list[Promise | None]:
    """Return what `promise` says of several cars of one model, however many in the same few statements.

    Without a store they are the days at the plant's gate, which differ among each other as those at any store do.
    """
    times = policy.current(work).section(PromisePolicy)
    plant = registry.plant_by_code(work, plant_code)
    km = 0 if store_id is None else road_km(plant, registry.open_store(work, store_id))
    facts = car_facts(work, version_id)
    margin = margin_at(work, plant.id, work.now)
    found: list[Promise | None] = []
    for car, window in zip(wanted, _windows(work, plant, facts, wanted, model=model, day=day), strict=True):
        if window is None:
            found.append(None)
            continue
        p50, p90 = promise_days(window, distance_km=km, policy=times, margin=margin)
        found.append(Promise(p50, p90, conditional=car.plan is not None))
    return found


def _windows(
    work: Work, plant: Plant, facts: CarFacts, wanted: Sequence[WantedCar], *, model: str, day: date
) -> list[Window | None]:
    """Return each car's weeks: the plant's are read once for all of them, and what the pools hold once."""
    rules = policy.current(work)
    capacity, times = rules.section(CapacityPolicy), rules.section(PromisePolicy)
    needs = [(SLOT, *sorted(facts.constrained_of(car.options))) for car in wanted]
    late = late_parts(work, plant.id)
    parts = [facts.part_time(facts.features.of((model, *car.options)), day, late) for car in wanted]
    ready = [week_starting(one.ready(day, least_days=times.planning_lead_days)) for one in parts]
    plans = [car.plan for car in wanted if car.plan is not None]
    first = min(begins if car.plan is None else car.plan.first_week for car, begins in zip(wanted, ready, strict=True))
    resources = sorted({resource for own in needs for resource in own})
    planned = load_weeks(work, plant.id, first=first, pool_id=None, lock=False, resources=resources)
    rooms = rooms_of_pools(work, plans, planned, resources) if plans else {}
    found: list[Window | None] = []
    for car, own, there, begins in zip(wanted, needs, parts, ready, strict=True):
        if car.plan is not None:
            place = pool_place(work, car.plan, rooms[car.plan.pool_id], own, members=car.members, parts=there)
            found.append(None if place is None else place[1])
            continue
        week = needs_fit(_laid_out(work, plant, planned, begins, own, capacity), own, not_before=begins)
        found.append(None if week is None else Window(week, week + WEEK))
    return found


def option_weeks(work: Work, plant_code: str, *, model: str, day: date, version_id: str) -> OptionWeeks:
    """Return the weeks in which a model's options can be built for a car ordered on a day, outside any pool.

    The model has the weeks with a free slot at its plant, a constrained option those with room for it, and what waits
    for a part those after the part's lead time; the first week is the one after the planning time. In one statement.
    """
    rules = policy.current(work)
    capacity, times = rules.section(CapacityPolicy), rules.section(PromisePolicy)
    plant = registry.plant_by_code(work, plant_code)
    facts = car_facts(work, version_id)
    first = week_starting(day + timedelta(days=times.planning_lead_days))
    resources = (SLOT, *sorted(facts.constrained))
    planned = load_weeks(work, plant.id, first=first, pool_id=None, lock=False, resources=resources)
    room = _laid_out(work, plant, planned, first, resources, capacity)[:WEEK_SET_SIZE]
    free = {
        name: sum(1 << number for number, week in enumerate(room) if week.room(resource) > 0)
        for name, resource in ((model, SLOT), *((option, option) for option in sorted(facts.constrained)))
    }
    always = (1 << len(room)) - 1
    for feature, parts in facts.part_times_of_features(day, late_parts(work, plant.id)).items():
        after = (week_starting(parts.ready(day)) - first) // WEEK
        if after > 0:
            free[feature] = free.get(feature, always) >> after << after
    return OptionWeeks(first, free)


def pool_place(
    work: Work,
    plan: PoolPlan,
    room: PoolRoom,
    resources: Sequence[str],
    *,
    members: int,
    parts: PartTime,
) -> tuple[Place, Window] | None:
    """Return the next member's place in a pool for a car of these resources, and its weeks; None without any room.

    Who joins beyond what the pool holds waits: a week with room is named, and no slot stands behind it.
    """
    brand = registry.own_brand(work)
    ready = week_starting(parts.ready(plan.deadline.astimezone(brand.zone).date()))
    window = pool_window(room.slots, members=members, not_before=ready)
    not_before = ready if window is None else window.expected
    options = [resource for resource in resources if resource != SLOT]
    place = choose_place(room.weeks, options, not_before=not_before)
    if place is None:
        fits = needs_fit(room.weeks, resources, not_before=not_before)
        if fits is None:
            return None
        place = Place(fits)
    latest = place.week + WEEK if window is None else max(place.week, window.latest)
    return place, Window(place.week, latest)


def _laid_out(
    work: Work,
    plant: Plant,
    planned: Sequence[WeekRoom],
    first: date,
    resources: Sequence[str],
    capacity: CapacityPolicy,
) -> list[WeekRoom]:
    """Return the plant's weeks with room, those nobody has planned yet included, without writing anything."""
    known = {week.week: week for week in planned}
    brand = registry.own_brand(work)
    room = []
    for number in range(capacity.weeks_ahead):
        week = first + WEEK * number
        slots = week_slots(brand, plant, week)
        free = {one: slots if one == SLOT else option_slots(one, slots, capacity) for one in resources}
        room.append(WeekRoom(week, free | dict(known[week].free) if week in known else free, {}))
    return room
