"""`muster store …`: a brand's stores, what they are owed and for what, and closing one for good."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import changing, reading
from muster.terminal import REFUSED, TO_LOOK_AFTER_IT, out

if TYPE_CHECKING:
    from factory_orders.queries import StoreOutlook
    from kernel.registry import Store
    from kernel.work import Work

PAGE: Final = 100
app = typer.Typer(
    help="Stores: which there are, what they are owed and for what, and closing one.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
BrandOption = Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")]


def add_to(root: typer.Typer) -> None:
    """Add these commands to the command line."""
    root.add_typer(app, name="store", rich_help_panel=TO_LOOK_AFTER_IT)


@app.callback()
def store() -> None:
    """See what stores are owed and for what, or close one."""


def _store(work: Work, code: str) -> Store:
    """Return a store by its code; refuses NotFound."""
    from kernel import registry
    from kernel.errors import NotFound

    found = next((one for one in registry.list_stores(work) if one.code == code), None)
    if found is None:
        raise NotFound("store")
    return found


@app.command("list")
def list_all(brand: BrandOption = "") -> None:
    """List the stores by code: their region, since when one is closed, and what each is owed by now.

    Example: [bold]muster store list[/bold]
    """
    from rich.table import Table

    from factory_orders.queries import store_balances
    from kernel import registry
    from kernel.money import Money, format_money
    from kernel.paging import PageRequest, decode_cursor

    table = Table(title="Stores", title_justify="left")
    for heading in ("store", "region", "closed", "owed"):
        table.add_column(heading, justify="right" if heading == "owed" else "left")
    with reading(brand, Role.PLANNER) as work:
        owed: dict[str, int] = {}
        after = None
        while True:
            page = store_balances(work, PageRequest(PAGE, after))
            owed |= {one.store_id: one.owed_minor for one in page.items}
            if not page.has_next:
                break
            after = decode_cursor(page.cursors[-1])
        zone = registry.own_brand(work).zone
        for one in sorted(registry.list_stores(work), key=lambda one: one.code):
            closed = "" if one.closed_at is None else one.closed_at.astimezone(zone).date().isoformat()
            table.add_row(one.code, one.region, closed, format_money(Money(owed[one.id])))
    out.print(table)


@app.command()
def share(
    code: Annotated[str, typer.Argument(help="The code of a store; without one every store's cars.")] = "",
    cars: Annotated[int, typer.Option(min=1, max=PAGE, help="So many of the newest.")] = 20,
    brand: BrandOption = "",
) -> None:
    """Show what handed-over cars brought their stores: what was sold, the maker's part of it, and the store's share.

    For a car that was built to order that is the store's fee, all of it the store's. A stock car's price is the
    store's: what it brought beyond the maker's part, or below it (then the store owes).

    Example: [bold]muster store share shanghai-pudong --cars 50[/bold]
    """
    from rich.table import Table

    from factory_orders.queries import order_code, store_statement
    from kernel import registry
    from kernel.money import Money, format_money
    from kernel.paging import PageRequest

    with reading(brand, Role.PLANNER) as work:
        chosen = _store(work, code).id if code else None
        codes = {str(one.id): one.code for one in registry.list_stores(work)}
        found = store_statement(work, PageRequest(cars), store_id=chosen)
        zone = registry.own_brand(work).zone
    table = Table(title="What handovers brought stores", title_justify="left")
    for heading in ("signed", "order", "store", "VIN", "for", "sold", "maker's part", "store's share"):
        table.add_column(heading, overflow="fold")
    for one in found.items:
        sums = (format_money(Money(minor)) for minor in (one.sold_minor, one.maker_minor, one.share_minor))
        signed = one.at.astimezone(zone).date().isoformat()
        table.add_row(signed, order_code(one.order_id), codes[one.store_id], one.vin, one.kind.value, *sums)
    out.print(table)
    if found.has_next:
        out.print(f"There are more; --cars shows up to {PAGE}, the API (storeStatement) all of them.")


@app.command()
def close(
    code: Annotated[str, typer.Argument(help="The code of a store.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would mean, and close nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    brand: BrandOption = "",
) -> None:
    """Close a store for good: nobody is quoted or received there any more.

    Buyers whose cars would go there are told to pick another store, at the same price and contract date; members of
    pools pick with their lock. Stock cars that stand there go to other stores with the next morning's sharing out.

    A store at which cars of buyers stand does not close before they are handed over: then this ends with 1, and so does
    [bold]--dry-run[/bold], which changes nothing.

    Example: [bold]muster store close shanghai-pudong --dry-run[/bold]
    """
    from factory_orders.queries import store_outlook
    from factory_orders.service import close_store
    from kernel import registry

    with reading(brand, Role.OPERATOR) as work:
        store_id = _store(work, code).id
        outlook = store_outlook(work, store_id)
        zone = registry.own_brand(work).zone
    if outlook.closed_at is not None:
        out.print(f"{code} is closed since {outlook.closed_at.astimezone(zone).date()}.")
        return
    _tell(code, outlook)
    if dry_run:
        if outlook.standing:
            sys.exit(REFUSED)
        return
    if not yes:
        typer.confirm(f"Close {code} for good?", abort=True)
    with changing(brand, Role.OPERATOR) as work:
        done = close_store(work, store_id)
    out.print(f"{code} is closed; {Count(done.asked):buyer is|buyers are} told to pick another store.")


def _tell(code: str, outlook: StoreOutlook) -> None:
    if outlook.standing:
        having = "car that has a buyer, or may have one, stands|cars that have a buyer, or may have one, stand"
        standing = format(Count(outlook.standing), having)
        out.print(
            f"{standing} at {code}: it does not close.",
            style="yellow",
        )
    picking = f"{Count(outlook.to_ask):buyer whose car would go there picks|buyers whose cars would go there pick}"
    stock = f"{Count(outlook.stock):stock car|stock cars}"
    out.print(f"{picking} another store, {outlook.members} more after")
    out.print(f"their lock; {stock} there and {outlook.on_order} on order for it are shared out.")
