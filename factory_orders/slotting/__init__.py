"""Which day each order is built on: prices for every limit's day, a plan within them, how far it may be off."""
