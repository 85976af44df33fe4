"""One's own account and sessions, and the accounts that the platform makes itself: the demo's people, operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kernel import db, registry
from kernel.actor import Permission, Role
from kernel.errors import InvalidInput, NotFound
from kernel.identity import role_store, session_store, store
from kernel.identity.errors import AddressTaken
from kernel.identity.events import AccountDisabled, AccountEnabled
from kernel.identity.model import (
    Account,
    AccountState,
    IdentitySettings,
    NewAccount,
    Session,
    TokenPurpose,
    clean_email,
    clean_locale,
    clean_name,
    email_key,
)
from kernel.identity.persons import INVENTED_REGIONS, REGIONS, person_hash, read_id_number
from kernel.identity.tables import accounts, persons, role_grants
from kernel.identity.tokens import one_time_token
from kernel.ids import AccountId
from kernel.reasons import because
from kernel.work import Work

SWEEP_ROWS_MAX = 5000
NEW_ACCOUNTS_MAX = 1000
REASON_LENGTH_MAX = 200

# --- one's own account -----------------------------------------------------------------------------------------------


def own_account(work: Work) -> Account:
    """Return the actor's account. Refuses NotFound for a machine, and for one that is erased."""
    work.actor.require(Permission.ACCOUNT_OWN)
    stored = store.account_by_id(work, work.actor.signed_in())
    # A session that is believed for a moment longer may still act for an account that is erased by now.
    if stored is None or stored.account.state is AccountState.ERASED:
        raise NotFound("account")
    return stored.account


def change_own_account(work: Work, *, name: str | None = None, locale: str | None = None) -> Account:
    """Change how one is called and which language one reads. Refuses InvalidInput."""
    account = own_account(work)
    values: dict[str, str] = {}
    if name is not None:
        values["name"] = clean_name(name)
    if locale is not None:
        values["locale"] = clean_locale(locale)
    if values:
        store.update_account(work, account.id, **values)
    return own_account(work)


def own_sessions(work: Work, settings: IdentitySettings) -> list[Session]:
    """Return where one is signed in, newest first."""
    work.actor.require(Permission.ACCOUNT_OWN)
    return session_store.live_sessions(work, settings, work.actor.signed_in())


def sign_out(work: Work, token: str) -> None:
    """End the session of a token; nothing happens if it has ended."""
    work.actor.require(Permission.PUBLIC_READ)
    session_store.end_by_token(work, token)


def sign_out_everywhere(work: Work, *, but_token: str | None = None) -> int:
    """End all of one's sessions, but the one of a token if asked; returns how many ended."""
    work.actor.require(Permission.ACCOUNT_OWN)
    return session_store.end_all(work, work.actor.signed_in(), but_token=but_token)


def end_own_session(work: Work, session_id: str) -> None:
    """End one of one's own sessions. Refuses NotFound, also for somebody else's."""
    work.actor.require(Permission.ACCOUNT_OWN)
    if not session_store.end_by_id(work, work.actor.signed_in(), session_id):
        raise NotFound("session")


# --- an operator's part ----------------------------------------------------------------------------------------------


def disable_account(work: Work, account_id: str, *, reason: str) -> None:
    """Close an account: its sessions end and no password opens it.

    Refuses NotFound, InvalidInput and LastAdministrator.
    """
    work.actor.require(Permission.ACCOUNT_DISABLE)
    told = " ".join(reason.split())
    if not 1 <= len(told) <= REASON_LENGTH_MAX or not told.isprintable():
        raise InvalidInput("reason", because("WHY_IMPERSONAL", most=REASON_LENGTH_MAX))
    role_store.keep_an_administrator(work, leaving=AccountId(account_id))
    account = _lock(work, account_id, AccountState.ACTIVE)
    store.update_account(work, account.id, state=AccountState.DISABLED.value)
    store.drop_tokens(work, account.id)
    session_store.end_all(work, account.id)
    work.record(AccountDisabled(work.actor.brand_id, account.id, told))


def enable_account(work: Work, account_id: str) -> None:
    """Open a disabled account again. Refuses NotFound."""
    work.actor.require(Permission.ACCOUNT_DISABLE)
    account = _lock(work, account_id, AccountState.DISABLED)
    store.update_account(work, account.id, state=AccountState.ACTIVE.value)
    work.record(AccountEnabled(work.actor.brand_id, account.id))


def _lock(work: Work, account_id: str, state: AccountState) -> Account:
    stored = store.account_by_id(work, account_id, lock=True)
    if stored is None or stored.account.state is not state:
        raise NotFound("account")
    return stored.account


