"""Forecasts: how many will choose an option in the coming weeks, from released counts, and how well that went."""
