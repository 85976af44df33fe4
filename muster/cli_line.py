"""`muster line …`: order the cars of a day from files of two public formats, and mend a day of a plant's own line."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kernel.words import Count
from muster.terminal import BROKEN, errors, on_file, out, progress

if TYPE_CHECKING:
    from factory_orders.line.model import LineProblem
    from factory_orders.line.search import LineSolution, Progress
    from factory_orders.model import LineDayFigures

SECONDS_MAX: Final = 86_400
app = typer.Typer(
    help="The order of cars on the line: solve an instance, mend a plant's day.\n\n"
    "An instance is a folder of the ROADEF/EURO challenge 2005 (vehicles.txt, ratios.txt, paint_batch_limit.txt, "
    "optimization_objectives.txt) or a file of CSPLib problem 1.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Instance = Annotated[Path, typer.Argument(help="A challenge folder, or a CSPLib file.", metavar="FILE_OR_FOLDER")]


@app.command()
def solve(
    instance: Instance,
    seconds: Annotated[float, typer.Option(help="How long to search.", min=0, max=SECONDS_MAX)] = 10,
    seed: Annotated[int, typer.Option(help="Another seed searches another way.", min=0)] = 1,
    frozen: Annotated[int, typer.Option(help="How many of the first cars stay where they are.", min=0)] = 0,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write the order to this file, which must not be there yet.")
    ] = None,
) -> None:
    """Search a good order of the day's cars and say how far from the optimum it is at most.

    Ends early when the order is proven optimal. A broken file is named with its line, a paint run that no order keeps
    with what it would need, and where the order cannot be written that is said before the search; all end with 1.

    Example: [bold]muster line solve instances/022_3_4_EP_RAF_ENP --seconds 60 --out order.csv[/bold]
    """
    from factory_orders.line.instance_files import read_problem

    if to is not None:
        _make_sure_of(to)
    problem = _with_frozen(read_problem(instance), frozen)
    solution = _search(problem, seconds, seed)
    _show(solution)
    if to is not None:
        with on_file(to), to.open("x", encoding="utf-8") as rows:
            rows.write(_as_rows(solution))
        out.print(f"The order is in {to}.")


@app.command()
def mend(
    plant: Annotated[str, typer.Argument(help="The code of a plant.")],
    day: Annotated[datetime, typer.Argument(help="The day on its line.", formats=["%Y-%m-%d"])],
    late: Annotated[
        list[str], typer.Option(help="A build order whose parts come late: it goes to the day's end.")
    ] = [],  # noqa: B006
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Mend a day's order after a disturbance with few moves; cars that have begun and the next ones stay.

    After a breakdown, or where parts come late. What a withdrawn car leaves is mended by the worker. Says how many cars
    moved, and what the order does not keep, before and after; ends with 1 where no car may move, or no order keeps the
    longest paint run.

    Example: [bold]muster line mend changzhou 2027-01-11[/bold]
    """
    from factory_orders.service import mend_line_day
    from kernel import registry
    from kernel.actor import Role
    from muster.acting import changing

    with progress("Mending …"), changing(brand, Role.PLANNER) as work:
        own = registry.plant_by_code(work, plant)
        mended = mend_line_day(work, own.id, day.date(), late=late)
    out.print(f"{mended.day}, {Count(mended.after.cars):car|cars}: {mended.moved:,} moved.")
    out.print(f"before: {_figures(mended.before)}")
    out.print(f"after: {_figures(mended.after)}")


def _figures(one: LineDayFigures) -> str:
    changes = f"{one.paint_changes:,} paint changes"
    if one.excess is None:
        return f"{one.run_violations:,} beyond the longest paint run, {changes}"
    ratios = f"{one.excess:,} over the ratios (not below {one.excess_bound:,})"
    return f"{ratios}, {changes} (not below {one.paint_changes_bound:,})"


def _make_sure_of(to: Path) -> None:
    """Refuse a file that is there (FileExistsError), or cannot be written (FileTrouble); leaves nothing behind."""
    if to.exists():
        raise FileExistsError(str(to))
    with on_file(to):
        to.open("x").close()
        to.unlink()


def _with_frozen(problem: LineProblem, frozen: int) -> LineProblem:
    from dataclasses import replace

    if frozen > len(problem.cars):
        errors.print(f"muster: {Count(frozen):car|cars} cannot be frozen, the day has {len(problem.cars)}", style="red")
        sys.exit(BROKEN)
    return replace(problem, frozen=frozen)


def _search(problem: LineProblem, seconds: float, seed: int) -> LineSolution:
    from rich import progress as rich_progress

    from factory_orders.line.search import solve_line, warm_up

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[found]}"),
    )
    with rich_progress.Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(f"{problem.name}: {len(problem.cars)} cars", total=seconds, found="preparing …")
        warm_up()

        def tell(progress: Progress) -> None:
            bar.update(task, completed=min(progress.seconds, seconds), found=_standing(progress))

        return solve_line(problem, seconds=seconds, seed=seed, tell=tell)


def _standing(progress: Progress) -> str:
    return f"best {progress.best:,}, not below {progress.bound:,}, {progress.moves / 1e6:,.0f} million moves"


def _show(solution: LineSolution) -> None:
    from rich.table import Table

    problem = solution.problem
    table = Table(title=f"{problem.name}: {len(problem.cars)} cars", title_justify="left")
    for heading in ("objective", "weight", "found", "not below"):
        table.add_column(heading, justify="left" if heading == "objective" else "right")
    for objective in problem.objectives:
        found, bound = solution.score.of(objective), solution.bound.of(objective)
        table.add_row(objective.value, f"{problem.weight(objective):,}", f"{found:,}", f"{bound:,}")
    weighted = solution.score.weighted(problem), solution.bound.weighted(problem)
    table.add_row("in all", "", *(f"{figure:,}" for figure in weighted), style="bold")
    out.print(table)
    speed = solution.moves / solution.seconds / 1e6 if solution.seconds else 0.0
    proof = "proven optimal" if not solution.gap else f"at most {solution.gap_share:.2%} of it above the optimum"
    out.print(f"{proof}; {solution.moves:,} moves in {solution.seconds:.1f} s, {speed:.1f} million a second")


def _as_rows(solution: LineSolution) -> str:
    rows = (f"{place};{car.id};{car.paint}" for place, car in enumerate(solution.order, start=1))
    return "\n".join(("place;car;paint", *rows, ""))
