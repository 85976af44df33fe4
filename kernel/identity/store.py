"""Accounts, persons, one-time tokens and counted attempts in storage, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from kernel import db
from kernel.identity import throttle
from kernel.identity.errors import SignInThrottled, TokenInvalid
from kernel.identity.model import Account, AccountState, TokenPurpose
from kernel.identity.tables import accounts, one_time_tokens, persons, throttles
from kernel.identity.throttle import LIMITS, Throttle
from kernel.identity.tokens import keyed_hash
from kernel.ids import AccountId, BrandId, PersonId
from kernel.work import Work

# --- accounts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account with its password hash, which leaves this package never."""

    account: Account
    password_hash: str | None = field(repr=False)

    @property
    def may_sign_in(self) -> bool:
        """Say whether a right password opens it."""
        return self.account.state is AccountState.ACTIVE and self.account.confirmed_at is not None


def account_by_email(work: Work, key: str) -> StoredAccount | None:
    """Return the account of the actor's brand under an address's key."""
    return _account(work, accounts.c.email_key == key, lock=False)


def account_by_id(work: Work, account_id: str, *, lock: bool = False) -> StoredAccount | None:
    """Return an account of the actor's brand; `lock` holds it until the change ends."""
    return _account(work, accounts.c.id == account_id, lock=lock)


def _account(work: Work, condition: Any, *, lock: bool) -> StoredAccount | None:
    found = select(accounts).where(condition, accounts.c.brand_id == work.actor.brand_id)
    row = work.connection.execute(found.with_for_update() if lock else found).first()
    if row is None:
        return None
    account = Account(
        id=AccountId(row.id),
        state=AccountState(row.state),
        email=row.email,
        name=row.name,
        locale=row.locale,
        person_id=PersonId(row.person_id) if row.person_id is not None else None,
        confirmed_at=row.confirmed_at,
        created_at=row.created_at,
    )
    return StoredAccount(account, row.password_hash)


def account_row(
    work: Work, *, email: str, key: str, name: str, locale: str, password_hash: str | None, confirmed: bool
) -> dict[str, Any]:
    """Return the row of a new account of the actor's brand."""
    return {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "email": email,
        "email_key": key,
        "name": name,
        "locale": locale,
        "password_hash": password_hash,
        "state": AccountState.ACTIVE.value,
        "person_id": None,
        "confirmed_at": work.now if confirmed else None,
        "created_at": work.now,
        "changed_at": work.now,
    }


def add_account(work: Work, row: dict[str, Any]) -> bool:
    """Write a new account unless its address is taken; of two at once one wins."""
    return bool(db.insert_new(work.connection, accounts, [row], returning="id"))


def update_account(work: Work, account_id: AccountId, **values: Any) -> None:
    """Write some columns of an account."""
    work.connection.execute(update(accounts).where(accounts.c.id == account_id).values(**values, changed_at=work.now))


# --- persons ---------------------------------------------------------------------------------------------------------


def person_of_hash(work: Work, identity_hash: str) -> PersonId:
    """Return the actor's brand's person behind a keyed hash; the first time the row is made. It stays locked."""
    row = {
        "id": work.new_id(),
        "brand_id": work.actor.brand_id,
        "identity_hash": identity_hash,
        "verified_at": work.now,
    }
    # A row that is there may be erased by another change before it is locked here; then it is made anew.
    for _ in range(3):
        db.insert_new(work.connection, persons, [row], returning="id")
        found = (
            select(persons.c.id)
            .where(persons.c.brand_id == work.actor.brand_id, persons.c.identity_hash == identity_hash)
            .with_for_update()
        )
        person_id = work.connection.execute(found).scalar_one_or_none()
        if person_id is not None:
            return PersonId(person_id)
    raise AssertionError("a person was erased three times while being verified")


def lock_person(work: Work, person_id: PersonId) -> None:
    """Hold a person until the change ends."""
    work.connection.execute(select(persons.c.id).where(persons.c.id == person_id).with_for_update())


def forget_person(work: Work, person_id: PersonId, *, leaving: AccountId) -> bool:
    """Delete a person's hash unless another account is theirs too; says whether they are forgotten."""
    lock_person(work, person_id)
    others = select(accounts.c.id).where(accounts.c.person_id == person_id, accounts.c.id != leaving).limit(1)
    if work.connection.execute(others).first() is not None:
        return False
    work.connection.execute(
        update(persons).where(persons.c.id == person_id).values(identity_hash=None, erased_at=work.now)
    )
    return True


# --- one-time tokens -------------------------------------------------------------------------------------------------


def issue_token(work: Work, account_id: AccountId, purpose: TokenPurpose, lifetime: timedelta) -> str:
    """Write the row of a one-time token and return its id; an earlier one of that purpose ends."""
    drop_tokens(work, account_id, purpose)
    token_id = work.new_id()
    work.connection.execute(
        one_time_tokens.insert().values(
            id=token_id,
            account_id=account_id,
            purpose=purpose.value,
            created_at=work.now,
            expires_at=work.now + lifetime,
        )
    )
    return token_id


