"""Signing up, in and out, recovering an account, joining the staff, and being verified as a person.

These use cases open their changes themselves. A password costs a tenth of a second, and no transaction may be held
that long; and an attempt that fails must stay counted, while the refusal itself changes nothing. Whether an address
is known here shows in no answer and in no delay. Counted attempts are locked before accounts, everywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from kernel import registry
from kernel.actor import Actor, Permission, Role
from kernel.errors import InvalidInput, NotSignedIn, Refusal, TooBusy
from kernel.group import Group
from kernel.identity import role_store, session_store, store
from kernel.identity.credentials import Credentials
from kernel.identity.errors import AlreadyVerified, SignInFailed, TokenInvalid
from kernel.identity.events import (
    AccountConfirmed,
    ConfirmationRequested,
    PasswordChanged,
    PersonVerified,
    RecoveryRequested,
    SignUpRepeated,
)
from kernel.identity.model import (
    AccountState,
    IdentitySettings,
    SignedIn,
    TokenPurpose,
    clean_email,
    clean_locale,
    clean_name,
    email_key,
    is_email,
)
from kernel.identity.passwords import check_password
from kernel.identity.persons import (
    INVENTED_REGIONS,
    REGIONS,
    PersonClaim,
    PersonVerifier,
    person_hash,
    read_id_number,
    read_person_name,
)
from kernel.identity.store import Attempt, StoredAccount, bucket
from kernel.identity.throttle import Throttle
from kernel.identity.tokens import fingerprint, machine_of_key, read_one_time_token
from kernel.ids import AccountId, BrandId, PersonId
from kernel.reasons import because
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
TOKEN_LENGTH_MAX: Final = 200
_NO_BRAND: Final = BrandId("platform")


class Identity:
    """The door to accounts: one per process, as it bounds how many passwords are hashed at once.

    `guest` is the actor of somebody not signed in: it says for which brand. `network` is the caller's address.
    """

    def __init__(self, works: Works, settings: IdentitySettings, verifier: PersonVerifier) -> None:
        self.settings = settings
        self.credentials = Credentials(works, settings)
        self._works = works
        self._verifier = verifier
        self._seen: Group[tuple[str, datetime], None] | None = None
        self._seen_lock = threading.Lock()

    # --- who a token belongs to --------------------------------------------------------------------------------------

    def actor_of(self, work: Work, token: str) -> Actor | None:
        """Return whose session or machine key a token is; see `actors_of`."""
        return self.actors_of(work, [token]).get(token)

    def actors_of(self, work: Work, tokens: Sequence[str]) -> dict[str, Actor]:
        """Return by token whose sessions or machine keys they are, within the brand of `work.actor`.

        One SELECT for all sessions, and one a machine. Nobody's tokens are left out. That a session is still used is
        noted once an hour, on another thread and in another transaction.
        """
        wanted = [token for token in dict.fromkeys(tokens) if len(token) <= TOKEN_LENGTH_MAX]
        found: dict[str, Actor] = {}
        for token in wanted:
            if machine_of_key(token) is not None:
                machine = session_store.find_machine(work, token, work.actor.brand_id)
                found |= {token: machine} if machine is not None else {}
        people = [token for token in wanted if machine_of_key(token) is None]
        for token, (actor, seen_at) in session_store.find_actors(
            work, self.settings, people, work.actor.brand_id
        ).items():
            found[token] = actor
            if work.now - seen_at >= self.settings.session_touch_after:
                self._note_seen(fingerprint(token), work.now)
        return found

    def _note_seen(self, token_hash: str, moment: datetime) -> None:
        with self._seen_lock:
            if self._seen is None:
                self._seen = Group(self._write_seen, name="sessions-seen")
            group = self._seen
        try:
            group.submit((token_hash, moment)).add_done_callback(_log_failure)
        except TooBusy:
            return  # The next request of that session is noted instead.

    def _write_seen(self, seen: Sequence[tuple[str, datetime]]) -> Sequence[Refusal | None]:
        with self._works.change(Actor(brand_id=_NO_BRAND)) as work:
            session_store.note_seen(work, dict(sorted(seen, key=lambda one: one[1])))
        return [None] * len(seen)

    def close(self) -> None:
        """Write what is waiting to be noted, then stop."""
        with self._seen_lock:
            waiting, self._seen = self._seen, None
        if waiting is not None:
            waiting.close()

    # --- signing up --------------------------------------------------------------------------------------------------

    def sign_up(
        self, guest: Actor, *, email: str, password: str, name: str = "", locale: str | None = None, network: str = ""
    ) -> None:
        """Ask for an account. The answer is the same for an address that is known; what to do is sent to the address.

        An account whose address was never confirmed takes the newer password: whoever can read the mail and knows
        the password confirms it. Refuses InvalidInput, PasswordTooWeak, SignInThrottled and TooBusy.
        """
        guest.require(Permission.PUBLIC_READ)
        address, shown_name = clean_email(email), clean_name(name)
        chosen_locale = clean_locale(locale or guest.locale)
        check_password(password, email=address)
        with self._works.change(guest) as work:
            store.count_attempt(work, self.credentials.mail_buckets(guest, email=address, network=network))
        password_hash = self.credentials.hasher.hash(password)
        with self._works.change(guest) as work:
            row = store.account_row(
                work,
                email=address,
                key=email_key(address),
                name=shown_name,
                locale=chosen_locale,
                password_hash=password_hash,
                confirmed=False,
            )
            if store.add_account(work, row):
                self._ask_to_confirm(work, AccountId(row["id"]))
                return
            known = store.account_by_email(work, email_key(address))
            # Erased in between: whoever signs up again gets the account then.
            stored = store.account_by_id(work, known.account.id, lock=True) if known is not None else None
            if stored is None or stored.account.state is AccountState.ERASED:
                return
            if stored.account.confirmed_at is not None or stored.account.state is AccountState.DISABLED:
                work.record(SignUpRepeated(guest.brand_id, stored.account.id))
                return
            store.update_account(
                work,
                stored.account.id,
                email=address,
                name=shown_name,
                locale=chosen_locale,
                password_hash=password_hash,
            )
            self._ask_to_confirm(work, stored.account.id)

    def _ask_to_confirm(self, work: Work, account_id: AccountId) -> None:
        token_id = store.issue_token(work, account_id, TokenPurpose.CONFIRMATION, self.settings.confirmation_lifetime)
        work.record(ConfirmationRequested(work.actor.brand_id, account_id, token_id))

    def confirm_email(
        self, guest: Actor, *, token: str, password: str, network: str = "", device: str = ""
    ) -> SignedIn:
        """Confirm a new account by the token that was sent and the password chosen, and sign in.

        Both are asked for: a token alone would open an account that a stranger made under somebody's address.
        Refuses TokenInvalid, SignInFailed, SignInThrottled and TooBusy.
        """
        guest.require(Permission.PUBLIC_READ)
        token_id = read_one_time_token(self.settings.identity_key, TokenPurpose.CONFIRMATION, token)
        with self._works.read(guest) as work:
            stored = store.token_account(work, token_id, TokenPurpose.CONFIRMATION)
        attempt = self.credentials.count_sign_in(guest, email=stored.account.email or "", network=network)
        self.credentials.compare(guest, stored, password, attempt)
        with self._works.change(guest) as work:
            store.forgive_attempt(work, attempt, clear=Throttle.SIGN_IN_ACCOUNT)
            self.credentials.lock_unchanged(work, stored)
            store.use_token(work, token_id, TokenPurpose.CONFIRMATION)
            self._confirm(work, stored)
            return session_store.open_session(work, self.settings, stored.account.id, device=device)

    def _confirm(self, work: Work, stored: StoredAccount) -> None:
        """Note that the address is its owner's; a new account becomes a consumer's with that."""
        if stored.account.confirmed_at is not None:
            return
        account_id = stored.account.id
        store.update_account(work, account_id, confirmed_at=work.now)
        work.record(AccountConfirmed(work.actor.brand_id, account_id))
        role_store.grant(work, account_id, Role.CONSUMER)

    # --- signing in --------------------------------------------------------------------------------------------------

    def sign_in(
        self,
        guest: Actor,
        *,
        email: str,
        password: str,
        network: str = "",
        device: str = "",
        replacing: str | None = None,
    ) -> SignedIn:
        """Open a session; the one of the token `replacing` ends, so that no session outlives a sign-in.

        Refuses SignInFailed, SignInThrottled and TooBusy.
        """
        guest.require(Permission.PUBLIC_READ)
        key = email_key(email.strip())
        attempt = self.credentials.count_sign_in(guest, email=key, network=network)
        with self._works.read(guest) as work:
            stored = store.account_by_email(work, key) if is_email(key) else None
        stored = self.credentials.compare(guest, stored if stored and stored.may_sign_in else None, password, attempt)
        fresh_hash = self.credentials.fresh_hash(stored, password)
        with self._works.change(guest) as work:
            store.forgive_attempt(work, attempt, clear=Throttle.SIGN_IN_ACCOUNT)
            self.credentials.lock_unchanged(work, stored)
            if fresh_hash is not None:
                store.update_account(work, stored.account.id, password_hash=fresh_hash)
            if replacing is not None:
                session_store.end_by_token(work, replacing)
            return session_store.open_session(work, self.settings, stored.account.id, device=device)

    # --- recovery and passwords --------------------------------------------------------------------------------------

    def request_recovery(self, guest: Actor, *, email: str, network: str = "") -> None:
        """Send a token for a new password, if the address is known; the answer is the same if it is not.

        Refuses InvalidInput for what is no address, and SignInThrottled.
        """
        guest.require(Permission.PUBLIC_READ)
        address = clean_email(email)
        # Counted in the same change, so that a known and an unknown address both cost one durable commit.
        buckets = self.credentials.mail_buckets(guest, email=address, network=network)
        with self._works.change(guest) as work:
            store.count_attempt(work, buckets)
            known = store.account_by_email(work, email_key(address))
            stored = store.account_by_id(work, known.account.id, lock=True) if known is not None else None
            if stored is None or stored.account.state is not AccountState.ACTIVE:
                return
            account_id = stored.account.id
            token_id = store.issue_token(work, account_id, TokenPurpose.RECOVERY, self.settings.recovery_lifetime)
            work.record(RecoveryRequested(guest.brand_id, account_id, token_id))

    def recover(self, guest: Actor, *, token: str, new_password: str, device: str = "") -> SignedIn:
        """Set a new password by the token that was sent, end every session and open a new one.

        Who has the token reads the address's mail, so the address counts as confirmed. Refuses TokenInvalid,
        PasswordTooWeak and TooBusy.
        """
        guest.require(Permission.PUBLIC_READ)
        token_id = read_one_time_token(self.settings.identity_key, TokenPurpose.RECOVERY, token)
        with self._works.read(guest) as work:
            stored = store.token_account(work, token_id, TokenPurpose.RECOVERY)
        email = stored.account.email or ""
        check_password(new_password, email=email)
        password_hash = self.credentials.hasher.hash(new_password)
        with self._works.change(guest) as work:
            key = self.settings.identity_key
            account_bucket = bucket(key, Throttle.SIGN_IN_ACCOUNT, guest.brand_id, email_key(email))
            store.forgive_attempt(work, Attempt((account_bucket,), work.now), clear=Throttle.SIGN_IN_ACCOUNT)
            locked = store.account_by_id(work, stored.account.id, lock=True)
            if locked is None or locked.account.state is not AccountState.ACTIVE:
                raise TokenInvalid
            store.use_token(work, token_id, TokenPurpose.RECOVERY)
            self._confirm(work, locked)
            self._set_password(work, locked.account.id, password_hash)
            return session_store.open_session(work, self.settings, locked.account.id, device=device)

    def change_password(
        self, actor: Actor, *, old_password: str, new_password: str, network: str = "", device: str = ""
    ) -> SignedIn:
        """Set another password, end every session and open a new one.

        Refuses InvalidInput for a wrong old password, PasswordTooWeak, SignInThrottled and TooBusy.
        """
        actor.require(Permission.ACCOUNT_OWN)
        with self._works.read(actor) as work:
            stored = store.account_by_id(work, actor.signed_in())
        email = stored.account.email or "" if stored is not None else ""
        check_password(new_password, email=email)
        attempt = self.credentials.count_sign_in(actor, email=email, network=network)
        try:
            stored = self.credentials.compare(actor, stored, old_password, attempt)
        except SignInFailed:
            raise InvalidInput("oldPassword", because("OLD_PASSWORD")) from None
        password_hash = self.credentials.hasher.hash(new_password)
        with self._works.change(actor) as work:
            store.forgive_attempt(work, attempt, clear=Throttle.SIGN_IN_ACCOUNT)
            self.credentials.lock_unchanged(work, stored)
            self._set_password(work, stored.account.id, password_hash)
            return session_store.open_session(work, self.settings, stored.account.id, device=device)

    @staticmethod
    def _set_password(work: Work, account_id: AccountId, password_hash: str) -> None:
        store.update_account(work, account_id, password_hash=password_hash)
        store.drop_tokens(work, account_id)
        session_store.end_all(work, account_id)
        work.record(PasswordChanged(work.actor.brand_id, account_id))

    # --- persons and staff -------------------------------------------------------------------------------------------

    def verify_person(
        self, actor: Actor, *, claim: PersonClaim, token: str | None = None
    ) -> tuple[PersonId, SignedIn | None]:
        """Bind the account to the person of an ID number; a second account of theirs gets the same person.

        The session of `token` goes on under a new token, as it may do more now. A number that cannot be one is refused
        before it counts as an attempt: it tells nobody whose a number is. Refuses InvalidInput without a name,
        IdNumberInvalid, TooYoung, AlreadyVerified (for another person) and SignInThrottled.
        """
        actor.require(Permission.ACCOUNT_OWN)
        account_id = actor.signed_in()
        key = self.settings.identity_key
        claim = replace(claim, name=read_person_name(claim.name))
        with self._works.read(actor) as work:
            today = work.now.astimezone(registry.own_brand(work).zone).date()
        read_id_number(claim.id_number, today=today, regions=REGIONS | INVENTED_REGIONS)
        with self._works.change(actor) as work:
            attempt = store.count_attempt(work, [bucket(key, Throttle.PERSON_ACCOUNT, actor.brand_id, account_id)])
        id_number = self._verifier.verify(claim, today=today)
        with self._works.change(actor) as work:
            store.forgive_attempt(work, attempt)
            stored = store.account_by_id(work, account_id, lock=True)
            if stored is None or stored.account.state is not AccountState.ACTIVE:
                raise NotSignedIn
            person_id = store.person_of_hash(work, person_hash(key, actor.brand_id, id_number))
            if stored.account.person_id not in (None, person_id):
                raise AlreadyVerified
            if stored.account.person_id is None:
                store.update_account(work, account_id, person_id=person_id)
                work.record(PersonVerified(actor.brand_id, account_id))
            return person_id, session_store.rotate(work, account_id, token) if token is not None else None


def _log_failure(noted: Future[None]) -> None:
    error = noted.exception()
    if error is not None:
        log.error("session_not_noted", error=type(error).__name__)
