"""Who asks: signing up, in and out, recovering, being verified as a person; the own account and its sessions."""

from __future__ import annotations

from datetime import datetime

import strawberry

from graph.access import field, input_type, object_type
from graph.context import Request
from graph.identifiers import raw_id, write_id
from graph.operations import mutation, query
from kernel.actor import Actor, Permission, Role
from kernel.errors import NotFound
from kernel.identity import account_service, model
from kernel.identity.errors import (
    AlreadyVerified,
    IdNumberInvalid,
    PasswordTooWeak,
    SignInFailed,
    SignInThrottled,
    TokenInvalid,
    TooYoung,
)
from kernel.identity.model import SignedIn
from kernel.identity.persons import PersonClaim
from kernel.identity.service import Identity
from kernel.work import Work


@object_type(reads=Permission.PUBLIC_READ)
class Viewer:
    """Who this request is from, and what it may do."""

    is_signed_in: bool
    is_verified_person: bool
    account_id: strawberry.ID | None
    store_id: strawberry.ID | None
    plant_id: strawberry.ID | None
    roles: list[str]
    permissions: list[str] = field(at_most=30)
    locale: str


@object_type(reads=Permission.PUBLIC_READ)
class Session:
    """A fresh session. Its token is told once; it is null where it went into a cookie."""

    token: str | None
    expires_at: datetime


@object_type(reads=Permission.PUBLIC_READ)
class MailSent:
    """If the address is known here, or is new, a message is on its way to it; the answer never says which."""

    to: str


@object_type(reads=Permission.PUBLIC_READ)
class SignedOut:
    """The session has ended."""

    done: bool


@object_type(reads=Permission.ACCOUNT_OWN)
class PersonVerified:
    """The account belongs to a verified person; the session goes on under a new token."""

    session: Session | None


@input_type(takes=Permission.PUBLIC_READ)
class SignUpInput:
    """An address and a password of 12 characters or more."""

    email: str
    password: str
    name: str = ""
    locale: str | None = None


@input_type(takes=Permission.PUBLIC_READ)
class ConfirmEmailInput:
    """The token that was sent and the password chosen; `asCookie` keeps the session in the browser."""

    token: str
    password: str
    device: str = ""
    as_cookie: bool = False


@input_type(takes=Permission.PUBLIC_READ)
class SignInInput:
    """Address and password; `asCookie` keeps the session in the browser."""

    email: str
    password: str
    device: str = ""
    as_cookie: bool = False


@input_type(takes=Permission.PUBLIC_READ)
class RequestRecoveryInput:
    """The address of an account whose password is forgotten."""

    email: str


@input_type(takes=Permission.PUBLIC_READ)
class RecoverInput:
    """The token that was sent and a new password."""

    token: str
    new_password: str
    device: str = ""
    as_cookie: bool = False


@input_type(takes=Permission.ACCOUNT_OWN)
class ChangePasswordInput:
    """The old password and a new one; every other session ends."""

    old_password: str
    new_password: str
    device: str = ""
    as_cookie: bool = False


@input_type(takes=Permission.ACCOUNT_OWN)
class VerifyPersonInput:
    """Name and resident ID number; only a keyed hash of the number is kept."""

    name: str
    id_number: str
    as_cookie: bool = False


@object_type(reads=Permission.ACCOUNT_OWN)
class Account:
    """Your own account, as only you see it."""

    id: strawberry.ID
    email: str | None
    name: str
    locale: str
    is_verified_person: bool
    created_at: datetime


@object_type(reads=Permission.ACCOUNT_OWN)
class OpenSession:
    """One place where you are signed in."""

    id: strawberry.ID
    device: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@object_type(reads=Permission.ACCOUNT_OWN)
class SessionsEnded:
    """Sessions have ended."""

    count: int


@input_type(takes=Permission.ACCOUNT_OWN)
class ChangeAccountInput:
    """How you are called and which language you read; what is left out stays."""

    name: str | None = None
    locale: str | None = None


