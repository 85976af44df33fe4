"""A brand's staff and its machine accounts: invited, given roles, let go; keys are shown once."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry

from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from graph.scalars import Cursor
from graph.types.account import Session, guest_of, identity_of, open_session, short_device
from graph.types.pages import Connection, show_page
from kernel.actor import Permission, Role
from kernel.identity import account_service, machine_service, model, staff_service
from kernel.identity.errors import (
    LastAdministrator,
    PasswordTooWeak,
    RoleNotGrantable,
    RoleTaken,
    SignInFailed,
    SignInThrottled,
    TokenInvalid,
    TooManyKeys,
)
from kernel.ids import PlantId, StoreId
from kernel.paging import page_request
from kernel.work import Work

HOURS_MAX = 10_000
strawberry.enum(Role, description="Who somebody is here.")


@object_type(reads=Permission.STAFF_MANAGE)
class RoleGrant:
    """A role of somebody; a dealer's is bound to a store."""

    role: Role
    store_id: strawberry.ID | None
    granted_at: datetime


@object_type(reads=Permission.STAFF_MANAGE)
class StaffMember:
    """Somebody who works for the brand."""

    account_id: strawberry.ID
    email: str
    name: str
    state: str
    grants: list[RoleGrant] = field(at_most=5)


@object_type(reads=Permission.STAFF_MANAGE)
class Invitation:
    """An invitation to the staff; only an open one still holds an address."""

    id: strawberry.ID
    email: str | None
    role: Role
    store_id: strawberry.ID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


@object_type(reads=Permission.STAFF_MANAGE)
class Machine:
    """A machine account: a plant's system, a supplier's, a carrier's."""

    id: strawberry.ID
    label: str
    role: Role
    plant_id: strawberry.ID | None
    party_code: str | None
    created_at: datetime
    revoked_at: datetime | None


@object_type(reads=Permission.STAFF_MANAGE)
class MachineKey:
    """A fresh key, told once: it goes where a token goes."""

    machine_id: strawberry.ID
    key: str


@object_type(reads=Permission.OWN_READ)
class Done:
    """It is done."""

    done: bool


@input_type(takes=Permission.STAFF_MANAGE)
class InviteStaffInput:
    """Whom to invite, to which role; a dealer to a store."""

    email: str
    role: Role
    store_id: strawberry.ID | None = None
    locale: str = ""


@input_type(takes=Permission.STAFF_MANAGE)
class InvitationInput:
    """An open invitation."""

    invitation_id: strawberry.ID


@input_type(takes=Permission.PUBLIC_READ)
class AcceptInvitationInput:
    """The token that was sent, and a password: your account's, or a new one's."""

    token: str
    password: str
    name: str = ""
    device: str = ""
    as_cookie: bool = False


@input_type(takes=Permission.STAFF_MANAGE)
class StaffRoleInput:
    """A member of the staff and a role; a dealer's with a store."""

    account_id: strawberry.ID
    role: Role
    store_id: strawberry.ID | None = None


@input_type(takes=Permission.STAFF_MANAGE)
class AddMachineInput:
    """A machine account: a plant's system names its plant, a supplier or carrier its code."""

    label: str
    role: Role
    plant_id: strawberry.ID | None = None
    party_code: str | None = None


@input_type(takes=Permission.STAFF_MANAGE)
class RotateMachineKeyInput:
    """A machine account; its older keys work on for `overlapHours`."""

    machine_id: strawberry.ID
    overlap_hours: int = 24


@input_type(takes=Permission.STAFF_MANAGE)
class MachineInput:
    """A machine account."""

    machine_id: strawberry.ID


@input_type(takes=Permission.ACCOUNT_DISABLE)
class DisableAccountInput:
    """An account and why it is closed."""

    account_id: strawberry.ID
    reason: str


@input_type(takes=Permission.ACCOUNT_DISABLE)
class EnableAccountInput:
    """A closed account."""

    account_id: strawberry.ID


def _optional(kind: str, raw: str | None) -> strawberry.ID | None:
    return None if raw is None else write_id(kind, raw)


def _store(given: strawberry.ID | None) -> StoreId | None:
    return None if given is None else StoreId(raw_id(given, "Store"))


def _show_member(one: model.StaffMember) -> StaffMember:
    return StaffMember(
        account_id=write_id("Account", one.account_id),
        email=one.email,
        name=one.name,
        state=one.state.value,
        grants=[
            RoleGrant(role=grant.role, store_id=_optional("Store", grant.store_id), granted_at=grant.granted_at)
            for grant in one.grants
        ],
    )


def _show_invitation(one: model.Invitation) -> Invitation:
    return Invitation(
        id=write_id("Invitation", one.id),
        email=one.email,
        role=one.role,
        store_id=_optional("Store", one.store_id),
        created_at=one.created_at,
        expires_at=one.expires_at,
        accepted_at=one.accepted_at,
        revoked_at=one.revoked_at,
    )


def _show_machine(one: model.Machine) -> Machine:
    return Machine(
        id=write_id("Machine", one.id),
        label=one.label,
        role=one.role,
        plant_id=_optional("Plant", one.plant_id),
        party_code=one.party_code,
        created_at=one.created_at,
        revoked_at=one.revoked_at,
    )


def _show_key(one: model.MachineKey) -> MachineKey:
    return MachineKey(machine_id=write_id("Machine", one.machine_id), key=one.key)


