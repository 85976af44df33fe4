"""The reads of demand, as others take them."""

from demand.cubes.queries import Cube, Release, newest_cube_release, take_rates
from demand.pools.queries import (
    LockedMember,
    PoolView,
    Step,
    list_pools,
    locked_members,
    member_accounts,
    own_pre_orders,
    pool_offer,
    pool_progress,
    pool_timelines,
    pools_by_id,
    pools_for_classes,
    pre_order_timelines,
    pre_orders_seen,
    view_of,
)
from demand.votes.queries import ProposalView, VoteBudget, list_proposals, own_vote_budget, proposals_by_id, vote_counts

__all__ = [
    "Cube",
    "LockedMember",
    "PoolView",
    "ProposalView",
    "Release",
    "Step",
    "VoteBudget",
    "list_pools",
    "list_proposals",
    "locked_members",
    "member_accounts",
    "newest_cube_release",
    "own_pre_orders",
    "own_vote_budget",
    "pool_offer",
    "pool_progress",
    "pool_timelines",
    "pools_by_id",
    "pools_for_classes",
    "pre_order_timelines",
    "pre_orders_seen",
    "proposals_by_id",
    "take_rates",
    "view_of",
    "vote_counts",
]
