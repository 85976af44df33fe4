"""A brand's staff: invited by an administrator, given roles, and let go; never without an administrator."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from kernel import db, registry
from kernel.actor import Actor, Permission, Role
from kernel.errors import Conflict, NotFound
from kernel.identity import role_store, session_store, store
from kernel.identity.credentials import Credentials
from kernel.identity.errors import RoleNotGrantable, TokenInvalid
from kernel.identity.events import AccountConfirmed, StaffInvited
from kernel.identity.model import (
    STAFF_ROLES,
    AccountState,
    IdentitySettings,
    Invitation,
    RoleGrant,
    SignedIn,
    StaffMember,
    TokenPurpose,
    check_staff_role,
    clean_email,
    clean_locale,
    clean_name,
    email_key,
)
from kernel.identity.passwords import check_password
from kernel.identity.store import StoredAccount, bucket
from kernel.identity.tables import accounts, invitations, role_grants
from kernel.identity.throttle import Throttle
from kernel.identity.tokens import read_one_time_token
from kernel.ids import AccountId, StoreId
from kernel.paging import Page, PageRequest, make_page
from kernel.reasons import because
from kernel.work import Work

_STAFF: list[str] = sorted(role.value for role in STAFF_ROLES)

# --- invitations -----------------------------------------------------------------------------------------------------


def invite_staff(
    work: Work, settings: IdentitySettings, *, email: str, role: Role, store_id: StoreId | None = None, locale: str = ""
) -> Invitation:
    """Invite somebody by mail to a role of the brand, a dealer to a store.

    Refuses InvalidInput, RoleNotGrantable, NotFound for another brand's store, and SignInThrottled where too many
    mails went to that address.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    address = clean_email(email)
    _check_role(work, role, store_id)
    key = email_key(address)
    store.count_attempt(work, [bucket(settings.identity_key, Throttle.MAIL_ACCOUNT, work.actor.brand_id, key)])
    row: dict[str, Any] = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "email": address,
        "role": role.value,
        "store_id": store_id,
        "locale": clean_locale(locale or work.actor.locale),
        "invited_by": work.actor.account_id,
        "created_at": work.now,
        "expires_at": work.now + settings.invitation_lifetime,
        "accepted_at": None,
        "revoked_at": None,
    }
    work.connection.execute(invitations.insert().values(**row))
    work.record(StaffInvited(work.actor.brand_id, row["id"]))
    return _invitation(row)


def _check_role(work: Work, role: Role, store_id: StoreId | None) -> None:
    check_staff_role(role, store_id)
    if store_id is not None:
        registry.open_store(work, store_id)


def revoke_invitation(work: Work, invitation_id: str) -> None:
    """Take an open invitation back. Refuses NotFound, also where it was accepted."""
    work.actor.require(Permission.STAFF_MANAGE)
    _settle(work, invitation_id, revoked_at=work.now)


def list_invitations(work: Work, request: PageRequest) -> Page[Invitation]:
    """Return the brand's invitations, newest first; only open ones still hold an address."""
    work.actor.require(Permission.STAFF_MANAGE)
    found = select(invitations).where(invitations.c.brand_id == work.actor.brand_id)
    if request.after is not None:
        found = found.where(invitations.c.id < request.after)
    rows = work.connection.execute(found.order_by(invitations.c.id.desc()).limit(request.size + 1)).mappings()
    return make_page([_invitation(row) for row in rows], request, lambda one: one.id)


def _settle(work: Work, invitation_id: str, **values: Any) -> None:
    settled = (
        update(invitations).where(*_open(work, invitation_id)).values(**values, email=None).returning(invitations.c.id)
    )
    if work.connection.execute(settled).first() is None:
        raise NotFound("invitation")


def _open(work: Work, invitation_id: str) -> tuple[Any, ...]:
    table = invitations.c
    return (
        table.id == invitation_id,
        table.brand_id == work.actor.brand_id,
        table.accepted_at.is_(None),
        table.revoked_at.is_(None),
    )


def _invitation(row: Any) -> Invitation:
    values = {name: row[name] for name in Invitation.__dataclass_fields__}
    return Invitation(**{**values, "role": Role(row["role"])})


def accept_invitation(
    credentials: Credentials,
    guest: Actor,
    *,
    token: str,
    password: str,
    name: str = "",
    network: str = "",
    device: str = "",
) -> SignedIn:
    """Join the staff by the token that was sent; who has an account at that address gives its password.

    Every other session ends, as the account may do more now. Refuses TokenInvalid, SignInFailed (the account's
    password is another), PasswordTooWeak, RoleTaken, SignInThrottled and TooBusy.
    """
    guest.require(Permission.PUBLIC_READ)
    settings = credentials.settings
    invitation_id = read_one_time_token(settings.identity_key, TokenPurpose.INVITATION, token)
    with credentials.works.read(guest) as work:
        invitation = _usable_invitation(work, invitation_id)
        email = invitation.email or ""
        stored = store.account_by_email(work, email_key(email))
    attempt = credentials.count_sign_in(guest, email=email, network=network)
    password_hash = _compare_or_hash(credentials, guest, stored, password, email, attempt)
    with credentials.works.change(guest) as work:
        _usable_invitation(work, invitation_id)
        store.forgive_attempt(work, attempt, clear=Throttle.SIGN_IN_ACCOUNT)
        account_id = _member(work, invitation, stored, password_hash, clean_name(name))
        role_store.grant(work, account_id, invitation.role, store_id=invitation.store_id)
        try:
            _settle(work, invitation_id, accepted_at=work.now, accepted_by=account_id)
        except NotFound:  # Somebody else accepted or revoked it since it was read.
            raise TokenInvalid from None
        session_store.end_all(work, account_id)
        return session_store.open_session(work, settings, account_id, device=device)


