"""The chain that a proposal's votes and backings stand in."""


def chain_of(proposal_id: str) -> str:
    """Name a proposal's chain, which is also the scope of its pseudonyms."""
    return f"proposal:{proposal_id}"
