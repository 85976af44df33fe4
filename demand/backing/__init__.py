"""Backing: refundable money behind a proposal, the maker's answer, and what became of the promise (DOMAIN 6.2)."""
