"""`muster plant …`: a simulated plant that builds what a server has released, as the plant's own system would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kernel.words import Count
from muster.acting import at_brand
from muster.terminal import REFUSED, FileTrouble, errors, on_file, out, stages

if TYPE_CHECKING:
    from factory_orders.plant.simulation import PlantConduct, Stop
    from kernel.actor import Actor
    from kernel.work import Works
    from muster.demo.client import Client
    from muster.demo.plant import Tally

DAYS_MAX: Final = 120
app = typer.Typer(
    help="A plant: files of what it is to build and of what it has done; a simulated one against a running server.",
    rich_markup_mode="rich",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _percent(text: str) -> Any:
    return typer.Option(help=text, min=0, max=100)


@app.command()
def simulate(
    server: Annotated[str, typer.Option(help="The address of a running server.")] = "http://127.0.0.1:8000",
    brand: Annotated[str, typer.Option(help="The brand's code.")] = "qilan",
    machine: Annotated[str, typer.Option(help="On a demo: the label of the plant's machine account.")] = (
        "plant-changzhou"
    ),
    key_file: Annotated[
        Path | None, typer.Option(help="A file with the machine account's key; without, the demo's administrator.")
    ] = None,
    days: Annotated[
        int, typer.Option(help="On a demo: let so many days pass, one after the other.", min=0, max=DAYS_MAX)
    ] = 0,
    ahead: Annotated[bool, typer.Option(help="Do not wait for a car's day: build what is released now.")] = False,
    cars: Annotated[int, typer.Option(help="At most so many cars at a time.", min=1)] = 10_000,
    rework: Annotated[int, _percent("Cars that need rework at the line's end, in percent.")] = 4,
    scrapped: Annotated[int, _percent("Cars that are spoilt for good, in percent.")] = 0,
    stopped: Annotated[int, _percent("Weeks in which the line breaks down for hours, in percent.")] = 10,
    late_parts: Annotated[int, _percent("Weeks in which every second car waits for late parts, in percent.")] = 0,
    still_from: Annotated[
        datetime | None, typer.Option(help="The day (UTC) on which the plant stands still.", formats=["%Y-%m-%d"])
    ] = None,
    still_days: Annotated[int, typer.Option(help="So many days it stands still.", min=1, max=DAYS_MAX)] = 7,
    lost: Annotated[int, _percent("Messages that get lost on their way, in percent.")] = 5,
    unanswered: Annotated[int, _percent("Messages whose answer gets lost, in percent.")] = 5,
    repeated: Annotated[int, _percent("Messages that come twice, in percent.")] = 5,
    late: Annotated[int, _percent("Messages that later ones overtake, in percent.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed, another story.", min=0)] = 0,
) -> None:
    """Build what a plant has to build, and report it through the API as the plant's machine account.

    Some cars need rework or are spoilt, the line breaks down, parts come late, the plant may stand still for days, and
    messages get lost, come twice or out of order; each is sent until it is acknowledged. What the server has taken is
    shown at the end. Times are the planned ones; with --days a demo's clock is moved on day by day.

    Example: [bold]muster plant simulate --days 14 --rework 10 --lost 20[/bold]
    """
    from factory_orders.plant.simulation import PlantConduct
    from muster.demo.client import Client, Refused, Unanswered
    from muster.demo.plant import Tally
    from muster.demo.sign_in import NotOfTheDemo, machine_key

    try:
        conduct = PlantConduct(
            rework_percent=rework,
            scrapped_percent=scrapped,
            stopped_percent=stopped,
            late_part_percent=late_parts,
            still=_long_stop(still_from, still_days),
            lost_percent=lost,
            unanswered_percent=unanswered,
            repeated_percent=repeated,
            late_percent=late,
        )
    except AssertionError as error:
        raise typer.BadParameter(str(error)) from None
    guest, tally = Client(server.rstrip("/"), brand), Tally()
    if key_file is not None and days:
        raise typer.BadParameter("time passes on a demo only; leave --days or --key-file out")
    try:
        key = _read_key(key_file) if key_file is not None else machine_key(guest, machine)
        _run(guest, key, conduct, tally, days=days, ahead=ahead, cars=cars, seed=seed)
    except NotOfTheDemo as error:
        raise typer.BadParameter(f"{error}; elsewhere give the plant's own --key-file") from None
    except (Unanswered, Refused) as error:
        raise FileTrouble(str(error)) from None
    finally:
        if tally.sent:
            _show(tally)
    if not tally.sent:
        out.print("There is nothing to build up to now; see --days and --ahead.")


Plant = Annotated[str, typer.Option("--plant", help="The plant's code.")]
Brand = Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")]


@app.command(name="orders")
def write_orders(
    path: Annotated[Path, typer.Argument(help="A file that is not there yet.")], plant: Plant, brand: Brand = ""
) -> None:
    """Write what a plant has still to build to a file: a ProductionSchedule, in a documented subset of B2MML (ISA-95).

    Cars stand in it by day and place on the line, with their options; no word of a buyer.

    Example: [bold]muster plant orders schedule.xml --plant changzhou[/bold]
    """
    from muster.plant_files import schedule_of_plant

    if path.exists():
        raise FileExistsError(str(path))
    with _at_plant(brand, plant) as (works, actor):
        lines, cars = schedule_of_plant(works, actor, plant)
    with on_file(path):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out.print(f"{Count(cars):car is|cars are} in {path}.")


@app.command(name="report")
def take_reports(
    path: Annotated[Path, typer.Argument(help="A ProductionPerformance.", exists=True, dir_okay=False)],
    plant: Plant,
    brand: Brand = "",
) -> None:
    """Take a plant's reports from a file, one after the other; what was taken before is passed over.

    A broken file is refused as a whole, with the line; then the exit code is 2. A report that does not fit is named,
    and the others are taken; then the exit code is 1.

    Example: [bold]muster plant report performance.xml --plant changzhou[/bold]
    """
    from muster.plant_files import take_performance

    with on_file(path):
        data = path.read_bytes()
    with _at_plant(brand, plant) as (works, actor):
        taken = take_performance(works, actor, data)
    for line, refusal in taken.refused:
        errors.print(f"line {line}: {refusal.text('en')}", style="red", markup=False)
    out.print(f"{taken.accepted:,} taken, {taken.repeated:,} known before, {len(taken.refused):,} refused.")
    if taken.refused:
        sys.exit(REFUSED)


@contextmanager
def _at_plant(brand: str, plant: str) -> Iterator[tuple[Works, Actor]]:
    """Open the database as a plant's system; refuses a plant that the brand does not have (NotFound)."""
    from kernel import registry
    from kernel.actor import Actor, Role, system
    from kernel.ids import AccountId

    with at_brand(brand) as (works, own):
        with works.read(system(own.id)) as work:
            plant_id = registry.plant_by_code(work, plant).id
        yield works, Actor(own.id, frozenset({Role.PLANT}), AccountId("0" * 31 + "a"), plant_id=plant_id)


