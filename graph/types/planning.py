"""A plant's book of orders planned anew: how far its weeks are from the best, what one more unit is worth, what if."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import strawberry

from factory_orders import model, queries
from factory_orders.errors import PlanTooLarge
from factory_orders.planning.weekly import service
from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import query
from graph.scalars import Cursor
from graph.types.money import Money, show_minor
from graph.types.pages import Connection, show_page
from kernel.actor import Permission
from kernel.errors import InvalidInput
from kernel.paging import page_request
from kernel.reasons import because
from kernel.work import Work

WORTHS_MAX = 50
CHANGES_MAX = 100


@object_type(reads=Permission.BATCH_READ)
class UnitWorth:
    """What one more unit of a resource in a week would save; `text` says so in the reader's language."""

    week: date
    resource: str
    worth: Money
    text: str


@object_type(reads=Permission.BATCH_READ)
class LimitConflict:
    """The smallest set of limits that cannot all be kept: because of them alone at least `orders` find no week.

    Because of all limits together it is at least `ordersInAll`. One more unit of one of them in one of `weeks` leaves
    one order less without a week, as long as only they count. Without `resources`, parts come after the last week.
    """

    resources: list[str] = field(at_most=62)
    weeks: list[date] = field(at_most=104)
    orders: int
    orders_in_all: int
    text: str


@object_type(reads=Permission.BATCH_READ)
class CapacityShortfall:
    """A week that is asked to take fewer cars than are locked in it."""

    week: date
    resource: str
    taken: int
    capacity: int
    text: str


@object_type(reads=Permission.BATCH_READ)
class WeekPlan:
    """A plant's book as the worker planned it: no week is moved by it.

    Nothing costs less than `bound`; the gaps say by how many basis points of its cost a plan lies above the optimum at
    most. `inForce` is the cost of the weeks that orders have, null where they break a limit.
    """

    id: strawberry.ID
    made_at: datetime
    orders: int
    without_week: int
    would_move: int
    cost: Money
    bound: Money
    gap_basis_points: int
    in_force: Money | None
    in_force_gap_basis_points: int | None
    unit_worths: list[UnitWorth] = field(at_most=WORTHS_MAX)
    conflict: LimitConflict | None


@object_type(reads=Permission.BATCH_READ)
class BatchPlan:
    """A partition of waiting orders into batches, of one class or of several; `exact` where it is proven cheapest.

    No partition of the same orders that the rules allow costs less than `bound`.

    `waiting` orders fill no batch yet; `tooLong` are those in a batch whose buyers would wait too long.
    """

    id: strawberry.ID
    made_at: datetime
    orders: int
    batches: int
    waiting: int
    too_long: int
    cost: Money
    bound: Money
    gap_basis_points: int
    exact: bool


@object_type(reads=Permission.BATCH_READ)
class WhatIfPlan:
    """A plant's book planned under other capacities: what it would cost, who would move, what would lack."""

    orders: int
    without_week: int
    would_move: int
    cost: Money
    bound: Money
    gap_basis_points: int
    in_force: Money | None
    unit_worths: list[UnitWorth] = field(at_most=WORTHS_MAX)
    conflict: LimitConflict | None
    shortfalls: list[CapacityShortfall] = field(at_most=CHANGES_MAX)


@input_type(takes=Permission.BATCH_READ)
class WhatIfCapacityInput:
    """A planned week (its Monday), a resource of it (`slot`, or a constrained option), and the cars it would take."""

    week: date
    resource: str
    capacity: int


@input_type(takes=Permission.BATCH_READ)
class WhatIfLateInput:
    """A feature (a model or an option) whose part would come so many weeks later."""

    feature: str
    weeks: int


@input_type(takes=Permission.BATCH_READ)
class WhatIfInput:
    """What would be otherwise: capacities, parts that come late, weeks in which the plant stands still."""

    capacities: list[WhatIfCapacityInput] = strawberry.field(default_factory=list)
    late: list[WhatIfLateInput] = strawberry.field(default_factory=list)
    still_weeks: list[date] = strawberry.field(default_factory=list)


@query(reads=Permission.BATCH_READ)
def week_plans(
    work: Work, request: Request, plant_id: strawberry.ID, first: int, after: Cursor | None = None
) -> Connection[WeekPlan]:
    """How the worker planned a plant's book, the newest plan first."""
    found = queries.week_plans_of(work, raw_id(plant_id, "Plant"), page_request(first, after))
    return show_page(found, lambda plan: _show_kept(plan, request.locale))


