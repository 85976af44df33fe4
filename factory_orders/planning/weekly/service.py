"""Use cases: a plant's whole book planned anew, beside the weeks it has: the best there could be, and what if.

Nothing is moved by it: a week that a plant and a buyer were told stands. It says how far the weeks in force are from
the optimum at most, what one more unit of each limit would be worth, and, where not everybody finds a week, which
limits are in conflict. The worker keeps such a plan whenever weeks were given and once a day; a what-if is kept by
nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from factory_orders.planning.queries import plant_by_id
from factory_orders.planning.weekly.apart import solve_apart
from factory_orders.planning.weekly.model import (
    NOTHING_ELSE,
    KeptPlan,
    PlanOutlook,
    WeekBook,
    WeekPlan,
    WhatIf,
    cost_of_weeks,
)
from factory_orders.planning.weekly.queries import load_book
from factory_orders.planning.weekly.solving import solve_book
from factory_orders.planning.weekly.store import ask_for_plans, insert_plan, plans_due, settle_plan
from factory_orders.planning.weekly.texts import conflict_text, shortfall_text, worth_text
from kernel import registry
from kernel.actor import Permission, system
from kernel.ids import BrandId
from kernel.turns import act_on_each
from kernel.work import Work, Works

__all__ = [
    "conflict_text",
    "look_at",
    "plan_all_books",
    "plan_due_books",
    "plan_outlook",
    "read_book",
    "shortfall_text",
    "solve_apart",
    "worth_text",
]
AT_ONCE: Final = 20
Solver = Callable[[WeekBook], WeekPlan]


def read_book(work: Work, plant_id: str, what_if: WhatIf = NOTHING_ELSE) -> WeekBook:
    """Return a plant's book for planning; refuses who may not read batches, and what `load_book` refuses."""
    work.actor.require(Permission.BATCH_READ)
    return load_book(work, plant_by_id(work, plant_id), what_if)


def plan_outlook(work: Work, plant_code: str, *, what_if: WhatIf = NOTHING_ELSE) -> PlanOutlook:
    """Plan every order of the plant that has not begun into the weeks laid out; in this process, for seconds."""
    work.actor.require(Permission.BATCH_READ)
    book = load_book(work, registry.plant_by_code(work, plant_code), what_if)
    return look_at(book, solve_book(book))


def look_at(book: WeekBook, plan: WeekPlan) -> PlanOutlook:
    """Hold a new plan against the weeks in force."""

    def day(number: int | None) -> date | None:
        return None if number is None else book.weeks[number]

    return PlanOutlook(
        orders=len(book.orders),
        cost_minor=plan.cost_minor,
        bound_minor=plan.bound_minor,
        now_minor=cost_of_weeks(book, [order.week for order in book.orders]),
        unslotted=tuple(order.id for order, week in zip(book.orders, plan.week, strict=True) if week is None),
        worth=plan.worth,
        conflict=plan.conflict,
        shortfalls=book.shortfalls,
        left_out=book.left_out,
        weeks={order.id: (day(order.week), day(week)) for order, week in zip(book.orders, plan.week, strict=True)},
    )


def plan_due_books(works: Works) -> int:
    """Plan the books of plants whose orders or weeks have changed; returns how many; the worker's loop.

    It reads, plans for seconds while nobody waits for it, and then writes; changed meanwhile, the book comes again. A
    book that cannot be planned keeps no other waiting.
    """
    with works.read(system(BrandId("platform"))) as work:
        due = plans_due(work, at_once=AT_ONCE)
    return act_on_each(due, lambda one: _plan_due_book(works, *one))


def _plan_due_book(works: Works, plant_id: str, brand_id: str, asked_at: datetime) -> int:
    actor = system(BrandId(brand_id))
    with works.read(actor) as work:
        book = load_book(work, plant_by_id(work, plant_id))
    found = look_at(book, solve_book(book)) if book.orders else None
    with works.change(actor) as work:
        if found is not None:
            insert_plan(work, _kept(work, plant_id, found))
        settle_plan(work, plant_id, asked_at)
    return 1


def plan_all_books(work: Work) -> None:
    """Have every plant's book of the brand planned: the days have gone on, though nothing else may have changed."""
    ask_for_plans(work, [plant.id for plant in registry.list_plants(work)])


def _kept(work: Work, plant_id: str, found: PlanOutlook) -> KeptPlan:
    return KeptPlan(
        id=work.new_id(),
        brand_id=work.actor.brand_id,
        plant_id=plant_id,
        made_at=work.now,
        orders=found.orders,
        without_week=len(found.unslotted),
        moved=found.moved,
        cost_minor=found.cost_minor,
        bound_minor=found.bound_minor,
        now_minor=found.now_minor,
        worth=found.worth,
        conflict=found.conflict,
    )
