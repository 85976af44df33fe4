"""Use cases from the lock to the line: orders, batches, weeks, days, build orders and their places on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from types import MappingProxyType

from configurator.quote_service import road_km
from factory_orders.agreements.reduction_service import end_reduction
from factory_orders.events import (
    BatchFormed,
    BuildOrderReleased,
    BuildOrderWithdrawn,
    OrderBuiltAgain,
    OrderCreated,
    OrderPlannedLater,
    OrderScheduled,
    SlotsReleased,
)
from factory_orders.exchanges.store import lapse_swap_offers
from factory_orders.planning.batching.service import plan_waiting
from factory_orders.planning.capacity_store import (
    building_days,
    give_back_place,
    held_by_pool,
    lay_out_weeks,
    load_weeks,
    lock_pool,
    release_pool,
    take_places,
)
from factory_orders.planning.line_days.service import close_up, sequence_days
from factory_orders.planning.model import (
    SLOT,
    AtStoreOrder,
    Batch,
    BatchState,
    BuiltOrder,
    InTransitOrder,
    OrderTerms,
    Placement,
    ScheduledOrder,
    SlotRequest,
)
from factory_orders.planning.order_store import (
    batch_of_order,
    fix_promises,
    insert_batch,
    insert_batch_plan,
    insert_orders,
    insert_rebuild,
    lock_batch,
    lock_scheduled,
    move_batch,
    orders_of_batch,
    pool_is_waiting,
    save_order,
)
from factory_orders.planning.promise import Window, at_store_on, promise_days
from factory_orders.planning.queries import car_facts, plant_by_id
from factory_orders.planning.slotting import WEEK, level_cars, slot_orders
from factory_orders.planning.weekly.placing import cheapest_weeks
from factory_orders.planning.weekly.queries import planner, week_costs
from factory_orders.planning.weekly.store import ask_for_plans
from factory_orders.plant.batch_store import complete_batch
from factory_orders.plant.model import BEFORE_THE_LINE, BuildOrder, Stage
from factory_orders.plant.store import (
    day_loads,
    day_options,
    hold_line,
    insert_build_orders,
    live_build_order,
    orders_with_build_order,
    withdraw,
)
from factory_orders.policies import BatchPolicy, CapacityPolicy, PromisePolicy
from factory_orders.promises.accepted_service import later_dates
from factory_orders.promises.calibration_service import note_not_ready
from factory_orders.promises.margin_store import margin_at, planned_days
from factory_orders.promises.store import insert_outcomes
from factory_orders.stock_orders.events import StockOrderScheduled
from factory_orders.stock_orders.queries import stock_orders_by_id
from factory_orders.store_closing.events import OrderStoreClosed
from factory_orders.store_closing.model import PICK_AGAIN_AFTER, PICK_TIMER
from kernel import policy, registry
from kernel.actor import Permission
from kernel.errors import NotFound
from kernel.registry import Plant
from kernel.timers import set_timer, set_timers
from kernel.work import Work

LATE_CREDIT_TIMER = "factory_orders.late_credit"
SCHEDULE_TIMER = "factory_orders.schedule_batch"
RETRY_AFTER = timedelta(days=1)


def take_locked(
    work: Work, locked: Sequence[OrderTerms], dated_at: Mapping[str, datetime] = MappingProxyType({})
) -> None:
    """Make orders of locked pre-orders, form the plants' batches and schedule them; the same news twice is fine.

    `dated_at` has by order the moment whose margins made the date that it comes with.
    """
    work.actor.require(Permission.SYSTEM)
    fresh = insert_orders(work, locked)
    new = [terms for terms in locked if terms.id in fresh]
    insert_outcomes(work, new, planned_days(work, new, dated_at), dated_at)
    for terms in locked:
        if terms.id in fresh:
            work.record(
                OrderCreated(
                    work.actor.brand_id, terms.id, terms.account_id, terms.pool_id, terms.store_id, terms.model
                )
            )
    bound = registry.stores_by_id(work, sorted({terms.store_id for terms in new}))
    for terms in new:
        if bound[terms.store_id].closed_at is not None:
            work.record(OrderStoreClosed(terms.brand_id, terms.id, terms.account_id, terms.store_id))
            set_timer(work, PICK_TIMER, terms.id, work.now + PICK_AGAIN_AFTER)
    for plant_id in sorted({terms.plant_id for terms in locked}):
        form_batches(work, plant_by_id(work, plant_id))


def form_batches(work: Work, plant: Plant) -> list[Batch]:
    """Form batches of the plant's waiting orders and schedule each, in the order in which the plant builds them.

    Orders that fill no batch, neither of their class nor with others, wait for the next ones.
    """
    plan = plan_waiting(work, plant)
    if plan is not None:
        insert_batch_plan(work, plant.id, plan.partition)
    return [_form_batch(work, plant, terms) for terms in plan.batches] if plan is not None else []


def _form_batch(work: Work, plant: Plant, terms: Sequence[OrderTerms]) -> Batch:
    batch = Batch(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        plant_id=plant.id,
        pool_id=terms[0].pool_id,
        state=BatchState.ACCEPTED,
        size=len(terms),
        passed=0,
        created_at=work.now,
    )
    limits = policy.current(work).section(BatchPolicy).limits(plant.code)
    insert_batch(work, batch, [one.id for one in terms], limits=limits)
    work.record(BatchFormed(batch.brand_id, batch.id, plant.id, batch.pool_id, batch.size))
    _schedule(work, plant, batch.id, terms)
    return batch


def schedule_batch(work: Work, batch_id: str) -> int:
    """Schedule what of a batch has no week yet, on a planner's word; returns how many orders got one.

    Refuses NotFound for a batch that is not the brand's.
    """
    work.actor.require(Permission.BATCH_MANAGE)
    known = orders_of_batch(work, batch_id)
    if not known:
        raise NotFound("batch")
    members = [order.terms for order in known if isinstance(order, ScheduledOrder)]
    if not members:
        return 0
    # A server process answers this one: it stays light, and the first week with room is the week.
    return _schedule(work, plant_by_id(work, members[0].plant_id), batch_id, members, searched=False)


def on_schedule_timer(work: Work, batch_id: str, _payload: object) -> None:
    """Try again to place what found no week yesterday."""
    members = [order.terms for order in orders_of_batch(work, batch_id) if isinstance(order, ScheduledOrder)]
    if members:
        _schedule(work, plant_by_id(work, members[0].plant_id), batch_id, members)


def _schedule(work: Work, plant: Plant, batch_id: str, members: Sequence[OrderTerms], *, searched: bool = True) -> int:
    """Place orders in weeks, release their build orders and order the days' lines; the book is to be planned anew."""
    hold_line(work, plant.id)
    ids = {terms.id for terms in members}
    # Who has a week already is not locked: a report on such a car would be waited for with its order held.
    ids -= orders_with_build_order(work, sorted(ids))
    # Read before they were locked: some may have been cancelled since, others have got their week from somebody else.
    standing = lock_scheduled(work, sorted(ids))
    standing -= orders_with_build_order(work, sorted(standing))
    waiting = [terms for terms in members if terms.id in standing]
    placed: dict[str, Placement] = {}
    for pool_id, group in groupby(waiting, key=lambda terms: terms.pool_id):
        placed |= _place(work, plant, pool_id, list(group), searched=searched)
    ask_for_plans(work, [plant.id])
    days = _release(work, plant, batch_id, [terms for terms in waiting if terms.id in placed], placed)
    sequence_days(work, plant.id, days)
    if len(placed) < len(waiting):
        set_timer(work, SCHEDULE_TIMER, batch_id, work.now + RETRY_AFTER)
    for pool_id in sorted({terms.pool_id for terms in members}):
        release_rest(work, pool_id, plant.id)
    move_batch(work, batch_id, BatchState.RELEASED, only_from=[BatchState.PROPOSED, BatchState.ACCEPTED])
    return len(placed)


