"""`muster catalogue …`: check the files of any brand, count, explain, compare two versions, publish one."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from muster.catalogue_engines import COMPILE_SECONDS, RULE_SECONDS, EngineMaker, over_after
from muster.rules_at_hand import (
    PUBLISHED,
    catalogue_at,
    check_version,
    check_whose,
    choices_of,
    database,
    faults_json,
    literals_of,
    place_of,
    stop,
    subject_at,
)
from muster.terminal import REFUSED, out, progress, settings, stages

if TYPE_CHECKING:
    from configurator.catalogue import Catalogue
    from configurator.engine.backend import Backend
    from configurator.engine.choosing import EngineChoice
    from configurator.publish_report import Progress
    from configurator.report_subject import Subject
    from muster.holding_cars import Told

app = typer.Typer(
    help="The files of what can be built: check them, count and explain, compare two versions, publish one.\n\n"
    "Change the files on a branch, check, compare with what is published, review, merge, publish. "
    "docs/guides/product-manager.md goes through it step by step.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SAMPLES_MAX: Final = 10_000
DAY: Final = ["%Y-%m-%d"]
Folder = Annotated[Path, typer.Argument(help="The folder with catalogue.toml.", exists=True, file_okay=False)]
Rules = Annotated[
    Path, typer.Argument(help="A folder with catalogue.toml, or a .uvl, .dimacs or .cnf file.", exists=True)
]
Brand = Annotated[str, typer.Option(help="The brand's code in the database; the settings' brand without.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]
Seconds = Annotated[
    int,
    typer.Option(
        help="How long compiling the rules may take. Only compiled rules can be counted; 0 asks SAT alone.", min=0
    ),
]
RuleSeconds = Annotated[
    int,
    typer.Option(
        help="How long to look for rules without effect; those that were not looked at by then are counted.", min=0
    ),
]
Having = Annotated[list[str] | None, typer.Option("--with", help="A feature that the car has; may be repeated.")]
Lacking = Annotated[list[str] | None, typer.Option("--without", help="One that it has not; may be repeated.")]
Region = Annotated[str, typer.Option(help="Where it is ordered: a region's code. Without one, nowhere in particular.")]
Day = Annotated[
    datetime | None, typer.Option(help="When it is ordered; the catalogue's first day without.", formats=DAY)
]


@app.command()
def check(
    path: Rules,
    cars: Annotated[
        Path | None,
        typer.Option(help="Cars to hold against the catalogue: one JSON object a line.", exists=True, dir_okay=False),
    ] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="Also count what breaks of the cars that people keep and have pre-ordered.")
    ] = False,
    brand: Brand = "",
    seconds: Seconds = COMPILE_SECONDS,
    rule_seconds: RuleSeconds = RULE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Read rules and name every fault with file and line, then what they mean; 0 when sound, 1 when not.

    Needs no database, unless --kept asks it. Finds broken lines, unknown codes, contradictions (with the fewest rules
    behind), dead and bound options, rules without effect, what the part list lacks, and counts the cars of each model,
    region by region. Takes a catalogue's folder, a bare UVL file or clauses in DIMACS.

    --kept and --cars say which cars the catalogue breaks, and the smallest change that mends each, with its price.
    --kept shows counts and no person. A line of --cars: {"id": "17", "model": "L5", "options": ["P_MIST_GREY", …]}.

    Example: [bold]muster catalogue check muster/demo/qilan/catalogue[/bold]
    """
    from configurator.catalogue_report import report_of
    from configurator.publish_report import report_on
    from muster.report_texts import choice_json, choice_line, report_json, report_lines

    if (kept or cars is not None) and not path.is_dir():
        stop("--kept and --cars need a catalogue's folder: a bare file has no models and no prices.")
    if kept:
        settings()  # What is broken in them must not come out after everything was compiled.
    subject = subject_at(path, as_json=as_json)
    catalogue = subject.catalogue if kept or cars is not None else None
    if kept and catalogue is not None:
        check_whose(catalogue, brand)
    maker = EngineMaker(seconds)
    with stages() as told:
        backend, choice = _compiled(maker, subject, told)
        report = report_on(subject, backend, progress=told, is_over=over_after(rule_seconds))
        held = _held(catalogue, told, cars=cars, kept=kept, brand=brand, maker=maker)
    told_of_files = None if subject.catalogue is None else report_of(path, subject.catalogue)
    if as_json:
        gaps = told_of_files.part_gaps if told_of_files is not None else ()
        found = report_json(report) | {"partGaps": faults_json(gaps), "engine": choice_json(choice)}
        about_cars = {name: value for one in held for name, value in one.json.items()}
        out.print_json(data={"path": str(path), "faults": [], "report": found, **about_cars})
    else:
        head = [f"{path}: read, {len(subject.book.features)} features"]
        if told_of_files is not None:
            head = told_of_files.lines()
        _print([*head, *(f"  {line}" for line in report_lines(report)), f"  {choice_line(choice)}"])
        _print([f"  {line}" for one in held for line in one.lines])
    if report.contradictions:
        sys.exit(REFUSED)


