"""The values of identity: accounts, sessions, roles, machines, and which role may be given by whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kernel.actor import MACHINES, Role
from kernel.errors import DEFAULT_LOCALE, LOCALES, InvalidInput
from kernel.identity.errors import RoleNotGrantable
from kernel.ids import AccountId, PersonId, PlantId, StoreId
from kernel.reasons import because

EMAIL_LENGTH_MAX: Final = 254
NAME_LENGTH_MAX: Final = 80
SECRET_BYTES_MIN: Final = 32
# A part of RFC 5321 that every mail server takes: dotted words, then a domain of at least two labels.
_EMAIL: Final = re.compile(
    r"(?=.{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
# A brand administrator invites these; a machine account has one of MACHINE_ROLES; an operator is made by command.
STAFF_ROLES: Final = frozenset({Role.DEALER, Role.PLANNER, Role.BRAND_ADMIN, Role.AUDITOR})
MACHINE_ROLES: Final = MACHINES
HUMAN_ROLES: Final = STAFF_ROLES | {Role.CONSUMER, Role.OPERATOR}


class AccountState(StrEnum):
    """An erased account keeps its id and nothing else."""

    ACTIVE = "active"
    DISABLED = "disabled"
    ERASED = "erased"


class TokenPurpose(StrEnum):
    """What a one-time token is good for; a token of one purpose is none of another."""

    CONFIRMATION = "confirmation"
    RECOVERY = "recovery"
    INVITATION = "invitation"


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """The parameters of argon2id (RFC 9106); these are the first choice of OWASP's password storage sheet."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """What the installation decides. `identity_key` is a secret of at least 32 bytes and has no default.

    At most `hashing_at_once` passwords are hashed at a time in a process, `hashing_queue_max` more may wait.
    """

    identity_key: bytes = field(repr=False)
    password_cost: PasswordCost = PasswordCost()
    hashing_at_once: int = 2
    hashing_queue_max: int = 32
    session_idle: timedelta = timedelta(days=14)
    session_absolute: timedelta = timedelta(days=60)
    session_touch_after: timedelta = timedelta(hours=1)
    sessions_per_account_max: int = 20
    confirmation_lifetime: timedelta = timedelta(days=2)
    recovery_lifetime: timedelta = timedelta(minutes=30)
    invitation_lifetime: timedelta = timedelta(days=7)
    key_overlap_max: timedelta = timedelta(days=7)
    keys_per_machine_max: int = 3

    def __post_init__(self) -> None:
        assert len(self.identity_key) >= SECRET_BYTES_MIN, "the identity key needs 32 bytes or more"
        assert self.session_touch_after < self.session_idle < self.session_absolute


@dataclass(frozen=True, slots=True)
class Account:
    """A human's account as its owner sees it; an erased one has neither address nor name."""

    id: AccountId
    state: AccountState
    email: str | None
    name: str
    locale: str
    person_id: PersonId | None
    confirmed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the owner of an account."""

    account_id: AccountId
    email: str
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class Session:
    """One place where an account is signed in; `device` is what the browser or app calls itself."""

    id: str
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the token is told once and nowhere stored."""

    account_id: AccountId
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role of an account; a dealer's is bound to a store."""

    role: Role
    store_id: StoreId | None
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who works for the brand, as its administrator sees them."""

    account_id: AccountId
    email: str
    name: str
    state: AccountState
    grants: tuple[RoleGrant, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An open or settled invitation to the staff."""

    id: str
    email: str | None
    role: Role
    store_id: StoreId | None
    locale: str
    invited_by: AccountId | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine account: a plant's system is bound to the plant, a supplier's or carrier's to its code."""

    id: AccountId
    label: str
    role: Role
    plant_id: PlantId | None
    party_code: str | None
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class MachineKey:
    """A machine account's fresh key: told once and nowhere stored."""

    machine_id: AccountId
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that the platform itself makes: confirmed, with its roles; `password_hash` comes from the hasher.

    Without a password hash nobody signs in before recovering the account. `id_number` makes its owner a verified
    person.
    """

    email: str
    name: str
    locale: str = DEFAULT_LOCALE
    password_hash: str | None = field(default=None, repr=False)
    roles: tuple[Role, ...] = (Role.CONSUMER,)
    store_id: StoreId | None = None
    id_number: str | None = field(default=None, repr=False)


def clean_email(text: str) -> str:
    """Return an address as it is written to; refuses what cannot be one, and what is not plain ASCII."""
    email = text.strip()
    if not is_email(email):
        raise InvalidInput("email", because("EMAIL_FORM"))
    return email


def is_email(text: str) -> bool:
    """Say whether a text could be an address."""
    return len(text) <= EMAIL_LENGTH_MAX and _EMAIL.fullmatch(text) is not None


def email_key(email: str) -> str:
    """Return the form under which a brand knows an address once, however it is written."""
    return email.lower()


def clean_name(text: str) -> str:
    """Return a name in one line; refuses one that is too long or has control characters."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidInput("name", because("LENGTH_PRINTABLE", most=NAME_LENGTH_MAX))
    return name


def clean_locale(text: str) -> str:
    """Return a locale that there are texts for, or refuse."""
    if text not in LOCALES:
        raise InvalidInput("locale", because("ONE_OF", known=LOCALES))
    return text


def check_staff_role(role: Role, store_id: StoreId | None) -> None:
    """Refuse a role that a brand administrator cannot give, a dealer without a store, anybody else with one."""
    if role not in STAFF_ROLES:
        raise RoleNotGrantable(role.value, "a brand administrator cannot give it", "品牌管理员无权授予")
    if role is Role.DEALER and store_id is None:
        raise RoleNotGrantable(role.value, "a dealer needs a store", "门店顾问须绑定门店")
    if role is not Role.DEALER and store_id is not None:
        raise RoleNotGrantable(role.value, "only a dealer is bound to a store", "仅门店顾问可绑定门店")


def check_machine_role(role: Role, plant_id: PlantId | None, party_code: str | None) -> None:
    """Refuse a role that no machine has, a plant's system without a plant, another one without its code."""
    if role not in MACHINE_ROLES:
        raise RoleNotGrantable(role.value, "no machine has it", "设备不可拥有该角色")
    if (role is Role.PLANT) != (plant_id is not None) or (role is Role.PLANT) == bool(party_code):
        raise RoleNotGrantable(
            role.value,
            "a plant's system is bound to a plant, a supplier's or carrier's to its code",
            "工厂系统须绑定工厂，供应商或承运商系统须绑定其代码",
        )
