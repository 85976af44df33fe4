"""Loads and saves a plant's weeks: what is free, what pools hold, what is used. Rows are locked in one order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, func, select, update

from factory_orders.planning.model import SLOT, Placement, WeekRoom
from factory_orders.planning.slotting import WEEK
from factory_orders.planning.tables import capacity_weeks, pool_plans, pool_reservations
from factory_orders.policies import CapacityPolicy
from factory_orders.promises.model import Place
from kernel import db, registry
from kernel.registry import Brand, Plant
from kernel.work import Work

WORKING_DAYS_A_WEEK = 5


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a pool was promised by a plant: its places from a week on, as long as it is not closed."""

    pool_id: str
    plant_id: str
    class_key: str
    places: int
    first_week: date
    deadline: datetime


def working_days(brand: Brand, week: date) -> list[date]:
    """Return the days of a week on which a plant works, Monday to Friday of the brand's calendar."""
    return [day for day in _monday_to_friday(week) if registry.is_working_day(brand.calendar, day)]


def building_days(brand: Brand, week: date) -> list[date]:
    """Return the days on which a week's cars are built: its working days.

    Monday to Friday in a week of holidays that was given capacity all the same, or announced after it was laid out.
    """
    return working_days(brand, week) or _monday_to_friday(week)


def _monday_to_friday(week: date) -> list[date]:
    return [week + timedelta(days=number) for number in range(WORKING_DAYS_A_WEEK)]


def week_slots(brand: Brand, plant: Plant, week: date) -> int:
    """Return how many cars a plant builds in a week: a week with holidays has proportionally fewer slots."""
    return plant.weekly_capacity * len(working_days(brand, week)) // WORKING_DAYS_A_WEEK