# --- the platform's part ---------------------------------------------------------------------------------------------


def add_accounts(work: Work, settings: IdentitySettings, new: Sequence[NewAccount]) -> list[AccountId]:
    """Make confirmed accounts with their roles and verified persons, in a few statements; for set-up and the demo.

    Returns their ids in order. Refuses InvalidInput, IdNumberInvalid and AddressTaken.
    """
    work.actor.require(Permission.SYSTEM)
    assert len(new) <= NEW_ACCOUNTS_MAX
    person_ids = _add_persons(work, settings, new)
    rows: list[dict[str, Any]] = []
    grants: list[dict[str, Any]] = []
    for one, person_id in zip(new, person_ids, strict=True):
        email = clean_email(one.email)
        row = store.account_row(
            work,
            email=email,
            key=email_key(email),
            name=clean_name(one.name),
            locale=clean_locale(one.locale),
            password_hash=one.password_hash,
            confirmed=True,
        )
        rows.append({**row, "person_id": person_id})
        grants.extend(_grant_rows(work, row["id"], one))
    if len(db.insert_new(work.connection, accounts, rows, returning="id")) < len(rows):
        raise AddressTaken
    db.insert_many(work.connection, role_grants, grants)
    return [AccountId(row["id"]) for row in rows]


def first_token(work: Work, settings: IdentitySettings, account_id: AccountId) -> str:
    """Return the one-time token by which a new account's owner sets the first password; good as long as an invitation.

    For the operator's terminal, where no mail can be sent yet: an earlier token of the account ends.
    """
    work.actor.require(Permission.SYSTEM)
    token_id = store.issue_token(work, account_id, TokenPurpose.RECOVERY, settings.invitation_lifetime)
    return one_time_token(settings.identity_key, TokenPurpose.RECOVERY, token_id)


def _grant_rows(work: Work, account_id: str, one: NewAccount) -> list[dict[str, Any]]:
    return [
        {
            "id": work.new_id(),
            "brand_id": work.actor.brand_id,
            "account_id": account_id,
            "role": role.value,
            "store_id": one.store_id if role is Role.DEALER else None,
            "granted_at": work.now,
        }
        for role in one.roles
    ]


def _add_persons(work: Work, settings: IdentitySettings, new: Sequence[NewAccount]) -> list[str | None]:
    if not any(one.id_number for one in new):
        return [None] * len(new)
    brand = registry.own_brand(work)
    today = work.now.astimezone(brand.zone).date()
    hashes = [
        person_hash(
            settings.identity_key,
            brand.id,
            read_id_number(one.id_number, today=today, regions=REGIONS | INVENTED_REGIONS),
        )
        if one.id_number
        else None
        for one in new
    ]
    rows = [
        {"id": work.new_id(), "brand_id": brand.id, "identity_hash": identity_hash, "verified_at": work.now}
        for identity_hash in dict.fromkeys(hashes)
        if identity_hash is not None
    ]
    db.insert_new(work.connection, persons, rows, returning="id")
    found = persons.select().where(
        persons.c.brand_id == brand.id, db.among(persons.c.identity_hash, [row["identity_hash"] for row in rows])
    )
    ids = {row.identity_hash: row.id for row in work.connection.execute(found)}
    return [ids[identity_hash] if identity_hash is not None else None for identity_hash in hashes]


def grant_operator(work: Work, account_id: str) -> None:
    """Make an account an operator's; by command only. Refuses NotFound and RoleTaken."""
    work.actor.require(Permission.SYSTEM)
    account = _lock(work, account_id, AccountState.ACTIVE)
    role_store.grant(work, account.id, Role.OPERATOR)
    session_store.end_all(work, account.id)


def revoke_operator(work: Work, account_id: str) -> None:
    """Take the operator's role away; by command only. Refuses NotFound."""
    work.actor.require(Permission.SYSTEM)
    account = _lock(work, account_id, AccountState.ACTIVE)
    if not role_store.revoke(work, account.id, Role.OPERATOR):
        raise NotFound("role")
    session_store.end_all(work, account.id)


def sweep(work: Work, settings: IdentitySettings) -> int:
    """Delete sessions, one-time tokens and counted attempts that are over; returns how many rows went."""
    work.actor.require(Permission.SYSTEM)
    swept = session_store.sweep(work, settings, rows_max=SWEEP_ROWS_MAX)
    return swept + store.sweep(work, rows_max=SWEEP_ROWS_MAX)
