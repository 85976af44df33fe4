"""Every table of this room."""

from demand.pools.tables import early_bonuses, pool_changes, pools, pre_order_changes, pre_orders

__all__ = ["early_bonuses", "pool_changes", "pools", "pre_order_changes", "pre_orders"]
