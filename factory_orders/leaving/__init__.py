"""What every end of an order has in common once its car is begun."""
