"""The command line: `muster --help` says what each word does; 0 is well, 1 refused or unsound, 2 a broken call.

Imports stay inside the commands, so that `--help` is quick and a server loads only what it serves with.
"""

from __future__ import annotations

import base64
import os
import secrets as chance
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from sqlalchemy.exc import OperationalError

from kernel.errors import Refusal
from muster.settings import HELP, SettingError, Settings, check_serving
from muster.terminal import (
    BROKEN,
    REFUSED,
    TO_PLAN,
    TO_RUN,
    TO_TRY,
    TO_WORK_ON_IT,
    FileTrouble,
    errors,
    out,
    progress,
    settings,
)

if TYPE_CHECKING:
    from kernel.work import Works

COMPILING_SECONDS_MAX: Final = 5
"""So long `run` waits for the engine's kernels after seeding; what is not compiled then goes on while it serves."""
HELP_OF_ALL: Final = """Cars that are built because people asked for them.

To look at it: [bold]muster run[/bold], or [bold]muster demo[/bold] for the whole journey of one car.

To run it: [bold]muster secrets[/bold] once, [bold]muster settings[/bold] to check the environment,
[bold]muster migrate[/bold], [bold]muster add-brand FOLDER[/bold], then [bold]muster serve[/bold].

Exit codes: 0 well; 1 refused, unsound or different; 2 a broken call or setting."""

