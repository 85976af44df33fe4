"""`muster demand …`: released demand as files, and the internal cubes made anew."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kernel.actor import Role
from kernel.words import Count
from muster.acting import changing, reading
from muster.terminal import TO_PLAN, out, progress

app = typer.Typer(
    help="Demand: released tables as files.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def add_to(commands: typer.Typer) -> None:
    """Add these commands to the command line."""
    commands.add_typer(app, name="demand", rich_help_panel=TO_PLAN)
    commands.command(rich_help_panel=TO_PLAN)(report)


class Form(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    EXCEL = "xlsx"
    PARQUET = "parquet"


@app.callback()
def demand() -> None:
    """Hand out what was released of the demand, and look after the counts behind it."""


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made if it is not there.")],
    form: Annotated[Form, typer.Option("--as", help="The kind of file; Parquet needs `dev.py extras`.")] = Form.CSV,
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Write every released table and forecast into a file of its own: published counts and what follows from them.

    Example: [bold]muster demand export demand/ --as xlsx[/bold]
    """
    from muster.demand_files import expected_tables, released_tables, write_table

    with progress("Reading what was released …"), reading(brand, Role.PLANNER) as work:
        tables = released_tables(work) + expected_tables(work)
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        path = write_table(folder, table, form.value)
        out.print(f"{path}  {len(table.rows):,} rows")


@app.command()
def parts(
    model: Annotated[str, typer.Option(help="Only this model's cars.")] = "",
    supplier: Annotated[str, typer.Option(help="Only this supplier's parts.")] = "",
    first: Annotated[int, typer.Option(help="How many lines at most.")] = 40,
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Say which parts the pre-orders of the coming weeks are expected to take, soonest call-off first.

    Of each stand P50 and, in brackets, P10 and P90. `export` writes all of them into a file.

    Example: [bold]muster demand parts --supplier wenfeng_chassis[/bold]
    """
    from demand.queries import expected_parts

    chosen_models, chosen_suppliers = [model] if model else [], [supplier] if supplier else []
    with reading(brand, Role.PLANNER) as work:
        found = expected_parts(work, models=chosen_models, suppliers=chosen_suppliers, first=first)
    weeks = f"{Count(found.weeks_to_build):week|weeks}"
    out.print(f"From release {found.release}; cars are built {weeks} after the week of the order.")
    for call in found.calls:
        need, pieces = call.need, call.pieces
        late = "  late" if found.is_late(call) else ""
        told = f"{pieces.p50:>8,.0f} ({pieces.p10:,.0f} to {pieces.p90:,.0f})"
        out.print(f"{need.call_off_by}  {need.part:<16} {need.supplier:<20} {told}{late}")
    if found.left_out:
        out.print(f"Without a forecast of their pre-orders yet: {', '.join(found.left_out)}")
    if found.more:
        out.print("There are more; --first shows them.")


def report(
    folder: Annotated[Path, typer.Argument(help="Where index.html and the charts go; made if it is not there.")],
    model: Annotated[list[str] | None, typer.Option(help="Only this model; may be given again.")] = None,
    language: Annotated[str, typer.Option(help="en or zh-CN.")] = "en",
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Draw the released demand: a page with charts and their tables, and each chart as an SVG file.

    Persons by week, take rates with intervals, expected pre-orders, the funnel, who goes ahead at which discount.

    Example: [bold]muster report demand-report/ --language zh-CN[/bold]
    """
    from demand.queries import demand_charts
    from kernel import registry
    from kernel.errors import InvalidInput
    from muster.demand_report import write_report

    if language not in ("en", "zh-CN"):
        raise InvalidInput("language", "en or zh-CN")
    with progress("Drawing …"), reading(brand, Role.PLANNER, locale=language) as work:
        name = registry.own_brand(work).name[language]
        charts = demand_charts(work, models=model or [])
    title = f"{name} 需求报告" if language == "zh-CN" else f"{name}: released demand"
    for path in write_report(folder, charts, locale=language, title=title):
        out.print(str(path))


@app.command()
def rebuild(
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Make the internal cubes anew from the rows behind them, and write them where they were wrong."""
    from demand.cubes.rebuild_service import mend_blocks

    with progress("Counting anew …"), changing(brand, Role.SYSTEM) as work:
        mended = mend_blocks(work)
    out.print(f"{len(mended)} blocks of counts were wrong and are mended." if mended else "All counts were right.")