def _usable_invitation(work: Work, invitation_id: str) -> Invitation:
    found = select(invitations).where(*_open(work, invitation_id), invitations.c.expires_at > work.now)
    row = work.connection.execute(found).mappings().first()
    if row is None:
        raise TokenInvalid
    return _invitation(row)


def _compare_or_hash(
    credentials: Credentials,
    guest: Actor,
    stored: StoredAccount | None,
    password: str,
    email: str,
    attempt: store.Attempt,
) -> str | None:
    """Compare with the password of a confirmed account; where there is none return the hash of a new one."""
    if stored is not None and stored.account.confirmed_at is not None:
        credentials.compare(guest, stored if stored.may_sign_in else None, password, attempt)
        return None
    check_password(password, email=email)
    return credentials.hasher.hash(password)


def _member(
    work: Work, invitation: Invitation, stored: StoredAccount | None, password_hash: str | None, name: str
) -> AccountId:
    """Return the account that joins: the confirmed one, or one whose address is confirmed by the invitation."""
    if stored is not None:
        Credentials.lock_unchanged(work, stored)
        if password_hash is not None:
            store.update_account(work, stored.account.id, password_hash=password_hash, name=name, confirmed_at=work.now)
            store.drop_tokens(work, stored.account.id)
            work.record(AccountConfirmed(work.actor.brand_id, stored.account.id))
        return stored.account.id
    email = invitation.email or ""
    row = store.account_row(
        work,
        email=email,
        key=email_key(email),
        name=name,
        locale=invitation.locale,
        password_hash=password_hash,
        confirmed=True,
    )
    if not store.add_account(work, row):
        raise Conflict("account", because("JUST_SIGNED_UP"))
    work.record(AccountConfirmed(work.actor.brand_id, row["id"]))
    return AccountId(row["id"])


# --- roles -----------------------------------------------------------------------------------------------------------


def grant_role(work: Work, account_id: str, *, role: Role, store_id: StoreId | None = None) -> None:
    """Give a member of the staff one more role; their sessions end, so they sign in with it.

    Refuses NotFound for whoever is not of the staff, RoleNotGrantable and RoleTaken.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    _check_role(work, role, store_id)
    member = _lock_member(work, account_id)
    role_store.grant(work, member, role, store_id=store_id)
    session_store.end_all(work, member)


def revoke_role(work: Work, account_id: str, *, role: Role, store_id: StoreId | None = None) -> None:
    """Take a role, at a store where one is named, from a member of the staff; their sessions end.

    Refuses NotFound, RoleNotGrantable, and LastAdministrator where nobody could manage the brand any more.
    """
    work.actor.require(Permission.STAFF_MANAGE)
    if role not in STAFF_ROLES:
        raise RoleNotGrantable(role.value, "a brand administrator cannot take it either", "品牌管理员无权撤销")
    if role is Role.BRAND_ADMIN:
        role_store.keep_an_administrator(work, leaving=AccountId(account_id))
    member = _lock_member(work, account_id)
    if not role_store.revoke(work, member, role, store_id=store_id):
        raise NotFound("role")
    session_store.end_all(work, member)


def _lock_member(work: Work, account_id: str) -> AccountId:
    """Lock the account of somebody who has or had a staff role; a brand administrator knows of nobody else."""
    known = role_store.has_role(work, AccountId(account_id), *STAFF_ROLES)
    stored = store.account_by_id(work, account_id, lock=True) if known else None
    if stored is None or stored.account.state is AccountState.ERASED:
        raise NotFound("member of the staff")
    return stored.account.id


def list_staff(work: Work, request: PageRequest) -> Page[StaffMember]:
    """Return who works for the brand, with their roles, in the order in which their accounts were made."""
    work.actor.require(Permission.STAFF_MANAGE)
    live = select(role_grants.c.account_id).where(
        role_grants.c.brand_id == work.actor.brand_id,
        role_grants.c.role.in_(_STAFF),
        role_grants.c.revoked_at.is_(None),
    )
    found = select(accounts).where(accounts.c.id.in_(live.scalar_subquery()), accounts.c.email.isnot(None))
    if request.after is not None:
        found = found.where(accounts.c.id > request.after)
    rows = work.connection.execute(found.order_by(accounts.c.id).limit(request.size + 1)).all()
    grants = _grants_of(work, [row.id for row in rows])
    members = [
        StaffMember(AccountId(row.id), row.email, row.name, AccountState(row.state), tuple(grants.get(row.id, ())))
        for row in rows
    ]
    return make_page(members, request, lambda one: one.account_id)


def _grants_of(work: Work, account_ids: list[str]) -> dict[str, list[RoleGrant]]:
    found = (
        select(role_grants)
        .where(
            db.among(role_grants.c.account_id, account_ids),
            role_grants.c.role.in_(_STAFF),
            role_grants.c.revoked_at.is_(None),
        )
        .order_by(role_grants.c.id)
    )
    grants: dict[str, list[RoleGrant]] = {}
    for row in work.connection.execute(found):
        store_id = StoreId(row.store_id) if row.store_id is not None else None
        grants.setdefault(row.account_id, []).append(RoleGrant(Role(row.role), store_id, row.granted_at))
    return grants
