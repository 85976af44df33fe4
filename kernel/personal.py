"""What is kept of a person: handed out on request, and erased on request.

Every room that keeps something of people says so by a `PersonalData`; `muster` hands all of them in. Ledger rows stay
for the legal term: they hold ids, and after an erasure nothing tells whose those were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kernel.actor import Permission
from kernel.errors import Refusal
from kernel.ids import AccountId
from kernel.work import Work


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