@query(reads=Permission.BATCH_READ)
def batch_plans(work: Work, plant_id: strawberry.ID, first: int, after: Cursor | None = None) -> Connection[BatchPlan]:
    """How a plant's waiting orders were parted into batches, newest first."""
    found = queries.batch_plans_of(work, raw_id(plant_id, "Plant"), page_request(first, after))
    return show_page(found, _show_batch_plan)


@query(reads=Permission.BATCH_READ, refuses=(PlanTooLarge,), result="WhatIfResult")
async def what_if(request: Request, plant_id: strawberry.ID, changes: WhatIfInput) -> WhatIfPlan:
    """What a plant's plan would be under other circumstances; changes nothing. Computed apart, one at a time."""
    book = await request.read(service.read_book, raw_id(plant_id, "Plant"), _read_changes(changes))
    plan = await request.threads.run(service.solve_apart, book)
    return _show_outlook(service.look_at(book, plan), request.locale)


def _read_changes(changes: WhatIfInput) -> model.WhatIf:
    if max(len(changes.capacities), len(changes.late), len(changes.still_weeks)) > CHANGES_MAX:
        raise InvalidInput("changes", because("COUNT_MOST", most=CHANGES_MAX))
    return model.WhatIf(
        {(one.week, one.resource): one.capacity for one in changes.capacities},
        {one.feature: one.weeks for one in changes.late},
        tuple(changes.still_weeks),
    )


def _show_batch_plan(plan: queries.BatchPlanView) -> BatchPlan:
    return BatchPlan(
        id=write_id("BatchPlan", plan.id),
        made_at=plan.made_at,
        orders=plan.orders,
        batches=plan.batches,
        waiting=plan.waiting,
        too_long=plan.too_long,
        cost=show_minor(plan.cost_minor),
        bound=show_minor(plan.bound_minor),
        gap_basis_points=plan.gap_bp,
        exact=plan.exact,
    )


def _show_kept(plan: model.KeptPlan, locale: str) -> WeekPlan:
    return WeekPlan(
        id=write_id("WeekPlan", plan.id),
        made_at=plan.made_at,
        orders=plan.orders,
        without_week=plan.without_week,
        would_move=plan.moved,
        cost=show_minor(plan.cost_minor),
        bound=show_minor(plan.bound_minor),
        gap_basis_points=plan.gap_bp,
        in_force=None if plan.now_minor is None else show_minor(plan.now_minor),
        in_force_gap_basis_points=plan.gap_now_bp,
        unit_worths=_show_worths(plan.worth, locale),
        conflict=_show_conflict(plan.conflict, locale),
    )


def _show_outlook(found: model.PlanOutlook, locale: str) -> WhatIfPlan:
    return WhatIfPlan(
        orders=found.orders,
        without_week=len(found.unslotted),
        would_move=found.moved,
        cost=show_minor(found.cost_minor),
        bound=show_minor(found.bound_minor),
        gap_basis_points=found.gap_bp,
        in_force=None if found.now_minor is None else show_minor(found.now_minor),
        unit_worths=_show_worths(found.worth, locale),
        conflict=_show_conflict(found.conflict, locale),
        shortfalls=[
            CapacityShortfall(
                week=one.week,
                resource=one.resource,
                taken=one.taken,
                capacity=one.capacity,
                text=service.shortfall_text(one, locale),
            )
            for one in found.shortfalls
        ],
    )


def _show_worths(worth: Sequence[model.UnitWorth], locale: str) -> list[UnitWorth]:
    return [
        UnitWorth(
            week=one.week,
            resource=one.resource,
            worth=show_minor(one.worth_minor),
            text=service.worth_text(one, locale),
        )
        for one in worth[:WORTHS_MAX]
    ]


def _show_conflict(conflict: model.Conflict | None, locale: str) -> LimitConflict | None:
    if conflict is None:
        return None
    return LimitConflict(
        resources=list(conflict.resources),
        weeks=list(conflict.weeks),
        orders=conflict.short,
        orders_in_all=conflict.short_in_all,
        text=service.conflict_text(conflict, locale),
    )
