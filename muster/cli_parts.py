"""`muster parts …` and `muster promises`: what planned cars lack, what is called off, and how many dates were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import changing, reading
from muster.terminal import TO_PLAN, out

if TYPE_CHECKING:
    from kernel.registry import Plant
    from kernel.work import Work

PAGE = 100
app = typer.Typer(
    help="Parts: what planned cars lack, and what suppliers are asked for.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
BrandOption = Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")]
PlantArgument = Annotated[str, typer.Argument(help="The code of a plant.")]


def add_to(root: typer.Typer) -> None:
    """Add these commands to the command line."""
    root.add_typer(app, name="parts", rich_help_panel=TO_PLAN)
    root.command(rich_help_panel=TO_PLAN)(promises)


@app.callback()
def parts() -> None:
    """Say what planned cars lack, and ask suppliers for it."""


def _plant(work: Work, code: str) -> Plant:
    from kernel import registry

    return registry.plant_by_code(work, code)


@app.command()
def shortages(plant: PlantArgument, brand: BrandOption = "") -> None:
    """List what a plant's planned cars lack, soonest first, on the days that suppliers confirmed.

    Example: [bold]muster parts shortages changzhou[/bold]
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from factory_orders.queries import part_shortages

    with reading(brand, Role.PLANNER) as work:
        found, without = part_shortages(work, _plant(work, plant).id)
    # A call-off's last day stands on one line of a terminal of 80 places, with everything that it is about.
    table = Table(title=f"What {plant} lacks", title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for heading in ("week", "part", "supplier"):
        table.add_column(heading, overflow="fold")
    for heading in ("needed", "missing", "late", "not\ncalled\noff", "call\noff by"):
        table.add_column(heading, justify="right")
    for one in found:
        numbers = (f"{number:,}" for number in (one.needed, one.missing, one.late, one.uncalled))
        table.add_row(one.week.isoformat(), one.part, one.supplier, *numbers, one.call_off_by.isoformat())
    out.print(table)
    for model in without:
        out.print(f"{model} has no part list")


@app.command()
def ask(plant: PlantArgument, brand: BrandOption = "") -> None:
    """Ask suppliers for what a plant's planned cars lack and must be ordered soon; the worker does so each morning.

    Example: [bold]muster parts ask changzhou[/bold]
    """
    from factory_orders.service import call_off_parts

    with changing(brand, Role.PLANNER) as work:
        done = call_off_parts(work, _plant(work, plant).id)
    out.print(f"{Count(len(done.made)):call-off|call-offs} made, {len(done.withdrawn)} withdrawn")
    for model in done.without_list:
        out.print(f"{model} has no part list")


def promises(brand: BrandOption = "") -> None:
    """Show how many promised dates were kept, plant by plant, as published; or why nothing is yet, and when it will be.

    A good promise is kept nine times in ten (P90), and half of the cars are ready when expected (P50).
    """
    from rich.table import Table

    from factory_orders.promises.calibration import PERSONS_MIN
    from factory_orders.queries import calibrations
    from kernel import registry
    from kernel.paging import PageRequest

    with reading(brand, Role.PLANNER) as work:
        plants = {str(plant.id): plant.code for plant in registry.list_plants(work)}
        found = calibrations(work, PageRequest(PAGE)).items
    if not found:
        out.print(
            "Nothing is published yet. A promise counts once its day has come, in months that are over, and a plant's "
            f"figures once they speak of {PERSONS_MIN} persons. Look again when the next month has begun; the worker "
            "publishes by itself."
        )
        return
    table = Table(title="Promises that fell due, counted in fives", title_justify="left")
    for heading in ("plant", "from", "to", "promises", "as expected", "as promised"):
        table.add_column(heading)
    for one in found:
        counted = one.counted
        shares = f"{counted.share_p50:.0%}", f"{counted.share_p90:.0%}"
        days = counted.first_day.isoformat(), counted.last_day.isoformat()
        table.add_row(plants[one.plant_id], *days, f"{counted.promises:,}", *shares)
    out.print(table)
