"""Proposals, the votes that only grow, and who holds one now: one verified person, one vote, by the primary key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Select, String, Table, select

from demand.backing.tables import backing_terms, commitments
from demand.votes.model import PROPOSAL_STATES
from kernel.db import Id, Instant, Serial, metadata
from kernel.immutable import append_only

proposals = Table(
    "proposals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("account_id", Id, nullable=False),
    Column("title", String(200), nullable=False),
    Column("text", String(4000), nullable=False),
    Column("locale", String(8), nullable=False),
    Column("submitted_at", Instant, nullable=False),
    Column("state", String(12), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("reason", String(400)),
    Column("merged_into", Id, ForeignKey("proposals.id")),
    CheckConstraint(f"state IN {PROPOSAL_STATES}", name="state_known"),
    CheckConstraint(
        "(state = 'merged') = (merged_into IS NOT NULL) AND (state = 'declined') = (reason IS NOT NULL)",
        name="state_complete",
    ),
    CheckConstraint("merged_into IS NULL OR merged_into <> id", name="merged_elsewhere"),
    Index("ix_proposals_brand_id_id", "brand_id", "id"),
)

proposal_changes = Table(
    "proposal_changes",
    metadata,
    Column("serial", Serial, primary_key=True, autoincrement=True),
    Column("proposal_id", Id, ForeignKey("proposals.id"), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("by", Id),
    Column("at", Instant, nullable=False),
)

# Every vote and every revocation is an entry of its own and is never changed. A merge moves votes: an entry each at the
# duplicate (moved) and at the proposal where they count from then on (taken_over).
votes = Table(
    "votes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("proposal_id", Id, ForeignKey("proposals.id"), nullable=False, index=True),
    Column("person_id", Id, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("quarter", String(7), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("kind IN ('cast', 'revoked', 'moved', 'taken_over')", name="kind_known"),
    Index("ix_votes_person_id", "person_id"),
)

# Who holds a vote now. The place within the quarter's budget is part of a key, so the budget holds under any race.
held_votes = Table(
    "held_votes",
    metadata,
    Column("proposal_id", Id, ForeignKey("proposals.id"), primary_key=True),
    Column("person_id", Id, primary_key=True),
    Column("brand_id", Id, ForeignKey("brands.id"), nullable=False),
    Column("quarter", String(7), nullable=False),
    Column("budget_place", Integer, nullable=False),
    Column("vote_id", Id, ForeignKey("votes.id"), nullable=False),
    CheckConstraint("budget_place >= 1", name="budget_place_counts"),
    Index("uq_held_votes_budget", "brand_id", "person_id", "quarter", "budget_place", unique=True),
)

for _table in (proposal_changes, votes):
    append_only(_table)


def select_proposals() -> Select[Any]:
    """Select what `demand.votes.rows.proposal_from` reads: proposals with their terms and commitments, if any."""
    joined = proposals.outerjoin(backing_terms, backing_terms.c.proposal_id == proposals.c.id).outerjoin(
        commitments, commitments.c.proposal_id == proposals.c.id
    )
    beside = (*backing_terms.c, *commitments.c)
    return select(proposals, *(column for column in beside if column.name != "proposal_id")).select_from(joined)
