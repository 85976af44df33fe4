"""Comparing a password: the attempt is counted first and kept, then compared outside of any transaction."""

from __future__ import annotations

from kernel.actor import Actor
from kernel.errors import TooBusy
from kernel.identity import store
from kernel.identity.errors import SignInFailed
from kernel.identity.model import AccountState, IdentitySettings, email_key
from kernel.identity.passwords import Hasher
from kernel.identity.store import Attempt, Bucket, StoredAccount, bucket
from kernel.identity.throttle import Throttle, network_of
from kernel.work import Work, Works


class Credentials:
    """What sign-in, confirmation and invitations share; one per process, as its hasher bounds the work."""

    def __init__(self, works: Works, settings: IdentitySettings) -> None:
        self.works = works
        self.settings = settings
        self.hasher = Hasher(
            settings.password_cost, at_once=settings.hashing_at_once, queue_max=settings.hashing_queue_max
        )

    def count_sign_in(self, actor: Actor, *, email: str, network: str) -> Attempt:
        """Count an attempt on an address, known or not, from a network address; refuses SignInThrottled."""
        buckets = self._buckets(actor, (Throttle.SIGN_IN_ACCOUNT, Throttle.SIGN_IN_NETWORK), email, network)
        with self.works.change(actor) as work:
            return store.count_attempt(work, buckets)

    def mail_buckets(self, actor: Actor, *, email: str, network: str) -> list[Bucket]:
        """Return where a mail to an address, known or not, is counted, so that nobody is flooded."""
        return self._buckets(actor, (Throttle.MAIL_ACCOUNT, Throttle.MAIL_NETWORK), email, network)

    def _buckets(self, actor: Actor, kinds: tuple[Throttle, Throttle], email: str, network: str) -> list[Bucket]:
        subjects = (email_key(email.strip()), network_of(network))
        return [
            bucket(self.settings.identity_key, kind, actor.brand_id, subject)
            for kind, subject in zip(kinds, subjects, strict=True)
        ]

    def compare(self, actor: Actor, stored: StoredAccount | None, password: str, attempt: Attempt) -> StoredAccount:
        """Return the account if the password is its own; takes as long where there is none.

        Refuses SignInFailed, and TooBusy, which takes the attempt back as nothing was compared.
        """
        try:
            if stored is None or stored.password_hash is None:
                self.hasher.burn(password)
                raise SignInFailed
            if not self.hasher.matches(stored.password_hash, password):
                raise SignInFailed
        except TooBusy:
            with self.works.change(actor) as work:
                store.forgive_attempt(work, attempt)
            raise
        return stored

    def fresh_hash(self, stored: StoredAccount, password: str) -> str | None:
        """Return a hash with the present parameters where the stored one has others; a busy time puts it off."""
        if stored.password_hash is None or not self.hasher.is_outdated(stored.password_hash):
            return None
        try:
            return self.hasher.hash(password)
        except TooBusy:
            return None

    @staticmethod
    def lock_unchanged(work: Work, stored: StoredAccount) -> None:
        """Lock an account; refuses SignInFailed if its password or state is another than was compared."""
        locked = store.account_by_id(work, stored.account.id, lock=True)
        if (
            locked is None
            or locked.password_hash != stored.password_hash
            or locked.account.state is not AccountState.ACTIVE
        ):
            raise SignInFailed
