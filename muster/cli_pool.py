"""`muster pool …`: what would come of a pool before a planner opens it, and who shares a payment instrument in one."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import reading
from muster.terminal import out, progress

if TYPE_CHECKING:
    from demand.pools.simulation import Range
    from demand.pools.simulation_service import Simulated

EXAMPLE: Final = "Q1/changzhou/PT_BEV_50/-/T_PURE"
app = typer.Typer(
    help="Pools: what would come of one before it is opened, and rings of accounts in one.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def pool() -> None:
    """Look into a pool before it is opened, and at who is in it."""


@app.command()
def simulate(
    class_key: Annotated[str, typer.Argument(help="The key of a class, with its trim (L1) or without (L2).")],
    capacity: Annotated[int, typer.Option(help="How many cars the plant would reserve.")],
    minimum: Annotated[int, typer.Option(help="0 is the brand's policy.")] = 0,
    tiers: Annotated[str, typer.Option(help="MEMBERS:BASIS_POINTS,…; empty is the brand's policy.")] = "",
    days: Annotated[int, typer.Option(help="How long it would be open; 0 is the brand's policy.")] = 0,
    draws: Annotated[int, typer.Option(help="How often it is played.")] = 2_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answer.")] = 1,
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Play a pool many times on the demand so far, and say when it tips, at what price, who waits, what is left.

    It reads published counts only: how many joined earlier pools, what clearings showed, released take rates. Of each
    figure stand the middle and, in brackets, what lies between the 10th and the 90th percentile. Nothing is opened.

    Example: [bold]muster pool simulate Q1/changzhou/PT_BEV_50/-/T_PURE --capacity 400[/bold]
    """
    from configurator.model import PoolingClass, Tier
    from demand.model import ClassLevel
    from demand.pools.plan import PoolPlan
    from demand.pools.simulation_service import simulate_pool
    from kernel.errors import InvalidInput

    try:
        cls = PoolingClass.from_key(class_key)
    except ValueError:
        raise InvalidInput("class", f"{class_key!r} is none; write one as pools show it, {EXAMPLE}") from None
    try:
        rows = tuple(Tier(*map(int, row.split(":"))) for row in tiers.split(",")) if tiers else None
    except (TypeError, ValueError):
        raise InvalidInput("tiers", f"{tiers!r} are none; write MEMBERS:BASIS_POINTS, as 60:0,120:200") from None
    with progress(f"Playing {draws:,} pools …"), reading(brand, Role.PLANNER) as work:
        plan = PoolPlan(
            cls,
            capacity,
            ClassLevel.L1 if cls.trim else ClassLevel.L2,
            minimum=minimum or (rows[0].members if rows else None),
            tiers=rows,
            deadline=work.now + timedelta(days=days) if days else None,
        )
        _show(simulate_pool(work, plan, draws=draws, seed=seed))


@app.command()
def rings(
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """List members who share a payment instrument with more persons of their pool than the brand's policy allows.

    The number is `persons_per_instrument_max` of the policy section `pools`. Nobody is taken out by this: an operator
    looks, and removes whose fraud is proven under the number of a case (the mutation `removeMember`). Ends with 1
    where there is a ring.

    Example: [bold]muster pool rings[/bold]
    """
    import sys

    from demand.pools.ring_queries import find_rings
    from graph.identifiers import write_id
    from muster.terminal import REFUSED

    with reading(brand, Role.OPERATOR) as work:
        found = find_rings(work)
    for ring in found:
        out.print(f"pool {write_id('Pool', ring.pool_id)}: {len(ring.pre_order_ids)} members, one instrument")
        for pre_order_id in ring.pre_order_ids:
            out.print(f"  {write_id('PreOrder', pre_order_id)}", markup=False)
    out.print(f"{len(found)} rings." if found else "No ring.")
    if found:
        sys.exit(REFUSED)


def _show(found: Simulated) -> None:
    outlook, demand = found.outlook, found.demand
    seen = sum(one.joined for one in demand.pools)
    whose = "of this class" if not demand.shares else "of other classes, scaled by released take rates"
    out.print(f"From {seen:,} members of {len(demand.pools)} pools {whose}; {len(demand.tiers)} published tier counts.")
    known = sum(option.offered > 0 for option in demand.options)
    out.print(
        f"Take rates of {known} of {len(demand.options)} free options are released; the others count as one in ten."
    )
    first, last = found.date_after(0), found.date_after(found.days)
    cars, days = f"{Count(found.terms.capacity):car|cars}", f"{Count(found.days):day|days}"
    out.print(f"Terms: {found.terms.minimum} to {cars}, {days}, {first} to {last}.")
    out.print(f"It tips in {outlook.tips:.0%} of the draws; members at the end: {_whole(outlook.members)}")
    lines = (
        ("the minimum agrees on day", outlook.tip_day, _whole),
        ("that is on", outlook.tip_day, partial(_dates, found)),
        ("it clears on day", outlook.lock_day, _whole),
        ("that is on", outlook.lock_day, partial(_dates, found)),
        ("cars", outlook.cleared, _whole),
        ("discount, basis points", outlook.discount_bp, _whole),
        ("a car costs its buyer", outlook.price_minor, _money),
        ("days between joining and the lock", outlook.waiting_days, _whole),
        ("members left over", outlook.beyond, _whole),
        ("a car leaves", outlook.margin_minor, _money),
        ("all of them leave", outlook.total_minor, _money),
    )
    for name, value, show in lines:
        if value is not None:
            out.print(f"  {name:<34} {show(value)}")


def _whole(value: Range) -> str:
    return f"{value.middle:,.0f} ({value.low:,.0f} to {value.high:,.0f})"


def _dates(found: Simulated, days: Range) -> str:
    low, middle, high = (found.date_after(one) for one in (days.low, days.middle, days.high))
    return f"{middle} ({low} to {high})"


def _money(value: Range) -> str:
    low, middle, high = (f"¥{one / 100:,.0f}" for one in (value.low, value.middle, value.high))
    return f"{middle} ({low} to {high})"
