"""`muster demo`: the whole journey of one car, told step by step while it happens."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from muster.terminal import TO_TRY, FileTrouble, out

BEGIN_ANEW: Final = (
    "The journey needs a demo at its beginning: play it without --server, or end the server, delete var/muster.db and "
    "start it again."
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(rich_help_panel=TO_TRY)(demo)


def demo(
    server: Annotated[
        str, typer.Option(help="The address of a running demo server; without, one is started for the journey.")
    ] = "",
) -> None:
    """Play one car's journey from the wish to the handover through the API, and show each step as it happens.

    It starts a server of its own, on a database that is gone afterwards.
    With --server it plays on a running demo, whose time moves on by two months. The demo must be as it was seeded: the
    journey joins the pool that lacks a single member.

    Example: [bold]muster demo --server http://127.0.0.1:8000[/bold]
    """
    from muster.demo.client import Refused, Unanswered
    from muster.demo.journey import play_at, play_on_own_server

    try:
        if server:
            play_at(server.rstrip("/"), out)
        else:
            play_on_own_server(out)
    except Unanswered as error:
        raise FileTrouble(str(error)) from None
    except Refused as error:
        if not server:  # A demo of its own is as it was seeded: that is a bug.
            raise
        raise FileTrouble(f"{error} {BEGIN_ANEW}") from None
