"""`muster catalogue …`: check the files of any brand, publish them, say what differs between two versions."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from configurator.catalogue import Catalogue
from muster.terminal import BROKEN, REFUSED, out, progress, settings

if TYPE_CHECKING:
    from rich.progress import TaskID

    from configurator.publish_report import PublishReport
    from configurator.report_subject import Subject

app = typer.Typer(
    help="The files of what can be built: check them, compare two versions, publish one.\n\n"
    "Change the files on a branch, check, compare with what is published, review, merge, publish.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Folder = Annotated[Path, typer.Argument(help="The folder with catalogue.toml.", exists=True, file_okay=False)]
PUBLISHED: Final = "published"


Rules = Annotated[
    Path, typer.Argument(help="A folder with catalogue.toml, or a .uvl, .dimacs or .cnf file.", exists=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]


@app.command()
def check(path: Rules, as_json: AsJson = False) -> None:
    """Read rules and name every fault with file and line, then what they mean; 0 when sound, 1 when not.

    Needs no database. Finds broken lines, unknown codes, contradictions (with the fewest rules behind), dead and bound
    options, rules without effect. Takes a catalogue's folder, a bare UVL file or clauses in DIMACS.

    Example: [bold]muster catalogue check muster/demo/qilan/catalogue[/bold]
    """
    from configurator.catalogue_report import check_folder
    from muster.report_texts import report_json, report_lines

    subject = _subject(path, as_json)
    report = _report(subject, quiet=as_json)
    if as_json:
        out.print_json(data={"path": str(path), "faults": [], "report": report_json(report)})
    else:
        head = check_folder(path).lines() if path.is_dir() else [f"{path}: read, {len(subject.book.features)} features"]
        for line in [*head, *(f"  {line}" for line in report_lines(report))]:
            out.print(line, markup=False)
    if report.contradictions:
        sys.exit(REFUSED)


@app.command()
def count(
    path: Rules,
    having: Annotated[list[str] | None, typer.Option("--with", help="A feature that the cars have.")] = None,
    lacking: Annotated[list[str] | None, typer.Option("--without", help="One that they have not.")] = None,
) -> None:
    """Count the cars that the rules allow; 1 where there is none, and it is said where they cannot be counted.

    Example: [bold]muster catalogue count muster/demo/qilan/catalogue --with L5[/bold]
    """
    from configurator.engine.sat_backend import SatBackend
    from configurator.publish_report import UNCOUNTED

    subject = _subject(path)
    literals = [*_first_literals(subject), *_literals(subject, having, lacking)]
    with progress(f"Counting the cars of {path} …"):
        backend = SatBackend(subject.book.formula)
        found = backend.has_car(literals)
        cars = backend.count(literals) if found else 0
    out.print(f"{cars:,} cars" if cars is not None else f"at least one car; {UNCOUNTED}", markup=False)
    if not found:
        sys.exit(REFUSED)


@app.command()
def explain(
    path: Rules,
    having: Annotated[list[str] | None, typer.Option("--with", help="A feature that the car should have.")] = None,
    lacking: Annotated[list[str] | None, typer.Option("--without", help="One that it should not have.")] = None,
) -> None:
    """Say whether a car with these features can be built, and if not, the fewest rules that forbid it (then 1).

    Example: [bold]muster catalogue explain muster/demo/qilan/catalogue --with L5 --with P_TWO_TONE_DAWN[/bold]
    """
    from configurator.rule_probe import RuleProbe
    from muster.report_texts import rule_in_words

    subject = _subject(path)
    wanted = _literals(subject, having, lacking)
    probe = RuleProbe(subject.book)
    active = subject.book.active(subject.contexts[0])
    if probe.has_car(active, wanted):
        out.print("Such a car can be built.")
        return
    out.print("Such a car cannot be built. The fewest rules that forbid it:")
    for position in probe.smallest_conflict(active, wanted):
        out.print(f"  {rule_in_words(subject.facts(subject.book.rules[position].code))}", markup=False)
    sys.exit(REFUSED)


def _subject(path: Path, as_json: bool = False) -> Subject:
    """Take the rules up; faults end the command."""
    from configurator.rule_files import take_up

    subject, faults = take_up(path)
    if subject is not None:
        return subject
    if as_json:
        told = [{"file": fault.file, "line": fault.line, "reason": fault.reason} for fault in faults]
        out.print_json(data={"path": str(path), "faults": told, "report": None})
    else:
        found = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        for line in [f"{path}: {found}", *(f"  {fault}" for fault in faults)]:
            out.print(line, markup=False)
    sys.exit(REFUSED)


def _report(subject: Subject, *, quiet: bool) -> PublishReport:
    """Make the report over SAT and show how far it is where somebody looks."""
    from rich.progress import Progress

    from configurator.engine.sat_backend import SatBackend
    from configurator.publish_report import report_on

    backend = SatBackend(subject.book.formula)
    with Progress(console=out, transient=True, disable=quiet or not out.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        return report_on(subject, backend, progress=told)


def _first_literals(subject: Subject) -> tuple[int, ...]:
    return subject.book.context_literals(subject.contexts[0])


def _literals(subject: Subject, having: list[str] | None, lacking: list[str] | None) -> list[int]:
    """Turn names into literals; an unknown one ends the command."""
    variables = subject.book.variables
    for name in [*(having or ()), *(lacking or ())]:
        if name not in variables:
            out.print(f"unknown feature '{name}'", style="red", markup=False)
            sys.exit(BROKEN)
    return [*(variables[name] for name in having or ()), *(-variables[name] for name in lacking or ())]


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
