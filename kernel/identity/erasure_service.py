"""What identity itself keeps of a person: exported on request, and erased last of all."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select, update

from kernel import consent, db, record
from kernel.actor import Role
from kernel.errors import Refusal
from kernel.identity import role_store, session_store, store
from kernel.identity.errors import LastAdministrator
from kernel.identity.events import AccountErased
from kernel.identity.model import AccountState, IdentitySettings, email_key
from kernel.identity.store import Bucket, bucket
from kernel.identity.tables import accounts, invitations, one_time_tokens, persons, role_grants, throttles
from kernel.identity.throttle import Throttle
from kernel.ids import AccountId
from kernel.work import Work


class IdentityData:
    """Identity's part of `kernel.personal`; muster puts it first, so that it is erased last."""

    name = "identity"

    def __init__(self, settings: IdentitySettings) -> None:
        self._settings = settings

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return the account with its roles, sessions and consents; of the ID number nothing but a hash is kept."""
        stored = store.account_by_id(work, account_id)
        assert stored is not None, "the actor has an account"
        account = stored.account
        return {
            "email": account.email,
            "name": account.name,
            "locale": account.locale,
            "createdAt": account.created_at.isoformat(),
            "emailConfirmedAt": account.confirmed_at.isoformat() if account.confirmed_at else None,
            "personVerifiedAt": self._verified_at(work, account.person_id),
            "roles": self._roles(work, account_id),
            "sessions": [
                {
                    "device": session.device,
                    "createdAt": session.created_at.isoformat(),
                    "seenAt": session.seen_at.isoformat(),
                }
                for session in session_store.live_sessions(work, self._settings, account_id)
            ],
            "consents": [
                {
                    "purpose": entry.purpose.value,
                    "given": entry.given,
                    "textVersion": entry.text_version,
                    "at": entry.at.isoformat(),
                }
                for entry in consent.history(work, account_id)
            ],
        }

    @staticmethod
    def _verified_at(work: Work, person_id: str | None) -> str | None:
        found = select(persons.c.verified_at).where(persons.c.id == person_id)
        verified_at = work.connection.execute(found).scalar_one_or_none() if person_id is not None else None
        return verified_at.isoformat() if verified_at is not None else None

    @staticmethod
    def _roles(work: Work, account_id: AccountId) -> list[dict[str, Any]]:
        found = select(role_grants).where(role_grants.c.account_id == account_id).order_by(role_grants.c.id)
        return [
            {
                "role": row.role,
                "storeId": row.store_id,
                "grantedAt": row.granted_at.isoformat(),
                "revokedAt": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in work.connection.execute(found)
        ]

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Keep the last administrator, and hold the account with its person before any room looks at them.

        Whoever acts for them at the same moment comes before all of the erasure or after it, and so does an erasure of
        another account of the same person.
        """
        if role_store.has_role(work, account_id, Role.BRAND_ADMIN):
            try:
                role_store.keep_an_administrator(work, leaving=account_id)
            except LastAdministrator as refusal:
                return refusal
        self._hold(work, account_id)
        return None

    def _hold(self, work: Work, account_id: AccountId) -> None:
        """Lock in the order in which a sign-in and a verification do: counted attempts, the account, the person."""
        known = store.account_by_id(work, account_id)
        if known is not None:
            store.hold_attempts(work, self._buckets(work, account_id, email_key(known.account.email or "")))
        stored = store.account_by_id(work, account_id, lock=True)
        if stored is not None and stored.account.person_id is not None:
            store.lock_person(work, stored.account.person_id)

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Empty the account but for its id; forget the person unless another account of theirs is left.

        The consent log stays as the proof of what was agreed: it holds ids only.
        """
        known = store.account_by_id(work, account_id)
        self._forget_address(work, account_id, email_key(known.account.email or "") if known is not None else "")
        stored = store.account_by_id(work, account_id, lock=True)
        if stored is None or stored.account.state is AccountState.ERASED:
            return
        account = stored.account
        session_store.end_all(work, account_id)
        role_store.revoke_all(work, account_id)
        work.connection.execute(delete(one_time_tokens).where(one_time_tokens.c.account_id == account_id))
        if account.person_id is not None and store.forget_person(work, account.person_id, leaving=account_id):
            record.forget_person(work, account.person_id)
        work.connection.execute(
            update(accounts)
            .where(accounts.c.id == account_id)
            .values(
                email=None,
                email_key=None,
                name="",
                password_hash=None,
                person_id=None,
                state=AccountState.ERASED.value,
                changed_at=work.now,
                erased_at=work.now,
            )
        )
        work.record(AccountErased(work.actor.brand_id, account_id))

    def _forget_address(self, work: Work, account_id: AccountId, key: str) -> None:
        """Delete what was counted and asked under the address."""
        counted = [one.key for one in self._buckets(work, account_id, key)]
        work.connection.execute(delete(throttles).where(db.among(throttles.c.key, counted)))
        work.connection.execute(
            update(invitations)
            .where(invitations.c.brand_id == work.actor.brand_id, func.lower(invitations.c.email) == key)
            .values(email=None, revoked_at=work.now)
        )

    def _buckets(self, work: Work, account_id: AccountId, key: str) -> list[Bucket]:
        identity_key, brand_id = self._settings.identity_key, work.actor.brand_id
        return [
            bucket(identity_key, Throttle.SIGN_IN_ACCOUNT, brand_id, key),
            bucket(identity_key, Throttle.MAIL_ACCOUNT, brand_id, key),
            bucket(identity_key, Throttle.PERSON_ACCOUNT, brand_id, account_id),
        ]
