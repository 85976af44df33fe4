"""Loads and saves proposals and votes."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import delete, select, update

from demand.votes.model import (
    DeclinedProposal,
    DraftProposal,
    HeldVote,
    MergedProposal,
    NewVote,
    Proposal,
    ProposalHead,
    Quarter,
    proposal_state,
)
from demand.votes.rows import proposal_from
from demand.votes.tables import held_votes, proposal_changes, proposals, select_proposals, votes
from kernel import db
from kernel.errors import NotFound
from kernel.work import Work


def insert_proposal(work: Work, proposal: DraftProposal) -> None:
    """Write a new proposal."""
    head = proposal.head
    row = {name: getattr(head, name) for name in ProposalHead.__dataclass_fields__}
    work.connection.execute(proposals.insert().values(**row, state="draft", state_at=work.now))
    _note(work, proposal)


def save_proposal(work: Work, proposal: Proposal) -> None:
    """Save a proposal's new state."""
    work.connection.execute(
        update(proposals)
        .where(proposals.c.id == proposal.head.id)
        .values(
            state=proposal_state(proposal),
            state_at=work.now,
            reason=proposal.reason if isinstance(proposal, DeclinedProposal) else None,
            merged_into=proposal.into if isinstance(proposal, MergedProposal) else None,
        )
    )
    _note(work, proposal)


def repoint_merged(work: Work, *, old: str, new: str) -> None:
    """Let what was merged into a proposal count where that one is merged into now."""
    work.connection.execute(update(proposals).where(proposals.c.merged_into == old).values(merged_into=new))


def _note(work: Work, proposal: Proposal) -> None:
    row = {
        "proposal_id": proposal.head.id,
        "state": proposal_state(proposal),
        "by": work.actor.account_id,
        "at": work.now,
    }
    work.connection.execute(proposal_changes.insert().values(**row))


def lock_proposals(work: Work, *proposal_ids: str) -> list[Proposal]:
    """Lock proposals in the order of their ids and return them as asked; refuses NotFound for any missing."""
    by_id = {str(one.head.id): one for one in lock_known_proposals(work, proposal_ids)}
    if not by_id.keys() >= set(proposal_ids):
        raise NotFound("proposal")
    return [by_id[proposal_id] for proposal_id in proposal_ids]


def lock_known_proposals(work: Work, proposal_ids: Sequence[str]) -> list[Proposal]:
    """Lock those of these proposals that the brand has, in the order of their ids."""
    own = (db.among(proposals.c.id, proposal_ids), proposals.c.brand_id == work.actor.brand_id)
    work.connection.execute(select(proposals.c.id).where(*own).order_by(proposals.c.id).with_for_update()).all()
    # Read once the locks are held: a statement that waits for a lock sees what is joined to the row as it was before.
    rows = work.connection.execute(select_proposals().where(*own)).mappings()
    return [proposal_from(row) for row in rows]


def known_proposals(work: Work, proposal_ids: Sequence[str]) -> list[str]:
    """Return which of these are proposals of the brand, and beside them those whose promised option is on sale now."""
    named = db.among(proposals.c.id, proposal_ids) | (proposals.c.state == "in_catalogue")
    found = select(proposals.c.id).where(proposals.c.brand_id == work.actor.brand_id, named)
    return list(work.connection.execute(found.order_by(proposals.c.id)).scalars())


def merged_into(work: Work, proposal_ids: Sequence[str]) -> dict[str, str]:
    """Return where those of these proposals went that were merged into another."""
    table = proposals.c
    found = select(table.id, table.merged_into).where(
        table.brand_id == work.actor.brand_id, db.among(table.id, proposal_ids), table.merged_into.isnot(None)
    )
    return {row.id: row.merged_into for row in work.connection.execute(found)}


def budget_places_used(work: Work, person_ids: Sequence[str], quarter: Quarter) -> dict[str, set[int]]:
    """Return which of the quarter's votes each of these persons holds."""
    table = held_votes.c
    found = select(table.person_id, table.budget_place).where(
        table.brand_id == work.actor.brand_id, db.among(table.person_id, person_ids), table.quarter == quarter.name
    )
    used: dict[str, set[int]] = {person_id: set() for person_id in person_ids}
    for row in work.connection.execute(found):
        used[row.person_id].add(row.budget_place)
    return used


def held_by(work: Work, person_ids: Sequence[str], proposal_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return on which of these proposals which of these persons hold a vote."""
    table = held_votes.c
    found = select(table.proposal_id, table.person_id).where(
        db.among(table.proposal_id, proposal_ids), db.among(table.person_id, person_ids)
    )
    return {(row.proposal_id, row.person_id) for row in work.connection.execute(found)}


def append_votes(work: Work, new: Sequence[NewVote], *, kind: str) -> None:
    """Append votes, revocations, or both sides of a move to another proposal."""
    rows = [
        {
            "id": one.id,
            "proposal_id": one.proposal_id,
            "person_id": one.person_id,
            "kind": kind,
            "quarter": one.quarter,
            "at": work.now,
        }
        for one in new
    ]
    db.insert_many(work.connection, votes, rows)


def hold_votes(work: Work, new: Sequence[NewVote]) -> bool:
    """Note that people hold votes; false where somebody holds one there, or that place of the budget, since."""
    rows = [
        {
            "proposal_id": one.proposal_id,
            "person_id": one.person_id,
            "brand_id": work.actor.brand_id,
            "quarter": one.quarter,
            "budget_place": one.budget_place,
            "vote_id": one.id,
        }
        # Sorted, so that two changes never wait for each other in a circle.
        for one in sorted(new, key=lambda one: (one.proposal_id, one.person_id))
    ]
    return len(db.insert_new(work.connection, held_votes, rows, returning="vote_id")) == len(new)


def drop_vote(work: Work, proposal_id: str, person_id: str) -> str | None:
    """Take a held vote away and return the quarter it was given in; None where there is none."""
    table = held_votes.c
    gone = (
        delete(held_votes)
        .where(table.proposal_id == proposal_id, table.person_id == person_id)
        .returning(table.quarter)
    )
    quarter: str | None = work.connection.execute(gone).scalar()
    return quarter


def drop_votes(work: Work, proposal_id: str) -> list[HeldVote]:
    """Take every vote on a proposal away and return them, in the order of their holders."""
    table = held_votes.c
    gone = (
        delete(held_votes)
        .where(table.proposal_id == proposal_id)
        .returning(table.person_id, table.quarter, table.budget_place)
    )
    found = [HeldVote(row.person_id, row.quarter, row.budget_place) for row in work.connection.execute(gone)]
    return sorted(found, key=lambda one: one.person_id)


def open_votes_of(work: Work, person_id: str) -> list[str]:
    """Return the proposals that take votes and on which a person holds one, in the order of their ids."""
    found = (
        select(held_votes.c.proposal_id)
        .join(proposals, proposals.c.id == held_votes.c.proposal_id)
        .where(
            held_votes.c.person_id == person_id,
            held_votes.c.brand_id == work.actor.brand_id,
            proposals.c.state == "signal",
        )
        .order_by(held_votes.c.proposal_id)
    )
    return list(work.connection.execute(found).scalars())


def forget_author(work: Work, account_id: str) -> None:
    """Make an account's proposals nobody's: the texts are public and stay, drafts lose their words."""
    own = (proposals.c.account_id == account_id) & (proposals.c.brand_id == work.actor.brand_id)
    work.connection.execute(update(proposals).where(own, proposals.c.state == "draft").values(title="-", text=""))
    work.connection.execute(update(proposals).where(own).values(account_id=secrets.token_hex(16)))
