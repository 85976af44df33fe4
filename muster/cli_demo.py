"""`muster demo`: the whole journey of one car, told step by step while it happens."""

from __future__ import annotations

from typing import Annotated

import typer

from muster.terminal import out


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(demo)


def demo(
    server: Annotated[
        str, typer.Option(help="The address of a running demo server; without, one is started for the journey.")
    ] = "",
) -> None:
    """Play the journey from a wish to the handover through the API, and show who did what, prices, dates, the VIN."""
    from muster.demo.journey import play_at, play_on_own_server

    if server:
        play_at(server.rstrip("/"), out)
    else:
        play_on_own_server(out)
