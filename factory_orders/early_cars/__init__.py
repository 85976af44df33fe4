"""Free cars for buyers who wait for an equal one: found by a flow of least cost, taken only with the buyer's word."""