app = typer.Typer(
    name="muster",
    help=HELP_OF_ALL,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run one command; refusals and broken settings become one clear line and an exit code."""
    from muster import (
        cli_cars,
        cli_catalogue,
        cli_data,
        cli_demand,
        cli_demo,
        cli_line,
        cli_parts,
        cli_plan,
        cli_plant,
        cli_pool,
        cli_record,
        cli_stock,
        cli_store,
    )
    from muster.logs import set_up_logs

    set_up_logs("WARNING")
    app.add_typer(cli_catalogue.app, name="catalogue", rich_help_panel=TO_PLAN)
    cli_demand.add_to(app)
    app.add_typer(cli_line.app, name="line", rich_help_panel=TO_PLAN)
    cli_plan.add_to(app)
    app.add_typer(cli_plant.app, name="plant", rich_help_panel=TO_TRY)
    app.add_typer(cli_pool.app, name="pool", rich_help_panel=TO_PLAN)
    cli_parts.add_to(app)
    cli_stock.add_to(app)
    cli_cars.add_to(app)
    cli_store.add_to(app)
    cli_data.add_to(app)
    cli_record.add_to(app)
    cli_demo.add_to(app)
    try:
        app()
    except SettingError as error:
        errors.print(f"muster: {error}", style="red")
        sys.exit(BROKEN)
    except Refusal as refusal:
        errors.print(f"muster: {refusal}", style="red", markup=False)
        # What no rule could accept was not refused by one: the call, or the file, is broken.
        sys.exit(BROKEN if refusal.is_broken_input else REFUSED)
    except FileTrouble as error:
        errors.print(f"muster: {error}", style="red", markup=False)
        sys.exit(BROKEN)
    except FileExistsError as error:
        errors.print(f"muster: {error} is there already; name another file", style="red")
        sys.exit(BROKEN)
    except OperationalError as error:
        first_line = str(error.orig).splitlines()[0]
        errors.print(f"muster: the database does not answer, or is not migrated: {first_line}", style="red")
        sys.exit(BROKEN)


@app.command(rich_help_panel=TO_TRY)
def run(
    port: Annotated[int, typer.Option(min=0, max=65535, envvar="MUSTER_PORT", help="Port on 127.0.0.1.")] = 8000,
) -> None:
    """Serve the demo brand on this machine: migrate, seed when empty, print addresses and sign-ins.

    The data stays in var/muster.db; delete the file to begin anew.
    Mails are shown here; the log of requests with MUSTER_LOG_LEVEL=INFO.

    Example: [bold]muster run --port 8080[/bold]
    """
    os.environ["MUSTER_DEMO"] = "1"
    os.environ["MUSTER_PORT"] = str(port)
    # One line a request would push addresses, sign-ins and the tokens of sign-ups out of sight.
    os.environ.setdefault("MUSTER_LOG_LEVEL", "WARNING")
    from muster.demo.welcome import welcome
    from muster.serving import check_port

    check_port(settings(), change="--port")
    if _make_ready(settings()):
        # What telling the demo's story took in memory goes with the process image; the server begins without it.
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "muster", *sys.argv[1:]])  # noqa: S606 - our own words
    out.print(welcome(settings()))
    serve()


def _make_ready(chosen: Settings) -> bool:
    """Migrate and seed where that is needed; returns whether the demo was seeded now."""
    from configurator.engine.warming import begin_to_warm
    from muster import migrate as migrations
    from muster.circuits import open_shelf
    from muster.demo import seed as demo_seed
    from muster.opening import open_works

    works = open_works(chosen)
    if not migrations.is_current(works.engine):
        with progress("Bringing the database up to date …"):
            migrations.upgrade(works.engine)
    seeds = _wants_demo(works)
    if seeds:
        compiling = begin_to_warm(open_shelf(chosen))  # on another core, while the demo's story is told
        out.print("Seeding the demo brands: under a minute on a quiet machine, several on a busy one …")
        demo_seed.seed(chosen, show=out)
        if compiling is not None:
            with suppress(subprocess.TimeoutExpired):
                compiling.wait(COMPILING_SECONDS_MAX)
    works.engine.dispose()
    return seeds


def _wants_demo(works: Works) -> bool:
    """Say whether a database is still without brands; stops at a demo whose seeding was interrupted."""
    from muster.demo.seed import is_seeded
    from muster.demo.unfinished import is_unfinished

    if not is_seeded(works):
        return True
    if is_unfinished(works):
        raise SettingError(
            "this demo was interrupted while it was seeded, so half of it is missing: "
            "begin anew with an empty database (of `run`: delete var/muster.db)"
        )
    return False


@app.command(rich_help_panel=TO_RUN)
def serve(
    worker: Annotated[bool, typer.Option(help="Start a worker as a child process.")] = True,
) -> None:
    """Serve the API where the environment says, with a worker as a child process.

    The database must be migrated. SIGTERM ends it after the requests in hand.

    Example: [bold]MUSTER_PROCESSES=2 muster serve --no-worker[/bold]
    """
    from muster import serving

    sys.exit(serving.serve(settings(), with_worker=worker))


@app.command(rich_help_panel=TO_RUN)
def worker(parent: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Run a worker apart from the server: news between rooms, deadlines, notices, refunds, released statistics.

    As many may run as you like; they share the work. SIGTERM ends it after the turn in hand.
    """
    from muster import serving

    serving.work(settings(), parent_id=parent)


@app.command(rich_help_panel=TO_RUN)
def migrate(
    revision: Annotated[str, typer.Argument(help="A revision, `head` for the newest, `base` for none.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Take the database back to the revision.")] = False,
) -> None:
    """Bring the database to the shape this version wants; a second run changes nothing.

    Back up first. With --down and `base` every table goes, with what is in it.

    Example: [bold]muster migrate[/bold]
    """
    from alembic.util import CommandError

    from muster import migrate as migrations
    from muster.opening import open_works

    engine = open_works(settings()).engine
    with progress("Migrating …"):
        try:
            (migrations.downgrade if down else migrations.upgrade)(engine, revision)
        except CommandError as error:
            raise SettingError(f"there is no way to revision {revision!r}: {error}") from error
    with engine.connect() as connection:
        out.print(f"The database is at {migrations.current_revision(connection)}.")


@app.command(rich_help_panel=TO_TRY)
def seed(
    as_of: Annotated[
        datetime | None, typer.Option(help="The day the story ends; this week's Monday without.", formats=["%Y-%m-%d"])
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Half a year with thousands of people; it takes minutes.")
    ] = False,
) -> None:
    """Fill an empty database with the demo brands, the same every time for one day.

    Migrates first. A database that has a brand is left as it is. With --full it has 26 weeks of a busy brand (52 pools,
    7,600 pre-orders, 31,000 kept cars, 64 proposals), without it the last weeks of a small one.

    Example: [bold]muster seed --full --as-of 2026-11-23[/bold]
    """
    from muster import migrate as migrations
    from muster.demo import seed as demo_seed
    from muster.opening import open_works

    chosen = settings()
    works = open_works(chosen)
    migrations.upgrade(works.engine)
    if not _wants_demo(works):
        out.print("There are brands already; nothing was changed.")
        return
    origin = as_of and as_of.replace(hour=demo_seed.TEN, tzinfo=demo_seed.ZONE)
    (demo_seed.seed_full if full else demo_seed.seed)(chosen, as_of=origin, show=out)
    out.print("The demo brands are in.")


@app.command(rich_help_panel=TO_WORK_ON_IT)
def ddl(
    dialect: Annotated[str, typer.Argument(help="sqlite or postgresql")],
) -> None:
    """Print every table, index and trigger this version wants, as SQL, to review before a migration.

    Example: [bold]muster ddl postgresql > shape.sql[/bold]
    """
    from muster import migrate as migrations

    if dialect not in ("sqlite", "postgresql"):
        raise typer.BadParameter("write sqlite or postgresql")
    for statement in migrations.ddl(dialect):
        typer.echo(f"{statement};\n")


@app.command(name="settings", rich_help_panel=TO_RUN)
def list_settings() -> None:
    """List the environment's settings with their meaning, and check those that are set; 2 when one is broken."""
    for name, meaning in HELP.items():
        out.print(f"[bold]{name}[/bold]\n    {meaning}")
    chosen = settings()
    check_serving(chosen)
    out.print(f"\nRead well: {chosen.address}, demo={chosen.demo}, {chosen.processes} process(es).")


@app.command(rich_help_panel=TO_RUN)
def secrets() -> None:
    """Print three fresh secrets for the environment; do this once, and keep a copy apart from the backups.

    With other secrets later, nobody is recognised as the same person.

    Example: [bold]muster secrets >> /etc/muster.env[/bold]
    """
    for name in ("IDENTITY", "QUOTE", "PAYMENTS"):
        typer.echo(f"MUSTER_SECRET_{name}={base64.b64encode(chance.token_bytes(32)).decode()}")


@app.command(rich_help_panel=TO_WORK_ON_IT)
def schema(
    path: Annotated[Path | None, typer.Argument(help="Where to write it; standard output without.")] = None,
) -> None:
    """Print the GraphQL schema as text (SDL), or write it to a file."""
    from graph.sdl import print_sdl

    sdl = print_sdl()
    if path is None:
        typer.echo(sdl, nl=False)
    else:
        path.write_text(sdl, encoding="utf-8")
