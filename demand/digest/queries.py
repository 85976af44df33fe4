"""Reads what a digest tells, from released cells, published bounds and public counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from demand.backing.model import BackingTerms
from demand.cubes.model import ALL_REGIONS, CubeName, PublishedCell
from demand.cubes.queries import CellFilter, newest_cube_release, released_cells
from demand.digest.model import (
    MISSES_BELOW,
    WEEK,
    CloseVote,
    Digest,
    PoolAtRisk,
    chance_to_reach,
    is_close,
    people_changes,
    rate_changes,
)
from demand.digest.policy import DigestPolicy
from demand.pools.queries import PoolView, list_pools
from demand.votes.model import BackingProposal
from demand.votes.queries import ProposalView, list_proposals
from kernel import policy, registry
from kernel.actor import Permission
from kernel.paging import PAGE_SIZE_MAX, Page, PageRequest
from kernel.work import Work

PAGES_MAX: Final = 20
VOTES_MAX: Final = 20
POOLS_MAX: Final = 20
DAY: Final = timedelta(days=1)


def planners_digest(work: Work) -> Digest:
    """Return what changed in the last week that is over, which vote is close and which pool will probably miss."""
    work.actor.require(Permission.DEMAND_READ)
    rules = policy.current(work).section(DigestPolicy)
    release = newest_cube_release(work)
    week = registry.week_of(registry.own_brand(work), work.now) - WEEK
    cells: list[PublishedCell] = []
    if release is not None:
        wanted = CellFilter(regions=(ALL_REGIONS,), first_week=week - WEEK, last_week=week)
        cells = released_cells(work, CubeName.TAKE_RATES, wanted)
    votes = sorted(_close_votes(work, rules), key=lambda one: (-one.bound / one.threshold, one.proposal_id))
    pools = sorted(_at_risk(work), key=lambda one: (one.chance, one.deadline, one.pool_id))
    return Digest(
        0 if release is None else release.number,
        week,
        rate_changes(cells, week, changes_max=rules.changes_max),
        people_changes(cells, week),
        tuple(votes[:VOTES_MAX]),
        tuple(pools[:POOLS_MAX]),
    )


def _close_votes(work: Work, rules: DigestPolicy) -> Iterator[CloseVote]:
    for view in _all_proposals(work):
        proposal = view.proposal
        if not isinstance(proposal, BackingProposal):
            continue
        terms: BackingTerms = proposal.terms
        bound, due_at = view.figures.bound or 0, proposal.trigger.answer_due_at if proposal.trigger else None
        if due_at is not None or is_close(bound, terms.threshold, percent=rules.close_percent):
            yield CloseVote(proposal.head.id, proposal.head.title, bound, terms.threshold, due_at)


def _at_risk(work: Work) -> Iterator[PoolAtRisk]:
    for view in _gathering_pools(work):
        head = view.head
        chance = chance_to_reach(
            joined=view.members,
            needed=view.needed,
            days_open=(work.now - head.opens_at) / DAY,
            days_left=(head.deadline - work.now) / DAY,
        )
        if chance < MISSES_BELOW:
            yield PoolAtRisk(head.id, head.class_key, view.members, view.needed, head.deadline, chance)


def _all_proposals(work: Work) -> Iterator[ProposalView]:
    after: str | None = None
    for _ in range(PAGES_MAX):
        page: Page[ProposalView] = list_proposals(work, PageRequest(PAGE_SIZE_MAX, after), states=("backing",))
        yield from page.items
        if not page.has_next:
            return
        after = page.items[-1].proposal.head.id


def _gathering_pools(work: Work) -> Iterator[PoolView]:
    after: str | None = None
    for _ in range(PAGES_MAX):
        page: Page[PoolView] = list_pools(work, PageRequest(PAGE_SIZE_MAX, after), states=("open", "frozen"))
        yield from page.items
        if not page.has_next:
            return
        after = page.items[-1].id