@input_type(takes=Permission.ACCOUNT_OWN)
class EndSessionInput:
    """One of your sessions."""

    session_id: strawberry.ID


@query(reads=Permission.PUBLIC_READ)
async def viewer(request: Request) -> Viewer:
    """Who this request is from."""
    actor = request.actor
    return Viewer(
        is_signed_in=actor.account_id is not None,
        is_verified_person=actor.person_id is not None,
        account_id=write_id("Account", actor.account_id) if actor.account_id is not None else None,
        store_id=write_id("Store", actor.store_id) if actor.store_id is not None else None,
        plant_id=write_id("Plant", actor.plant_id) if actor.plant_id is not None else None,
        roles=sorted(actor.roles),
        permissions=sorted(actor.permissions),
        locale=actor.locale,
    )


@mutation(does=Permission.PUBLIC_READ, refuses=(PasswordTooWeak, SignInThrottled), result="SignUpResult")
def sign_up(request: Request, input: SignUpInput) -> MailSent:  # noqa: A002  # the API's word
    """Ask for an account; what to do next is sent to the address."""
    identity_of(request).sign_up(
        guest_of(request),
        email=input.email,
        password=input.password,
        name=input.name,
        locale=input.locale,
        network=request.address,
    )
    return MailSent(to=input.email)


@mutation(
    does=Permission.PUBLIC_READ, refuses=(TokenInvalid, SignInFailed, SignInThrottled), result="ConfirmEmailResult"
)
def confirm_email(request: Request, input: ConfirmEmailInput) -> Session:  # noqa: A002  # the API's word
    """Confirm a new account by the token that was sent, and sign in."""
    signed_in = identity_of(request).confirm_email(
        guest_of(request),
        token=input.token,
        password=input.password,
        network=request.address,
        device=short_device(input.device),
    )
    return open_session(request, signed_in, as_cookie=input.as_cookie)


@mutation(does=Permission.PUBLIC_READ, refuses=(SignInFailed, SignInThrottled), result="SignInResult")
def sign_in(request: Request, input: SignInInput) -> Session:  # noqa: A002  # the API's word
    """Open a session; the one this request came with ends."""
    signed_in = identity_of(request).sign_in(
        guest_of(request),
        email=input.email,
        password=input.password,
        network=request.address,
        device=short_device(input.device),
        replacing=request.token,
    )
    return open_session(request, signed_in, as_cookie=input.as_cookie)


@mutation(does=Permission.PUBLIC_READ, refuses=(SignInThrottled,), result="RequestRecoveryResult")
def request_recovery(request: Request, input: RequestRecoveryInput) -> MailSent:  # noqa: A002  # the API's word
    """Ask for a token to set a new password with; it is sent to the address."""
    identity_of(request).request_recovery(guest_of(request), email=input.email, network=request.address)
    return MailSent(to=input.email)


@mutation(does=Permission.PUBLIC_READ, refuses=(TokenInvalid, PasswordTooWeak), result="RecoverResult")
def recover(request: Request, input: RecoverInput) -> Session:  # noqa: A002  # the API's word
    """Set a new password by the token that was sent; every other session ends."""
    signed_in = identity_of(request).recover(
        guest_of(request), token=input.token, new_password=input.new_password, device=short_device(input.device)
    )
    return open_session(request, signed_in, as_cookie=input.as_cookie)


@mutation(
    does=Permission.ACCOUNT_OWN,
    refuses=(SignInFailed, PasswordTooWeak, SignInThrottled),
    result="ChangePasswordResult",
)
def change_password(request: Request, input: ChangePasswordInput) -> Session:  # noqa: A002  # the API's word
    """Set another password; every other session ends and this one goes on under a new token."""
    signed_in = identity_of(request).change_password(
        request.actor,
        old_password=input.old_password,
        new_password=input.new_password,
        network=request.address,
        device=short_device(input.device),
    )
    return open_session(request, signed_in, as_cookie=input.as_cookie)


