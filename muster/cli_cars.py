"""`muster cars …`: equal cars change places between orders, and free ones are offered to who waits, on a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import at_brand, reading
from muster.terminal import TO_PLAN, out, progress

if TYPE_CHECKING:
    from factory_orders.exchanges.model import CarOfOrder
    from kernel.work import Works

PAGE: Final = 100
app = typer.Typer(
    help="Cars of orders: equal ones that change places, and free ones that are offered to who waits.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
BrandOption = Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")]


def add_to(root: typer.Typer) -> None:
    """Add these commands to the command line."""
    root.add_typer(app, name="cars", rich_help_panel=TO_PLAN)


@app.callback()
def cars() -> None:
    """Let who waits wait less: by an equal car of another order, or by one that is free."""


@app.command()
def swap(dry_run: DryRunOption = False, brand: BrandOption = "") -> None:
    """Let identical new cars change places between orders where that cuts lateness, now instead of in the morning.

    Of all exchanges in which everybody else keeps the promised date for nine in ten and nobody gives anything up the
    best one is found, and proven. Price, store and contract date stay with each order, and both buyers are told. Where
    something has moved on since the search, nothing changes. Then the buyers are asked whose order would be late and
    could have a car that is further built.

    Example: [bold]muster cars swap --dry-run[/bold]
    """
    from rich.table import Table

    from factory_orders.exchanges.swap_service import make_swaps, search_swaps
    from factory_orders.queries import order_code

    with at_brand(brand) as (works, own):
        with progress("Looking for equal cars that should change places …"):
            found = list(search_swaps(works, own.id))
        if not found:
            out.print("No exchange of equal cars for which nobody has to be asked would cut lateness.")
            _ask(works, own.id, dry_run=dry_run)
            return
        table = Table(title="Equal cars that change places", title_justify="left")
        for heading in ("order", "its car is", "it gets the car of", "which is", "days late", "then"):
            table.add_column(heading)
        changes = [change for search in found for change in search.changes()]
        for order, gets, before, after in changes:
            names = (order_code(order.order_id), _stage(order), order_code(gets.order_id), _stage(gets))
            table.add_row(*names, str(before), str(after))
        out.print(table)
        if dry_run:
            out.print(
                f"{Count(len(changes)):order would change its car|orders would change their cars}; nothing was changed."
            )
            _ask(works, own.id, dry_run=True)
            return
        done = sum(make_swaps(works, own.id, search) for search in found)
        changed = f"{Count(done):order has changed its car|orders have changed their cars}."
        out.print(changed if done else "Something has moved on meanwhile; try again.")
        _ask(works, own.id, dry_run=False)


def _ask(works: Works, brand_id: str, *, dry_run: bool) -> None:
    """Ask, or count, the buyers who would give something up with a car that is further built."""
    from factory_orders.swap_offers.service import find_pairs, offer_swaps

    found = len(find_pairs(works, brand_id)[1]) if dry_run else offer_swaps(works, brand_id)
    if found:
        asked = f"{Count(found):buyer|buyers} would be" if dry_run else f"{Count(found):buyer is|buyers are}"
        out.print(f"{asked} asked whether they want a car that is further built.")


def _stage(car: CarOfOrder) -> str:
    return car.stage.value


@app.command()
def offer(dry_run: DryRunOption = False, brand: BrandOption = "") -> None:
    """Offer free new cars to buyers who wait for equal ones, now instead of in the morning.

    A car is offered where it would come so many days sooner as the policy [bold]early_cars[/bold] says. It is kept for
    its buyer until the offer ends; without a yes the buyer's own car is built.

    Example: [bold]muster cars offer --dry-run[/bold]
    """
    from rich.table import Table

    from factory_orders.early_cars.round_service import make_offers, search_early_cars
    from factory_orders.queries import order_code

    with at_brand(brand) as (works, own):
        with progress("Holding free cars against orders that wait …"):
            searches = list(search_early_cars(works, own.id))
        found = [offer for search in searches for offer in search.offers()]
        if not found:
            out.print("No free car is worth an offer to somebody who waits.")
            return
        table = Table(title="Free cars for who waits", title_justify="left")
        for heading in ("order", "VIN", "days sooner"):
            table.add_column(heading)
        for order_id, vin, days in found:
            table.add_row(order_code(order_id), vin, str(days))
        out.print(table)
        if dry_run:
            out.print(f"{Count(len(found)):car|cars} would be offered; nothing was changed.")
            return
        done = sum(make_offers(works, own.id, search) for search in searches)
    out.print(f"{Count(done):car is|cars are} offered." if done else "Something has moved on meanwhile; try again.")


@app.command()
def swaps(
    orders: Annotated[int, typer.Option(min=1, max=PAGE, help="So many of the newest.")] = 20, brand: BrandOption = ""
) -> None:
    """List the newest orders that got another, equal car, and what that did to their lateness.

    Example: [bold]muster cars swaps[/bold]
    """
    from rich.table import Table

    from factory_orders.queries import car_swaps_made, order_code
    from kernel import registry
    from kernel.paging import PageRequest

    with reading(brand, Role.PLANNER) as work:
        found, zone = car_swaps_made(work, PageRequest(orders)).items, registry.own_brand(work).zone
    table = Table(title="Orders that got another, equal car", title_justify="left")
    for heading in ("when", "order", "days late before", "after"):
        table.add_column(heading)
    for one in found:
        days = (str(one.days_late_before), str(one.days_late_after))
        table.add_row(one.at.astimezone(zone).date().isoformat(), order_code(one.order_id), *days)
    out.print(table)
