"""A store closes: its buyers pick another one, at the same price."""
