"""A pre-order together with the pool that it is in."""