@mutation(
    does=Permission.ACCOUNT_OWN,
    refuses=(IdNumberInvalid, TooYoung, AlreadyVerified, SignInFailed, SignInThrottled),
    result="VerifyPersonResult",
)
def verify_person(request: Request, input: VerifyPersonInput) -> PersonVerified:  # noqa: A002  # the API's word
    """Bind the account to the person of an ID number: whoever pre-orders or votes is one verified person."""
    claim = PersonClaim(name=input.name, id_number=input.id_number)
    _, signed_in = identity_of(request).verify_person(request.actor, claim=claim, token=request.token)
    if signed_in is None:
        return PersonVerified(session=None)
    return PersonVerified(session=open_session(request, signed_in, as_cookie=input.as_cookie))


def identity_of(request: Request) -> Identity:
    """Return the sign-in service."""
    identity: Identity = request.services.identity
    return identity


def guest_of(request: Request) -> Actor:
    """Return the actor of whoever is not signed in yet, in the request's brand and language."""
    return Actor(request.actor.brand_id, frozenset({Role.GUEST}), locale=request.actor.locale)


def short_device(text: str) -> str:
    """Return what a browser calls itself, cut to what is kept."""
    return text[:80]


def open_session(request: Request, signed_in: SignedIn, *, as_cookie: bool) -> Session:
    """Return a session, its token either in the answer or in a cookie."""
    request.old_tokens.append(request.token)
    if as_cookie:
        request.new_token = signed_in.token
    return Session(token=None if as_cookie else signed_in.token, expires_at=signed_in.expires_at)


def show_account(account: model.Account) -> Account:
    """Return an account as its owner sees it."""
    return Account(
        id=write_id("Account", account.id),
        email=account.email,
        name=account.name,
        locale=account.locale,
        is_verified_person=account.person_id is not None,
        created_at=account.created_at,
    )


@query(reads=Permission.ACCOUNT_OWN)
def me(work: Work) -> Account | None:
    """Your own account; null for a machine's."""
    try:
        return show_account(account_service.own_account(work))
    except NotFound:
        return None


@query(reads=Permission.ACCOUNT_OWN, at_most=30)
def my_sessions(work: Work, request: Request) -> list[OpenSession]:
    """Where you are signed in, newest first."""
    return [
        OpenSession(
            id=write_id("Session", one.id),
            device=one.device,
            created_at=one.created_at,
            seen_at=one.seen_at,
            expires_at=one.expires_at,
        )
        for one in account_service.own_sessions(work, identity_of(request).settings)
    ]


@mutation(does=Permission.PUBLIC_READ, result="SignOutResult")
def sign_out(work: Work, request: Request) -> SignedOut:
    """End this session; nothing happens where there is none."""
    if request.token is not None:
        account_service.sign_out(work, request.token)
        request.old_tokens.append(request.token)
    request.signed_out = True
    return SignedOut(done=True)


@mutation(does=Permission.ACCOUNT_OWN, result="SignOutEverywhereResult")
def sign_out_everywhere(work: Work, request: Request) -> SessionsEnded:
    """End all your other sessions."""
    return SessionsEnded(count=account_service.sign_out_everywhere(work, but_token=request.token))


@mutation(does=Permission.ACCOUNT_OWN, result="EndSessionResult")
def end_session(work: Work, input: EndSessionInput) -> SessionsEnded:  # noqa: A002  # the API's word
    """End one of your sessions."""
    account_service.end_own_session(work, raw_id(input.session_id, "Session"))
    return SessionsEnded(count=1)


@mutation(does=Permission.ACCOUNT_OWN, result="ChangeAccountResult")
def change_account(work: Work, input: ChangeAccountInput) -> Account:  # noqa: A002  # the API's word
    """Change how you are called and which language you read."""
    return show_account(account_service.change_own_account(work, name=input.name, locale=input.locale))