def release_rest(work: Work, pool_id: str, plant_id: str) -> None:
    """Free what a locked pool still holds once none of its orders waits for a week any more."""
    # Two that end at once would each see the other's order wait, and nobody would free anything.
    lock_pool(work, pool_id)
    if pool_is_waiting(work, pool_id):
        return
    freed = release_pool(work, pool_id)
    if freed:
        work.record(SlotsReleased(work.actor.brand_id, pool_id, plant_id, freed))


def _place(
    work: Work, plant: Plant, pool_id: str, members: Sequence[OrderTerms], *, searched: bool
) -> dict[str, Placement]:
    """Find each order's week and take its places; what finds none is missing from the answer.

    Orders get the weeks that cost least together where they are `searched`, else each its first one with room.
    """
    rules = policy.current(work)
    capacity = rules.section(CapacityPolicy)
    own = planner(work, plant, (terms.catalogue_version_id for terms in members))
    options = sorted(frozenset[str]().union(*(facts.constrained for facts in own.facts.values())))
    lay_out_weeks(work, plant, first=own.first, weeks=capacity.weeks_ahead, options=options, policy=capacity)
    room = load_weeks(work, plant.id, first=own.first, pool_id=pool_id, lock=True)
    book = own.book_orders([(terms, None) for terms in members])
    if searched:
        placed = cheapest_weeks(book, room, week_costs(work))
    else:
        requests = [SlotRequest(one.id, frozenset(one.needs) - {SLOT}, own.first + WEEK * one.ready) for one in book]
        placed, _unplaced = slot_orders(requests, room)
    take_places(work, plant.id, pool_id, placed)
    return {placement.order_id: placement for placement in placed}


