"""`muster demand …`: released demand as files, and the internal cubes made anew."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from muster.terminal import out, progress, settings

app = typer.Typer(
    help="Demand: released tables as files.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    """Write every released table into a file of its own: published counts, rates, intervals and lifts, nothing else.

    Example: [bold]muster demand export demand/ --as xlsx[/bold]
    """
    from kernel import registry
    from kernel.actor import Actor, Role, system
    from kernel.ids import BrandId
    from muster.demand_files import released_tables, write_table
    from muster.wiring import open_works

    chosen = settings()
    works = open_works(chosen)
    with works.read(system(BrandId("platform"))) as work:
        own = registry.brand_by_code(work, brand or chosen.brand)
    with progress("Reading what was released …"), works.read(Actor(own.id, frozenset({Role.PLANNER}))) as work:
        tables = released_tables(work)
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        path = write_table(folder, table, form.value)
        out.print(f"{path}  {len(table.rows):,} rows")


@app.command()
def rebuild(
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Make the internal cubes anew from the rows behind them, and write them where they were wrong."""
    from demand.cubes.rebuild_service import mend_blocks
    from kernel import registry
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.wiring import open_works

    chosen = settings()
    works = open_works(chosen)
    with works.read(system(BrandId("platform"))) as work:
        own = registry.brand_by_code(work, brand or chosen.brand)
    with progress("Counting anew …"), works.change(system(own.id)) as work:
        mended = mend_blocks(work)
    out.print(f"{len(mended)} blocks of counts were wrong and are mended." if mended else "All counts were right.")
