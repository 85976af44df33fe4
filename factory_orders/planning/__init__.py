"""Capacity, promises, orders, batches, weeks and the place on the line."""
