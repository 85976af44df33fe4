"""A plant's whole book in weeks: planned anew, with a bound and what one more unit is worth."""
