"""Cars with a number: identity, newness, passport, allocation."""