def token_account(work: Work, token_id: str, purpose: TokenPurpose) -> StoredAccount:
    """Return the account of a token that can still be used; refuses TokenInvalid."""
    found = select(one_time_tokens.c.account_id).where(*_usable(work, token_id, purpose))
    account_id = work.connection.execute(found).scalar_one_or_none()
    stored = account_by_id(work, account_id) if account_id is not None else None
    if stored is None or stored.account.state is not AccountState.ACTIVE:
        raise TokenInvalid
    return stored


def use_token(work: Work, token_id: str, purpose: TokenPurpose) -> None:
    """Use a token up; refuses TokenInvalid if somebody was faster."""
    used = (
        update(one_time_tokens)
        .where(*_usable(work, token_id, purpose))
        .values(used_at=work.now)
        .returning(one_time_tokens.c.id)
    )
    if work.connection.execute(used).first() is None:
        raise TokenInvalid


def _usable(work: Work, token_id: str, purpose: TokenPurpose) -> tuple[Any, ...]:
    table = one_time_tokens.c
    return (
        table.id == token_id,
        table.purpose == purpose.value,
        table.used_at.is_(None),
        table.expires_at > work.now,
    )


def drop_tokens(work: Work, account_id: AccountId, *purposes: TokenPurpose) -> None:
    """End the unused tokens of an account, of some purposes or of all."""
    dropped = delete(one_time_tokens).where(
        one_time_tokens.c.account_id == account_id, one_time_tokens.c.used_at.is_(None)
    )
    if purposes:
        dropped = dropped.where(db.among(one_time_tokens.c.purpose, [purpose.value for purpose in purposes]))
    work.connection.execute(dropped)


# --- counted attempts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bucket:
    """One thing that is counted: the kind, and a keyed hash of whose it is."""

    kind: Throttle
    key: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted attempt, to be taken back when it turns out well."""

    buckets: tuple[Bucket, ...]
    at: datetime


def bucket(identity_key: bytes, kind: Throttle, brand_id: BrandId, subject: str) -> Bucket:
    """Name a bucket without showing whose it is."""
    return Bucket(kind, keyed_hash(identity_key, "throttle", kind.value, brand_id, subject))


def count_attempt(work: Work, buckets: Sequence[Bucket]) -> Attempt:
    """Count one attempt in every bucket, or refuse SignInThrottled and count none.

    The rows are locked in the order of their keys, so two processes never hear more attempts than one would.
    """
    counted = hold_attempts(work, buckets)
    wait = max(throttle.wait_seconds(counted[one], LIMITS[one.kind], work.now) for one in buckets)
    if wait > 0:
        raise SignInThrottled(wait)
    for one in buckets:
        _keep(work, one, throttle.with_attempt(counted[one], LIMITS[one.kind], work.now))
    return Attempt(tuple(buckets), work.now)


def forgive_attempt(work: Work, attempt: Attempt, *, clear: Throttle | None = None) -> None:
    """Take a counted attempt back; in the bucket of kind `clear` all earlier ones too."""
    for one, moments in hold_attempts(work, attempt.buckets).items():
        _keep(work, one, () if one.kind is clear else throttle.without_attempt(moments, attempt.at))


def hold_attempts(work: Work, buckets: Sequence[Bucket]) -> dict[Bucket, tuple[datetime, ...]]:
    """Return the attempts of each bucket and hold its row, which is made if it is not there.

    One statement does both: a row that was found may be swept or erased before a second one could lock it.
    """
    insert = sqlite.insert if db.is_sqlite(work.connection) else postgresql.insert
    rows = [{"key": one.key, "attempts": [], "changed_at": work.now} for one in buckets]
    held = insert(throttles).values(sorted(rows, key=lambda row: str(row["key"])))
    held = held.on_conflict_do_update(index_elements=["key"], set_={"changed_at": work.now})
    kept = {
        row.key: row.attempts for row in work.connection.execute(held.returning(throttles.c.key, throttles.c.attempts))
    }
    return {one: tuple(datetime.fromisoformat(text) for text in kept[one.key]) for one in buckets}


def _keep(work: Work, one: Bucket, moments: Sequence[datetime]) -> None:
    work.connection.execute(
        update(throttles)
        .where(throttles.c.key == one.key)
        .values(attempts=[moment.isoformat() for moment in moments], changed_at=work.now)
    )


def sweep(work: Work, *, rows_max: int) -> int:
    """Delete counted attempts and one-time tokens that are long past, at most `rows_max` of each; returns how many."""
    over = work.now - max(limit.window for limit in LIMITS.values())
    swept = 0
    for table, key, moment in (
        (throttles, throttles.c.key, throttles.c.changed_at),
        (one_time_tokens, one_time_tokens.c.id, one_time_tokens.c.expires_at),
    ):
        old = select(key).where(moment < over).limit(rows_max)
        # The moment is asked again: a row that was waited for may have been used in between.
        swept_now = delete(table).where(key.in_(old.scalar_subquery()), moment < over).returning(key)
        swept += len(work.connection.execute(swept_now).all())
    return swept
