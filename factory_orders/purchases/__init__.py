"""Buying a stock car: from the hold to an order."""
