"""Votes: proposals of what should be built next, and the signal votes that people give them (DOMAIN section 6.2)."""