def _read_key(path: Path) -> str:
    with on_file(path):
        return path.read_text(encoding="utf-8").strip()


def _long_stop(begins_at: datetime | None, days: int) -> Stop | None:
    from factory_orders.plant.simulation import Stop

    if begins_at is None:
        return None
    day = begins_at.replace(tzinfo=UTC)
    return Stop(day, day + timedelta(days=days))


def _run(
    guest: Client, key: str, conduct: PlantConduct, tally: Tally, *, days: int, ahead: bool, cars: int, seed: int
) -> None:
    """Work until now, and once more after each day that passes."""
    from muster.demo import documents as ask
    from muster.demo.plant import ApiDoor, SimulatedPlant
    from muster.demo.seed import ZONE
    from muster.demo.sign_in import sign_in_operator

    door = ApiDoor(guest.signed_in(key))
    own = SimulatedPlant(door, ZONE, conduct, seed=seed, ahead=ahead)
    with stages() as show:
        for day in range(days + 1):
            if days:
                # Sessions do not outlive the days that pass.
                now = sign_in_operator(guest.address).do(ask.ADVANCE, input={"hours": 24 if day else 0})["now"]
                door.offset = datetime.fromisoformat(now) - datetime.now(UTC) - timedelta(seconds=1)
            tally.add(own.work_until_now(cars_max=cars))
            show("letting days pass", day, max(days, 1))


def _show(tally: Tally) -> None:
    from rich.table import Table

    table = Table(title="What the plant did", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for stage, count in tally.cars.items():
        table.add_row(f"cars reported {stage.value}", f"{count:,}")
    for word, count in sorted(tally.messages.items()):
        if count:
            table.add_row(f"messages {word}", f"{count:,}")
    out.print(table)
