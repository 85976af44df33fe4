"""Every table of this room."""

from demand.cubes.tables import cube_blocks, cube_cells, cube_offerings, cube_releases, demand_facts
from demand.pools.tables import early_bonuses, pool_changes, pools, pre_order_changes, pre_orders
from demand.votes.tables import held_votes, proposal_changes, proposals, votes

__all__ = [
    "cube_blocks",
    "cube_cells",
    "cube_offerings",
    "cube_releases",
    "demand_facts",
    "early_bonuses",
    "held_votes",
    "pool_changes",
    "pools",
    "pre_order_changes",
    "pre_orders",
    "proposal_changes",
    "proposals",
    "votes",
]
