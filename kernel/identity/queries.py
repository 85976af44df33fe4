"""What others ask about accounts, many at a time: how to reach people, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from kernel import db
from kernel.actor import Permission, Role
from kernel.errors import NotSignedIn
from kernel.identity.model import AccountState, Contact
from kernel.identity.tables import accounts, invitations, role_grants
from kernel.ids import AccountId, PersonId
from kernel.work import Work


def contacts(work: Work, account_ids: Sequence[str]) -> Mapping[AccountId, Contact]:
    """Return how to reach the owners of accounts of the actor's brand; erased ones are left out."""
    work.actor.require(Permission.SYSTEM)
    found = select(accounts.c.id, accounts.c.email, accounts.c.name, accounts.c.locale).where(
        accounts.c.brand_id == work.actor.brand_id,
        db.among(accounts.c.id, account_ids),
        accounts.c.email.isnot(None),
    )
    return {
        AccountId(row.id): Contact(AccountId(row.id), row.email, row.name, row.locale)
        for row in work.connection.execute(found)
    }


def invited_contact(work: Work, invitation_id: str) -> Contact | None:
    """Return how to reach somebody who is invited; nothing once the invitation is settled."""
    work.actor.require(Permission.SYSTEM)
    found = select(invitations.c.email, invitations.c.locale).where(
        invitations.c.brand_id == work.actor.brand_id,
        invitations.c.id == invitation_id,
        invitations.c.email.isnot(None),
    )
    row = work.connection.execute(found).first()
    return Contact(AccountId(""), row.email, "", row.locale) if row is not None else None


def persons_of(work: Work, account_ids: Sequence[str]) -> Mapping[AccountId, PersonId]:
    """Return the verified persons behind accounts of the actor's brand; unverified ones are left out."""
    work.actor.require(Permission.SYSTEM)
    found = select(accounts.c.id, accounts.c.person_id).where(
        accounts.c.brand_id == work.actor.brand_id,
        db.among(accounts.c.id, account_ids),
        accounts.c.person_id.isnot(None),
    )
    return {AccountId(row.id): PersonId(row.person_id) for row in work.connection.execute(found)}


def has_another_account(work: Work, person_id: str, *, leaving: str) -> bool:
    """Say whether a person has an account of the actor's brand besides the one that is leaving."""
    found = select(accounts.c.id).where(
        accounts.c.brand_id == work.actor.brand_id, accounts.c.person_id == person_id, accounts.c.id != leaving
    )
    return work.connection.execute(found.limit(1)).first() is not None


def hold_accounts(work: Work, account_ids: Sequence[str]) -> set[str]:
    """Keep accounts as they are until this change ends; returns those of them that were erased or disabled.

    A session is believed for a moment after its account has ended: whoever takes money or a place asks here, so that
    it comes before an erasure, which then finds it, or is refused.
    """
    found = (
        select(accounts.c.id, accounts.c.state)
        .where(db.among(accounts.c.id, account_ids))
        .order_by(accounts.c.id)
        .with_for_update(read=True, key_share=True)
    )
    held = work.connection.execute(found).all()
    return {account_id for account_id, state in held if state != AccountState.ACTIVE.value}


def hold_own_account(work: Work) -> AccountId:
    """Return the actor's account, which stays as it is until this change ends; refuses NotSignedIn where it ended."""
    account_id = work.actor.signed_in()
    if hold_accounts(work, [account_id]):
        raise NotSignedIn
    return account_id


def account_by_email(work: Work, email: str) -> AccountId | None:
    """Return the account of an address in the actor's brand; for commands of the operator's machine."""
    work.actor.require(Permission.SYSTEM)
    found = select(accounts.c.id).where(
        accounts.c.brand_id == work.actor.brand_id, accounts.c.email_key == email.strip().lower()
    )
    account_id = work.connection.execute(found).scalar_one_or_none()
    return AccountId(account_id) if account_id is not None else None


def accounts_with_role(work: Work, role: Role, *, accounts_max: int = 100) -> list[AccountId]:
    """Return the accounts of the actor's brand that hold a role now, oldest first; to tell them something."""
    work.actor.require(Permission.SYSTEM)
    table = role_grants.c
    found = (
        select(table.account_id)
        .where(table.brand_id == work.actor.brand_id, table.role == role.value, table.revoked_at.is_(None))
        .order_by(table.id)
        .limit(accounts_max)
    )
    return [AccountId(account_id) for account_id in work.connection.execute(found).scalars()]


def advisers_of_stores(
    work: Work, store_ids: Sequence[str], *, accounts_max: int = 1_000
) -> dict[str, list[AccountId]]:
    """Return who advises at stores of the actor's brand now, by store; to tell them something."""
    work.actor.require(Permission.SYSTEM)
    table = role_grants.c
    found = (
        select(table.store_id, table.account_id)
        .where(
            table.brand_id == work.actor.brand_id,
            table.role == Role.DEALER.value,
            table.revoked_at.is_(None),
            db.among(table.store_id, store_ids),
        )
        .order_by(table.id)
        .limit(accounts_max)
    )
    advisers: dict[str, list[AccountId]] = {store_id: [] for store_id in store_ids}
    for row in work.connection.execute(found):
        advisers[row.store_id].append(AccountId(row.account_id))
    return advisers
