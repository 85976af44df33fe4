"""Reads of proposals with their votes, many at a time; a proposal's vote count is public, who voted is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, func, or_, select, true

from demand.backing.tables import backings, commitments
from demand.cubes.model import round_count
from demand.cubes.policy import CubePolicy
from demand.votes.model import Proposal, proposal_state, quarter_of
from demand.votes.policy import VotePolicy
from demand.votes.rows import proposal_from
from demand.votes.tables import held_votes, proposals, select_proposals, votes
from kernel import db, policy, registry
from kernel.actor import Permission
from kernel.paging import Page, PageRequest, make_page
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class ShownFigures:
    """What is published of a proposal's backing: the lower bound and the backers, and of its order window how many
    backers ordered and how many did not. Nothing of fewer than k persons."""

    bound: int | None = None
    backers: int | None = None
    ordered: int | None = None
    lapsed: int | None = None


NO_FIGURES: Final = ShownFigures()


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal with the persons who hold a vote on it; those on a duplicate were moved to it by the merge."""

    proposal: Proposal
    state: str
    votes: int
    voted: bool
    figures: ShownFigures = NO_FIGURES


def list_proposals(
    work: Work, page: PageRequest, *, states: Sequence[str] = (), outcomes: Sequence[str] = ()
) -> Page[ProposalView]:
    """Return the brand's proposals, newest first; drafts only to their author and to planners.

    `outcomes` (pending, kept, broken) leaves only those that the maker has promised.
    """
    work.actor.require(Permission.PUBLIC_READ)
    found = (
        select_proposals()
        .where(proposals.c.brand_id == work.actor.brand_id, _visible(work))
        .order_by(proposals.c.id.desc())
        .limit(page.size + 1)
    )
    if states:
        found = found.where(db.among(proposals.c.state, states))
    if outcomes:
        found = found.where(db.among(commitments.c.outcome, outcomes))
    if page.after is not None:
        found = found.where(proposals.c.id < page.after)
    return make_page(
        _views(work, work.connection.execute(found).mappings().all()), page, lambda view: view.proposal.head.id
    )


def proposals_by_id(work: Work, proposal_ids: Sequence[str]) -> dict[str, ProposalView]:
    """Return proposals by id that the actor may see."""
    work.actor.require(Permission.PUBLIC_READ)
    found = select_proposals().where(
        proposals.c.brand_id == work.actor.brand_id, db.among(proposals.c.id, proposal_ids), _visible(work)
    )
    rows = work.connection.execute(found).mappings().all()
    return {view.proposal.head.id: view for view in _views(work, rows)}


def _visible(work: Work) -> ColumnElement[bool]:
    if work.actor.may(Permission.POOL_MANAGE) or work.actor.may(Permission.AUDIT_READ):
        return true()
    return or_(proposals.c.state != "draft", proposals.c.account_id == (work.actor.account_id or ""))


def _views(work: Work, rows: Sequence[RowMapping]) -> list[ProposalView]:
    wanted = [row["id"] for row in rows]
    counts = vote_counts(work, wanted)
    ended = _endings(work, [row["id"] for row in rows if row["state"] == "converted"])
    mine: set[str] = set()
    if work.actor.person_id is not None:
        own = select(held_votes.c.proposal_id).where(
            db.among(held_votes.c.proposal_id, wanted), held_votes.c.person_id == work.actor.person_id
        )
        mine = set(work.connection.execute(own).scalars())
    views = []
    for row in rows:
        proposal, proposal_id = proposal_from(row), row["id"]
        ordered, lapsed = ended.get(proposal_id, (None, None))
        figures = ShownFigures(row["shown_bound"], row["shown_backers"], ordered, lapsed)
        votes_given = counts.get(proposal_id, 0)
        views.append(ProposalView(proposal, proposal_state(proposal), votes_given, proposal_id in mine, figures))
    return views


def _endings(work: Work, proposal_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return how many backers ordered and how many did not, rounded, where both are k or more."""
    if not proposal_ids:
        return {}
    rules = policy.current(work).section(CubePolicy)
    table = backings.c
    found = (
        select(table.proposal_id, table.state, func.count())
        .where(db.among(table.proposal_id, proposal_ids), table.state.in_(("converted", "lapsed")))
        .group_by(table.proposal_id, table.state)
    )
    counts = {(proposal_id, state): int(count) for proposal_id, state, count in work.connection.execute(found)}
    shown = {}
    for proposal_id in proposal_ids:
        pair = counts.get((proposal_id, "converted"), 0), counts.get((proposal_id, "lapsed"), 0)
        if min(pair) >= rules.k:
            shown[proposal_id] = (round_count(pair[0], to=rules.rounding), round_count(pair[1], to=rules.rounding))
    return shown


def vote_counts(work: Work, proposal_ids: Sequence[str]) -> dict[str, int]:
    """Count the persons who hold a vote on each proposal; the key of held votes counts a person once."""
    table = held_votes.c
    found = (
        select(table.proposal_id, func.count().label("votes"))
        .where(table.brand_id == work.actor.brand_id, db.among(table.proposal_id, proposal_ids))
        .group_by(table.proposal_id)
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
