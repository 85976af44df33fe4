"""The numbers of votes that a brand may change."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("votes")
@dataclass(frozen=True, slots=True)
class VotePolicy:
    """DOMAIN section 6.2's defaults: votes that a person has in a quarter of the brand's zone."""

    votes_per_quarter: int = 10
    title_length_max: int = 80
    text_length_max: int = 2000

    def __post_init__(self) -> None:
        check_bounds(self, votes_per_quarter=(1, 1_000), title_length_max=(1, 200), text_length_max=(1, 4_000))
