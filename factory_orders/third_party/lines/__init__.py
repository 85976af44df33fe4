"""Counts the lines."""
