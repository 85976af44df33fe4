"""Commands of the record: write a chain to a file, and verify a file offline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kernel.actor import Role
from muster.acting import reading
from muster.terminal import REFUSED, TO_LOOK_AFTER_IT, on_file, out, progress


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command(name="export-record", rich_help_panel=TO_LOOK_AFTER_IT)(export_record)
    app.command(name="export-passport", rich_help_panel=TO_LOOK_AFTER_IT)(export_passport)
    app.command(rich_help_panel=TO_LOOK_AFTER_IT)(verify)


def export_record(
    chain: Annotated[
        str, typer.Argument(help="A chain: pool:ID, vin:VIN, proposal:ID, comparison:ID, or an id of the API.")
    ],
    path: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Write one chain of the record to a file that anybody can verify offline.

    People stand in it under pseudonyms, with what they offered: it is for the auditor.

    The id is the one in the database, or the one of the API, with or without the word before it.

    Example: [bold]muster export-record UG9vbC8wMWEw… /tmp/pool.json[/bold]
    """
    import orjson

    from graph.identifiers import chain_of
    from kernel.errors import InvalidInput
    from muster.verification import export_chain

    if path.exists():
        raise InvalidInput("path", f"{path} is there already")
    chain = chain_of(chain)
    with progress(f"Reading {chain} …"), reading(brand, Role.SYSTEM) as work:
        document = export_chain(work, chain)
    with on_file(path):
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    out.print(f"{len(document['entries'])} entries are in {path}.")


def export_passport(
    vin: Annotated[str, typer.Argument(help="The car's number.")],
    path: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
    brand: Annotated[str, typer.Option(help="The brand; by default the one of MUSTER_BRAND.")] = "",
) -> None:
    """Write a car's passport to a file as a subset of EPCIS 2.0 (JSON-LD), which `verify` checks offline.

    Nothing of its buyer stands in it.

    Example: [bold]muster export-passport L0LL50C11VA000125 passport.json && muster verify passport.json[/bold]
    """
    import orjson

    from factory_orders.queries import passport_document

    if path.exists():
        raise FileExistsError(str(path))
    with reading(brand, Role.SYSTEM) as work:
        document = passport_document(work, vin)
    with on_file(path):
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    out.print(f"{len(document['epcisBody']['eventList'])} events are in {path}.")


def verify(
    path: Annotated[
        Path, typer.Argument(help="A chain, a clearing, a proof, a passport.", exists=True, dir_okay=False)
    ],
    against: Annotated[
        Path | None,
        typer.Option(help="The published clearing that it must agree with.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Verify an exported record offline; 0 when everything fits, 1 when something does not.

    A chain is replayed from its first entry: the hashes; of a pool who was in and what the clearing had to be; of a
    proposal its votes, backers, threshold, answer and promise; of a comparison each sheet's place in the design. A
    member's proof is held against its root, and with --against against the root that was published. Of a passport the
    chain is replayed, its newness may only descend, and each event must say what the chain says. Needs no database.

    Example: [bold]muster verify proof.json --against clearing.json[/bold]
    """
    from muster.verification import read_document, verify_document

    with progress(f"Verifying {path} …"):
        published = read_document(against) if against is not None else None
        verdict = verify_document(read_document(path), against=published)
    for line in verdict.says:
        out.print(line, markup=False)
    for fault in verdict.faults:
        out.print(f"does not fit: {fault}", style="red", markup=False)
    out.print("Everything fits." if verdict.is_sound else "Not as it was recorded.")
    if not verdict.is_sound:
        sys.exit(REFUSED)
