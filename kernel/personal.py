"""What is kept of a person: handed out on request, erased on request, and shown to others only under a pseudonym.

Every room that keeps something of people says so by a `PersonalData`; `muster` hands all of them in. Ledger rows stay
for the legal term: they hold ids, and after an erasure nothing tells whose those were.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, delete, select

from kernel import db
from kernel.actor import Permission
from kernel.db import Id, metadata
from kernel.errors import Refusal
from kernel.ids import AccountId, PersonId
from kernel.work import Work

SALT_BYTES: Final = 32
SCOPE_LENGTH_MAX: Final = 80

pseudonym_salts = Table(
    "pseudonym_salts",
    metadata,
    Column("person_id", Id, ForeignKey("persons.id"), primary_key=True),
    Column("scope", String(SCOPE_LENGTH_MAX), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)

# --- pseudonyms ------------------------------------------------------------------------------------------------------


def pseudonym(work: Work, person_id: PersonId, scope: str) -> str:
    """Return how a person appears in one scope (a pool, a proposal, an auction): 32 hex digits."""
    return pseudonyms(work, [person_id], scope)[person_id]


def pseudonyms(work: Work, person_ids: Sequence[PersonId], scope: str) -> Mapping[PersonId, str]:
    """Return pseudonyms of one scope, in two statements.

    Each comes from a random salt per person and scope, so two scopes cannot be joined, and once the salts are
    deleted nobody can tell or test whose pseudonym it was (DOMAIN section 4.11).
    """
    assert 0 < len(scope) <= SCOPE_LENGTH_MAX
    if not person_ids:
        return {}
    wanted = sorted(set(person_ids))
    found = select(pseudonym_salts.c.person_id, pseudonym_salts.c.salt).where(
        pseudonym_salts.c.scope == scope, pseudonym_salts.c.person_id.in_(wanted)
    )
    salts = {row.person_id: row.salt for row in work.connection.execute(found)}
    missing = [
        {"person_id": person_id, "scope": scope, "salt": secrets.token_bytes(SALT_BYTES)}
        for person_id in wanted
        if person_id not in salts
    ]
    if missing:
        db.insert_new(work.connection, pseudonym_salts, missing, returning="person_id")
        # Another change may have made one first: what is stored counts.
        salts = {row.person_id: row.salt for row in work.connection.execute(found)}
    return {
        person_id: hmac.digest(salts[person_id], f"{scope}|{person_id}".encode(), "sha256").hex()[:32]
        for person_id in wanted
    }


def forget_pseudonyms(work: Work, person_id: PersonId) -> None:
    """Delete a person's salts: what appears under their pseudonyms is nobody's from now on."""
    work.connection.execute(delete(pseudonym_salts).where(pseudonym_salts.c.person_id == person_id))


# --- export and erasure ----------------------------------------------------------------------------------------------


class PersonalData(Protocol):
    """What one room keeps of people. `blocks_erasure` answers with a refusal that says what has to end first."""

    @property
    def name(self) -> str: ...

    def export(self, work: Work, account_id: AccountId) -> Any: ...

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None: ...

    def erase(self, work: Work, account_id: AccountId) -> None: ...


@dataclass(unsafe_hash=True)
class ErasureBlocked(Refusal):
    """Something is still open between the brand and this person."""

    code = "ERASURE_BLOCKED"
    en = "Your account cannot be erased yet: {reason}"
    zh = "暂时无法注销账户：{reason_zh}"
    reason: str
    reason_zh: str


def export_own_data(work: Work, rooms: Sequence[PersonalData]) -> dict[str, Any]:
    """Return everything that is kept of the actor, by room, in JSON terms."""
    work.actor.require(Permission.ACCOUNT_OWN)
    account_id = work.actor.signed_in()
    return {
        "exportedAt": work.now.isoformat(),
        "brandId": work.actor.brand_id,
        "accountId": account_id,
        "data": {room.name: room.export(work, account_id) for room in rooms},
    }


def erase_own_account(work: Work, rooms: Sequence[PersonalData]) -> None:
    """Erase everything that tells who the actor is; every session ends.

    Refuses ErasureBlocked while any room has something open. The rooms erase in the reverse of their order: the
    account itself, the first one, goes last.
    """
    work.actor.require(Permission.ACCOUNT_OWN)
    account_id = work.actor.signed_in()
    for room in rooms:
        blocked = room.blocks_erasure(work, account_id)
        if blocked is not None:
            raise ErasureBlocked(blocked.text("en"), blocked.text("zh-CN"))
    for room in reversed(rooms):
        room.erase(work, account_id)
