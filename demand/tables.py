"""Every table of this room."""

from demand.backing.tables import backing_changes, backing_terms, backings, commitments, fulfilments, proposal_cars
from demand.compare.tables import (
    compared_items,
    comparison_answers,
    comparison_participants,
    comparisons,
    item_outcomes,
    market_segments,
    price_answers,
    take_draws,
)
from demand.cubes.tables import cube_blocks, cube_cells, cube_offerings, cube_releases, demand_facts
from demand.pools.tables import early_bonuses, pool_changes, pools, pre_order_changes, pre_orders
from demand.votes.tables import held_votes, proposal_changes, proposals, votes

__all__ = [
    "backing_changes",
    "backing_terms",
    "backings",
    "commitments",
    "compared_items",
    "comparison_answers",
    "comparison_participants",
    "comparisons",
    "cube_blocks",
    "cube_cells",
    "cube_offerings",
    "cube_releases",
    "demand_facts",
    "early_bonuses",
    "fulfilments",
    "held_votes",
    "item_outcomes",
    "market_segments",
    "pool_changes",
    "pools",
    "pre_order_changes",
    "pre_orders",
    "price_answers",
    "proposal_cars",
    "proposal_changes",
    "proposals",
    "take_draws",
    "votes",
]
