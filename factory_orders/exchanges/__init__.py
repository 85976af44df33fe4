"""Identical cars change places between the orders of buyers: at once where nobody gives anything up, else on a word."""
