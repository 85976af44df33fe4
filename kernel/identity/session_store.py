"""Sessions in storage: opened, found with their actor, rotated, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, select, update

from kernel.actor import MACHINE_LOCALE, Actor, Role
from kernel.identity.model import IdentitySettings, Session, SignedIn
from kernel.identity.tables import accounts, machine_keys, machines, role_grants, sessions
from kernel.identity.tokens import fingerprint, new_secret
from kernel.ids import AccountId, BrandId, PersonId, PlantId, StoreId
from kernel.work import Work

DEVICE_LENGTH_MAX: Final = 80

# One statement for all requests of a moment: the session, its account and a row per role.
_FIND_ACTORS: Final = (
    select(
        sessions.c.token_hash,
        accounts.c.id,
        accounts.c.person_id,
        accounts.c.locale,
        sessions.c.seen_at,
        role_grants.c.role,
        role_grants.c.store_id,
    )
    .select_from(
        sessions.join(accounts, accounts.c.id == sessions.c.account_id).outerjoin(
            role_grants, and_(role_grants.c.account_id == accounts.c.id, role_grants.c.revoked_at.is_(None))
        )
    )
    .where(
        sessions.c.token_hash.in_(bindparam("token_hashes", expanding=True)),
        sessions.c.expires_at > bindparam("now"),
        sessions.c.seen_at > bindparam("idle_since"),
        accounts.c.brand_id == bindparam("brand_id"),
        accounts.c.state == "active",
    )
)
_FIND_MACHINE: Final = (
    select(machines.c.id, machines.c.role, machines.c.plant_id)
    .join(machine_keys, machine_keys.c.machine_id == machines.c.id)
    .where(
        machine_keys.c.key_hash == bindparam("key_hash"),
        machine_keys.c.expires_at.is_(None) | (machine_keys.c.expires_at > bindparam("now")),
        machines.c.brand_id == bindparam("brand_id"),
        machines.c.revoked_at.is_(None),
    )
)


def open_session(work: Work, settings: IdentitySettings, account_id: AccountId, *, device: str) -> SignedIn:
    """Open a session and end the oldest ones beyond the number an account may have."""
    token = new_secret()
    expires_at = work.now + settings.session_absolute
    row = {
        "id": work.new_id(),
        "account_id": account_id,
        "token_hash": fingerprint(token),
        "device": "".join(letter for letter in device if letter.isprintable())[:DEVICE_LENGTH_MAX],
        "created_at": work.now,
        "seen_at": work.now,
        "expires_at": expires_at,
    }
    work.connection.execute(sessions.insert().values(**row))
    kept = (
        select(sessions.c.id)
        .where(sessions.c.account_id == account_id)
        .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
        .limit(settings.sessions_per_account_max)
    )
    work.connection.execute(
        delete(sessions).where(sessions.c.account_id == account_id, sessions.c.id.not_in(kept.scalar_subquery()))
    )
    return SignedIn(account_id, token, expires_at)


def find_actors(
    work: Work, settings: IdentitySettings, tokens: Sequence[str], brand_id: BrandId
) -> dict[str, tuple[Actor, datetime]]:
    """Return by token whose sessions they are, within one brand, and when each was last noted as seen."""
    hashes = {fingerprint(token): token for token in tokens}
    if not hashes:
        return {}
    found = work.connection.execute(
        _FIND_ACTORS,
        {
            "token_hashes": list(hashes),
            "now": work.now,
            "idle_since": work.now - settings.session_idle,
            "brand_id": brand_id,
        },
    )
    rows: dict[str, list[Any]] = {}
    for row in found:
        rows.setdefault(row.token_hash, []).append(row)
    return {hashes[one]: (_actor_from(own, brand_id), own[0].seen_at) for one, own in rows.items()}


def _actor_from(rows: Sequence[Any], brand_id: BrandId) -> Actor:
    """Make the actor of one session from its rows, one a role."""
    first = rows[0]
    stores = [StoreId(row.store_id) for row in rows if row.store_id is not None]
    return Actor(
        brand_id=brand_id,
        roles=frozenset(Role(row.role) for row in rows if row.role is not None) or frozenset({Role.GUEST}),
        account_id=AccountId(first.id),
        person_id=PersonId(first.person_id) if first.person_id is not None else None,
        store_id=stores[0] if stores else None,
        locale=first.locale,
    )


def find_machine(work: Work, key: str, brand_id: BrandId) -> Actor | None:
    """Return whose key this is, within one brand."""
    row = work.connection.execute(
        _FIND_MACHINE, {"key_hash": fingerprint(key), "now": work.now, "brand_id": brand_id}
    ).first()
    if row is None:
        return None
    plant_id = PlantId(row.plant_id) if row.plant_id is not None else None
    role = frozenset({Role(row.role)})
    return Actor(brand_id, role, account_id=AccountId(row.id), plant_id=plant_id, locale=MACHINE_LOCALE)


def note_seen(work: Work, seen: Mapping[str, datetime]) -> None:
    """Note when sessions, by the fingerprint of their token, were last used; never earlier than noted before."""
    values = [{"b_hash": token_hash, "b_seen": moment} for token_hash, moment in sorted(seen.items())]
    if values:
        work.connection.execute(
            update(sessions)
            .where(sessions.c.token_hash == bindparam("b_hash"), sessions.c.seen_at < bindparam("b_seen"))
            .values(seen_at=bindparam("b_seen")),
            values,
        )


def rotate(work: Work, account_id: AccountId, token: str) -> SignedIn | None:
    """Give a session another token; the old one ends at once. Returns nothing where the session is not there."""
    fresh = new_secret()
    row = work.connection.execute(
        update(sessions)
        .where(sessions.c.account_id == account_id, sessions.c.token_hash == fingerprint(token))
        .values(token_hash=fingerprint(fresh), seen_at=work.now)
        .returning(sessions.c.expires_at)
    ).first()
    return SignedIn(account_id, fresh, row.expires_at) if row is not None else None


def end_by_token(work: Work, token: str) -> None:
    """End the session of a token, whoever's it is: who holds the token may."""
    work.connection.execute(delete(sessions).where(sessions.c.token_hash == fingerprint(token)))


