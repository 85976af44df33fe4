"""The numbers of circles that a brand may change."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import check_bounds
from kernel.policy import policy_section


@policy_section("circles")
@dataclass(frozen=True, slots=True)
class CirclePolicy:
    """How many circles somebody may found and be in, how long an invitation opens one, how often a maker writes,
    how much somebody asks owners."""

    founded_max: int = 3
    joined_max: int = 50
    invitation_days: int = 30
    invitation_uses: int = 20
    message_every_days: int = 7
    questions_a_day: int = 5

    def __post_init__(self) -> None:
        check_bounds(
            self,
            founded_max=(1, 1_000),
            joined_max=(1, 1_000),
            invitation_days=(1, 365),
            invitation_uses=(1, 1_000),
            message_every_days=(1, 365),
            questions_a_day=(1, 1_000),
        )
