"""Cars that a store or a planner orders for a store's stock: light inventory's origin."""
