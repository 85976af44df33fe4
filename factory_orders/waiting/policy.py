"""What waiting too long is worth, and how long an offer stands; from how many days on is the batches' number."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.bounds import DAYS_MAX, MINOR_MAX, check_bounds
from kernel.policy import policy_section


@policy_section("wait_offers")
@dataclass(frozen=True, slots=True)
class WaitOfferPolicy:
    """¥60 a day beyond the batches' `wait_days_max`, what the plan itself counts a day; at most 3 % of the price."""

    per_day_minor: int = 6_000
    most_bp: int = 300
    answer_days: int = 7

    def __post_init__(self) -> None:
        check_bounds(self, per_day_minor=(0, MINOR_MAX), most_bp=(0, 10_000), answer_days=(1, DAYS_MAX))