def end_by_id(work: Work, account_id: AccountId, session_id: str) -> bool:
    """End one session of an account; says whether it was there."""
    ended = work.connection.execute(
        delete(sessions)
        .where(sessions.c.account_id == account_id, sessions.c.id == session_id)
        .returning(sessions.c.id)
    )
    return ended.first() is not None


def end_all(work: Work, account_id: AccountId, *, but_token: str | None = None) -> int:
    """End every session of an account, but one if asked; returns how many."""
    ended = delete(sessions).where(sessions.c.account_id == account_id)
    if but_token is not None:
        ended = ended.where(sessions.c.token_hash != fingerprint(but_token))
    return len(work.connection.execute(ended.returning(sessions.c.id)).all())


def live_sessions(work: Work, settings: IdentitySettings, account_id: AccountId) -> list[Session]:
    """Return the sessions of an account that still work, newest first."""
    found = (
        select(sessions.c.id, sessions.c.device, sessions.c.created_at, sessions.c.seen_at, sessions.c.expires_at)
        .where(
            sessions.c.account_id == account_id,
            sessions.c.expires_at > work.now,
            sessions.c.seen_at > work.now - settings.session_idle,
        )
        .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
        .limit(settings.sessions_per_account_max)
    )
    return [Session(**row) for row in work.connection.execute(found).mappings()]


def sweep(work: Work, settings: IdentitySettings, *, rows_max: int) -> int:
    """Delete sessions that have ended by themselves, at most `rows_max` of them; returns how many."""
    over = (
        select(sessions.c.id)
        .where((sessions.c.expires_at <= work.now) | (sessions.c.seen_at <= work.now - settings.session_idle))
        .limit(rows_max)
    )
    return len(
        work.connection.execute(
            delete(sessions).where(sessions.c.id.in_(over.scalar_subquery())).returning(sessions.c.id)
        ).all()
    )