@query(reads=Permission.STAFF_MANAGE)
def staff(work: Work, first: int, after: Cursor | None = None) -> Connection[StaffMember]:
    """Who works for the brand."""
    return show_page(staff_service.list_staff(work, page_request(first, after)), _show_member)


@query(reads=Permission.STAFF_MANAGE)
def invitations(work: Work, first: int, after: Cursor | None = None) -> Connection[Invitation]:
    """Invitations to the staff, newest first."""
    return show_page(staff_service.list_invitations(work, page_request(first, after)), _show_invitation)


@query(reads=Permission.STAFF_MANAGE, at_most=100)
def machines(work: Work) -> list[Machine]:
    """The machine accounts of the brand, newest first."""
    return [_show_machine(one) for one in machine_service.list_machines(work)]


@mutation(does=Permission.STAFF_MANAGE, refuses=(RoleNotGrantable, SignInThrottled), result="InviteStaffResult")
def invite_staff(work: Work, request: Request, input: InviteStaffInput) -> Invitation:  # noqa: A002  # the API's word
    """Invite somebody by mail to a role."""
    made = staff_service.invite_staff(
        work,
        identity_of(request).settings,
        email=input.email,
        role=input.role,
        store_id=_store(input.store_id),
        locale=input.locale,
    )
    return _show_invitation(made)


@mutation(does=Permission.STAFF_MANAGE, result="RevokeInvitationResult")
def revoke_invitation(work: Work, input: InvitationInput) -> Done:  # noqa: A002  # the API's word
    """Take an open invitation back."""
    staff_service.revoke_invitation(work, raw_id(input.invitation_id, "Invitation"))
    return Done(done=True)


@mutation(
    does=Permission.PUBLIC_READ,
    refuses=(TokenInvalid, SignInFailed, PasswordTooWeak, RoleTaken, SignInThrottled),
    result="AcceptInvitationResult",
)
def accept_invitation(request: Request, input: AcceptInvitationInput) -> Session:  # noqa: A002  # the API's word
    """Join the staff by the token that was sent, and sign in."""
    signed_in = staff_service.accept_invitation(
        identity_of(request).credentials,
        guest_of(request),
        token=input.token,
        password=input.password,
        name=input.name,
        network=request.address,
        device=short_device(input.device),
    )
    return open_session(request, signed_in, as_cookie=input.as_cookie)


@mutation(does=Permission.STAFF_MANAGE, refuses=(RoleNotGrantable, RoleTaken), result="GrantRoleResult")
def grant_role(work: Work, input: StaffRoleInput) -> Done:  # noqa: A002  # the API's word
    """Give a member of the staff one more role; they sign in anew."""
    raw = raw_id(input.account_id, "Account")
    staff_service.grant_role(work, raw, role=input.role, store_id=_store(input.store_id))
    return Done(done=True)


@mutation(does=Permission.STAFF_MANAGE, refuses=(RoleNotGrantable, LastAdministrator), result="RevokeRoleResult")
def revoke_role(work: Work, input: StaffRoleInput) -> Done:  # noqa: A002  # the API's word
    """Take a role from a member of the staff."""
    store_id = None if input.store_id is None else StoreId(raw_id(input.store_id, "Store"))
    staff_service.revoke_role(work, raw_id(input.account_id, "Account"), role=input.role, store_id=store_id)
    return Done(done=True)


@mutation(does=Permission.STAFF_MANAGE, refuses=(RoleNotGrantable,), result="AddMachineResult")
def add_machine(work: Work, input: AddMachineInput) -> MachineKey:  # noqa: A002  # the API's word
    """Make a machine account and its first key."""
    plant_id = PlantId(raw_id(input.plant_id, "Plant")) if input.plant_id is not None else None
    made = machine_service.add_machine(
        work, label=input.label, role=input.role, plant_id=plant_id, party_code=input.party_code
    )
    return _show_key(made)


@mutation(does=Permission.STAFF_MANAGE, refuses=(TooManyKeys,), result="RotateMachineKeyResult")
def rotate_machine_key(
    work: Work,
    request: Request,
    input: RotateMachineKeyInput,  # noqa: A002  # the API's word
) -> MachineKey:
    """Make another key for a machine account."""
    hours = max(-1, min(input.overlap_hours, HOURS_MAX))
    made = machine_service.rotate_machine_key(
        work,
        identity_of(request).settings,
        raw_id(input.machine_id, "Machine"),
        overlap=timedelta(hours=hours),
    )
    return _show_key(made)


@mutation(does=Permission.STAFF_MANAGE, result="RevokeMachineResult")
def revoke_machine(work: Work, input: MachineInput) -> Done:  # noqa: A002  # the API's word
    """Close a machine account."""
    machine_service.revoke_machine(work, raw_id(input.machine_id, "Machine"))
    return Done(done=True)


@mutation(does=Permission.ACCOUNT_DISABLE, refuses=(LastAdministrator,), result="DisableAccountResult")
def disable_account(work: Work, input: DisableAccountInput) -> Done:  # noqa: A002  # the API's word
    """Close an account, as an operator."""
    account_service.disable_account(work, raw_id(input.account_id, "Account"), reason=input.reason)
    return Done(done=True)


@mutation(does=Permission.ACCOUNT_DISABLE, result="EnableAccountResult")
def enable_account(work: Work, input: EnableAccountInput) -> Done:  # noqa: A002  # the API's word
    """Open a closed account again."""
    account_service.enable_account(work, raw_id(input.account_id, "Account"))
    return Done(done=True)
