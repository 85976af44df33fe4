"""`muster stock …`: what stores should have in stock and have, and ordering cars for it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import changing, reading
from muster.terminal import TO_PLAN, out

if TYPE_CHECKING:
    from factory_orders.stock_orders.model import StockOrderView
    from kernel.work import Work

PAGE: Final = 100
# Each word stands on a line of its own, so that eleven columns fit into the 80 places of a terminal.
LEVEL_HEADINGS: Final = (
    "base\nstock", "at\nmost", "there", "held", "on the\nway", "on\norder", "dis-\nplay", "demo", "demo\nwanted"
)  # fmt: skip
app = typer.Typer(
    help="Light inventory: what stores should have in stock, and cars that are ordered for it.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
BrandOption = Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")]


def add_to(root: typer.Typer) -> None:
    """Add these commands to the command line."""
    root.add_typer(app, name="stock", rich_help_panel=TO_PLAN)


@app.callback()
def stock() -> None:
    """See what stores should have in stock, and order cars for it."""


def _codes(work: Work) -> dict[str, str]:
    from kernel import registry

    return {str(store.id): store.code for store in registry.list_stores(work)}


@app.command()
def levels(brand: BrandOption = "") -> None:
    """Show by store and model how many stock cars there should be at least and at most, and how many there are.

    Cars stand there, are held for a buyer, are on the way or on order, or are display or demo cars; the last column is
    how many demo cars the visitors of a store are worth (`muster stock visitors`).

    Example: [bold]muster stock levels[/bold]
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from factory_orders.queries import store_levels
    from kernel.paging import PageRequest, decode_cursor

    table = Table(title="Light inventory", title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for heading in ("store", "model"):
        table.add_column(heading, overflow="fold")
    for heading in LEVEL_HEADINGS:
        table.add_column(heading, justify="right")
    with reading(brand, Role.PLANNER) as work:
        codes, after = _codes(work), None
        while True:
            page = store_levels(work, PageRequest(PAGE, after))
            for one in page.items:
                counts = (
                    one.level,
                    one.most,
                    one.standing,
                    one.held,
                    one.inbound,
                    one.on_order,
                    one.display,
                    one.demo,
                    one.demo_wanted,
                )
                table.add_row(codes[one.store_id], one.model, *map(str, counts))
            if not page.has_next:
                break
            after = decode_cursor(page.cursors[-1])
    out.print(table)


@app.command()
def order(
    store: Annotated[str, typer.Argument(help="The code of a store.")],
    model: Annotated[str, typer.Argument(help="The code of a model.")],
    options: Annotated[list[str], typer.Argument(help="The options of a complete car.")],
    cars: Annotated[int, typer.Option(help="How many of it.")] = 1,
    brand: BrandOption = "",
) -> None:
    """Order cars for a store's stock; the plant builds them like any car, and the store sells them at its own price.

    Light inventory stays light: cars there, on their way and ordered are base stock and display cars at most.

    Example: [bold]muster stock order shanghai-pudong L5 …[/bold]
    """
    from factory_orders.service import StockRequest, order_stock
    from kernel import registry
    from kernel.errors import NotFound

    with changing(brand, Role.PLANNER) as work:
        chosen = next((one for one in registry.list_stores(work) if one.code == store), None)
        if chosen is None:
            raise NotFound("store")
        made = order_stock(work, StockRequest(model, tuple(options), cars, store_id=chosen.id))
    most, now = made.order.most, made.order.had + made.order.cars
    out.print(f"{made.order.cars} of the {model} ordered for {store}: {now} of {most} there or to come")


@app.command()
def orders(brand: BrandOption = "") -> None:
    """List the newest orders for stock and where their cars stand.

    Example: [bold]muster stock orders[/bold]
    """
    from rich.table import Table

    from factory_orders.queries import stock_orders_made
    from kernel import registry
    from kernel.paging import PageRequest

    with reading(brand, Role.PLANNER) as work:
        codes, zone = _codes(work), registry.own_brand(work).zone
        found = stock_orders_made(work, PageRequest(PAGE)).items
    table = Table(title="Cars ordered for stock", title_justify="left")
    for heading in ("ordered", "store", "model", "cars", "where they stand"):
        table.add_column(heading, overflow="fold")
    for one in found:
        day = one.order.ordered_at.astimezone(zone).date().isoformat()
        table.add_row(day, codes[one.order.store_id], one.order.model, str(one.order.cars), _where(one))
    out.print(table)


def _where(one: StockOrderView) -> str:
    from collections import Counter

    counted = Counter(car.state for car in one.cars)
    return ", ".join(f"{number} {state}" for state, number in sorted(counted.items()))


@app.command()
def visitors(
    store: Annotated[str, typer.Argument(help="The code of a store.")],
    week: Annotated[datetime, typer.Argument(help="The Monday of a week that is over.", formats=["%Y-%m-%d"])],
    people: Annotated[int, typer.Argument(help="How many people came.")],
    brand: BrandOption = "",
) -> None:
    """Say how many people came to a store in a week; it has demo cars by that. A later word on the week counts.

    Example: [bold]muster stock visitors shanghai-pudong 2026-11-16 140[/bold]
    """
    from factory_orders.service import report_visitors
    from kernel import registry
    from kernel.errors import NotFound

    with changing(brand, Role.PLANNER) as work:
        chosen = next((one for one in registry.list_stores(work) if one.code == store), None)
        if chosen is None:
            raise NotFound("store")
        said = report_visitors(work, week=week.date(), visitors=people, store_id=chosen.id)
    out.print(f"{Count(said.visitors):person|people} came to {store} in the week of {said.week}")
