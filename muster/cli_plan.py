"""`muster plan`: a plant's book planned anew, what one more unit would be worth, and what if; nothing is moved."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from muster.acting import reading
from muster.terminal import TO_PLAN, out, progress

if TYPE_CHECKING:
    from factory_orders.planning.weekly.model import PlanOutlook, WhatIf
    from kernel.work import Work

WORTH_SHOWN: Final = 12
CHINESE: Final = "zh-CN"
LANGUAGES: Final = ("en", CHINESE)


def add_to(root: typer.Typer) -> None:
    """Add the command."""
    root.command(rich_help_panel=TO_PLAN)(plan)


def plan(
    plant: Annotated[str, typer.Argument(help="The code of a plant.")],
    capacity: Annotated[list[str], typer.Option(help="What if a week had other room: WEEK:RESOURCE:CARS.")] = [],  # noqa: B006
    late: Annotated[
        list[str], typer.Option(help="What if a feature's part, or a part by its code, came later: FEATURE:WEEKS.")
    ] = [],  # noqa: B006
    still: Annotated[list[str], typer.Option(help="What if the plant stood still in a week (its Monday).")] = [],  # noqa: B006
    kept: Annotated[bool, typer.Option("--kept", help="Show what the worker kept instead of planning now.")] = False,
    language: Annotated[str, typer.Option(help="The language of the answer: en or zh-CN.")] = "en",
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Plan every order of a plant that has not begun anew, and hold it against the weeks it has. Nothing is moved.

    Says what both cost (waiting and lateness, from the policy), how far from the optimum the plan is at most, what one
    more car of each limit would save (not of a book of some ten thousand orders), and, where somebody finds no week,
    the smallest set of limits in conflict, how many orders are short because of them alone, and how many in all. A
    week's other room is all that it can take; what has begun or is held for pools stays, and what then lacks is named.

    Example: [bold]muster plan changzhou --still 2026-12-21 --capacity 2026-12-28:slot:500 --late PT_BEV_70:3[/bold]
    """
    from factory_orders.planning.weekly.service import plan_outlook
    from kernel.errors import InvalidInput

    if language not in LANGUAGES:
        raise InvalidInput("language", " | ".join(LANGUAGES))
    conditions = _what_if(capacity, late, still)
    if kept:
        with reading(brand, Role.PLANNER) as work:
            _show_kept(work, plant, language)
        return
    with progress("Planning …"), reading(brand, Role.PLANNER) as work:
        _show(plan_outlook(work, plant, what_if=conditions), language)


def _what_if(capacity: list[str], late: list[str], still: list[str]) -> WhatIf:
    from factory_orders.planning.weekly.model import WhatIf
    from kernel.errors import InvalidInput

    try:
        rooms = {}
        for one in capacity:
            week, resource, cars = one.split(":")
            rooms[date.fromisoformat(week), resource] = int(cars)
        weeks = {name: int(number) for name, number in (one.rsplit(":", 1) for one in late)}
        found = WhatIf(rooms, weeks, tuple(date.fromisoformat(one) for one in still))
        if min((*rooms.values(), *weeks.values()), default=0) < 0:
            raise ValueError
    except ValueError:
        raise InvalidInput(
            "what if",
            "write --capacity WEEK:RESOURCE:CARS as 2026-12-28:slot:500, --late FEATURE:WEEKS as PT_BEV_70:3 and "
            "--still WEEK as 2026-12-21",
        ) from None
    return found


def _show(found: PlanOutlook, language: str) -> None:
    from factory_orders.planning.weekly.texts import conflict_text, outlook_lines, shortfall_text, worth_text

    for line in outlook_lines(found, language):
        out.print(line)
    for short in found.shortfalls:
        out.print(shortfall_text(short, language), style="yellow")
    if found.conflict is not None:
        out.print(conflict_text(found.conflict, language), style="yellow")
    for one in found.worth[:WORTH_SHOWN]:
        out.print(worth_text(one, language))
    if len(found.worth) > WORTH_SHOWN:
        more = len(found.worth) - WORTH_SHOWN
        out.print(f"另有{more}项价值较低。" if language == CHINESE else f"And {more:,} more that would save less.")


def _show_kept(work: Work, plant_code: str, language: str) -> None:
    """Show the newest plan and partition that the worker kept of a plant."""
    from factory_orders.planning.queries import batch_plans_of
    from factory_orders.planning.weekly.kept_queries import week_plans_of
    from factory_orders.planning.weekly.texts import conflict_text, kept_lines, partition_line, worth_text
    from kernel import registry
    from kernel.paging import PageRequest

    plant = registry.plant_by_code(work, plant_code)
    for partition in batch_plans_of(work, plant.id, PageRequest(1)).items:
        out.print(partition_line(partition, language))
    plans = week_plans_of(work, plant.id, PageRequest(1)).items
    if not plans:
        out.print("尚无排产方案。" if language == CHINESE else "No plan is kept of this plant yet.")
    for plan in plans:
        for line in kept_lines(plan, language):
            out.print(line)
        if plan.conflict is not None:
            out.print(conflict_text(plan.conflict, language), style="yellow")
        for one in plan.worth[:WORTH_SHOWN]:
            out.print(worth_text(one, language))
