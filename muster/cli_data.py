"""Commands for whoever runs Muster: audit, backup, restore, reconcile, brands and operators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kernel.actor import Role
from kernel.errors import InvalidInput
from muster.acting import at_brand, changing
from muster.terminal import REFUSED, TO_LOOK_AFTER_IT, TO_RUN, on_file, out, progress, settings

if TYPE_CHECKING:
    from kernel.work import Work


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (audit, backup, restore, reconcile):
        app.command(rich_help_panel=TO_LOOK_AFTER_IT)(command)
    app.command(name="add-brand", rich_help_panel=TO_RUN)(add_brand)
    app.command(name="add-administrator", rich_help_panel=TO_RUN)(add_administrator)
    app.command(name="grant-operator", rich_help_panel=TO_RUN)(grant_operator)
    app.command(name="revoke-operator", rich_help_panel=TO_RUN)(revoke_operator)


def audit() -> None:
    """Derive every invariant anew from the live database, changing nothing; 1 when one does not hold.

    Money, places, prices, weeks, cars, votes, chains, published cells.

    Each line names its rule and, where it is broken, the ids. Run it every night.
    """
    from muster.audit import audit as look
    from muster.wiring import wire

    runtime = wire(settings())
    sound = True
    with progress("Auditing …"):
        found = list(look(runtime.works, runtime.checks))
    for one in found:
        sound = sound and one.is_sound
        out.print(f"[bold]{one.brand.name['en']}[/bold] ({one.brand.code}): {len(one.findings)} checks")
        for finding in one.findings:
            mark = "[red]broken[/red]" if finding.violations else "[green]holds[/green]"
            out.print(f"  {mark}  §4.{finding.check.rule}  {finding.check.name}")
            for line in finding.violations:
                out.print(f"            {line}", markup=False)
            if finding.more:
                out.print("            … and more")
    out.print("Every invariant holds." if sound else "Not sound: see above.", style="green" if sound else "red")
    if not sound:
        sys.exit(REFUSED)


def backup(
    path: Annotated[Path, typer.Argument(help="A file that is not there yet; only its owner may read it.")],
) -> None:
    """Write all data as of one moment to a file that either database can be restored from.

    Server and worker may go on. The file holds personal data; secrets are not in it.

    Example: [bold]muster backup /backup/monday.muster[/bold]
    """
    from kernel.backup import back_up
    from muster import migrate
    from muster.opening import open_works
    from muster.tables import metadata

    works = open_works(settings())
    with works.engine.connect() as connection:
        revision = migrate.current_revision(connection)
    if revision is None:
        raise InvalidInput("database", "it has no tables yet; run `muster migrate`")
    with progress(f"Writing {path} …"), on_file(path):
        manifest = back_up(works.engine, path, revision=revision, clock=works.clock, schema=metadata)
    out.print(f"{manifest.rows:,} rows of {len(manifest.tables)} tables are in {path}.")


def restore(
    path: Annotated[Path, typer.Argument(help="A file that `muster backup` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Fill an empty database from a backup, all of it or nothing; every checksum is checked before the first row.

    It need not be of the kind the backup came from. Look with `muster audit` after it.

    Example: [bold]muster restore /backup/monday.muster[/bold]
    """
    from kernel.backup import BackupOfAnotherRevision, check_backup
    from kernel.backup import restore as fill
    from muster import migrate
    from muster.opening import open_works
    from muster.tables import metadata

    works = open_works(settings())
    with progress(f"Restoring {path} …"), on_file(path):
        # A file that does not verify, or is not understood, leaves even an empty database as it is.
        revision = check_backup(path).revision
        if revision not in migrate.known_revisions():
            raise BackupOfAnotherRevision(revision, migrate.newest_revision() or "none")
        migrate.upgrade(works.engine, revision)
        manifest = fill(works.engine, path, revision=revision, schema=metadata)
        migrate.upgrade(works.engine)
    out.print(f"{manifest.rows:,} rows of {len(manifest.tables)} tables are restored.")


