"""Pools: terms, pre-orders with money behind them, the freeze and the clearing (DOMAIN section 6.1)."""
