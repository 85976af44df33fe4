"""Roles in storage: granted, revoked, and never a brand without an administrator."""

from __future__ import annotations

from sqlalchemy import select, true, update

from kernel import db
from kernel.actor import Role
from kernel.identity.errors import LastAdministrator, RoleTaken
from kernel.identity.events import RoleGranted, RoleRevoked
from kernel.identity.tables import accounts, role_grants
from kernel.ids import AccountId, StoreId
from kernel.work import Work


def grant(work: Work, account_id: AccountId, role: Role, *, store_id: StoreId | None = None) -> None:
    """Write a role of an account; refuses RoleTaken where it has that role, for whichever store."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "account_id": account_id,
        "role": role.value,
        "store_id": store_id,
        "granted_by": work.actor.account_id,
        "granted_at": work.now,
    }
    if not db.insert_new(work.connection, role_grants, [row], returning="id"):
        raise RoleTaken(role.value)
    work.record(RoleGranted(work.actor.brand_id, account_id, role.value, work.actor.account_id or ""))


def revoke(work: Work, account_id: AccountId, role: Role, *, store_id: StoreId | None = None) -> bool:
    """End a role of an account, at a store where one is named; says whether it had it. Refuses LastAdministrator."""
    if role is Role.BRAND_ADMIN:
        keep_an_administrator(work, leaving=account_id)
    ended = (
        update(role_grants)
        .where(
            role_grants.c.account_id == account_id,
            role_grants.c.brand_id == work.actor.brand_id,
            role_grants.c.role == role.value,
            role_grants.c.revoked_at.is_(None),
            true() if store_id is None else role_grants.c.store_id == store_id,
        )
        .values(revoked_at=work.now, revoked_by=work.actor.account_id)
        .returning(role_grants.c.id)
    )
    if work.connection.execute(ended).first() is None:
        return False
    work.record(RoleRevoked(work.actor.brand_id, account_id, role.value, work.actor.account_id or ""))
    return True


def revoke_all(work: Work, account_id: AccountId) -> None:
    """End every role of an account; whether it is the last administrator's was asked before."""
    work.connection.execute(
        update(role_grants)
        .where(role_grants.c.account_id == account_id, role_grants.c.revoked_at.is_(None))
        .values(revoked_at=work.now, revoked_by=work.actor.account_id)
    )


def keep_an_administrator(work: Work, *, leaving: AccountId) -> None:
    """Refuse LastAdministrator if nobody else would be left who can sign in; two who leave at once wait here.

    Who was made administrator and never set a password cannot; so they may leave wherever another one is.
    """
    found = (
        select(role_grants.c.account_id, accounts.c.password_hash)
        .join(accounts, accounts.c.id == role_grants.c.account_id)
        .where(
            role_grants.c.brand_id == work.actor.brand_id,
            role_grants.c.role == Role.BRAND_ADMIN.value,
            role_grants.c.revoked_at.is_(None),
            accounts.c.state == "active",
        )
        .order_by(role_grants.c.id)
        .with_for_update()
    )
    administrators = {row.account_id: row.password_hash for row in work.connection.execute(found)}
    others = [password for account_id, password in administrators.items() if account_id != leaving]
    if leaving in administrators and (not others or (administrators[leaving] and not any(others))):
        raise LastAdministrator


def has_role(work: Work, account_id: AccountId, *roles: Role) -> bool:
    """Say whether an account of the actor's brand has, or had, one of some roles."""
    found = (
        select(role_grants.c.id)
        .where(
            role_grants.c.brand_id == work.actor.brand_id,
            role_grants.c.account_id == account_id,
            db.among(role_grants.c.role, [role.value for role in roles]),
        )
        .limit(1)
    )
    return work.connection.execute(found).first() is not None
