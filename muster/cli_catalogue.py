"""`muster catalogue …`: check the files of any brand, publish them, say what differs between two versions."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from configurator.catalogue import Catalogue
from muster.terminal import BROKEN, REFUSED, out, progress, settings

app = typer.Typer(
    help="The files of what can be built: check them, compare two versions, publish one.\n\n"
    "Change the files on a branch, check, compare with what is published, review, merge, publish.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Folder = Annotated[Path, typer.Argument(help="The folder with catalogue.toml.", exists=True, file_okay=False)]
PUBLISHED: Final = "published"


@app.command()
def check(folder: Folder) -> None:
    """Read a catalogue and name every fault with file and line; 0 when it could be published, 1 when not.

    Needs no database. Finds broken lines, unknown codes, contradictions, dead options.

    Example: [bold]muster catalogue check muster/demo/qilan/catalogue[/bold]
    """
    from configurator.catalogue_report import check_folder

    with progress(f"Checking {folder} …"):
        report = check_folder(folder)
    for line in report.lines():
        out.print(line, markup=False)
    if report.faults:
        sys.exit(REFUSED)


@app.command()
def publish(
    folder: Folder,
    effective_from: Annotated[
        datetime | None, typer.Option(help="First day in force; the file's own without.", formats=["%Y-%m-%d"])
    ] = None,
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Publish a catalogue as the brand's next version; what is published never changes, only the next one differs.

    Quotes, pools and orders made under an older version keep it.

    Example: [bold]muster catalogue publish muster/demo/qilan/catalogue --effective-from 2026-12-01[/bold]
    """
    from configurator.service import publish_folder
    from kernel import registry
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.wiring import open_works

    chosen = settings()
    works = open_works(chosen)
    day: date | None = effective_from.date() if effective_from else None
    with progress("Checking and publishing …"), works.change(system(BrandId("platform"))) as work:
        found = registry.brand_by_code(work, brand or chosen.brand)
        version_id = publish_folder(work.acting(system(found.id)), folder, effective_from=day)
    out.print(f"Published for {found.name['en']} as {version_id}.")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help=f"A folder, or `{PUBLISHED}` for the version in force.")],
    new: Annotated[str, typer.Argument(help=f"A folder, or `{PUBLISHED}`.")],
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Say what differs between two catalogues: models, options, rules, prices, parts. 1 when anything does.

    Example: [bold]muster catalogue diff published muster/demo/qilan/catalogue[/bold]
    """
    from configurator.catalogue_report import diff_catalogues

    difference = diff_catalogues(_catalogue(old, brand), _catalogue(new, brand))
    for line in difference.lines():
        out.print(line, markup=False)
    if difference.changes():
        sys.exit(REFUSED)


def _catalogue(where: str, brand: str) -> Catalogue:
    if where == PUBLISHED:
        return _published(brand)
    from configurator.catalogue_files import read_catalogue

    if not Path(where).is_dir():
        out.print(f"{where} is no folder; give one, or `{PUBLISHED}`.", style="red")
        sys.exit(BROKEN)
    return read_catalogue(Path(where))


def _published(brand: str) -> Catalogue:
    from configurator.queries import open_showroom
    from kernel import registry
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.wiring import open_works

    chosen = settings()
    with open_works(chosen).read(system(BrandId("platform"))) as work:
        found = registry.brand_by_code(work, brand or chosen.brand)
        version, _room = open_showroom(work.acting(system(found.id)), region="")
        return version.catalogue