def reconcile(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back.")] = 1,
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Hold the ledger against the payment provider's statement, line by line; 1 when they differ.

    missing_here: the provider has money we know nothing of.
    missing_there: we booked what the provider does not have.
    amount_differs: both know it, with another amount.

    What is on its way for less than a day is no difference.

    Example: [bold]muster reconcile --days 7[/bold]
    """
    from kernel import reconciliation
    from kernel.actor import system
    from muster.wiring import wire

    differences = 0
    with at_brand(brand) as (works, found):
        until = works.clock.now().astimezone(UTC)
        since: datetime = until - timedelta(days=days)
        for provider in wire(settings(), works=works).providers.values():
            report = reconciliation.reconcile(works, system(found.id), provider, since=since, until=until)
            differences += report.differences
            out.print(f"{provider.name}: {report.matched} agree, {report.in_flight} on their way")
            for sentence in report.sentences():
                out.print(f"  {sentence}", style="red", markup=False)
    if differences:
        sys.exit(REFUSED)


def add_brand(
    folder: Annotated[Path, typer.Argument(help="The folder of the brand's files.", exists=True, file_okay=False)],
) -> None:
    """Add a brand with its stores, plants and first catalogue from a folder of files; all of it or nothing.

    The folder has network/ and catalogue/. Copy a demo brand's to begin.

    Example: [bold]muster add-brand muster/demo/borealis[/bold]
    """
    from configurator.service import publish_folder
    from kernel.actor import system
    from kernel.ids import BrandId
    from muster.brands import BrandFolder, BrandKnown, add_brand_from_folder, known_brand
    from muster.daily import begin_mornings
    from muster.opening import open_works

    place = BrandFolder(folder)
    with progress(f"Reading {folder} …"), open_works(settings()).change(system(BrandId("platform"))) as work:
        known = known_brand(work, place)
        if known is not None:
            raise BrandKnown(known.code)
        brand = add_brand_from_folder(work, place)
        publish_folder(work.acting(system(brand.id)), place.catalogue)
        begin_mornings(work, brand)
    out.print(f"{brand.name['en']} ({brand.code}) is in.")


def add_administrator(
    email: Annotated[str, typer.Argument(help="The address; nobody may have an account under it.")],
    name: Annotated[str, typer.Option(help="What to call them.")] = "",
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Make a brand's administrator, who then invites everybody else through the API.

    Prints once the token with which its owner sets the first password (the mutation `recover`), within seven days.
    It works without a mail server; hand it over as you would a password.

    Example: [bold]muster add-administrator anna@example.com --name Anna[/bold]
    """
    from kernel.identity.account_service import add_accounts, first_token
    from kernel.identity.model import IdentitySettings, NewAccount

    identity = IdentitySettings(identity_key=settings().secrets.identity)
    with changing(brand, Role.SYSTEM) as work:
        (account_id,) = add_accounts(work, identity, [NewAccount(email, name, "en", roles=(Role.BRAND_ADMIN,))])
        token = first_token(work, identity, account_id)
    out.print(f"Done. The owner sets a password with the mutation `recover` and this token:\n{token}", markup=False)


def grant_operator(
    email: Annotated[str, typer.Argument(help="The address of an account that is there.")],
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Make an account an operator's: verification, disputes, money by hand. Nobody can do that through the API.

    The account has signed up and confirmed its address. Its other sessions end.

    Example: [bold]muster grant-operator anna@example.com[/bold]
    """
    from kernel.identity.account_service import grant_operator as grant

    _to_account(email, brand, grant)
    out.print("Done; other sessions of the account have ended.")


def revoke_operator(
    email: Annotated[str, typer.Argument(help="The address of an operator's account.")],
    brand: Annotated[str, typer.Option(help="The brand's code; the settings' brand without.")] = "",
) -> None:
    """Take the operator's role away from an account; its sessions end at once.

    Example: [bold]muster revoke-operator anna@example.com[/bold]
    """
    from kernel.identity.account_service import revoke_operator as revoke

    _to_account(email, brand, revoke)
    out.print("Done; all sessions of the account have ended.")


def _to_account(email: str, brand: str, step: Callable[[Work, str], None]) -> None:
    """Do something to the account of an address, or refuse NotFound."""
    from kernel.errors import NotFound
    from kernel.identity.queries import account_by_email

    with changing(brand, Role.SYSTEM) as work:
        account_id = account_by_email(work, email)
        if account_id is None:
            raise NotFound("account")
        step(work, account_id)