def _compiled(maker: EngineMaker, subject: Subject, told: Progress) -> tuple[Backend, EngineChoice]:
    told("compiling", 0, 1)
    made = maker.chosen(subject.book.formula)
    told("compiling", 1, 1)
    return made


def _held(
    catalogue: Catalogue | None, told: Progress, *, cars: Path | None, kept: bool, brand: str, maker: EngineMaker
) -> list[Told]:
    """Hold the cars that were asked for against a catalogue; nothing is loaded where none were."""
    if catalogue is None:
        return []
    from muster.holding_cars import hold_cars_of_file, hold_kept_cars

    found = [hold_cars_of_file(catalogue, cars, maker, told)] if cars is not None else []
    if kept:
        chosen = settings()
        with database(chosen) as works:
            found.append(hold_kept_cars(works, brand or chosen.brand, catalogue, maker, told=told))
    return found


@app.command()
def count(
    path: Rules,
    having: Having = None,
    lacking: Lacking = None,
    region: Region = "",
    day: Day = None,
    seconds: Seconds = COMPILE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Count the cars that the rules allow, exactly; 1 where there is none.

    Where the rules cannot be compiled in time, it is said that there is at least one car.

    Example: [bold]muster catalogue count muster/demo/qilan/catalogue --with L5 --region east[/bold]
    """
    from configurator.publish_report import UNCOUNTED
    from kernel.digits import written
    from muster.report_texts import choice_json, in_words

    subject = subject_at(path, as_json=as_json)
    place = place_of(subject, path, region, day.date() if day else None)
    literals = [*subject.book.context_literals(place), *literals_of(subject, having, lacking)]
    with stages() as told:
        backend, choice = _compiled(EngineMaker(seconds), subject, told)
        found = backend.has_car(literals)
        cars = backend.count(literals) if found else 0
    if as_json:
        counted = {"cars": None if cars is None else written(cars), "atLeastOne": found}
        asked = {"region": place.region, "day": place.day.isoformat(), "with": having or [], "without": lacking or []}
        out.print_json(data={"path": str(path), **asked, **counted, "engine": choice_json(choice)})
    else:
        _print([in_words(cars) if cars is not None else f"at least one car; {UNCOUNTED}"])
    if not found:
        sys.exit(REFUSED)


@app.command()
def best(
    path: Rules,
    least: Annotated[
        list[str] | None, typer.Option("--least", help="What the car shall have the least of; may be repeated.")
    ] = None,
    most: Annotated[
        list[str] | None, typer.Option("--most", help="What it shall have the most of; may be repeated.")
    ] = None,
    having: Having = None,
    lacking: Lacking = None,
    region: Region = "",
    day: Day = None,
    seconds: Seconds = COMPILE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Find the car with the least or the most of something, proven; 1 where there is no such car.

    A catalogue has the measures price and cost; a bare UVL file has its features' attributes that are numbers. Each one
    asked for is answered from the same compiled rules.

    Example: [bold]muster catalogue best docs/examples/bicycle.uvl --least weight --with Motor[/bold]
    """
    from configurator.errors import AnswerTooHard
    from muster.cars_at_hand import best_cars, best_json, best_line, measures_asked

    subject = subject_at(path, as_json=as_json)
    place = place_of(subject, path, region, day.date() if day else None)
    choices = choices_of(subject, having, lacking)
    asked = measures_asked(subject, least or (), most or ())
    with stages() as told:
        backend, _ = _compiled(EngineMaker(seconds), subject, told)
        try:
            found = best_cars(subject, backend, choices, place, asked)
        except (AnswerTooHard, OverflowError) as trouble:
            stop(f"this cannot be proven here: {trouble}")
    if as_json:
        out.print_json(data={"path": str(path), "best": [best_json(subject, car, most=one) for car, one in found]})
    else:
        _print([best_line(subject, car, most=one) for car, one in found] or ["there is no such car"])
    if not found:
        sys.exit(REFUSED)


@app.command()
def sample(
    path: Rules,
    number: Annotated[int, typer.Option(help="How many cars.", min=1, max=SAMPLES_MAX)] = 5,
    seed: Annotated[int, typer.Option(help="The same seed draws the same cars.")] = 1,
    having: Having = None,
    lacking: Lacking = None,
    region: Region = "",
    day: Day = None,
    seconds: Seconds = COMPILE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Draw cars at random, each that can be built as likely as any other; 1 where there is none, or none can be drawn.

    Only compiled rules can be drawn from.

    Example: [bold]muster catalogue sample docs/examples/bicycle.uvl --number 3 --with Motor[/bold]
    """
    from muster.cars_at_hand import drawn_cars

    subject = subject_at(path, as_json=as_json)
    place = place_of(subject, path, region, day.date() if day else None)
    choices = choices_of(subject, having, lacking)
    with stages() as told:
        backend, _ = _compiled(EngineMaker(seconds), subject, told)
        cars = drawn_cars(subject, backend, choices, place, number=number, seed=seed)
    if as_json:
        out.print_json(data={"path": str(path), "seed": seed, "cars": cars})
    elif cars is None:
        _print(["no cars are drawn, since the rules are not compiled to a circuit here"])
    else:
        _print([" ".join(car) for car in cars] or ["there is no such car"])
    if not cars:
        sys.exit(REFUSED)


@app.command()
def explain(
    path: Rules,
    having: Having = None,
    lacking: Lacking = None,
    region: Region = "",
    day: Day = None,
    locale: Annotated[str, typer.Option(help="The language of the answer: zh-CN or en.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Say whether a car with these features can be built, and if not, the fewest rules that forbid it (then 1).

    Example: [bold]muster catalogue explain muster/demo/qilan/catalogue --with L5 --with P_TWO_TONE_DAWN[/bold]
    """
    from muster.report_texts import rules_json, verdict_lines
    from muster.rules_at_hand import fewest_rules

    subject = subject_at(path, as_json=as_json)
    wanted = literals_of(subject, having, lacking)
    with stages() as told:
        told("explaining", 0, 1)
        found, facts = fewest_rules(subject, place_of(subject, path, region, day.date() if day else None), wanted)
        told("explaining", 1, 1)
    if as_json:
        rules = None if facts is None else rules_json(facts)
        out.print_json(data={"path": str(path), "canBeBuilt": found, "rules": rules})
    else:
        _print(verdict_lines(facts, locale, found=found))
    if not found:
        sys.exit(REFUSED)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help=f"A folder, a bare file, or `{PUBLISHED}` for the version in force.")],
    new: Annotated[str, typer.Argument(help=f"The same: a folder, a bare file, or `{PUBLISHED}`.")],
    brand: Brand = "",
    no_cars: Annotated[bool, typer.Option("--no-cars", help="Leave out which cars differ: the quick look.")] = False,
    seconds: Seconds = COMPILE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Say what differs: models, options, rules, prices, parts, and which cars; 1 when anything does.

    Cars that only one version allows are counted where the rules can be compiled, region by region, on the first day of
    the newer one; one of each kind is shown. Of bare files the features and the rules are compared.

    Example: [bold]muster catalogue diff published muster/demo/qilan/catalogue[/bold]
    """
    from muster.version_texts import cars_lines, do_cars_differ, version_json
    from muster.versions_at_hand import two_versions

    versions = two_versions(old, new, brand)
    with stages() as told:
        cars = [] if no_cars else versions.cars(EngineMaker(seconds), told)
    if as_json:
        out.print_json(data={"old": old, "new": new, **version_json(versions.changes, cars)})
    else:
        named = [change.line() for change in versions.changes]
        _print([*named, *cars_lines(cars, versions.names)] if named or do_cars_differ(cars) else ["nothing differs"])
    if versions.changes or do_cars_differ(cars):
        sys.exit(REFUSED)


@app.command()
def publish(
    folder: Folder,
    effective_from: Annotated[
        datetime | None, typer.Option(help="First day in force; the file's own without.", formats=DAY)
    ] = None,
    brand: Brand = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would break, and publish nothing.")] = False,
    seconds: Seconds = COMPILE_SECONDS,
) -> None:
    """Publish a catalogue as the brand's next version; what is published never changes, only the next one differs.

    First it says which kept cars and open pre-orders the version breaks: counts, and no person. Quotes, pools and
    orders made under an older version keep it; whoever keeps a car that breaks is told the smallest change that mends
    it. Last the rules are compiled for this machine's servers, which answer by SAT until that is done.

    Example: [bold]muster catalogue publish muster/demo/qilan/catalogue --effective-from 2026-12-01[/bold]
    """
    from configurator.service import publish_catalogue
    from kernel import registry
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.circuits import compiled_for_servers
    from muster.holding_cars import hold_kept_cars

    chosen = settings()
    code = brand or chosen.brand
    day: date | None = effective_from.date() if effective_from else None
    catalogue = catalogue_at(str(folder), code)
    check_version(catalogue if day is None else replace(catalogue, effective_from=day), code)
    with database(chosen) as works:
        with stages() as told:
            held = hold_kept_cars(works, code, catalogue, EngineMaker(seconds), effective_from=day, told=told)
        _print(held.lines)
        if dry_run:
            _print(["Nothing was published."])
            return
        with progress("Checking and publishing …"), works.change(system(BrandId("platform"))) as work:
            found = registry.brand_by_code(work, code)
            version_id = publish_catalogue(work.acting(system(found.id)), catalogue, effective_from=day)
    out.print(f"Published for {found.name['en']} as {version_id}.")
    with progress("Compiling the rules for this machine's servers …"):
        line = compiled_for_servers(chosen, catalogue, seconds)
    _print([line])


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line, markup=False)
