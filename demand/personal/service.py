"""What demand keeps of people: handed out and erased on request (DOMAIN section 4.11, kernel.personal)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from demand.backing.queries import export_backings, open_backing_state
from demand.circles.owners.store import export_owner, forget_owner
from demand.circles.store import export_circles, forget_in_circles
from demand.compare.queries import export_comparisons
from demand.compare.store import forget_participant
from demand.cubes.intake_store import forget_persons, lock_book
from demand.errors import BackingOpen, PreOrderOpen
from demand.pools.queries import export_pre_orders, open_pre_order_state
from demand.pools.tables import pre_orders
from demand.votes.queries import export_votes
from demand.votes.service import take_back_vote
from demand.votes.store import forget_author, lock_proposals, open_votes_of
from kernel.errors import Refusal
from kernel.identity.queries import has_another_account
from kernel.ids import AccountId
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class DemandData:
    """Pre-orders, proposals, votes and configurations of a person.

    Votes stay counted and pre-orders stay with the ledger, under ids that nobody can tell a person by any more: a
    proposal's author becomes nobody, facts get chance for a name. The record's salts go with the person, in identity.
    """

    name: ClassVar[str] = "demand"

    def export(self, work: Work, account_id: AccountId) -> Any:
        """Return what is kept, in JSON terms."""
        person_id = _person_of(work, account_id)
        return (
            {"preOrders": export_pre_orders(work, account_id)}
            | export_votes(work, account_id=account_id, person_id=person_id)
            | {"comparisons": export_comparisons(work, person_id), "backings": export_backings(work, account_id)}
            | {"circles": export_circles(work, account_id), "asOwner": export_owner(work, account_id)}
        )

    def blocks_erasure(self, work: Work, account_id: AccountId) -> Refusal | None:
        """Refuse while a pre-order is under way, or a backing holds money or waits for it."""
        state = open_pre_order_state(work, account_id)
        if state is not None:
            return PreOrderOpen(state)
        backed = open_backing_state(work, account_id)
        return None if backed is None else BackingOpen(backed)

    def erase(self, work: Work, account_id: AccountId) -> None:
        """Cut every thread from what stays to the person.

        Votes on proposals that still take votes are taken back with the last account, and answers to open comparisons
        count no more: whoever comes back is a new person here, and must not count twice.
        """
        # First, as the worker holds the book while it looks at everything else.
        lock_book(work)
        person_id = _person_of(work, account_id)
        if person_id is not None and not has_another_account(work, person_id, leaving=account_id):
            for proposal_id in _hold_open_votes(work, person_id):
                take_back_vote(work, proposal_id, person_id)
            forget_persons(work, [person_id])
            forget_participant(work, person_id)
        last = None if person_id is None or has_another_account(work, person_id, leaving=account_id) else person_id
        forget_in_circles(work, person_id=last, account_id=account_id)
        forget_owner(work, person_id=last, account_id=account_id)
        forget_persons(work, [account_id])
        forget_author(work, account_id)


def _hold_open_votes(work: Work, person_id: str) -> list[str]:
    """Lock the proposals that take votes and on which a person holds one; a merge may move votes meanwhile."""
    found = open_votes_of(work, person_id)
    while True:
        lock_proposals(work, *found)
        now = open_votes_of(work, person_id)
        if set(now) <= set(found):
            return now
        found = now


def _person_of(work: Work, account_id: AccountId) -> str | None:
    if work.actor.account_id == account_id and work.actor.person_id is not None:
        return work.actor.person_id
    found = select(pre_orders.c.person_id).where(
        pre_orders.c.account_id == account_id, pre_orders.c.brand_id == work.actor.brand_id
    )
    person_id: str | None = work.connection.execute(found.limit(1)).scalar()
    return person_id
