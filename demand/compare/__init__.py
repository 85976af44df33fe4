"""Comparisons: best-worst studies of twelve proposals, a question of price, and what they release (DOMAIN 6.2)."""