def option_slots(resource: str, slots: int, policy: CapacityPolicy) -> int:
    """Return how many of a week's cars can have a constrained option."""
    return min(slots, dict(policy.option_limits).get(resource, slots * policy.option_share_bp // 10_000))


def lay_out_weeks(
    work: Work, plant: Plant, *, first: date, weeks: int, options: Sequence[str], policy: CapacityPolicy
) -> None:
    """Make sure that the plant's weeks have their rows; existing ones stay as they are."""
    brand = registry.own_brand(work)
    wanted = [first + WEEK * number for number in range(weeks)]
    known = _known(work, plant.id, wanted)
    rows = []
    for week in wanted:
        slots = week_slots(brand, plant, week)
        for resource in (SLOT, *options):
            if (week, resource) in known:
                continue
            cars = slots if resource == SLOT else option_slots(resource, slots, policy)
            row = {"plant_id": plant.id, "week": week, "resource": resource}
            rows.append(row | {"brand_id": work.actor.brand_id, "capacity": cars})
    db.insert_new(work.connection, capacity_weeks, rows, returning="week")


def _known(work: Work, plant_id: str, weeks: Sequence[date]) -> set[tuple[date, str]]:
    table = capacity_weeks.c
    found = select(table.week, table.resource).where(table.plant_id == plant_id, db.among(table.week, weeks))
    return {(row.week, row.resource) for row in work.connection.execute(found)}


def load_weeks(
    work: Work,
    plant_id: str,
    *,
    first: date,
    pool_id: str | None,
    lock: bool,
    resources: Sequence[str] | None = None,
    held_by: str | None = None,
) -> list[WeekRoom]:
    """Return the plant's weeks from `first` on with what is free and what the pool holds; `lock` keeps others out.

    `resources` leaves all others out: a promise asks for one car's few, not for every option's weeks. `held_by` ends
    with the last week in which a pool holds anything.
    """
    table = capacity_weeks.c
    found = (
        select(table.week, table.resource, table.capacity, table.reserved, table.used)
        .where(table.plant_id == plant_id, table.brand_id == work.actor.brand_id, table.week >= first)
        .order_by(table.week, table.resource)
    )
    if resources is not None:
        found = found.where(db.among(table.resource, resources))
    if held_by is not None:
        held_weeks = (pool_reservations.c.pool_id == held_by) & (pool_reservations.c.held > 0)
        last = select(func.max(pool_reservations.c.week)).where(held_weeks).scalar_subquery()
        found = found.where(table.week <= last)
    if lock:
        found = found.with_for_update()
    free: dict[date, dict[str, int]] = {}
    for row in work.connection.execute(found):
        free.setdefault(row.week, {})[row.resource] = row.capacity - row.reserved - row.used
    held = held_by_pool(work, pool_id) if pool_id is not None else {}
    return [WeekRoom(week, free[week], held.get(week, {})) for week in sorted(free)]


def held_by_pool(work: Work, pool_id: str) -> dict[date, dict[str, int]]:
    """Return what a pool still holds by week and resource."""
    reserved = _reserved(work, [pool_id], None)[pool_id]
    return {week: {one: held for one, (held, _) in by.items()} for week, by in reserved.items()}


def _reserved(
    work: Work, pool_ids: Sequence[str], resources: Sequence[str] | None
) -> dict[str, dict[date, dict[str, tuple[int, int]]]]:
    """Return what pools hold by week and resource (None: all), and how much of that they have promised to nobody."""
    table = pool_reservations.c
    found = select(table.pool_id, table.week, table.resource, table.held, table.promised).where(
        db.among(table.pool_id, pool_ids), table.brand_id == work.actor.brand_id, table.held > 0
    )
    if resources is not None:
        found = found.where(db.among(table.resource, resources))
    reserved: dict[str, dict[date, dict[str, tuple[int, int]]]] = {pool_id: {} for pool_id in pool_ids}
    for row in work.connection.execute(found.order_by(table.pool_id, table.week)):
        reserved[row.pool_id].setdefault(row.week, {})[row.resource] = (row.held, row.held - row.promised)
    return reserved


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """A pool's weeks with what it has promised to nobody, and its slots week by week, promised or not."""

    weeks: list[WeekRoom]
    slots: list[tuple[date, int]]


def room_of_pool(
    work: Work, plan: PoolPlan, resources: Sequence[str] | None, *, lock: bool, held_alone: bool = False
) -> PoolRoom:
    """Return the weeks from a pool's first on; None is all resources, `lock` keeps other promises waiting.

    With `held_alone` they end where the pool holds nothing any more: a place that it holds lies in no later one.
    """
    held_by = plan.pool_id if held_alone else None
    free = load_weeks(
        work, plan.plant_id, first=plan.first_week, pool_id=None, lock=lock, resources=resources, held_by=held_by
    )
    return _room(plan, free, _reserved(work, [plan.pool_id], resources)[plan.pool_id])


def rooms_of_pools(
    work: Work, plans: Sequence[PoolPlan], free: Sequence[WeekRoom], resources: Sequence[str]
) -> dict[str, PoolRoom]:
    """Return the weeks of several pools of one plant as `room_of_pool` does, in one statement; nothing is locked.

    `free` are the plant's weeks from the first that any of them has on, with these resources, the slot among them.
    """
    reserved = _reserved(work, [plan.pool_id for plan in plans], resources)
    return {plan.pool_id: _room(plan, free, reserved[plan.pool_id]) for plan in plans}


def _room(plan: PoolPlan, free: Sequence[WeekRoom], reserved: Mapping[date, Mapping[str, tuple[int, int]]]) -> PoolRoom:
    weeks = []
    for week in free:
        if week.week >= plan.first_week:
            own = reserved.get(week.week, {})
            weeks.append(WeekRoom(week.week, week.free, {one: left for one, (_, left) in own.items()}))
    slots = [(week, by[SLOT][0]) for week, by in sorted(reserved.items()) if SLOT in by]
    return PoolRoom(weeks, slots)


def held_by_pools(work: Work, pool_ids: Sequence[str], resource: str) -> dict[date, int]:
    """Return what some pools together still hold of a resource, by week."""
    table = pool_reservations.c
    found = (
        select(table.week, func.sum(table.held))
        .where(db.among(table.pool_id, pool_ids), table.brand_id == work.actor.brand_id, table.resource == resource)
        .group_by(table.week)
    )
    return {row[0]: int(row[1]) for row in work.connection.execute(found)}


def insert_reservation(work: Work, plan: PoolPlan, weeks: Sequence[date], split: Mapping[str, Sequence[int]]) -> None:
    """Write what a pool reserves; the weeks' rows are locked by the caller."""
    brand_id = work.actor.brand_id
    work.connection.execute(
        pool_plans.insert().values(
            pool_id=plan.pool_id,
            brand_id=brand_id,
            plant_id=plan.plant_id,
            class_key=plan.class_key,
            places=plan.places,
            first_week=plan.first_week,
            deadline=plan.deadline,
        )
    )
    taken = [
        (week, resource, number)
        for resource, numbers in split.items()
        for week, number in zip(weeks, numbers, strict=True)
        if number
    ]
    rows = [
        {
            "pool_id": plan.pool_id,
            "week": week,
            "resource": resource,
            "brand_id": brand_id,
            "plant_id": plan.plant_id,
            "held": number,
        }
        for week, resource, number in taken
    ]
    db.insert_many(work.connection, pool_reservations, rows)
    _count(work, plan.plant_id, {(week, resource): (number, 0) for week, resource, number in taken})


def planned_rooms(work: Work, plant_id: str) -> set[tuple[date, str]]:
    """Return the weeks of a plant that are laid out and not over, each with every resource that has room in it."""
    table = capacity_weeks.c
    found = select(table.week, table.resource).where(
        table.plant_id == plant_id, table.brand_id == work.actor.brand_id, table.week > work.now.date() - WEEK
    )
    return {(row.week, row.resource) for row in work.connection.execute(found)}


def set_capacity(work: Work, plant_id: str, week: date, resource: str, capacity: int) -> int | None:
    """Write a week's capacity for a resource unless more is taken; returns what is taken, None for an unknown one."""
    table = capacity_weeks.c
    key = (table.plant_id == plant_id) & (table.week == week) & (table.resource == resource)
    own = key & (table.brand_id == work.actor.brand_id)
    row = work.connection.execute(select(table.reserved, table.used).where(own).with_for_update()).first()
    if row is None:
        return None
    taken = int(row.reserved) + int(row.used)
    if taken <= capacity:
        work.connection.execute(update(capacity_weeks).where(own).values(capacity=capacity))
    return taken


def lower_capacity(work: Work, plant_id: str, week: date, resource: str, capacity: int) -> int | None:
    """Let a week take no more cars of a resource than `capacity`, nor fewer than are taken; it never rises by this.

    Returns what is taken, None for an unknown week or resource.
    """
    table = capacity_weeks.c
    own = (table.plant_id == plant_id) & (table.week == week) & (table.resource == resource)
    found = select(table.reserved, table.used, table.capacity).where(own, table.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update()).first()
    if row is None:
        return None
    taken = int(row.reserved) + int(row.used)
    lowered = max(taken, min(capacity, row.capacity))
    work.connection.execute(update(capacity_weeks).where(own).values(capacity=lowered))
    return taken


def take_places(work: Work, plant_id: str, pool_id: str | None, placements: Sequence[Placement]) -> None:
    """Turn placements into used capacity: what the pool held is used up, the rest was free."""
    used: Counter[tuple[date, str]] = Counter()
    from_held: Counter[tuple[date, str]] = Counter()
    for placement in placements:
        for resource in placement.resources:
            used[placement.week, resource] += 1
            from_held[placement.week, resource] += resource in placement.from_held
    _count(work, plant_id, {key: (-from_held[key], number) for key, number in used.items()})
    _count_held(work, pool_id, {key: -number for key, number in from_held.items() if number})


def give_back_place(work: Work, plant_id: str, week: date, resources: Sequence[str]) -> None:
    """Free what one order used: it was cancelled or its car is built again."""
    _count(work, plant_id, {(week, resource): (0, -1) for resource in resources})


def promise_place(work: Work, plant_id: str, pool_id: str, place: Place, *, by: int) -> None:
    """Promise a place of a pool to somebody (`by` is 1), or give it back (-1); see `promise_places`."""
    promise_places(work, plant_id, pool_id, [place], by=by)


def promise_places(work: Work, plant_id: str, pool_id: str, places: Sequence[Place], *, by: int) -> None:
    """Promise places of a pool (`by` is 1), or give them back (-1), together; the caller has locked the weeks.

    What comes out of free capacity is reserved for the pool as long as the place is promised.
    """
    table = pool_reservations.c
    from_free = Counter((place.week, resource) for place in places for resource in place.from_free)
    promised = from_free + Counter((place.week, resource) for place in places for resource in place.from_held)
    if from_free and by > 0:
        row = {"pool_id": pool_id, "brand_id": work.actor.brand_id, "plant_id": plant_id, "held": 0}
        rows = [row | {"week": week, "resource": resource} for week, resource in sorted(from_free)]
        db.insert_new(work.connection, pool_reservations, rows, returning="resource")
    alike: dict[tuple[date, int, int], list[str]] = {}
    for (week, resource), number in sorted(promised.items()):
        alike.setdefault((week, number, from_free[week, resource]), []).append(resource)
    for (week, number, held), resources in alike.items():
        work.connection.execute(
            update(pool_reservations)
            .where(table.pool_id == pool_id, table.week == week, db.among(table.resource, resources))
            .values(promised=table.promised + by * number, held=table.held + by * held)
        )
    _count(work, plant_id, {key: (by * number, 0) for key, number in from_free.items()})


def close_promises(work: Work, pool_id: str) -> None:
    """Forget what a pool has promised, and close its plan: its members are orders now, or it is over.

    The weeks are locked first, so that no promise is made in between.
    """
    plan = work.connection.execute(
        select(pool_plans.c.plant_id, pool_plans.c.first_week).where(
            pool_plans.c.pool_id == pool_id, pool_plans.c.brand_id == work.actor.brand_id
        )
    ).first()
    if plan is None:
        return
    load_weeks(work, plan.plant_id, first=plan.first_week, pool_id=None, lock=True, resources=(SLOT,))
    work.connection.execute(update(pool_reservations).where(pool_reservations.c.pool_id == pool_id).values(promised=0))
    own = pool_plans.c.pool_id == pool_id
    work.connection.execute(update(pool_plans).where(own, pool_plans.c.closed_at.is_(None)).values(closed_at=work.now))


def lock_pool(work: Work, pool_id: str) -> str | None:
    """Let nobody else release a pool or place its orders until this change ends; returns its plant, if it has a plan.

    The weeks in which it holds something are locked first, as everybody does, and then its plan.
    """
    own = (pool_plans.c.pool_id == pool_id) & (pool_plans.c.brand_id == work.actor.brand_id)
    plant_id = work.connection.execute(select(pool_plans.c.plant_id).where(own)).scalar()
    if plant_id is None:
        return None
    if held := held_by_pool(work, pool_id):
        load_weeks(work, plant_id, first=min(held), pool_id=None, lock=True)
    work.connection.execute(select(pool_plans.c.pool_id).where(own).with_for_update())
    return str(plant_id)


def release_pool(work: Work, pool_id: str) -> int:
    """Free all that a pool still holds, and close its plan; returns how many class slots became free."""
    plant_id = lock_pool(work, pool_id)
    if plant_id is None:
        return 0
    held = held_by_pool(work, pool_id)
    freed = {(week, resource): -number for week, by in held.items() for resource, number in by.items()}
    _count(work, plant_id, {key: (number, 0) for key, number in freed.items()})
    _count_held(work, pool_id, freed)
    work.connection.execute(
        update(pool_plans)
        .where(pool_plans.c.pool_id == pool_id, pool_plans.c.closed_at.is_(None))
        .values(closed_at=work.now)
    )
    return -sum(number for (_, resource), number in freed.items() if resource == SLOT)


def open_plan(work: Work, pool_id: str) -> PoolPlan | None:
    """Return the plan of a pool that is not closed."""
    return open_plans(work, [pool_id]).get(pool_id)


def open_plans(work: Work, pool_ids: Sequence[str]) -> dict[str, PoolPlan]:
    """Return the plans of those pools that are not closed, in one statement."""
    table = pool_plans.c
    found = select(
        table.pool_id, table.plant_id, table.class_key, table.places, table.first_week, table.deadline
    ).where(db.among(table.pool_id, pool_ids), table.brand_id == work.actor.brand_id, table.closed_at.is_(None))
    return {row.pool_id: PoolPlan(*row) for row in work.connection.execute(found)}


def open_plan_of_class(work: Work, class_keys: Sequence[str]) -> PoolPlan | None:
    """Return the plan of the open pool of one of these classes whose deadline comes first."""
    table = pool_plans.c
    found = (
        select(table.pool_id, table.plant_id, table.class_key, table.places, table.first_week, table.deadline)
        .where(
            table.brand_id == work.actor.brand_id,
            db.among(table.class_key, class_keys),
            table.closed_at.is_(None),
            table.deadline > work.now,
        )
        .order_by(table.deadline, table.pool_id)
        .limit(1)
    )
    row = work.connection.execute(found).first()
    return None if row is None else PoolPlan(*row)


def _count(work: Work, plant_id: str, changes: Mapping[tuple[date, str], tuple[int, int]]) -> None:
    """Add to reserved and used; the database refuses what would go beyond the capacity."""
    rows = [
        {"b_plant": plant_id, "b_week": week, "b_resource": resource, "b_reserved": reserved, "b_used": used}
        for (week, resource), (reserved, used) in sorted(changes.items())
        if reserved or used
    ]
    if rows:
        work.connection.execute(_COUNT, rows)


# Written once: every held promise counts, and writing it took longer than running it.
_COUNT: Final = (
    update(capacity_weeks)
    .where(
        capacity_weeks.c.plant_id == bindparam("b_plant"),
        capacity_weeks.c.week == bindparam("b_week"),
        capacity_weeks.c.resource == bindparam("b_resource"),
    )
    .values(
        reserved=capacity_weeks.c.reserved + bindparam("b_reserved"), used=capacity_weeks.c.used + bindparam("b_used")
    )
)


def _count_held(work: Work, pool_id: str | None, changes: Mapping[tuple[date, str], int]) -> None:
    table = pool_reservations.c
    rows = [
        {"b_week": week, "b_resource": resource, "b_held": held}
        for (week, resource), held in sorted(changes.items())
        if held
    ]
    if rows:
        work.connection.execute(
            update(pool_reservations)
            .where(
                table.pool_id == pool_id,
                table.week == bindparam("b_week"),
                table.resource == bindparam("b_resource"),
            )
            .values(held=table.held + bindparam("b_held")),
            rows,
        )
