"""What `muster run` prints: where to look, and who can sign in."""

from __future__ import annotations

from muster.demo.people import read_cast
from muster.demo.seed import BRANDS, FOLDER
from muster.settings import Settings


def welcome(settings: Settings) -> str:
    """Return the addresses and sign-ins of the demo, as Rich markup."""
    lines = [
        "",
        f"[bold]Muster is at {settings.address}[/bold]",
        f"  explorer   {settings.address}/explorer",
        f"  schema     {settings.address}/schema.graphql",
        f"  ready?     {settings.address}/ready",
    ]
    for code in BRANDS:
        cast = read_cast(FOLDER / code)
        lines.append(f"\n[bold]{code}[/bold]: everybody's password is “{cast.password}”")
        lines.extend(f"  {persona.email:<32} {persona.role:<12} {persona.note['en']}" for persona in cast.personas)
    lines.append(
        "\nRequests name their brand in the header X-Muster-Brand; without it they are for qilan. Ctrl-C ends.\n"
    )
    return "\n".join(lines)
