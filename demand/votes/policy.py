"""The numbers of votes that a brand may change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VotePolicy:
    """DOMAIN section 6.2's defaults: votes that a person has in a quarter of the brand's zone."""

    votes_per_quarter: int = 10
    title_length_max: int = 80
    text_length_max: int = 2000

    def __post_init__(self) -> None:
        assert self.votes_per_quarter >= 1, "a person has at least one vote"
        assert 1 <= self.title_length_max <= 200, "a title has up to 200 characters"
        assert 1 <= self.text_length_max <= 4000, "a text has up to 4,000 characters"
