"""How an order ends before its car is begun."""
