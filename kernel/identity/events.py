"""What happens to accounts. News carries ids only: a token is derived by whoever writes the notice."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event, event


@event("identity.confirmation_requested")
@dataclass(frozen=True, slots=True)
class ConfirmationRequested(Event):
    """A new account's address waits to be confirmed; `token_id` is what the token is derived from."""

    account_id: str
    token_id: str


@event("identity.sign_up_repeated")
@dataclass(frozen=True, slots=True)
class SignUpRepeated(Event):
    """Somebody signed up with the address of an account that is there; only its owner is told."""

    account_id: str


@event("identity.account_confirmed")
@dataclass(frozen=True, slots=True)
class AccountConfirmed(Event):
    """The address of a new account is its owner's."""

    account_id: str


@event("identity.recovery_requested")
@dataclass(frozen=True, slots=True)
class RecoveryRequested(Event):
    """Somebody forgot a password; `token_id` is what the token is derived from."""

    account_id: str
    token_id: str


@event("identity.password_changed")
@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """An account has a new password and its other sessions have ended."""

    account_id: str


@event("identity.person_verified")
@dataclass(frozen=True, slots=True)
class PersonVerified(Event):
    """An account belongs to a verified person now; which one is not said, so that an erasure leaves no link here."""

    account_id: str


@event("identity.staff_invited")
@dataclass(frozen=True, slots=True)
class StaffInvited(Event):
    """Somebody may join a brand's staff; the invitation's id is what its token is derived from."""

    invitation_id: str


@event("identity.role_granted")
@dataclass(frozen=True, slots=True)
class RoleGranted(Event):
    """An account has a role; `granted_by` is empty where the platform gave it."""

    account_id: str
    role: str
    granted_by: str = ""


@event("identity.role_revoked")
@dataclass(frozen=True, slots=True)
class RoleRevoked(Event):
    """An account has lost a role, and its sessions have ended."""

    account_id: str
    role: str
    revoked_by: str = ""


@event("identity.account_disabled")
@dataclass(frozen=True, slots=True)
class AccountDisabled(Event):
    """An operator closed an account for a reason."""

    account_id: str
    reason: str


@event("identity.account_enabled")
@dataclass(frozen=True, slots=True)
class AccountEnabled(Event):
    """An operator opened an account again."""

    account_id: str


@event("identity.machine_key_made")
@dataclass(frozen=True, slots=True)
class MachineKeyMade(Event):
    """A machine account has a new key."""

    machine_id: str
    made_by: str


@event("identity.machine_revoked")
@dataclass(frozen=True, slots=True)
class MachineRevoked(Event):
    """A machine account is closed with all its keys."""

    machine_id: str
    revoked_by: str


@event("identity.account_erased")
@dataclass(frozen=True, slots=True)
class AccountErased(Event):
    """Nothing tells any more whose account this was."""

    account_id: str
