"""`muster plan`: a plant's book planned anew, what one more unit would be worth, and what if; nothing is moved."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from muster.acting import reading
from muster.terminal import TO_PLAN, out, progress

if TYPE_CHECKING:
    from factory_orders.planning.outlook_service import PlanOutlook, WhatIf

WORTH_SHOWN: Final = 12


def add_to(root: typer.Typer) -> None:
    """Add the command."""
    root.command(rich_help_panel=TO_PLAN)(plan)


def plan(
    plant: Annotated[str, typer.Argument(help="The code of a plant.")],
    capacity: Annotated[list[str], typer.Option(help="What if a week had other room: WEEK:RESOURCE:CARS.")] = [],  # noqa: B006
    late: Annotated[list[str], typer.Option(help="What if a feature's part came later: FEATURE:WEEKS.")] = [],  # noqa: B006
    still: Annotated[list[str], typer.Option(help="What if the plant stood still in a week (its Monday).")] = [],  # noqa: B006
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Plan every order of a plant that has not begun anew, and hold it against the weeks it has. Nothing is moved.

    Says what both cost (waiting and lateness, from the policy), how far from the optimum the plan is at most, what one
    more car of each limit would save, and, where somebody finds no week, the fewest limits that conflict.

    Example: [bold]muster plan changzhou --still 2026-12-21 --capacity 2026-12-28:slot:500 --late PT_BEV_70:3[/bold]
    """
    from factory_orders.planning.outlook_service import plan_outlook

    conditions = _what_if(capacity, late, still)
    with progress("Planning …"), reading(brand, Role.PLANNER) as work:
        _show(plan_outlook(work, plant, what_if=conditions))


def _what_if(capacity: list[str], late: list[str], still: list[str]) -> WhatIf:
    from factory_orders.planning.outlook_service import WhatIf
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
        raise InvalidInput("what if", "2026-12-28:slot:500, PT_BEV_70:3, 2026-12-21") from None
    return found


def _show(found: PlanOutlook) -> None:
    from kernel.money import Money, format_money

    def money(minor: int) -> str:
        return format_money(Money(minor, "CNY"))

    now = money(found.now_minor) if found.now_minor is not None else "does not keep these limits"
    out.print(f"{found.orders:,} orders have not begun. In the weeks they have: {now}")
    out.print(
        f"Planned anew: {money(found.cost_minor)}; nothing costs less than {money(found.bound_minor)}, "
        f"so it is at most {found.gap:.2%} above the optimum"
    )
    moved = sum(old != new for old, new in found.weeks.values())
    out.print(f"{moved:,} orders would have another week than they have; {len(found.unslotted):,} find none")
    if found.conflict is not None:
        weeks = ", ".join(f"{week:%Y-%m-%d}" for week in found.conflict_weeks) or "all weeks"
        names = " and ".join(found.conflict.limits)
        out.print(
            f"In conflict: {names}. At least {found.conflict.short:,} orders find no week while all of these hold; "
            f"more room for any of them in {weeks} would help.",
            style="yellow",
        )
    for one in found.worth[:WORTH_SHOWN]:
        out.print(f"one more {one.resource} in the week of {one.week:%Y-%m-%d} would save {money(one.worth_minor)}")
    if len(found.worth) > WORTH_SHOWN:
        out.print(f"and {len(found.worth) - WORTH_SHOWN:,} more that would save less")
