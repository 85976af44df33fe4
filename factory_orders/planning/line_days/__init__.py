"""A plant's line day by day: its order, what it does not keep, and how few moves mend it."""