def _release(
    work: Work, plant: Plant, batch_id: str, members: Sequence[OrderTerms], placed: dict[str, Placement]
) -> list[date]:
    """Give placed orders their day and release their build orders; returns the days that changed."""
    brand = registry.own_brand(work)
    facts = {version: car_facts(work, version) for version in {terms.catalogue_version_id for terms in members}}
    new: list[BuildOrder] = []
    by_week: dict[date, list[OrderTerms]] = {}
    for terms in members:
        by_week.setdefault(placed[terms.id].week, []).append(terms)
    for week, of_week in sorted(by_week.items()):
        days = building_days(brand, week)
        cars = [facts[terms.catalogue_version_id].constrained_of(terms.options) for terms in of_week]
        constrained = frozenset[str]().union(*cars)
        taken = day_options(work, plant.id, days, constrained) if constrained else {}
        chosen = level_cars(cars, days, day_loads(work, plant.id, days), taken)
        for terms, day in zip(of_week, chosen, strict=True):
            new.append(_build_order(work, terms, batch_id, week, day))
    insert_build_orders(work, new)
    _tell(work, plant, [terms for terms in members if terms.has_buyer], placed, batch_id)
    _tell_stores(work, [terms for terms in members if not terms.has_buyer], placed)
    for order in new:
        work.record(BuildOrderReleased(order.brand_id, order.id, order.order_id, order.plant_id, order.day))
    return sorted({order.day for order in new})


def _build_order(work: Work, terms: OrderTerms, batch_id: str, week: date, day: date) -> BuildOrder:
    return BuildOrder(
        id=work.new_id(),
        brand_id=terms.brand_id,
        order_id=terms.id,
        batch_id=batch_id,
        plant_id=terms.plant_id,
        week=week,
        day=day,
        position=None,
        model=terms.model,
        options=terms.options,
        catalogue_version_id=terms.catalogue_version_id,
        stage=Stage.QUEUED,
        moved_at=work.now,
        events=0,
        released_at=work.now,
    )


def _tell(work: Work, plant: Plant, members: Sequence[OrderTerms], placed: dict[str, Placement], batch_id: str) -> None:
    """Fix the contract's date where the quote had none, wind the clock of late credits and tell the buyers."""
    times = policy.current(work).section(PromisePolicy)
    brand = registry.own_brand(work)
    stores = registry.stores_by_id(work, sorted({terms.store_id for terms in members}))
    fixed: dict[str, date] = {}
    dated: list[OrderTerms] = []
    first_late_days: dict[str, datetime] = {}
    planned: dict[str, date] = {}
    margin = margin_at(work, plant.id, work.now)
    for terms in members:
        week = placed[terms.id].week
        distance_km = road_km(plant, stores[terms.store_id])
        expected, by = promise_days(Window(week, week), distance_km=distance_km, policy=times, margin=margin)
        promised = terms.promised_by
        if promised is None:
            promised = fixed[terms.id] = by
            dated.append(replace(terms, promised_by=promised, expected_on=expected))
            planned[terms.id] = at_store_on(week, distance_km=distance_km, policy=times)
        late_from = datetime.combine(promised + timedelta(days=1), time.min, brand.zone)
        first_late_days[terms.id] = late_from.astimezone(UTC)
        work.record(OrderScheduled(terms.brand_id, terms.id, terms.account_id, batch_id, week, expected, promised))
    set_timers(work, LATE_CREDIT_TIMER, first_late_days)
    fix_promises(work, fixed)
    insert_outcomes(work, dated, planned)
    _tell_later(work, members, placed, fixed)


