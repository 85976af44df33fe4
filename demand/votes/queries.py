"""Reads of proposals with their votes, many at a time; a proposal's vote count is public, who voted is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, true

from demand.votes.model import Proposal, proposal_state, quarter_of
from demand.votes.policy import VotePolicy
from demand.votes.rows import proposal_from
from demand.votes.tables import held_votes, proposals, votes
from kernel import policy, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal with the persons who hold a vote on it or on one merged into it, each counted once."""

    proposal: Proposal
    state: str
    votes: int
    voted: bool


def list_proposals(work: Work, page: PageRequest, *, states: Sequence[str] = ()) -> Page[ProposalView]:
    """Return the brand's proposals, newest first; drafts only to their author and to planners."""
    work.actor.require(Permission.PUBLIC_READ)
    found = (
        select(proposals)
        .where(proposals.c.brand_id == work.actor.brand_id, _visible(work))
        .order_by(proposals.c.id.desc())
        .limit(page.size + 1)
    )
    if states:
        found = found.where(proposals.c.state.in_(list(states)))
    if page.after is not None:
        found = found.where(proposals.c.id < page.after)
    loaded = [proposal_from(row) for row in work.connection.execute(found).mappings()]
    return make_page(_views(work, loaded), page, lambda view: view.proposal.head.id)


def proposals_by_id(work: Work, proposal_ids: Sequence[str]) -> dict[str, ProposalView]:
    """Return proposals by id that the actor may see."""
    work.actor.require(Permission.PUBLIC_READ)
    found = select(proposals).where(
        proposals.c.brand_id == work.actor.brand_id, proposals.c.id.in_(set(proposal_ids)), _visible(work)
    )
    loaded = [proposal_from(row) for row in work.connection.execute(found).mappings()]
    return {view.proposal.head.id: view for view in _views(work, loaded)}


def _visible(work: Work) -> ColumnElement[bool]:
    if work.actor.may(Permission.POOL_MANAGE) or work.actor.may(Permission.AUDIT_READ):
        return true()
    return or_(proposals.c.state != "draft", proposals.c.account_id == (work.actor.account_id or ""))


def _views(work: Work, loaded: Sequence[Proposal]) -> list[ProposalView]:
    wanted = [proposal.head.id for proposal in loaded]
    counts = vote_counts(work, wanted)
    mine: set[str] = set()
    if work.actor.person_id is not None:
        own = select(held_votes.c.proposal_id).where(
            held_votes.c.proposal_id.in_(wanted), held_votes.c.person_id == work.actor.person_id
        )
        mine = set(work.connection.execute(own).scalars())
    return [ProposalView(one, proposal_state(one), counts.get(one.head.id, 0), one.head.id in mine) for one in loaded]


def vote_counts(work: Work, proposal_ids: Sequence[str]) -> dict[str, int]:
    """Count the persons who hold a vote on each proposal or on one merged into it; a person counts once."""
    joined = held_votes.join(proposals, proposals.c.id == held_votes.c.proposal_id)
    counted = func.coalesce(proposals.c.merged_into, proposals.c.id)
    found = (
        select(counted.label("proposal_id"), func.count(held_votes.c.person_id.distinct()).label("votes"))
        .select_from(joined)
        .where(proposals.c.brand_id == work.actor.brand_id, counted.in_(list(proposal_ids)))
        .group_by(counted)
    )
    return {row.proposal_id: int(row.votes) for row in work.connection.execute(found)}


@dataclass(frozen=True, slots=True)
class VoteBudget:
    """A person's votes of this quarter."""

    quarter: str
    votes: int
    left: int


def own_vote_budget(work: Work) -> VoteBudget:
    """Return how many votes the signed-in person has left this quarter."""
    work.actor.require(Permission.VOTE)
    quarter = quarter_of(work.now, registry.own_brand(work).zone)
    limit = policy.current(work).section(VotePolicy).votes_per_quarter
    found = select(func.count()).where(
        held_votes.c.brand_id == work.actor.brand_id,
        held_votes.c.person_id == (work.actor.person_id or ""),
        held_votes.c.quarter == quarter.name,
    )
    return VoteBudget(quarter.name, limit, max(0, limit - int(work.connection.execute(found).scalar_one())))


def export_votes(work: Work, *, account_id: str, person_id: str | None) -> dict[str, Any]:
    """Return everything kept about a person's proposals and votes, in JSON terms."""
    own = select(proposals).where(proposals.c.account_id == account_id, proposals.c.brand_id == work.actor.brand_id)
    cast = select(votes).where(votes.c.person_id == (person_id or "")).order_by(votes.c.at, votes.c.id)
    return {
        "proposals": [
            {"title": row["title"], "text": row["text"], "state": row["state"], "at": row["submitted_at"].isoformat()}
            for row in work.connection.execute(own.order_by(proposals.c.id)).mappings()
        ],
        "votes": [
            {"proposal_id": row["proposal_id"], "kind": row["kind"], "at": row["at"].isoformat()}
            for row in work.connection.execute(cast).mappings()
        ],
    }