def _tell_later(
    work: Work, members: Sequence[OrderTerms], placed: Mapping[str, Placement], fixed: Mapping[str, date]
) -> None:
    """Tell those whose date is later than the one they accepted; `fixed` are the dates that came with the weeks."""
    weeks: list[tuple[OrderTerms, date | None]] = [
        (replace(terms, promised_by=fixed.get(terms.id, terms.promised_by)), placed[terms.id].week) for terms in members
    ]
    later = later_dates(work, weeks)
    for terms in members:
        date_now = later.get(terms.id)
        if date_now is not None:
            accepted_by, due_by = date_now.accepted_by, date_now.due_by
            work.record(OrderPlannedLater(terms.brand_id, terms.id, terms.account_id, accepted_by, due_by))


def _tell_stores(work: Work, cars: Sequence[OrderTerms], placed: dict[str, Placement]) -> None:
    """Tell who ordered cars for stock when they are built; nothing is promised of them."""
    for one in stock_orders_by_id(work, [terms.pool_id for terms in cars]).values():
        weeks = [placed[terms.id].week for terms in cars if terms.pool_id == one.id]
        work.record(
            StockOrderScheduled(one.brand_id, one.id, one.ordered_by, one.store_id, one.model, len(weeks), max(weeks))
        )


def build_again(
    work: Work, order: ScheduledOrder | BuiltOrder | InTransitOrder | AtStoreOrder, *, vin: str | None
) -> None:
    """Build another car for an order whose car is gone or not new any more: a new place, a new build order, a new date.

    `vin` is the number of that car, None where it got none. The caller has held the plant's line before the order.
    """
    assert isinstance(order, ScheduledOrder | BuiltOrder | InTransitOrder | AtStoreOrder), "no car is built for an end"
    terms = order.terms
    plant = plant_by_id(work, terms.plant_id)
    old = live_build_order(work, terms.id)
    assert old is not None, "an order with a car has its build order"
    _withdraw(work, old)
    save_order(work, ScheduledOrder(end_reduction(work, terms)))
    insert_rebuild(work, terms.id, vin=vin)
    note_not_ready(work, terms.id)
    lapse_swap_offers(work, [terms.id])
    batch_id = batch_of_order(work, terms.id)
    # One order's cheapest week is its first one with room.
    placed = _place(work, plant, terms.pool_id, [terms], searched=False)
    week = placed[terms.id].week if terms.id in placed else None
    sequence_days(work, plant.id, _release(work, plant, batch_id, [terms] if week else [], placed))
    if week is None:
        set_timer(work, SCHEDULE_TIMER, batch_id, work.now + RETRY_AFTER)
    # Where cars changed places the one that is gone was of another batch, and perhaps the last that it waited for.
    for one in sorted({batch_id, old.batch_id}):
        lock_batch(work, one)
    move_batch(work, batch_id, BatchState.BUILDING, only_from=[BatchState.COMPLETE])
    if old.batch_id != batch_id:
        complete_batch(work, old.batch_id)
    if terms.has_buyer:
        work.record(OrderBuiltAgain(terms.brand_id, terms.id, terms.account_id, vin, week or old.week))


def _withdraw(work: Work, old: BuildOrder) -> None:
    withdraw(work, old)
    work.record(BuildOrderWithdrawn(old.brand_id, old.id, old.order_id, old.plant_id))
    if old.stage in BEFORE_THE_LINE:
        close_up(work, old.plant_id, old.day)


def withdraw_build_order(work: Work, terms: OrderTerms) -> None:
    """Take a cancelled order's car off the plan while it has not begun; its places are free again."""
    old = live_build_order(work, terms.id)
    if old is not None:
        # What `release_rest` will lock, with the week that is given back: two that leave take all in the weeks' order.
        if held := held_by_pool(work, terms.pool_id):
            load_weeks(work, terms.plant_id, first=min(old.week, *held), pool_id=None, lock=True)
        _withdraw(work, old)
        facts = car_facts(work, terms.catalogue_version_id)
        give_back_place(work, terms.plant_id, old.week, (SLOT, *sorted(facts.constrained_of(terms.options))))
